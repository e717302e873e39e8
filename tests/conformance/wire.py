"""A WebSocket to the server under test, and graphs to send it."""

from __future__ import annotations

import itertools
import random
import time
from typing import Any

from tests.simulator.replay import Connection

PATIENCE = 30.0  # seconds: a real server imports lazily at its first prompt
_fresh = itertools.count(random.randrange(1 << 20))


class Wire:
    """A connection, and what comes over it."""

    def __init__(self, url: str, client_id: str) -> None:
        self.client_id = client_id
        scheme, rest = url.split("://", 1)
        self._connection = Connection(f"{'wss' if scheme == 'https' else 'ws'}://{rest}/ws?clientId={client_id}")
        self.until(lambda events: bool(events))

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def send(self, message: dict[str, Any]) -> None:
        """Send a JSON message."""
        import json

        self._connection.socket.send(json.dumps(message))

    @property
    def events(self) -> list[dict[str, Any]]:
        """All the JSON messages so far; binary ones as ``{"type": "binary", "event": 1, …}``."""
        shown: list[dict[str, Any]] = []
        for each in list(self._connection.messages):
            if each["kind"] == "ws":
                shown.append(each["message"])
            else:
                shown.append({"type": "binary", "event": each["event_type"], "data": each})
        return shown

    def until(self, done: Any) -> list[dict[str, Any]]:
        """Wait until `done(events)` holds; the events."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            events = self.events
            if done(events):
                return events
            time.sleep(0.002)
        raise TimeoutError(f"not seen within {PATIENCE} s; last messages: {self.events[-5:]}")

    def finished(self, prompt_id: str) -> list[dict[str, Any]]:
        """Wait for a prompt's last message; all of its messages, status messages left out."""
        self.until(lambda events: any(_is_last(event, prompt_id) for event in events))
        return [
            event for event in self.events if event["type"] == "binary" or event["data"].get("prompt_id") == prompt_id
        ]


def _is_last(event: dict[str, Any], prompt_id: str) -> bool:
    data = event["data"]
    return bool(event["type"] == "executing" and data.get("prompt_id") == prompt_id and data["node"] is None)


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """A node in API format."""
    return {"class_type": class_type, "inputs": inputs}


def colour() -> int:
    """A colour that no earlier prompt had: so that nothing is cached."""
    return next(_fresh) % 0xFFFFFF


def picture(*, batch: int = 1, prefix: str = "comfygraph-conformance", saver: str = "SaveImage") -> dict[str, Any]:
    """Two nodes that make a small picture and save it."""
    more = {"filename_prefix": prefix} if saver == "SaveImage" else {}
    return {
        "1": node("EmptyImage", width=64, height=32, batch_size=batch, color=colour()),
        "2": node(saver, images=["1", 0], **more),
    }


def slow(steps: int = 60) -> dict[str, Any]:
    """A graph that is busy for seconds, without a model, and can be interrupted between its nodes."""
    graph = {"0": node("EmptyImage", width=2048, height=2048, batch_size=2, color=colour())}
    for index in range(1, steps):
        size = 2048 - 8 * (index % 2)
        graph[str(index)] = node(
            "ImageScale", image=[str(index - 1), 0], upscale_method="lanczos", width=size, height=size, crop="disabled"
        )
    graph["end"] = node("PreviewImage", images=[str(steps - 1), 0])
    return graph
