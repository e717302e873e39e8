"""One life of a simulated server: its state, from start to stop or crash. Routes read and change it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..catalogue import Catalogue
from .cache import MAX_ENTRIES, Cache
from .context import Function, WorkerKilled
from .definitions import Definitions
from .executor import Execution, Machine
from .faults import Faults
from .models import ModelFiles
from .nodes import Library
from .queue import MAX_HISTORY, Queue
from .release import Release
from .sockets import Sockets
from .store import Store


@dataclass(frozen=True)
class Setup:
    """What a simulator was made with; every life of it starts from the same."""

    release: Release
    catalogue: Catalogue
    models: ModelFiles
    latency: float
    faults: Faults
    functions: Mapping[str, Function] = field(default_factory=dict[str, Function])
    nodes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    hide: frozenset[str] = frozenset()
    history_limit: int = MAX_HISTORY
    cache_entries: int = MAX_ENTRIES


class Service:
    """A server's state.

    Args:
        setup: what it is to be.
        store: its folders.
        loop: the loop that serves it.
    """

    def __init__(self, setup: Setup, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self.release = setup.release
        self.models = setup.models
        self.store = store
        self.faults = setup.faults
        self.queue = Queue(self._changed, setup.history_limit)
        self.definitions = Definitions(setup.catalogue, setup.models, store, setup.nodes, setup.hide)
        self.library = Library(self.definitions, setup.functions)
        self.sockets = Sockets(loop, setup.faults, self.queue_info)
        self.machine = Machine(
            definitions=self.definitions,
            library=self.library,
            store=store,
            queue=self.queue,
            sockets=self.sockets,
            faults=setup.faults,
            step_seconds=setup.latency,
            cache=Cache(setup.cache_entries),
            memories={},
        )
        self.number = 0
        self._worker = threading.Thread(target=self._work, name="comfygraph-simulator-worker", daemon=True)

    def queue_info(self) -> dict[str, Any]:
        """What a ``status`` message and ``GET /prompt`` say."""
        return {"exec_info": {"queue_remaining": self.queue.remaining()}}

    def start(self) -> None:
        """Start the worker."""
        self._worker.start()

    def stop(self, timeout: float) -> None:
        """End the worker; what runs is interrupted, and nobody is told, as a killed process tells nobody."""
        self.sockets.muted = True
        self.queue.close()
        if self._worker.is_alive() and self._worker is not threading.current_thread():
            self._worker.join(timeout)

    def _changed(self) -> None:
        self.sockets.status()

    def _work(self) -> None:
        """Run one prompt after the other. A graph that kills a real worker ends this one too: nothing runs any more."""
        while not self.queue.closed:
            taken = self.queue.take()
            if taken is not None:
                key, item = taken
                self._forget_memories(set(item.prompt))
                try:
                    result, status = Execution(self.machine, item).run()
                except WorkerKilled:
                    return
                if self.queue.closed:
                    return
                if self.faults.late_history_seconds > 0:
                    self.queue.interrupted.wait(self.faults.late_history_seconds)
                self.queue.finish(key, result, status)
                client_id = self.sockets.client_id
                if client_id is not None and not self.queue.is_forgotten(item.prompt_id):
                    self.sockets.send("executing", {"node": None, "prompt_id": item.prompt_id}, client_id)
            if self.queue.flags().get("free_memory"):
                self.machine.cache.clear()
                self.machine.memories.clear()
                self.machine.success = True

    def _forget_memories(self, ids: set[str]) -> None:
        """Nodes that the next prompt does not have lose what they remembered, as on the server."""
        memories = self.machine.memories
        for key in [key for key in memories if key[0] not in ids]:
            del memories[key]
