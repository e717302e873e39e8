"""The client against a scripted server in memory: each way of failing, without a network."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from comfygraph import Client
from comfygraph.client import Job
from comfygraph.client.exchange import Answer, Failure, Reply, Request
from comfygraph.client.protocol import Timing
from comfygraph.errors import (
    BadAnswer,
    ComfyError,
    Interrupted,
    JobDeleted,
    JobLost,
    NotComfyUI,
    OutOfMemory,
    PartlyRefused,
    PromptRefused,
    ServerUnreachable,
    Unauthorised,
    WaitTimeout,
)
from tests.client.fake import BROKEN, REFUSED, SILENT, FakeServer, answer

GRAPH: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 5}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "fox"}},
}
QUICK = Timing(quiet=0.1, every=0.1, again=0.02, refused=0.2, silent=0.3, garbage=0.3, end_patience=0.3, deaf=0.3)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    with Client("gpu", transport=server, timing=QUICK, client_id="me") as client:
        yield client
    assert server.closed
    assert all(socket.closed for socket in server.sockets)


def submit(client: Client) -> Job:
    return client.submit(GRAPH, check=False, workflow=False)


def test_the_socket_is_open_before_the_prompt_is_posted(server: FakeServer, client: Client) -> None:
    job = submit(client)
    assert len(server.sockets) == 1
    assert json.loads(server.sockets[0].sent[0])["type"] == "feature_flags"
    assert server.prompts[0] == {"prompt": GRAPH, "prompt_id": job.prompt_id, "client_id": "me"}
    server.start(job.prompt_id)
    server.end(job.prompt_id)
    result = job.wait(timeout=5)
    assert [file.filename for file in result["2"].images] == ["fox.png"]
    assert job.status == "succeeded"


def test_options_of_a_prompt(server: FakeServer, client: Client) -> None:
    client.submit(
        GRAPH,
        check=False,
        priority=-3,
        front=True,
        targets="2",
        previews="auto",
        extra_data={"extra_pnginfo": {"a": 1}},
    )
    body = server.prompts[0]
    assert (body["number"], body["front"], body["partial_execution_targets"]) == (-3, True, ["2"])
    drawn = body["extra_data"]["extra_pnginfo"].pop("workflow")
    assert {node["type"] for node in drawn["nodes"]} == {"EmptyImage", "SaveImage"}
    assert body["extra_data"] == {"extra_pnginfo": {"a": 1}, "preview_method": "auto"}


def test_success_is_no_end_while_the_history_is_empty(server: FakeServer, client: Client) -> None:
    job = submit(client)
    server.start(job.prompt_id)
    server.tell("execution_success", prompt_id=job.prompt_id)
    with pytest.raises(WaitTimeout):
        job.wait(timeout=0.05)
    server.end(job.prompt_id)
    assert job.wait(timeout=5).images


def test_nothing_is_said_and_http_knows(server: FakeServer, client: Client) -> None:
    job = submit(client)
    server.start(job.prompt_id, announce=False)
    server.end(job.prompt_id, announce=False)
    assert job.wait(timeout=5).images


def test_no_socket_at_all(server: FakeServer, client: Client) -> None:
    server.socket_failure = Failure("broken", "403")
    job = submit(client)
    server.start(job.prompt_id)
    server.end(job.prompt_id)
    assert job.wait(timeout=5).images


def test_a_lost_socket_is_replaced_and_the_job_found(server: FakeServer, client: Client) -> None:
    job = submit(client)
    server.start(job.prompt_id)
    server.sockets[0].feed(None)
    server.end(job.prompt_id, announce=False)
    assert job.wait(timeout=5).images


def test_a_deaf_socket_is_replaced(server: FakeServer, client: Client) -> None:
    server.status = lambda: None  # type: ignore[method-assign]
    submit(client)
    deadline = time.monotonic() + 5
    while len(server.sockets) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(server.sockets) >= 2


@pytest.mark.parametrize("seen", ["pending", "running"])
def test_lost(server: FakeServer, client: Client, seen: str) -> None:
    job = submit(client)
    if seen == "running":
        server.start(job.prompt_id)
        time.sleep(0.05)
    server.pending.clear()
    server.running.clear()
    with pytest.raises(JobLost, match="looked twice"):
        job.wait(timeout=5)
    assert job.status == "lost"


def test_a_job_that_finishes_between_two_looks_is_not_lost(server: FakeServer, client: Client) -> None:
    """The queue is read before the job leaves it, the history before it is written; the second look finds it."""
    empties = iter([True, False])

    def script(request: Request) -> Reply | None:
        if request.path.startswith("/history/") and next(empties, False):
            return answer({})
        return None

    server.script = script
    job = submit(client)
    server.start(job.prompt_id, announce=False)
    server.end(job.prompt_id, announce=False)
    assert job.wait(timeout=5).images


def test_deleted(server: FakeServer, client: Client) -> None:
    job = submit(client)
    server.pending.clear()
    server.status()
    with pytest.raises(JobDeleted, match="never ran"):
        job.wait(timeout=5)


def test_interrupted_by_somebody(server: FakeServer, client: Client) -> None:
    job = submit(client)
    server.start(job.prompt_id)
    server.end(job.prompt_id, "execution_interrupted", {"node_id": "1", "node_type": "EmptyImage"})
    with pytest.raises(Interrupted, match="interrupted on the server in node 1"):
        job.wait(timeout=5)


def test_out_of_memory(server: FakeServer, client: Client) -> None:
    job = submit(client)
    server.start(job.prompt_id)
    data = {
        "node_id": "1",
        "node_type": "EmptyImage",
        "exception_type": "torch.OutOfMemoryError",
        "exception_message": "Tried to allocate 2 GiB\n",
        "traceback": ["line"],
        "current_inputs": {"api_key": ["sk-secret"]},
    }
    server.end(job.prompt_id, "execution_error", data)
    with pytest.raises(OutOfMemory, match="smaller size") as caught:
        job.wait(timeout=5)
    assert caught.value.traceback == ("line",)
    assert "sk-secret" not in str(caught.value) + repr(caught.value) + repr(vars(caught.value))


def test_cancel_takes_a_waiting_job_from_the_queue(server: FakeServer, client: Client) -> None:
    first, job = submit(client), submit(client)
    server.start(first.prompt_id)
    assert job.cancel(timeout=5) is True
    assert server.running == [first.prompt_id]
    assert "/interrupt" not in server.paths()
    with pytest.raises(JobDeleted, match="cancelled by this client"):
        job.wait(timeout=5)
    server.end(first.prompt_id)
    assert first.wait(timeout=5).images


def test_cancel_interrupts_a_running_job_by_its_id(server: FakeServer, client: Client) -> None:
    job = submit(client)
    server.start(job.prompt_id)
    assert job.cancel(timeout=5) is True
    sent = [json.loads(r.body or "{}") for r in server.requests if r.path == "/interrupt"]
    assert sent == [{"prompt_id": job.prompt_id}]
    with pytest.raises(Interrupted, match="cancelled by this client"):
        job.wait(timeout=5)
    assert job.cancel() is False


def test_cancel_of_a_node_that_does_not_notice(server: FakeServer, client: Client) -> None:
    job = submit(client)
    server.start(job.prompt_id)
    server.script = lambda request: answer("") if request.path == "/interrupt" else None
    with pytest.raises(WaitTimeout):
        job.cancel(timeout=0.3)


def test_a_lost_reply_is_looked_up_and_never_posted_again(server: FakeServer, client: Client) -> None:
    def script(request: Request) -> Reply | None:
        if request.path == "/prompt":
            server.ordinary(request)
            return BROKEN
        return None

    server.script = script
    job = submit(client)
    assert server.paths().count("/prompt") == 1
    server.start(job.prompt_id)
    server.end(job.prompt_id)
    assert job.wait(timeout=5).images


def test_a_lost_reply_of_a_job_that_is_over(server: FakeServer, client: Client) -> None:
    def script(request: Request) -> Reply | None:
        if request.path == "/prompt":
            server.ordinary(request)
            prompt_id = server.pending[0]
            server.start(prompt_id, announce=False)
            server.end(prompt_id, announce=False)
            return SILENT
        return None

    server.script = script
    assert submit(client).wait(timeout=5).images


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (REFUSED, ServerUnreachable, "connection refused"),
        (BROKEN, ServerUnreachable, "can be submitted again"),
        (Answer(502, {}, b""), BadAnswer, "502"),
        (Answer(401, {}, b""), Unauthorised, "401"),
        (Answer(403, {}, b""), Unauthorised, "403"),
        (Answer(407, {}, b""), Unauthorised, "proxy"),
        (Answer(302, {}, b""), BadAnswer, "redirects"),
        (Answer(404, {}, b""), BadAnswer, "404"),
        (Answer(200, {"content-type": "text/html"}, b"<html>login"), NotComfyUI, "login page"),
        (answer({"hello": 1}), NotComfyUI, "no prompt_id"),
        (answer({"prompt_id": "another"}), BadAnswer, "another id"),
        (Answer(200, {}, b"garbage"), BadAnswer, "no JSON"),
    ],
    ids=repr,
)
def test_submitting_fails(
    server: FakeServer, client: Client, reply: Reply, error: type[Exception], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comfygraph.client.flows.LOOK_UPS", (0.01, 0.01))
    server.script = lambda request: reply if request.path == "/prompt" else None
    with pytest.raises(error, match=says):
        submit(client)
    assert server.paths().count("/prompt") == 1


REFUSAL = {
    "error": {"type": "prompt_outputs_failed_validation", "message": "…", "details": "", "extra_info": {}},
    "node_errors": {
        "1": {
            "class_type": "EmptyImage",
            "dependent_outputs": ["2"],
            "errors": [
                {
                    "type": "value_smaller_than_min",
                    "message": "Value 0 smaller than min of 1",
                    "details": "width",
                    "extra_info": {"input_name": "width", "input_config": ["INT", {"min": 1}], "received_value": 0},
                },
                {
                    "type": "required_input_missing",
                    "message": "Required input is missing",
                    "details": "color",
                    "extra_info": {"input_name": "color"},
                },
            ],
        }
    },
}


def test_refused(server: FakeServer, client: Client) -> None:
    server.script = lambda request: answer(REFUSAL, 400) if request.path == "/prompt" else None
    with pytest.raises(PromptRefused) as caught:
        submit(client)
    found = [(p.code, p.node_id, p.class_type, p.input) for p in caught.value.problems]
    assert found == [
        ("value_smaller_than_min", "1", "EmptyImage", "width"),
        ("required_input_missing", "1", "EmptyImage", "color"),
    ]
    assert "the value of input width is smaller than 1" in str(caught.value)


def test_partly_refused_is_cancelled_and_raised(server: FakeServer, client: Client) -> None:
    server.node_errors = REFUSAL["node_errors"]
    with pytest.raises(PartlyRefused, match="what it took was cancelled") as caught:
        submit(client)
    assert len(caught.value.problems) == 2
    assert server.pending == []


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (REFUSED, ServerUnreachable),
        (SILENT, ServerUnreachable),
        (BROKEN, ServerUnreachable),
        (Answer(401, {}, b""), Unauthorised),
        (Answer(500, {}, b""), BadAnswer),
        (Answer(200, {}, b"garbage"), BadAnswer),
        (answer([]), BadAnswer),
        (Answer(200, {"content-type": "text/html"}, b"<html>"), NotComfyUI),
    ],
    ids=repr,
)
def test_a_server_that_stays_wrong_ends_the_wait(
    server: FakeServer, client: Client, reply: Reply, error: type[ComfyError]
) -> None:
    job = submit(client)
    server.script = lambda request: reply
    with pytest.raises(error):
        job.wait(timeout=5)


@pytest.mark.parametrize("reply", [REFUSED, SILENT, BROKEN, Answer(503, {}, b""), Answer(200, {}, b"x")], ids=repr)
def test_a_server_that_recovers_costs_nothing(server: FakeServer, client: Client, reply: Reply) -> None:
    job = submit(client)
    left = [2]

    def script(request: Request) -> Reply | None:
        left[0] -= 1
        return reply if left[0] >= 0 else None

    server.script = script
    server.start(job.prompt_id)
    server.end(job.prompt_id)
    assert job.wait(timeout=5).images


@pytest.mark.parametrize(
    "entry",
    [5, [], {"outputs": 5, "status": {}}, {"outputs": {"2": 5}, "status": {"status_str": "success"}}, {"outputs": {}}],
    ids=repr,
)
def test_a_history_that_is_none(server: FakeServer, client: Client, entry: Any) -> None:
    job = submit(client)
    server.start(job.prompt_id)
    server.end(job.prompt_id)
    server.history[job.prompt_id] = entry
    with pytest.raises(BadAnswer):
        job.wait(timeout=5)


def test_idle_and_total_limits(server: FakeServer, client: Client) -> None:
    job = submit(client)
    server.start(job.prompt_id)
    with pytest.raises(WaitTimeout) as total:
        job.wait(timeout=0.1)
    assert (total.value.kind, total.value.seconds) == ("total", 0.1)
    stop = threading.Event()

    def talk() -> None:
        value = 0
        while not stop.wait(0.05):
            value += 1
            server.tell("progress", value=value, max=100, prompt_id=job.prompt_id, node="1")

    thread = threading.Thread(target=talk)
    thread.start()
    # A socket that talks keeps the idle limit away; the total one holds.
    with pytest.raises(WaitTimeout) as talked:
        job.wait(timeout=0.6, idle_timeout=0.3)
    stop.set()
    thread.join()
    assert talked.value.kind == "total"
    with pytest.raises(WaitTimeout) as idle:
        job.wait(timeout=5, idle_timeout=0.3)
    assert idle.value.kind == "idle"


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), True])
def test_no_wait_without_a_bound(server: FakeServer, client: Client, seconds: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        submit(client).wait(timeout=seconds)


def test_events_end_with_what_happened(server: FakeServer, client: Client) -> None:
    job = submit(client)
    server.start(job.prompt_id)
    server.tell("executing", prompt_id=job.prompt_id, node="1", display_node="1")
    server.tell("progress", prompt_id=job.prompt_id, node="1", value=1, max=2)
    server.end(job.prompt_id, "execution_error", {"node_id": "1", "node_type": "EmptyImage", "exception_type": "E"})
    kinds: list[str] = []
    with pytest.raises(ComfyError, match="node 1"):
        kinds.extend(type(event).__name__ for event in job.events(timeout=5))
    assert kinds == ["Queued", "Started", "Cached", "NodeStarted", "Progress", "Finished"]
    # Who comes late hears it all again.
    with pytest.raises(ComfyError, match="node 1"):
        assert [type(event).__name__ for event in job.events(timeout=5)] == kinds


def test_closing_tells_who_waits(server: FakeServer) -> None:
    client = Client("gpu", transport=server, timing=QUICK)
    job = submit(client)
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            job.wait(timeout=10)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.05)
    client.close()
    thread.join(5)
    assert isinstance(caught[0], ServerUnreachable)
    with pytest.raises(ServerUnreachable, match="closed"):
        submit(client)


def test_attach_by_what_was_stored(server: FakeServer, client: Client) -> None:
    job = submit(client)
    stored = json.loads(json.dumps(job.to_dict()))
    with Client("gpu", transport=server, timing=QUICK) as other:
        taken_up = other.attach(stored)
        server.start(job.prompt_id)
        server.end(job.prompt_id)
        assert taken_up.wait(timeout=5)["2"].images
        assert other.attach(job.prompt_id).wait(timeout=5).images
        with pytest.raises(JobLost):
            other.attach("11111111-1111-4111-8111-111111111111").wait(timeout=5)
    server.closed = False
    with pytest.raises(ValueError, match="prompt id"):
        client.attach({})


def test_ctrl_c_cancels_and_says_so(
    server: FakeServer, client: Client, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(client)

    def interrupt(*_: Any, **__: Any) -> Any:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(type(client._engine), "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        job.wait(timeout=5)
    assert server.pending == []
    assert f"job {job.prompt_id}: cancelled" in capsys.readouterr().err


def test_ctrl_c_while_an_event_is_shown(server: FakeServer, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    job = submit(client)

    def show(event: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.watch(job, progress=show, timeout=5)
    assert server.pending == []
    assert capsys.readouterr().err.count(f"job {job.prompt_id}: cancelled") == 1


def test_ctrl_c_while_the_prompt_is_posted(server: FakeServer, client: Client) -> None:
    def script(request: Request) -> Reply | None:
        if (request.method, request.path) == ("POST", "/prompt"):
            server.ordinary(request)
            raise KeyboardInterrupt
        return None

    server.script = script
    with pytest.raises(KeyboardInterrupt):
        submit(client)
    assert len(server.prompts) == 1
    assert server.pending == []


def test_an_error_in_the_threads_ends_every_wait(
    server: FakeServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(client)

    def explode(*_: Any) -> Any:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(client._engine.board, "question", explode)
    with pytest.raises(BadAnswer, match="RuntimeError"):
        job.wait(timeout=5)


def test_a_socket_that_cannot_even_be_tried(
    server: FakeServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(client_id: str) -> Any:
        raise ModuleNotFoundError("No module named 'websocket'")

    monkeypatch.setattr(server, "connect", missing)
    job = submit(client)
    assert client._engine._attempts, "nobody waits for a thread that has ended"
    server.start(job.prompt_id)
    server.end(job.prompt_id)
    assert job.wait(timeout=5).prompt_id == job.prompt_id


def test_many_threads(server: FakeServer, client: Client) -> None:
    done: list[str] = []

    def one() -> None:
        job = submit(client)
        server.start(job.prompt_id)
        server.end(job.prompt_id)
        done.append(job.wait(timeout=20).prompt_id)

    threads = [threading.Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted(body["prompt_id"] for body in server.prompts)
    assert len(server.sockets) == 1
