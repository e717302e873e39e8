"""Which node of one graph is which of another: by id and class, or by what it is made from and what is made from it.

Every signature is a number that stands for a tuple met before (in either graph), so equal numbers mean equal things, and a chain of
10,000 nodes is as quick as 10,000 single ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from .editor_file import mapping, sequence

Source = tuple[str, int]
"""A link, by the id and the output that it comes from."""


@dataclass(slots=True)
class Row:
    """One node of a graph: its class, its title if it has one of its own, its values and its links by input."""

    kind: str
    title: str | None
    values: dict[str, Any]
    links: dict[str, Source]
    keys: dict[str, Hashable] = field(default_factory=dict[str, Hashable])

    @property
    def signature(self) -> Hashable:
        return (self.kind, tuple(sorted(self.keys.items(), key=lambda item: item[0])))


@dataclass(slots=True)
class Side:
    """One graph: its nodes by id, and for each the inputs that its outputs go to: (slot, node, input)."""

    rows: dict[str, Row]
    consumers: dict[str, list[tuple[int, str, str]]]


def side(prompt: Mapping[str, Mapping[str, Any]], own_title: Callable[[str, str], bool]) -> Side:
    """Read a prompt; `own_title` says of a class and a title whether it is another than the class has by itself."""
    rows: dict[str, Row] = {}
    for node_id, entry in prompt.items():
        kind = str(entry.get("class_type"))
        title = (mapping(entry.get("_meta")) or {}).get("title")
        row = Row(kind, title if isinstance(title, str) and own_title(kind, title) else None, {}, {})
        for name, value in (mapping(entry.get("inputs")) or {}).items():
            pair = sequence(value)
            if len(pair) == 2 and isinstance(pair[0], str) and type(pair[1]) is int:
                row.links[name] = (pair[0], pair[1])
            else:
                row.values[name] = plain = unwrapped(value)
                row.keys[name] = key(plain)
        rows[node_id] = row
    consumers: dict[str, list[tuple[int, str, str]]] = {node_id: [] for node_id in rows}
    for node_id, row in rows.items():
        for name, (source, slot) in row.links.items():
            if source in consumers:
                consumers[source].append((slot, node_id, name))
    return Side(rows, consumers)


def unwrapped(value: Any) -> Any:
    """A value without the wrapping that lists have on the wire."""
    wrapped = mapping(value)
    return wrapped["__value__"] if wrapped is not None and "__value__" in wrapped else value


def key(value: Any) -> Hashable:
    """Equal for values that the server takes alike: 8 and 8.0 are, 1 and true are not."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and isfinite(value) and value.is_integer():
        value = int(value)
    if value is None or isinstance(value, (bool, int, float)):
        return (type(value).__name__, repr(value))
    return ("data", json.dumps(value, sort_keys=True, default=repr))


_Signatures = Mapping[str, Hashable]


@dataclass(slots=True)
class _Signed:
    """Signatures of a graph's nodes: what is upstream and downstream, with all values and without any."""

    up: dict[str, int]
    up_shape: dict[str, int]
    down: dict[str, int]
    down_shape: dict[str, int]

    def levels(self, rows: Mapping[str, Row]) -> Iterator[_Signatures]:
        """From what says most to what says least; None says nothing."""
        yield {n: (self.up[n], self.down[n]) for n in rows}
        yield self.up
        yield {n: (row.signature, self.down[n]) for n, row in rows.items()}
        yield {n: (row.kind, row.title) if row.title is not None else None for n, row in rows.items()}
        yield {n: (row.signature, self.down_shape[n]) for n, row in rows.items()}
        yield {n: (self.up_shape[n], self.down_shape[n]) for n in rows}
        yield {n: row.signature if row.keys else None for n, row in rows.items()}
        yield {n: (row.kind, self.down_shape[n]) for n, row in rows.items()}
        yield self.up_shape


class _Numbers(dict[Hashable, int]):
    def __missing__(self, item: Hashable) -> int:
        self[item] = number = len(self)
        return number


def _sign(graph: Side, numbers: _Numbers) -> _Signed:
    rows, consumers = graph.rows, graph.consumers
    order = _order(graph)
    signed = _Signed({}, {}, {}, {})
    for node_id in order:
        row = rows[node_id]
        for found, content in ((signed.up, row.signature), (signed.up_shape, row.kind)):
            links = tuple(sorted((name, slot, found.get(source, -1)) for name, (source, slot) in row.links.items()))
            found[node_id] = numbers[("up", content, links)]
    for node_id in reversed(order):
        row = rows[node_id]
        for found, content in ((signed.down, row.signature), (signed.down_shape, row.kind)):
            uses = tuple(sorted((slot, name, found.get(other, -1)) for slot, other, name in consumers[node_id]))
            found[node_id] = numbers[("down", content, uses)]
    return signed


def _order(graph: Side) -> list[str]:
    """The ids, each after those that it needs; what stands in a circle comes last."""
    missing = {
        node_id: sum(source in graph.rows for source, _ in row.links.values()) for node_id, row in graph.rows.items()
    }
    order = [node_id for node_id, count in missing.items() if not count]
    for node_id in order:  # grows while it is read
        for _, other, _ in graph.consumers[node_id]:
            missing[other] -= 1
            if not missing[other]:
                order.append(other)
    return [*order, *(node_id for node_id, count in missing.items() if count)]


class Matcher:
    """Pairs of nodes, found step by step; `pairs` maps ids of the first graph to ids of the second."""

    def __init__(self, a: Side, b: Side) -> None:
        self._a, self._b = a, b
        numbers = _Numbers()
        self._levels = list(zip(_sign(a, numbers).levels(a.rows), _sign(b, numbers).levels(b.rows)))
        self.pairs: dict[str, str] = {}
        self._taken: set[str] = set()

    def match(self, *, by_id: bool) -> dict[str, str]:
        """Find the pairs.

        Args:
            by_id: nodes with one id and class are the same, whatever their surroundings; else only where nothing tells better.
        """
        self.pairs, self._taken = {}, set()
        if by_id:
            self._same_ids()
        for alike in (False, True):
            for one, other in self._levels:
                self._level(one, other, alike)
        self._same_ids()
        self._left_over()
        return self.pairs

    def _join(self, one: str, other: str) -> bool:
        if one in self.pairs or other in self._taken or self._a.rows[one].kind != self._b.rows[other].kind:
            return False
        self.pairs[one] = other
        self._taken.add(other)
        return True

    def _same_ids(self) -> None:
        joined = [node_id for node_id in self._a.rows if node_id in self._b.rows and self._join(node_id, node_id)]
        for node_id in joined:
            self._spread(node_id)

    def _level(self, one: _Signatures, other: _Signatures, alike: bool) -> None:
        """Join the nodes that a signature tells from all others, or, if `alike`, also as many on both sides that it does not.

        Of those the ones that have one id go together, then in order. Each pair brings its neighbours along at once, so that of
        two like branches one is not joined to halves of both.
        """
        left: dict[Hashable, list[str]] = {}
        right: dict[Hashable, list[str]] = {}
        for found, signatures, done in ((left, one, self.pairs), (right, other, self._taken)):
            for node_id, signature in signatures.items():
                if signature is not None and node_id not in done:
                    found.setdefault(signature, []).append(node_id)
        for signature, nodes in left.items():
            others = right.get(signature, [])
            if len(nodes) != len(others) or (len(nodes) > 1 and not alike):
                continue
            known = set(others)
            for node_id in nodes:
                if node_id in known and self._join(node_id, node_id):
                    self._spread(node_id)
            free = iter([other_id for other_id in others if other_id not in self._taken])
            for node_id in nodes:
                if node_id in self.pairs:
                    continue
                other_id = next((found for found in free if found not in self._taken), None)
                if other_id is not None and self._join(node_id, other_id):
                    self._spread(node_id)

    def _spread(self, start: str) -> None:
        """Join what stands in the same relation to both nodes of a pair, and so on."""
        waiting = [start]
        while waiting:
            one = waiting.pop()
            other = self.pairs[one]
            theirs = self._b.rows[other].links
            for name, (source, slot) in self._a.rows[one].links.items():
                twin, same = theirs.get(name, ("", -1))
                if slot == same and source in self._a.rows and twin in self._b.rows and self._join(source, twin):
                    waiting.append(source)
            uses = self._uses(self._b, other, self._taken)
            for use, nodes in self._uses(self._a, one, self.pairs).items():
                others = uses.get(use, [])
                if len(nodes) == len(others) == 1 and self._join(nodes[0], others[0]):
                    waiting.append(nodes[0])

    def _uses(self, graph: Side, node_id: str, done: Any) -> dict[Hashable, list[str]]:
        found: dict[Hashable, list[str]] = {}
        for slot, other, name in graph.consumers[node_id]:
            if other not in done:
                found.setdefault((slot, name, graph.rows[other].kind), []).append(other)
        return found

    def _left_over(self) -> None:
        """Join the only node of a class that is left on each side, if the two have anything in common."""
        left: dict[str, list[str]] = {}
        right: dict[str, list[str]] = {}
        for found, graph, done in ((left, self._a, self.pairs), (right, self._b, self._taken)):
            for node_id, row in graph.rows.items():
                if node_id not in done:
                    found.setdefault(row.kind, []).append(node_id)
        for kind, nodes in left.items():
            others = right.get(kind, [])
            if len(nodes) == len(others) == 1 and self._alike(nodes[0], others[0]):
                self._join(nodes[0], others[0])

    def _alike(self, one: str, other: str) -> bool:
        mine, theirs = self._a.rows[one], self._b.rows[other]
        for name, (source, slot) in mine.links.items():
            end = theirs.links.get(name)
            if end is not None and (self.pairs.get(source), slot) == end:
                return True
        uses = {(slot, node_id, name) for slot, node_id, name in self._b.consumers[other]}
        if any((slot, self.pairs.get(node_id), name) in uses for slot, node_id, name in self._a.consumers[one]):
            return True
        same = sum(theirs.keys.get(name) == value for name, value in mine.keys.items())
        return same * 2 > max(len(mine.keys), len(theirs.keys), 1)
