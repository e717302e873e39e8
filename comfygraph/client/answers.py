"""The server's answers as small typed values: the queue, the history, what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ..errors import BadAnswer
from .exchange import Answer, check, decode, decode_object
from .outcome import Succeeded, of_history
from .protocol import QueueView


@dataclass(frozen=True)
class QueueEntry:
    """One prompt in the queue.

    Attributes:
        prompt_id: its id.
        number: its place: lower runs first.
        prompt: the API-format graph.
        client_id: who sent it, if it said.
        outputs: the output nodes that are to run.
    """

    prompt_id: str
    number: float
    prompt: Mapping[str, Any] = field(repr=False)
    client_id: str | None = None
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Queue:
    """The server's queue: what runs, and what waits, in the order it will run.

    Example:
        >>> queue = Queue((), ())
        >>> len(queue)
        0
    """

    running: tuple[QueueEntry, ...]
    pending: tuple[QueueEntry, ...]

    def __len__(self) -> int:
        return len(self.running) + len(self.pending)

    def __contains__(self, prompt_id: object) -> bool:
        return any(entry.prompt_id == prompt_id for entry in (*self.running, *self.pending))

    def __bool__(self) -> bool:
        return len(self) > 0

    @property
    def order(self) -> QueueView:
        """The ids alone."""
        return QueueView(tuple(e.prompt_id for e in self.running), tuple(e.prompt_id for e in self.pending))


@dataclass(frozen=True)
class HistoryEntry:
    """A prompt that is over.

    Attributes:
        prompt_id: its id.
        ok: it ran to its end.
        error: what `Job.wait()` would raise for it, None when it is ok.
        outputs: what each node gave to show, as the server sent it.
        prompt: the API-format graph as it ran.
        seconds: how long it ran, by the server's clock.
    """

    prompt_id: str
    ok: bool
    error: Exception | None
    outputs: Mapping[str, Mapping[str, Any]]
    prompt: Mapping[str, Any] = field(repr=False, default_factory=dict[str, Any])
    seconds: float | None = None


@dataclass(frozen=True)
class Device:
    """A device that the server computes on. Sizes in bytes."""

    name: str
    type: str
    vram_total: int
    vram_free: int


@dataclass(frozen=True)
class SystemStats:
    """What the server runs on: ``GET /system_stats``. Sizes in bytes; `raw` is the whole answer."""

    comfyui_version: str
    python_version: str
    os: str
    ram_total: int
    ram_free: int
    devices: tuple[Device, ...]
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Uploaded:
    """A file that is on the server now. ``str()`` of it is what a node's file input takes.

    Example:
        >>> str(Uploaded("fox.png", "photos", "input"))
        'photos/fox.png'
        >>> str(Uploaded("fox.png", "", "output"))
        'fox.png [output]'
    """

    name: str
    subfolder: str
    type: str

    def __str__(self) -> str:
        path = f"{self.subfolder}/{self.name}" if self.subfolder else self.name
        return path if self.type == "input" else f"{path} [{self.type}]"


def read_queue(answer: Answer) -> Queue:
    """``GET /queue``. The server gives what waits in heap order: it is sorted here."""
    record = decode_object(check(answer, "GET /queue"), "GET /queue")
    running = _entries(record.get("queue_running"))
    pending = sorted(_entries(record.get("queue_pending")), key=lambda entry: entry.number)
    return Queue(tuple(running), tuple(pending))


def read_history(answer: Answer, prompt_id: str) -> HistoryEntry | None:
    """``GET /history/{id}``; None when the prompt is not over, or not known."""
    value: Any = decode_object(check(answer, "GET /history"), "GET /history").get(prompt_id)
    if value is None:
        return None
    outcome = of_history(value, prompt_id, lambda node: (node, None))
    record = cast("Mapping[str, Any]", value)
    item: Any = record.get("prompt")
    prompt: Any = item[2] if isinstance(item, list) and len(item) > 2 else {}
    graph = cast("Mapping[str, Any]", prompt) if isinstance(prompt, Mapping) else {}
    if isinstance(outcome, Succeeded):
        return HistoryEntry(prompt_id, True, None, outcome.outputs, graph, outcome.seconds)
    outputs: Any = record.get("outputs")
    kept = cast("Mapping[str, Any]", outputs) if isinstance(outputs, Mapping) else {}
    return HistoryEntry(prompt_id, False, outcome.error, kept, graph)


def read_system_stats(answer: Answer) -> SystemStats:
    """``GET /system_stats``."""
    raw = decode_object(check(answer, "GET /system_stats"), "GET /system_stats")
    system = _object(raw.get("system"))
    devices: list[Device] = []
    listed: Any = raw.get("devices")
    for item in listed if isinstance(listed, list) else []:
        device = _object(item)
        devices.append(
            Device(
                str(device.get("name", "")),
                str(device.get("type", "")),
                _whole(device.get("vram_total")),
                _whole(device.get("vram_free")),
            )
        )
    return SystemStats(
        str(system.get("comfyui_version", "")),
        str(system.get("python_version", "")),
        str(system.get("os", "")),
        _whole(system.get("ram_total")),
        _whole(system.get("ram_free")),
        tuple(devices),
        raw,
    )


def read_uploaded(answer: Answer) -> Uploaded:
    """The answer to an upload."""
    record = decode_object(answer, "POST /upload/image")
    name, subfolder, kind = record.get("name"), record.get("subfolder", ""), record.get("type", "input")
    if not (isinstance(name, str) and name and isinstance(subfolder, str) and isinstance(kind, str)):
        raise BadAnswer("POST /upload/image: the answer names no file")
    return Uploaded(name, subfolder, kind)


def read_names(answer: Answer, what: str) -> tuple[str, ...]:
    """A list of names: ``GET /models/{folder}``."""
    value = decode(answer, what)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadAnswer(f"{what}: the answer is no list of names")
    return tuple(cast("list[str]", value))


def _entries(value: Any) -> list[QueueEntry]:
    if not isinstance(value, list):
        raise BadAnswer("GET /queue: the answer has no queue_running and queue_pending")
    entries: list[QueueEntry] = []
    for item in value:
        if not isinstance(item, list) or len(item) < 2:
            raise BadAnswer("GET /queue: an entry is no [number, id, prompt, …]")
        parts = item
        number: Any = parts[0]
        prompt: Any = parts[2] if len(parts) > 2 else {}
        extra = _object(parts[3]) if len(parts) > 3 else {}
        outputs: Any = parts[4] if len(parts) > 4 else []
        client_id: Any = extra.get("client_id")
        entries.append(
            QueueEntry(
                str(parts[1]),
                float(number) if isinstance(number, (int, float)) else 0.0,
                cast("Mapping[str, Any]", prompt) if isinstance(prompt, Mapping) else {},
                client_id if isinstance(client_id, str) else None,
                tuple(str(node) for node in outputs) if isinstance(outputs, list) else (),
            )
        )
    return entries


def _object(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) and value == value and abs(value) < 1e18 else 0
