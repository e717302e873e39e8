"""Which node runs next: the server's own order, so that messages come in the order of the traces.

A node is ready when all it needs is there. Of the ready ones an output node goes first, then one that feeds an output node,
then one two links before, then the one that came first; those that came first are the ones reached first from the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .cache import is_link
from .context import WorkerKilled


class Order:
    """The nodes that are still to run.

    Args:
        nodes: the graph in API format; expanded nodes are added to it later.
        is_output: whether a node is an output node.
        is_lazy: whether an input of a node is only asked for on demand.
        is_done: whether a node's outputs are there.
    """

    def __init__(
        self,
        nodes: Mapping[str, Any],
        is_output: Callable[[str], bool],
        is_lazy: Callable[[str, str], bool],
        is_done: Callable[[str], bool],
    ) -> None:
        self._nodes = nodes
        self._is_output = is_output
        self._is_lazy = is_lazy
        self._is_done = is_done
        self._rank: dict[str, int] = {}
        self._waits: dict[str, int] = {}  # pending node -> how many nodes it waits for
        self._feeds: dict[str, dict[str, None]] = {}  # pending node -> the nodes that wait for it
        self._ready: set[str] = set()

    def __len__(self) -> int:
        return len(self._waits)

    def add(self, node_id: str) -> None:
        """A node is to run, and all that it needs.

        Raises:
            WorkerKilled: it needs a node that is not there.
        """
        todo = [node_id]
        links: list[tuple[str, str]] = []
        while todo:
            current = todo.pop()
            if current in self._waits:
                continue
            self._rank.setdefault(current, len(self._rank))
            self._waits[current] = 0
            self._feeds[current] = {}
            self._ready.add(current)
            if current not in self._nodes:
                raise WorkerKilled(f"node {current} not found")
            for name, value in self._nodes[current]["inputs"].items():
                if not is_link(value) or self._is_lazy(current, name):
                    continue
                if not self._is_done(value[0]):
                    todo.append(value[0])
                links.append((value[0], current))
        for source, target in links:
            self.need(source, target)

    def need(self, source: str, target: str) -> None:
        """`target` cannot run before `source` has."""
        if self._is_done(source):
            return
        self.add(source)
        if target not in self._feeds[source]:
            self._feeds[source][target] = None
            self._waits[target] += 1
            self._ready.discard(target)

    def next(self) -> str | None:
        """The node that runs next; None when those left wait for each other."""
        ready = sorted(self._ready, key=self._rank.__getitem__)
        if not ready:
            return None
        for node_id in ready:
            if self._is_output(node_id):
                return node_id
        for node_id in ready:
            if any(self._is_output(target) for target in self._feeds[node_id]):
                return node_id
        for node_id in ready:
            if any(self._is_output(last) for target in self._feeds[node_id] for last in self._feeds[target]):
                return node_id
        return ready[0]

    def done(self, node_id: str) -> None:
        """A node has run."""
        del self._waits[node_id]
        self._ready.discard(node_id)
        for target in self._feeds.pop(node_id):
            self._waits[target] -= 1
            if self._waits[target] == 0:
                self._ready.add(target)

    def blamed(self) -> str:
        """One node of those that wait for each other (the server's pick: the first of them that came)."""
        # Without those that wait for something outside a cycle only the cycles and what they feed are left.
        return min(self._waits, key=self._rank.__getitem__)
