"""Frames of ComfyUI's WebSocket, taken apart: text and binary in, typed messages out.

Nothing here trusts the server: a frame of a type that is not known is an `Unknown`, one that cannot be read is a
`Malformed` with the reason, and neither ever raises. The shapes are those of the recorded traces of releases 0.33.0 and
0.23.0; the text frame (binary type 3) was not recorded and follows ComfyUI's server.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

MAX_TEXT = 64 * 2**20
"""Longest text frame that is read, in bytes."""
MAX_BINARY = 512 * 2**20
"""Longest binary frame that is read, in bytes: one uncompressed 16k x 10k picture."""
MAX_METADATA = 2**20
"""Longest JSON head of a binary frame, in bytes."""


@dataclass(frozen=True)
class Status:
    """How many prompts the server has, waiting and running; to every socket. `sid` is there in the first one only."""

    queue_remaining: int | None
    sid: str | None = None


@dataclass(frozen=True)
class FeatureFlags:
    """What the server can do; its answer to ours."""

    flags: Mapping[str, Any]


@dataclass(frozen=True)
class ExecutionStart:
    """The prompt left the queue and runs."""

    prompt_id: str


@dataclass(frozen=True)
class ExecutionCached:
    """These nodes will not run: the server still has what they gave."""

    prompt_id: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Executing:
    """A node begins; with `node` None the prompt is over and in the history.

    A socket that opens while a prompt runs gets one of these without a `prompt_id`.
    """

    prompt_id: str | None
    node: str | None
    display_node: str | None = None


@dataclass(frozen=True)
class Step:
    """A node's own count: `value` of `max` steps."""

    prompt_id: str | None
    node: str | None
    value: float
    max: float


@dataclass(frozen=True)
class NodeState:
    """One node in a `ProgressState`. `display_node` is the node of the submitted graph that an expanded one belongs to."""

    node: str
    display_node: str
    state: str
    value: float
    max: float


@dataclass(frozen=True)
class ProgressState:
    """Where all nodes stand that have begun."""

    prompt_id: str
    nodes: tuple[NodeState, ...]


@dataclass(frozen=True)
class Executed:
    """What a node gave to show: file names, text, as the server sent it."""

    prompt_id: str
    node: str
    display_node: str
    output: Mapping[str, Any]


@dataclass(frozen=True)
class ExecutionSuccess:
    """All nodes are done. The history is written *after* this, so it is not the end (trace history_race_after_success)."""

    prompt_id: str


@dataclass(frozen=True)
class ExecutionFailed:
    """A node raised. The inputs that the server echoes are dropped here: they can hold secrets."""

    prompt_id: str
    node: str
    class_type: str
    exception_type: str
    exception_message: str
    traceback: tuple[str, ...]


@dataclass(frozen=True)
class ExecutionInterrupted:
    """The prompt was interrupted in this node."""

    prompt_id: str
    node: str
    class_type: str


@dataclass(frozen=True)
class Picture:
    """A picture from the socket: a preview of a sampler, or an output of SaveImageWebsocket.

    Binary type 1 names neither prompt nor node: they are None. `mime` is ``"image/jpeg"`` or ``"image/png"``.
    """

    mime: str
    data: bytes = field(repr=False)
    prompt_id: str | None = None
    node: str | None = None
    display_node: str | None = None


@dataclass(frozen=True)
class NodeText:
    """Text that a node sends while it runs (binary type 3)."""

    node: str
    text: str


@dataclass(frozen=True)
class Unknown:
    """A message of a type that this release of comfygraph does not know; custom nodes send their own."""

    type: str


@dataclass(frozen=True)
class Malformed:
    """A frame that could not be read, and why. It is ignored and counted."""

    reason: str


Message = (
    Status
    | FeatureFlags
    | ExecutionStart
    | ExecutionCached
    | Executing
    | Step
    | ProgressState
    | Executed
    | ExecutionSuccess
    | ExecutionFailed
    | ExecutionInterrupted
    | Picture
    | NodeText
    | Unknown
    | Malformed
)


class _Bad(Exception):
    """A field that is not what it has to be."""


def parse(frame: str | bytes) -> Message:
    """One frame as a message. Never raises.

    Args:
        frame: a text frame as `str`, a binary one as `bytes`.

    Example:
        >>> parse('{"type": "execution_start", "data": {"prompt_id": "p"}}')
        ExecutionStart(prompt_id='p')
        >>> parse("garbage")
        Malformed(reason='a text frame that is no JSON')
    """
    try:
        return _parse_text(frame) if isinstance(frame, str) else _parse_binary(frame)
    except _Bad as error:
        return Malformed(str(error))


def feature_flags() -> str:
    """The text that must be a socket's first message for previews to name their node (trace ws_misc)."""
    return json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})


def _parse_text(text: str) -> Message:
    if len(text) > MAX_TEXT:
        raise _Bad(f"a text frame of {len(text)} characters")
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise _Bad("a text frame that is no JSON") from None
    if not isinstance(value, dict):
        raise _Bad("a text frame that is no JSON object")
    record = cast("dict[str, Any]", value)
    kind: Any = record.get("type")
    if not isinstance(kind, str):
        raise _Bad("a message without a type")
    reader = _READERS.get(kind)
    if reader is None:
        return Unknown(kind[:100])
    data: Any = record.get("data")
    if not isinstance(data, dict):
        raise _Bad(f"a {kind} message without data")
    return reader(cast("dict[str, Any]", data))


def execution_failed(data: Mapping[str, Any]) -> ExecutionFailed:
    """The data of an ``execution_error``, from the socket or from the history's messages. May raise ValueError."""
    try:
        return _execution_failed(data)
    except _Bad as error:
        raise ValueError(str(error)) from None


def _text(data: Mapping[str, Any], key: str) -> str:
    value: Any = data.get(key)
    if not isinstance(value, str):
        raise _Bad(f"{key} is no text")
    return value


def _text_or_none(data: Mapping[str, Any], key: str) -> str | None:
    value: Any = data.get(key)
    if value is None or isinstance(value, str):
        return value
    # Custom nodes are known to send whole numbers as node ids.
    if isinstance(value, int):
        return str(value)
    raise _Bad(f"{key} is no text")


def _number(data: Mapping[str, Any], key: str) -> float:
    value: Any = data.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or abs(value) > 1e15:
        raise _Bad(f"{key} is no number")
    return float(value)


def _texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value: Any = data.get(key)
    if not isinstance(value, list):
        raise _Bad(f"{key} is no list")
    return tuple(str(item) for item in value)


def _status(data: Mapping[str, Any]) -> Message:
    status: Any = data.get("status")
    info: Any = cast("dict[str, Any]", status).get("exec_info") if isinstance(status, dict) else None
    remaining: Any = cast("dict[str, Any]", info).get("queue_remaining") if isinstance(info, dict) else None
    if isinstance(remaining, bool) or not isinstance(remaining, int):
        remaining = None
    return Status(remaining, _text_or_none(data, "sid"))


def _executing(data: Mapping[str, Any]) -> Message:
    return Executing(_text_or_none(data, "prompt_id"), _text_or_none(data, "node"), _text_or_none(data, "display_node"))


def _progress(data: Mapping[str, Any]) -> Message:
    return Step(
        _text_or_none(data, "prompt_id"), _text_or_none(data, "node"), _number(data, "value"), _number(data, "max")
    )


def _progress_state(data: Mapping[str, Any]) -> Message:
    nodes: Any = data.get("nodes")
    if not isinstance(nodes, dict):
        raise _Bad("nodes is no object")
    states: list[NodeState] = []
    for node, entry in cast("dict[str, Any]", nodes).items():
        if not isinstance(entry, dict):
            raise _Bad("a node's state is no object")
        record = cast("dict[str, Any]", entry)
        display = _text_or_none(record, "display_node_id") or node
        states.append(
            NodeState(node, display, _text(record, "state"), _number(record, "value"), _number(record, "max"))
        )
    return ProgressState(_text(data, "prompt_id"), tuple(states))


def _executed(data: Mapping[str, Any]) -> Message:
    output: Any = data.get("output")
    # A node with nothing to show answers null here.
    if output is not None and not isinstance(output, dict):
        raise _Bad("output is no object")
    node = _text(data, "node")
    shown: Mapping[str, Any] = cast("dict[str, Any]", output) if output is not None else {}
    return Executed(_text(data, "prompt_id"), node, _text_or_none(data, "display_node") or node, shown)


def _execution_failed(data: Mapping[str, Any]) -> ExecutionFailed:
    trace: Any = data.get("traceback")
    lines: tuple[str, ...] = tuple(str(line) for line in trace) if isinstance(trace, list) else ()
    return ExecutionFailed(
        _text(data, "prompt_id"),
        _text_or_none(data, "node_id") or "",
        _text_or_none(data, "node_type") or "",
        _text_or_none(data, "exception_type") or "",
        (_text_or_none(data, "exception_message") or "").strip(),
        lines,
    )


def _execution_interrupted(data: Mapping[str, Any]) -> Message:
    return ExecutionInterrupted(
        _text(data, "prompt_id"), _text_or_none(data, "node_id") or "", _text_or_none(data, "node_type") or ""
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Message]] = {
    "status": _status,
    "feature_flags": lambda data: FeatureFlags(data),
    "execution_start": lambda data: ExecutionStart(_text(data, "prompt_id")),
    "execution_cached": lambda data: ExecutionCached(_text(data, "prompt_id"), _texts(data, "nodes")),
    "executing": _executing,
    "progress": _progress,
    "progress_state": _progress_state,
    "executed": _executed,
    "execution_success": lambda data: ExecutionSuccess(_text(data, "prompt_id")),
    "execution_error": _execution_failed,
    "execution_interrupted": _execution_interrupted,
}


def _parse_binary(frame: bytes) -> Message:
    if len(frame) > MAX_BINARY:
        raise _Bad(f"a binary frame of {len(frame)} bytes")
    if len(frame) < 8:
        raise _Bad(f"a binary frame of {len(frame)} bytes")
    kind = int.from_bytes(frame[:4], "big")
    second = int.from_bytes(frame[4:8], "big")
    if kind == 1:
        return Picture(_mime(frame, 8, {1: "image/jpeg", 2: "image/png"}.get(second)), frame[8:])
    if kind in (3, 4):
        if second > MAX_METADATA or 8 + second > len(frame):
            raise _Bad("a binary frame that is shorter than its head says")
        head = frame[8 : 8 + second]
        return _node_text(head, frame[8 + second :]) if kind == 3 else _picture(head, frame, 8 + second)
    return Unknown(f"binary type {kind}")


def _node_text(head: bytes, body: bytes) -> Message:
    try:
        return NodeText(head.decode(), body.decode())
    except UnicodeDecodeError:
        raise _Bad("a text frame that is no UTF-8") from None


def _picture(head: bytes, frame: bytes, start: int) -> Message:
    try:
        value: Any = json.loads(head)
    except (ValueError, RecursionError):
        raise _Bad("a picture whose head is no JSON") from None
    if not isinstance(value, dict):
        raise _Bad("a picture whose head is no JSON object")
    data = cast("dict[str, Any]", value)
    node = _text_or_none(data, "node_id")
    return Picture(
        _mime(frame, start, _text_or_none(data, "image_type")),
        frame[start:],
        _text_or_none(data, "prompt_id"),
        node,
        _text_or_none(data, "display_node_id") or node,
    )


_SIGNATURES: tuple[tuple[bytes, str], ...] = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


def _mime(frame: bytes, start: int, said: str | None) -> str:
    """What the bytes are; what the server said they are where they tell nothing."""
    for signature, mime in _SIGNATURES:
        if frame.startswith(signature, start):
            return mime
    if said in ("image/png", "image/jpeg", "image/webp"):
        return said
    raise _Bad("a picture of no known format")
