"""The queue and the history of one simulated server. Thread-safe: the worker takes from it, requests look into it.

Order, history and races are the server's (execution.py ``PromptQueue``; traces prompt_options, delete_queued,
history_endpoints, two_queued).
"""

from __future__ import annotations

import copy
import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

MAX_HISTORY: Final = 10_000  # entries; the server's own limit


@dataclass(order=True)
class Item:
    """One accepted prompt.

    Attributes:
        number: its place: lower runs first.
        prompt_id: its id; breaks ties.
        prompt, extra_data, outputs: what to run, with what, and which output nodes.
        secrets: account keys: they go to the nodes and never into an answer.
    """

    number: float
    prompt_id: str
    prompt: dict[str, Any] = field(compare=False)
    extra_data: dict[str, Any] = field(compare=False)
    outputs: list[str] = field(compare=False)
    secrets: dict[str, Any] = field(compare=False, default_factory=dict[str, Any])

    def shown(self) -> list[Any]:
        """As ``GET /queue`` and ``GET /history`` show it."""
        return [self.number, self.prompt_id, self.prompt, self.extra_data, self.outputs]


class Queue:
    """What waits, what runs, what is done.

    Args:
        changed: called after every change, with the queue's lock held: it must not block.
        history_limit: entries kept; the oldest goes first.
    """

    def __init__(self, changed: Callable[[], None], history_limit: int = MAX_HISTORY) -> None:
        self._changed = changed
        self._history_limit = max(1, history_limit)
        self._lock = threading.RLock()
        self._filled = threading.Condition(self._lock)
        self._waiting: list[Item] = []
        self._running: dict[int, Item] = {}
        self._forgotten: set[str] = set()
        self._history: dict[str, dict[str, Any]] = {}
        self._flags: dict[str, bool] = {}
        self._counter = 0
        self._closed = False
        self.interrupted = threading.Event()

    # for requests

    def put(self, item: Item) -> None:
        """Queue a prompt."""
        with self._filled:
            heapq.heappush(self._waiting, item)
            self._changed()
            self._filled.notify()

    def remaining(self) -> int:
        """How many wait or run."""
        with self._lock:
            return len(self._waiting) + len(self._running)

    def snapshot(self) -> tuple[list[Item], list[Item]]:
        """(running, waiting in heap order)."""
        with self._lock:
            return list(self._running.values()), list(self._waiting)

    def clear(self) -> None:
        """Drop all that waits."""
        with self._lock:
            self._waiting = []
            self._changed()

    def delete(self, prompt_id: str) -> bool:
        """Drop one that waits. Neither history nor its client hears of it."""
        with self._lock:
            for index, item in enumerate(self._waiting):
                if item.prompt_id == prompt_id:
                    self._waiting.pop(index)
                    heapq.heapify(self._waiting)
                    self._changed()
                    return True
        return False

    def interrupt(self, prompt_id: str | None = None) -> bool:
        """Interrupt what runs, or only if it is this one. The mark is taken away when the next prompt starts."""
        with self._lock:
            if prompt_id is not None and all(item.prompt_id != prompt_id for item in self._running.values()):
                return False
            self.interrupted.set()
            return True

    def history(self, *, limit: int | None = None, offset: int = -1) -> dict[str, Any]:
        """The history, oldest first; the last `limit` entries, or as many from `offset`."""
        with self._lock:
            ids = list(self._history)
            if offset < 0 and limit is not None:
                offset = len(ids) - limit
            ids = ids[max(0, offset) :]
            if limit is not None:
                # One is handed out before the limit is looked at.
                ids = ids[: max(1, limit)]
            return {prompt_id: self._history[prompt_id] for prompt_id in ids}

    def entry(self, prompt_id: str) -> dict[str, Any] | None:
        """One entry of the history."""
        with self._lock:
            return self._history.get(prompt_id)

    def clear_history(self) -> None:
        """Drop the whole history."""
        with self._lock:
            self._history = {}

    def delete_entry(self, prompt_id: str) -> None:
        """Drop one entry."""
        with self._lock:
            self._history.pop(prompt_id, None)

    def forget(self, prompt_id: str) -> None:
        """Lose every trace of a job: see `Faults.forget`."""
        with self._lock:
            self._waiting = [item for item in self._waiting if item.prompt_id != prompt_id]
            heapq.heapify(self._waiting)
            self._history.pop(prompt_id, None)
            for key, item in list(self._running.items()):
                if item.prompt_id == prompt_id:
                    del self._running[key]
                    self._forgotten.add(prompt_id)
                    self.interrupted.set()

    def set_flag(self, name: str) -> None:
        """Ask the worker for something between two prompts."""
        with self._filled:
            self._flags[name] = True
            self._filled.notify()

    # for the worker

    def take(self) -> tuple[int, Item] | None:
        """Wait for the next prompt. None when there is something else to do: flags, or the end."""
        with self._filled:
            while not self._waiting and not self._flags and not self._closed:
                self._filled.wait()
            if self._closed or not self._waiting:
                return None
            item = heapq.heappop(self._waiting)
            key = self._counter
            self._counter += 1
            # What is shown is a copy: running a prompt writes into it.
            self._running[key] = Item(
                item.number, item.prompt_id, copy.deepcopy(item.prompt), item.extra_data, item.outputs, item.secrets
            )
            self._changed()
            return key, item

    def start(self) -> None:
        """The prompt that was taken starts: an interrupt before this moment is void, as on the server."""
        with self._lock:
            self.interrupted.clear()

    def finish(self, key: int, result: dict[str, Any], status: dict[str, Any]) -> None:
        """The prompt is done: from now on it is in the history."""
        with self._lock:
            item = self._running.pop(key, None)
            if item is not None:
                while len(self._history) >= self._history_limit:
                    self._history.pop(next(iter(self._history)))
                self._history[item.prompt_id] = {"prompt": item.shown(), "outputs": {}, "status": status, **result}
            self._changed()

    def is_forgotten(self, prompt_id: str) -> bool:
        """Whether this running job was lost in the meantime."""
        with self._lock:
            return prompt_id in self._forgotten

    def flags(self) -> dict[str, bool]:
        """Take what was asked for by `set_flag`."""
        with self._lock:
            flags, self._flags = self._flags, {}
            return flags

    def close(self) -> None:
        """Wake the worker for the last time."""
        with self._filled:
            self._closed = True
            self.interrupted.set()
            self._filled.notify_all()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed
