"""Queueing, running, refusing, stopping."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.simulator.talk import Talk

from .wire import Wire, node, picture, slow


def test_messages_come_in_order_and_the_history_is_there_at_the_end(server: Talk, wire: Wire) -> None:
    prompt_id = server.submit(picture(), client_id=wire.client_id)
    events = wire.finished(prompt_id)
    assert [event["type"] for event in events] == [
        "execution_start",
        "execution_cached",
        "progress_state",
        "executing",
        "progress_state",
        "progress_state",
        "executing",
        "executed",
        "progress_state",
        "execution_success",
        "executing",
    ]
    entry = server.get(f"/history/{prompt_id}").json()[prompt_id]
    executed = next(event for event in events if event["type"] == "executed")
    assert entry["outputs"] == {"2": executed["data"]["output"]}
    assert (entry["status"]["status_str"], entry["status"]["completed"]) == ("success", True)
    assert [name for name, _ in entry["status"]["messages"]] == [
        "execution_start",
        "execution_cached",
        "execution_success",
    ]
    assert entry["meta"]["2"]["node_id"] == "2"
    number, shown_id, prompt, extra, outputs = entry["prompt"]
    assert (shown_id, outputs) == (prompt_id, ["2"])
    assert extra["client_id"] == wire.client_id
    assert set(prompt) == {"1", "2"}
    assert isinstance(number, (int, float))


def test_the_same_graph_again_runs_nothing_and_shows_its_files(server: Talk, wire: Wire) -> None:
    graph = picture()
    first = wire.finished(server.submit(graph, client_id=wire.client_id))
    again = wire.finished(server.submit(graph, client_id=wire.client_id))
    assert [event["type"] for event in again] == [
        "execution_start",
        "execution_cached",
        "executed",
        "progress_state",
        "execution_success",
        "executing",
    ]
    assert sorted(again[1]["data"]["nodes"]) == ["1", "2"]
    files = [event["data"]["output"] for event in (*first, *again) if event["type"] == "executed"]
    assert files[0] == files[1]


def test_the_same_graph_under_other_ids_is_cached_too(server: Talk) -> None:
    graph = picture()
    done = server.entry(server.submit(graph))
    renamed = {"10": graph["1"], "20": {**graph["2"], "inputs": {**graph["2"]["inputs"], "images": ["10", 0]}}}
    again = server.entry(server.submit(renamed))
    assert again["outputs"]["20"] == done["outputs"]["2"]


def test_without_a_client_id_only_the_status_is_heard(server: Talk, wire: Wire) -> None:
    server.entry(server.submit(picture()))
    wire.until(lambda events: sum(event["type"] == "status" for event in events) >= 3)
    assert not any(event["type"].startswith("execut") for event in wire.events)


REFUSED: dict[str, tuple[Any, str, dict[str, str]]] = {
    "unknown class": ({"1": node("NoSuchNode"), "2": node("PreviewImage", images=["1", 0])}, "missing_node_type", {}),
    "no class": ({"1": {"inputs": {}}}, "missing_node_type", {}),
    "nothing": ({}, "prompt_no_outputs", {}),
    "no output": ({"1": picture()["1"]}, "prompt_no_outputs", {}),
    "input missing": (
        {**picture(), "2": node("SaveImage", filename_prefix="x")},
        "prompt_outputs_failed_validation",
        {"2": "required_input_missing"},
    ),
    "wrong type": (
        {"1": node("SolidMask", value=1.0, width=8, height=8), "2": node("PreviewImage", images=["1", 0])},
        "prompt_outputs_failed_validation",
        {"2": "return_type_mismatch"},
    ),
    "too small": (
        {**picture(), "1": node("EmptyImage", width=0, height=8, batch_size=1, color=0)},
        "prompt_outputs_failed_validation",
        {"1": "value_smaller_than_min"},
    ),
    "too large": (
        {**picture(), "1": node("EmptyImage", width=10**6, height=8, batch_size=1, color=0)},
        "prompt_outputs_failed_validation",
        {"1": "value_bigger_than_max"},
    ),
    "no number": (
        {**picture(), "1": node("EmptyImage", width="wide", height=8, batch_size=1, color=0)},
        "prompt_outputs_failed_validation",
        {"1": "invalid_input_type"},
    ),
    "no such choice": (
        {
            "1": picture()["1"],
            "2": node("ImageScale", image=["1", 0], upscale_method="magic", width=8, height=8, crop="disabled"),
            "3": node("PreviewImage", images=["2", 0]),
        },
        "prompt_outputs_failed_validation",
        {"2": "value_not_in_list"},
    ),
    "three-part link": (
        {**picture(), "2": node("PreviewImage", images=["1", 0, 0])},
        "prompt_outputs_failed_validation",
        {"2": "bad_linked_input"},
    ),
    "link to nothing": (
        {**picture(), "2": node("PreviewImage", images=["9", 0])},
        "prompt_outputs_failed_validation",
        {"2": "exception_during_validation"},
    ),
    "no such output": (
        {**picture(), "2": node("PreviewImage", images=["1", 7])},
        "prompt_outputs_failed_validation",
        {"2": "exception_during_validation"},
    ),
    "cycle": (
        {
            "1": node("ImageInvert", image=["2", 0]),
            "2": node("ImageInvert", image=["1", 0]),
            "3": node("PreviewImage", images=["1", 0]),
        },
        "prompt_outputs_failed_validation",
        {"1": "dependency_cycle", "2": "dependency_cycle"},
    ),
    "file that is not there": (
        {"1": node("LoadImage", image="comfygraph no such file.png"), "2": node("PreviewImage", images=["1", 0])},
        "prompt_outputs_failed_validation",
        {"1": "custom_validation_failed"},
    ),
}


@pytest.mark.parametrize("case", REFUSED, ids=[case.replace(" ", "-") for case in REFUSED])
def test_refusals(server: Talk, case: str) -> None:
    graph, error, nodes = REFUSED[case]
    answer = server.post("/prompt", json={"prompt": graph})
    assert answer.status_code == 400
    body = answer.json()
    assert set(body) == {"error", "node_errors"}
    assert body["error"]["type"] == error
    assert set(body["error"]) == {"type", "message", "details", "extra_info"}
    assert {key: found["errors"][0]["type"] for key, found in body["node_errors"].items()} == nodes
    for found in body["node_errors"].values():
        assert set(found) == {"errors", "dependent_outputs", "class_type"}


def test_a_prompt_is_taken_in_part(server: Talk) -> None:
    graph = {
        **picture(),
        "7": node("EmptyImage", width=0, height=8, batch_size=1, color=0),
        "8": node("PreviewImage", images=["7", 0]),
    }
    answer = server.post("/prompt", json={"prompt": graph})
    assert answer.status_code == 200
    assert answer.json()["node_errors"]["7"]["dependent_outputs"] == ["8"]
    done = server.entry(answer.json()["prompt_id"])
    assert list(done["outputs"]) == ["2"]


@pytest.mark.parametrize("body", ["{", "", '{"prompt": null}', '{"prompt": []}', '{"prompt": {"1": 5}}'])
def test_what_is_no_prompt_at_all_is_a_500(server: Talk, body: str) -> None:
    assert server.post("/prompt", data=body, headers={"Content-Type": "application/json"}).status_code == 500


def test_no_prompt(server: Talk) -> None:
    answer = server.post("/prompt", json={})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "no_prompt")


def test_values_are_coerced_and_shown_as_such(server: Talk) -> None:
    graph = {**picture(), "1": node("EmptyImage", width="64", height=32.9, batch_size=True, color=5)}
    shown = server.entry(server.submit(graph))["prompt"][2]["1"]["inputs"]
    assert (shown["width"], shown["height"], shown["batch_size"]) == (64, 32, 1)


def test_the_client_chooses_the_id(server: Talk) -> None:
    prompt_id = str(uuid.uuid4())
    assert server.submit(picture(), prompt_id=prompt_id) == prompt_id
    assert server.entry(prompt_id)


def test_an_id_that_is_no_uuid(server: Talk, strict_ids: bool) -> None:
    answer = server.post("/prompt", json={"prompt": picture(), "prompt_id": "mine"})
    if strict_ids:
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_prompt_id")
    else:
        assert answer.json()["prompt_id"] == "mine"


def test_only_some_outputs(server: Talk) -> None:
    graph = {**picture(), "3": node("PreviewImage", images=["1", 0])}
    assert list(server.entry(server.submit(graph, partial_execution_targets=["3"]))["outputs"]) == ["3"]
    answer = server.post("/prompt", json={"prompt": graph, "partial_execution_targets": ["1"]})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "prompt_no_outputs")


def test_a_node_that_fails(server: Talk, wire: Wire) -> None:
    name = server.upload("comfygraph-corrupt.png", b"this is no picture")
    graph = {"1": node("LoadImage", image=name), "2": node("PreviewImage", images=["1", 0])}
    prompt_id = server.submit(graph, client_id=wire.client_id)
    events = wire.finished(prompt_id)
    error = next(event["data"] for event in events if event["type"] == "execution_error")
    assert (error["node_id"], error["node_type"], error["executed"]) == ("1", "LoadImage", [])
    assert error["exception_message"].endswith("\n")
    assert isinstance(error["traceback"], list)
    assert "image" in error["current_inputs"]
    assert not any(event["type"] == "execution_success" for event in events)
    status = server.get(f"/history/{prompt_id}").json()[prompt_id]["status"]
    assert (status["status_str"], status["completed"], status["messages"][-1][0]) == ("error", False, "execution_error")


def test_interrupting_and_deleting(server: Talk, wire: Wire) -> None:
    running = server.submit(slow(), client_id=wire.client_id)
    waiting = server.submit(picture(), client_id=wire.client_id)
    after = server.submit(picture(), client_id=wire.client_id)
    wire.until(lambda events: any(e["type"] == "executing" and e["data"].get("prompt_id") == running for e in events))
    queue = server.get("/queue").json()
    assert running in [item[1] for item in queue["queue_running"]]
    assert {waiting, after} <= {item[1] for item in queue["queue_pending"]}
    # Deleting what waits is silent: no message, no history.
    assert server.post("/queue", json={"delete": [waiting, running]}).status_code == 200
    # An interrupt that names another prompt does nothing.
    assert server.post("/interrupt", json={"prompt_id": str(uuid.uuid4())}).status_code == 200
    assert server.post("/interrupt", json={"prompt_id": running}).status_code == 200
    events = wire.finished(running)
    assert [event["type"] for event in events if event["data"].get("prompt_id") == running][-2:] == [
        "execution_interrupted",
        "executing",
    ]
    status = server.get(f"/history/{running}").json()[running]["status"]
    assert (status["status_str"], status["messages"][-1][0]) == ("error", "execution_interrupted")
    wire.finished(after)
    assert server.get(f"/history/{waiting}").json() == {}
    assert not any(event["type"] != "binary" and event["data"].get("prompt_id") == waiting for event in wire.events)


def test_the_order_of_the_queue(server: Talk, wire: Wire) -> None:
    first = server.submit(slow(8), client_id=wire.client_id)
    plain = server.submit(picture(), client_id=wire.client_id)
    urgent = server.submit(picture(), client_id=wire.client_id, number=-5)
    front = server.submit(picture(), client_id=wire.client_id, front=True)
    late = server.submit(picture(), client_id=wire.client_id, number=1e12)
    for prompt_id in (first, plain, urgent, front, late):
        wire.finished(prompt_id)
    started = [event["data"]["prompt_id"] for event in wire.events if event["type"] == "execution_start"]
    assert started[0] == first
    assert started.index(urgent) < started.index(plain) < started.index(late)
    assert started.index(front) < started.index(plain)


def test_jobs(server: Talk) -> None:
    done = server.entry(server.submit(picture(), extra_data={"extra_pnginfo": {"workflow": {"id": "conformance"}}}))
    prompt_id = done["prompt"][1]
    job = server.get(f"/api/jobs/{prompt_id}").json()
    assert (job["id"], job["status"], job["outputs_count"]) == (prompt_id, "completed", 1)
    assert job["outputs"] == done["outputs"]
    assert job["preview_output"]["nodeId"] == "2"
    listed = server.get("/api/jobs?limit=1&workflow_id=conformance").json()
    assert listed["jobs"][0]["id"] == prompt_id
    assert set(listed["pagination"]) == {"offset", "limit", "total", "has_more"}
    assert server.get(f"/api/jobs/{uuid.uuid4()}").status_code == 404


def test_history_is_deleted_by_id(server: Talk) -> None:
    prompt_id = server.submit(picture())
    server.entry(prompt_id)
    assert server.post("/history", json={"delete": [prompt_id]}).status_code == 200
    assert server.get(f"/history/{prompt_id}").json() == {}


def test_account_keys_are_never_shown(server: Talk) -> None:
    done = server.entry(
        server.submit(picture(), extra_data={"api_key_comfy_org": "very secret", "auth_token_comfy_org": "hush"})
    )
    assert "secret" not in json.dumps(done)
    assert "hush" not in json.dumps(server.get(f"/api/jobs/{done['prompt'][1]}").json())
