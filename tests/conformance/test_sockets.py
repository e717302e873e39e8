"""The WebSocket: who hears what, and pictures that come over it."""

from __future__ import annotations

import time

import pytest
import requests

from tests.simulator.talk import Talk

from .wire import Wire, picture, slow

FLAGS = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}


def test_the_first_message_is_the_status(wire: Wire) -> None:
    first = wire.events[0]
    assert first["type"] == "status"
    assert first["data"]["sid"] == wire.client_id
    assert isinstance(first["data"]["status"]["exec_info"]["queue_remaining"], int)


def test_feature_flags_are_answered_once_and_only_as_the_first_message(wire: Wire, url: str) -> None:
    wire.send(FLAGS)
    events = wire.until(lambda events: any(event["type"] == "feature_flags" for event in events))
    answer = next(event["data"] for event in events if event["type"] == "feature_flags")
    assert answer["supports_preview_metadata"] is True
    late = Wire(url, f"{wire.client_id}-late")
    try:
        late.send({"type": "hello"})
        late.send(FLAGS)
        time.sleep(0.2)
        assert not any(event["type"] == "feature_flags" for event in late.events)
    finally:
        late.close()


@pytest.mark.parametrize("flags", [False, True])
def test_pictures_come_over_the_socket(server: Talk, wire: Wire, flags: bool) -> None:
    if server.get("/object_info/SaveImageWebsocket").json() == {}:
        pytest.skip("this server has no SaveImageWebsocket")
    if flags:
        wire.send(FLAGS)
        wire.until(lambda events: any(event["type"] == "feature_flags" for event in events))
    prompt_id = server.submit(picture(batch=2, saver="SaveImageWebsocket"), client_id=wire.client_id)
    frames = [event for event in wire.finished(prompt_id) if event["type"] == "binary"]
    assert [frame["event"] for frame in frames] == [4 if flags else 1] * 2
    for frame in frames:
        assert frame["data"]["image"] == b"\x89PN"
        if flags:
            assert frame["data"]["metadata"]["node_id"] == "2"
            assert frame["data"]["metadata"]["prompt_id"] == prompt_id
            assert frame["data"]["metadata"]["image_type"] == "image/png"
        else:
            assert frame["data"]["second_u32"] == 2
    assert server.get(f"/history/{prompt_id}").json()[prompt_id]["outputs"] == {}


def test_only_the_newest_connection_of_a_client_hears_of_its_jobs(server: Talk, wire: Wire, url: str) -> None:
    newer = Wire(url, wire.client_id)
    try:
        prompt_id = server.submit(picture(), client_id=wire.client_id)
        newer.finished(prompt_id)
        assert not any(event["data"].get("prompt_id") for event in wire.events)
    finally:
        newer.close()


def test_who_comes_back_is_told_which_node_runs(server: Talk, wire: Wire, url: str) -> None:
    running = server.submit(slow(), client_id=wire.client_id)
    wire.until(lambda events: any(e["type"] == "executing" and e["data"].get("prompt_id") == running for e in events))
    wire.close()
    time.sleep(0.05)
    back = Wire(url, wire.client_id)
    try:
        back.until(lambda events: len(events) >= 2)
        assert back.events[1]["type"] == "executing"
        assert set(back.events[1]["data"]) == {"node"}
        server.post("/interrupt", json={"prompt_id": running})
        back.finished(running)
    finally:
        back.close()


def test_other_origins_are_refused(url: str) -> None:
    if "127.0.0.1" not in url and "localhost" not in url:
        pytest.skip("the check is made on loopback addresses only")
    headers = {"Origin": "http://evil.example"}
    assert requests.post(f"{url}/prompt", json={"prompt": {}}, headers=headers, timeout=5).status_code == 403
    assert requests.get(f"{url}/queue", headers={"Sec-Fetch-Site": "cross-site"}, timeout=5).status_code == 403
