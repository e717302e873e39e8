"""Frames of the socket: known ones are typed, unknown and malformed ones never raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfygraph.client import messages as m
from tests import traces
from tests.client.replay import binary

FRAMES: list[tuple[str, dict[str, Any]]] = [
    (release, event)
    for release in traces.RELEASES
    for scenario in traces.load(release).values()
    for event in scenario["events"]
    if event["kind"] in ("ws", "ws_binary")
]
PNG = b"\x89PNG\r\n\x1a\n"


def test_every_recorded_frame_is_understood() -> None:
    kinds: set[str] = set()
    for _, event in FRAMES:
        frame = json.dumps(event["message"]) if event["kind"] == "ws" else binary(event)
        message = m.parse(frame)
        assert not isinstance(message, (m.Unknown, m.Malformed)), event
        kinds.add(type(message).__name__)
    # Text frames (binary type 3) and connections without a prompt were not recorded.
    assert kinds >= {
        "Status",
        "Executing",
        "Step",
        "ProgressState",
        "Executed",
        "ExecutionFailed",
        "Picture",
        "FeatureFlags",
    }


MALFORMED: list[str | bytes] = [
    "",
    "garbage",
    "[]",
    "1",
    "null",
    "{}",
    '{"type": 5, "data": {}}',
    '{"type": "executing"}',
    '{"type": "executing", "data": []}',
    '{"type": "execution_start", "data": {}}',
    '{"type": "execution_start", "data": {"prompt_id": 5}}',
    '{"type": "execution_cached", "data": {"prompt_id": "p", "nodes": "1"}}',
    '{"type": "progress", "data": {"prompt_id": "p", "node": "1", "value": "1", "max": 2}}',
    '{"type": "progress", "data": {"prompt_id": "p", "node": "1", "value": NaN, "max": 2}}',
    '{"type": "progress", "data": {"prompt_id": "p", "node": "1", "value": 1e400, "max": 2}}',
    '{"type": "progress_state", "data": {"prompt_id": "p", "nodes": []}}',
    '{"type": "progress_state", "data": {"prompt_id": "p", "nodes": {"1": 5}}}',
    '{"type": "executed", "data": {"prompt_id": "p", "node": "1", "output": [1]}}',
    "[" * 100_000,
    b"",
    b"\0\0\0\1",
    (1).to_bytes(4, "big") + (9).to_bytes(4, "big") + b"not a picture",
    (3).to_bytes(4, "big") + (2**31).to_bytes(4, "big") + b"x",
    (3).to_bytes(4, "big") + (1).to_bytes(4, "big") + b"\xff\xff",
    (4).to_bytes(4, "big") + (2**32 - 1).to_bytes(4, "big") + b"{}" + PNG,
    (4).to_bytes(4, "big") + (2).to_bytes(4, "big") + b"[]" + PNG,
    (4).to_bytes(4, "big") + (3).to_bytes(4, "big") + b"{x}" + PNG,
]


@pytest.mark.parametrize("frame", MALFORMED, ids=lambda frame: repr(frame[:40]))
def test_malformed_frames_say_why(frame: str | bytes) -> None:
    message = m.parse(frame)
    assert isinstance(message, m.Malformed)
    assert message.reason


def test_unknown_types_are_told_as_such() -> None:
    assert m.parse('{"type": "crystools.monitor", "data": {"cpu": 1}}') == m.Unknown("crystools.monitor")
    assert m.parse((77).to_bytes(4, "big") + b"abcd") == m.Unknown("binary type 77")


def test_a_frame_beyond_the_limit_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(m, "MAX_TEXT", 10)
    monkeypatch.setattr(m, "MAX_BINARY", 10)
    assert isinstance(m.parse('{"type": "status"}'), m.Malformed)
    assert isinstance(m.parse(b"\0\0\0\1\0\0\0\2" + PNG), m.Malformed)


def test_inputs_that_the_server_echoes_are_dropped() -> None:
    data = {
        "prompt_id": "p",
        "node_id": 7,
        "node_type": "Upload",
        "exception_type": "RuntimeError",
        "exception_message": "no\n",
        "traceback": ["a", "b"],
        "current_inputs": {"key": ["sk-secret"]},
    }
    message = m.parse(json.dumps({"type": "execution_error", "data": data}))
    assert message == m.ExecutionFailed("p", "7", "Upload", "RuntimeError", "no", ("a", "b"))
    assert "sk-secret" not in repr(message)


def test_text_frame() -> None:
    frame = (3).to_bytes(4, "big") + (2).to_bytes(4, "big") + b"12" + "naïve".encode()
    assert m.parse(frame) == m.NodeText("12", "naïve")


def test_what_a_picture_is_is_told_by_its_bytes() -> None:
    frame = (1).to_bytes(4, "big") + (1).to_bytes(4, "big") + PNG + b"rest"
    message = m.parse(frame)
    assert isinstance(message, m.Picture)
    assert (message.mime, message.data, message.node) == ("image/png", PNG + b"rest", None)


@given(st.one_of(st.text(), st.binary(), st.binary(max_size=64).map(lambda tail: (4).to_bytes(4, "big") + tail)))
def test_nothing_raises(frame: str | bytes) -> None:
    m.parse(frame)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["prompt_id", "node", "nodes", "value", "max", "output", "display_node", "status", "state"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(m._READERS)), _json)
def test_no_data_of_a_known_type_raises(kind: str, data: Any) -> None:
    m.parse(json.dumps({"type": kind, "data": data}))
