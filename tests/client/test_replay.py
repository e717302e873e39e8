"""Every recorded scenario of both releases, replayed into the client's state machine, ends as its name says."""

from __future__ import annotations

from typing import Any

import pytest

from comfygraph.client import events as ev
from comfygraph.client.protocol import Timing
from comfygraph.errors import ExecutionError, Interrupted
from tests import traces
from tests.client.replay import Replay

OK, ERROR, STOPPED, DELETED, LOST = "Succeeded", "ExecutionError", "Interrupted", "JobDeleted", "JobLost"

# How the prompts that the server took end, in the order they were sent.
ENDS: dict[str, list[str]] = {
    "cached_rerun": [OK] * 5,
    "delete_queued": [STOPPED, DELETED, DELETED, DELETED],
    "history_endpoints": [OK] * 3,
    "history_race_after_success": [OK] * 20,
    "interrupt_by_prompt_id": [STOPPED, OK, OK],
    "interrupt_running": [STOPPED],
    "interrupt_while_queued_many": [STOPPED, OK],
    "list_outputs": [OK],
    "misc_endpoints": [OK],
    # The third sends its picture over a socket that nobody owns: it is nowhere.
    "no_client_id": [OK, OK, "DownloadError"],
    "preview_image": [OK],
    "prompt_options": [STOPPED] + [OK] * 13,
    "runtime_error_corrupt_image": [ERROR],
    "runtime_error_custom_raise": [ERROR],
    "runtime_error_node_raises": [ERROR],
    "sampler_no_previews": [OK],
    "sampler_previews_legacy": [OK],
    "sampler_previews_with_metadata": [OK],
    "save_image_websocket": [OK] * 3,
    "save_image_websocket_feature_flags": [OK],
    "server_sigkill_mid_run": [LOST],
    "server_sigterm_mid_run": [LOST],
    "subgraph_expansion": [OK],
    "success_save_image": [OK],
    "success_subfolder_prefix_batch": [OK],
    "two_queued": [OK, OK],
    # The history calls the second a success; its messages say that it failed.
    "undeclared_input_self_link": [OK, ERROR, OK],
    "upload_image_endpoints": [OK] * 5,
    "upload_raw_traversal": [],
    "view_endpoints": [],
    # The second kills the worker: it never ends, and the third is deleted by the recorder.
    "worker_killed_by_dangling_link_in_undeclared_input": [OK, "open", DELETED],
    "worker_killed_by_value_wrapped_link": [OK, "open", DELETED],
    "ws_misc": [],
    "ws_reconnect": [OK],
    "ws_same_client_id_twice": [OK] * 4,
}
# Where the releases differ, or many prompts of one scenario do: how many end in which way.
COUNTS: dict[str, dict[str, dict[str, int]]] = {
    "dynamic_inputs": {release: {OK: 11, ERROR: 8} for release in traces.RELEASES},
    "errors_prompt": {release: {OK: 4, ERROR: 2} for release in traces.RELEASES},
    "values_coercion": {release: {OK: 29, ERROR: 1} for release in traces.RELEASES},
    "prompt_id_client_supplied": {"0.33.0": {OK: 5}, "0.23.0": {OK: 10}},
    # 0.33.0 has a route that cancels; 0.23.0 answers 405 and runs the job.
    "jobs_endpoints": {"0.33.0": {STOPPED: 1, DELETED: 1, OK: 1}, "0.23.0": {STOPPED: 1, OK: 2}},
}
SCENARIOS = [(release, name) for release in traces.RELEASES for name in traces.load(release)]
# Without any socket, pictures that go over it are lost, and what was deleted a tenth of a second after it was sent was
# never seen in the queue: that it was deleted, and not lost, cannot be known.
WITHOUT_SOCKET: dict[tuple[str, str], list[str]] = {
    (release, name): ends
    for release in traces.RELEASES
    for name, ends in {
        "save_image_websocket": ["DownloadError"] * 3,
        "save_image_websocket_feature_flags": ["DownloadError"],
        "delete_queued": [STOPPED, LOST, LOST, LOST],
    }.items()
}
WITHOUT_SOCKET["0.33.0", "jobs_endpoints"] = [STOPPED, LOST, OK]


def expected(release: str, name: str) -> dict[str, int] | list[str]:
    return ENDS[name] if name in ENDS else COUNTS[name][release]


def ended(replay: Replay, like: dict[str, int] | list[str]) -> dict[str, int] | list[str]:
    names = replay.outcomes()
    return names if isinstance(like, list) else {name: names.count(name) for name in set(names)}


def test_every_scenario_is_named() -> None:
    assert {name for _, name in SCENARIOS} == set(ENDS) | set(COUNTS)
    assert not set(ENDS) & set(COUNTS)


@pytest.mark.parametrize(("release", "name"), SCENARIOS)
def test_ends_as_its_name_says(release: str, name: str) -> None:
    like = expected(release, name)
    assert ended(Replay(release, name).run(), like) == like


@pytest.mark.parametrize(("release", "name"), SCENARIOS)
def test_ends_alike_without_any_socket(release: str, name: str) -> None:
    like = WITHOUT_SOCKET.get((release, name)) or expected(release, name)
    assert ended(Replay(release, name, sockets=False).run(), like) == like


@pytest.mark.parametrize(("release", "name"), SCENARIOS)
def test_ends_alike_when_the_history_is_cleared_at_once(release: str, name: str) -> None:
    """The socket's record counts where it has no gap; where it has one the outcome is not known, and never a success."""
    like = expected(release, name)
    replay = Replay(release, name, histories=False).run()
    for job, outcome in zip(replay.jobs, replay.outcomes()):
        assert outcome != OK or not job._gap
    if name not in ("misc_endpoints", "no_client_id", "prompt_options", "ws_reconnect", "ws_same_client_id_twice"):
        assert ended(replay, like) == like


@pytest.mark.parametrize(("release", "name"), SCENARIOS)
def test_events_are_well_formed(release: str, name: str) -> None:
    replay = Replay(release, name).run()
    for job in replay.jobs:
        events = [event for machine, event in replay.told if machine is job]
        fractions = [event.fraction for event in events]
        assert fractions == sorted(fractions)
        assert all(0.0 <= fraction <= 1.0 for fraction in fractions)
        finished = [event for event in events if isinstance(event, ev.Finished)]
        assert len(finished) == (job.outcome is not None)
        if finished:
            assert events[-1] is finished[0]
            assert finished[0].ok == (type(job.outcome).__name__ == OK)
            assert (finished[0].fraction == 1.0) == finished[0].ok
        assert sum(isinstance(event, ev.Started) for event in events) <= 1
    assert replay.board.malformed == 0


@pytest.mark.parametrize("release", traces.RELEASES)
def test_a_killed_server_that_stays_away_is_unreachable(release: str) -> None:
    replay = Replay(release, "server_sigkill_mid_run", timing=Timing(refused=1.0)).run()
    assert replay.outcomes() == ["ServerUnreachable"]


@pytest.mark.parametrize("release", traces.RELEASES)
def test_error_names_node_class_and_message_and_no_inputs(release: str) -> None:
    job = Replay(release, "runtime_error_node_raises").run().jobs[0]
    error: Any = getattr(job.outcome, "error", None)
    assert isinstance(error, ExecutionError)
    assert (error.node_id, error.class_type, error.exception_type) == ("3", "LatentConcat", "RuntimeError")
    assert str(error).startswith("node 3 (LatentConcat) failed: RuntimeError: Sizes of tensors must match")
    assert error.traceback
    assert "samples" not in str(error)


@pytest.mark.parametrize("release", traces.RELEASES)
def test_interruption_names_the_node(release: str) -> None:
    job = Replay(release, "interrupt_running").run().jobs[0]
    error: Any = getattr(job.outcome, "error", None)
    assert isinstance(error, Interrupted)
    assert str(error) == "the job was interrupted on the server in node 3 (KSampler)"


@pytest.mark.parametrize("release", traces.RELEASES)
def test_expanded_nodes_belong_to_the_node_they_came_from(release: str) -> None:
    replay = Replay(release, "subgraph_expansion").run()
    starts = [event.node_id for _, event in replay.told if isinstance(event, ev.NodeStarted)]
    assert starts == ["5", "5", "5", "5", "2"]


@pytest.mark.parametrize("release", traces.RELEASES)
def test_socket_pictures_are_kept_and_previews_are_not(release: str) -> None:
    websocket = Replay(release, "save_image_websocket").run()
    counts = [len(getattr(job.outcome, "pictures", ())) for job in websocket.jobs]
    assert counts == [2, 1, 1]
    for name in ("sampler_previews_legacy", "sampler_previews_with_metadata"):
        replay = Replay(release, name).run()
        previews = [event for _, event in replay.told if isinstance(event, ev.Preview)]
        assert len(previews) == 3
        assert {(p.node_id, p.mime) for p in previews} == {("3", "image/jpeg")}
        assert getattr(replay.jobs[0].outcome, "pictures", None) == ()


def test_a_finished_job_costs_one_question() -> None:
    replay = Replay("0.33.0", "preview_image").run()
    assert replay.questions == 1
