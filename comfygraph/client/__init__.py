"""Running graphs on a ComfyUI server: `Client`, `AsyncClient`, and what they give.

Importing this loads neither requests nor websocket-client nor aiohttp: they come with the first connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import events
    from .aio import AsyncClient, AsyncFile, AsyncJob, AsyncResult
    from .answers import HistoryEntry, Queue, QueueEntry, SystemStats, Uploaded
    from .client import Client
    from .events import Event
    from .files import File
    from .job import Job
    from .prepare import PartnerNodeWarning
    from .protocol import Timing
    from .result import NodeResult, Result

__all__ = [
    "AsyncClient",
    "AsyncFile",
    "AsyncJob",
    "AsyncResult",
    "Client",
    "Event",
    "File",
    "HistoryEntry",
    "Job",
    "NodeResult",
    "PartnerNodeWarning",
    "Queue",
    "QueueEntry",
    "Result",
    "SystemStats",
    "Timing",
    "Uploaded",
    "events",
]

_WHERE = {
    "AsyncClient": "aio",
    "AsyncFile": "aio",
    "AsyncJob": "aio",
    "AsyncResult": "aio",
    "Client": "client",
    "Event": "events",
    "File": "files",
    "HistoryEntry": "answers",
    "Job": "job",
    "NodeResult": "result",
    "PartnerNodeWarning": "prepare",
    "Queue": "answers",
    "QueueEntry": "answers",
    "Result": "result",
    "SystemStats": "answers",
    "Timing": "protocol",
    "Uploaded": "answers",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name == "events":
        return importlib.import_module(".events", __name__)
    module = _WHERE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{module}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
