"""One level of a layout: boxes in columns, by Sugiyama's method.

Columns by the longest way to a box, an order within each column that keeps wires from crossing, then heights that keep wires
level. Parts that no wire joins are laid out each on its own. There is no recursion, and no step takes more than a few sweeps over
the wires, so that 10,000 nodes are a matter of seconds.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

GRID: Final = 10
"""Corners are multiples of this."""
COLUMN_GAP: Final = 90
ROW_GAP: Final = 70  # the editor's newer renderer draws nodes up to 60 pixels taller than their size says
PART_GAP: Final = 100  # between parts of a graph that no wire joins
_WIRE_GAP: Final = 20  # kept free for a wire that passes a column
_NEAR: Final = 6  # columns: what is pinned to the left stays there when it is needed this near
_LONGEST: Final = 24  # columns that a wire is led through in order; a longer one goes straight
_ORDER_SWEEPS: Final = 12
_LEVEL_SWEEPS: Final = 16
_MANY: Final = 2_000  # boxes: from here on, fewer sweeps


@dataclass(slots=True)
class Box:
    """What to place: its size in pixels, title included. `pinned`: it belongs to the left, such as a loader of models."""

    width: int
    height: int
    pinned: bool = False


@dataclass(slots=True)
class Wire:
    """A link from one box (by its number) to another; where it leaves and enters, in pixels below their tops."""

    source: int
    target: int
    leaves: int = 0
    enters: int = 0


def place(boxes: Sequence[Box], wires: Sequence[Wire]) -> list[tuple[int, int]]:
    """The left upper corners of boxes, from (0, 0) on, so that none overlap."""
    parts, part_of = _parts(len(boxes), wires)
    own: list[list[Wire]] = [[] for _ in parts]
    number = [0] * len(boxes)
    for part in parts:
        for i, box in enumerate(part):
            number[box] = i
    for wire in wires:
        own[part_of[wire.source]].append(Wire(number[wire.source], number[wire.target], wire.leaves, wire.enters))
    placed = [_part([boxes[box] for box in part], own[i]) for i, part in enumerate(parts)]
    corners = [(0, 0)] * len(boxes)
    for part, (inner, _), (x, y) in zip(parts, placed, _shelves([size for _, size in placed])):
        for box, (left, top) in zip(part, inner):
            corners[box] = (x + left, y + top)
    return corners


def strong_parts(pairs: Iterable[tuple[int, int]]) -> list[set[int]]:
    """The sets of items that can all be reached from one another, where there is more than one."""
    import networkx as nx

    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_edges_from(pairs)
    return [part for part in nx.strongly_connected_components(graph) if len(part) > 1]


def acyclic(count: int, wires: Sequence[Wire]) -> list[Wire]:
    """The wires without those that close a circle: within a set that goes round, those that run back in the boxes' order."""
    part_of = list(range(count))
    parts = strong_parts((wire.source, wire.target) for wire in wires) if not _runs_on(wires) else []
    if not parts:
        return list(wires)
    for i, part in enumerate(parts):
        for box in part:
            part_of[box] = count + i
    return [w for w in wires if part_of[w.source] != part_of[w.target] or w.source < w.target]


def _runs_on(wires: Sequence[Wire]) -> bool:
    """Whether all wires run on in the boxes' order: then there is no circle, and no need to look for one."""
    return all(wire.source < wire.target for wire in wires)


def _parts(count: int, wires: Sequence[Wire]) -> tuple[list[list[int]], list[int]]:
    """The parts that are joined by wires, each in order, and the part that each box is in."""
    near: list[list[int]] = [[] for _ in range(count)]
    for wire in wires:
        near[wire.source].append(wire.target)
        near[wire.target].append(wire.source)
    part_of = [-1] * count
    parts: list[list[int]] = []
    for start in range(count):
        if part_of[start] >= 0:
            continue
        part_of[start] = len(parts)
        part = [start]
        for box in part:  # grows while it is read
            for other in near[box]:
                if part_of[other] < 0:
                    part_of[other] = len(parts)
                    part.append(other)
        parts.append(sorted(part))
    return parts, part_of


def _shelves(sizes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Corners for parts: below one another, but small ones beside one another as far as the widest part reaches."""
    area = sum((width + PART_GAP) * (height + PART_GAP) for width, height in sizes)
    limit = max(max((width for width, _ in sizes), default=0), _up(int((1.6 * area) ** 0.5)) if len(sizes) > 1 else 0)
    order = sorted(range(len(sizes)), key=lambda i: -sizes[i][1]) if len(sizes) > 8 else list(range(len(sizes)))
    corners = [(0, 0)] * len(sizes)
    x = y = tallest = 0
    for i in order:
        width, height = sizes[i]
        if x and x + width > limit:
            x, y, tallest = 0, y + tallest + PART_GAP, 0
        corners[i] = (x, y)
        x += width + PART_GAP
        tallest = max(tallest, height)
    return corners


def _part(boxes: Sequence[Box], wires: Sequence[Wire]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """The corners of one part, from (0, 0) on, and its size."""
    if len(boxes) == 1:
        return [(0, 0)], (_up(boxes[0].width), _up(boxes[0].height))
    forward = acyclic(len(boxes), wires)
    columns = _columns(boxes, forward)
    net = _Net.of(boxes, forward, columns)
    net.order()
    tops = net.level()
    widths = [0] * (max(columns) + 1)
    for box, column in zip(boxes, columns):
        widths[column] = max(widths[column], _up(box.width))
    lefts = [0]
    for width in widths:
        lefts.append(lefts[-1] + width + COLUMN_GAP)
    first = min(tops[: len(boxes)])
    corners = [(lefts[column], top - first) for column, top in zip(columns, tops)]
    height = max(y + _up(box.height) for (_, y), box in zip(corners, boxes))
    return corners, (lefts[-1] - COLUMN_GAP, height)


def _up(size: int) -> int:
    return -(-size // GRID) * GRID


# -- columns ----------------------------------------------------------------------------------------------------------


def _columns(boxes: Sequence[Box], wires: Sequence[Wire]) -> list[int]:
    """The column of each box: as far left as it can be, but what only prepares something (and loads no model) just before it."""
    before: list[list[int]] = [[] for _ in boxes]
    after: list[list[int]] = [[] for _ in boxes]
    for wire in wires:
        before[wire.target].append(wire.source)
        after[wire.source].append(wire.target)
    order = _topological(before, after)
    column = [0] * len(boxes)
    movable = [False] * len(boxes)
    for box in order:
        column[box] = max((column[other] + 1 for other in before[box]), default=0)
        movable[box] = not boxes[box].pinned and all(movable[other] for other in before[box])
    for box in reversed(order):
        if not after[box]:
            continue
        latest = min(column[other] for other in after[box]) - 1
        far = boxes[box].pinned and not before[box] and latest >= _NEAR
        if movable[box] or far or (len(set(after[box])) > len(set(before[box])) and not boxes[box].pinned):
            column[box] = latest
    least = min(column)
    return [c - least for c in column]


def _topological(before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]) -> list[int]:
    missing = [len(sources) for sources in before]
    order = [box for box, count in enumerate(missing) if not count]
    for box in order:  # grows while it is read
        for other in after[box]:
            missing[other] -= 1
            if not missing[other]:
                order.append(other)
    return order


# -- order and heights within columns ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Net:
    """Boxes and the waypoints of long wires, by column.

    Attributes:
        count: how many items are boxes; the rest are waypoints.
        column: the items of each column, from the top.
        height: of every item.
        before, after: for each item the wires from the left and to the right: (other item, the other's port, own port).
    """

    count: int
    column: list[list[int]]
    height: list[int]
    before: list[list[tuple[int, int, int]]] = field(default_factory=list["list[tuple[int, int, int]]"])
    after: list[list[tuple[int, int, int]]] = field(default_factory=list["list[tuple[int, int, int]]"])

    @classmethod
    def of(cls, boxes: Sequence[Box], wires: Sequence[Wire], columns: Sequence[int]) -> _Net:
        net = cls(len(boxes), [[] for _ in range(max(columns) + 1)], [_up(box.height) for box in boxes])
        net.before = [[] for _ in boxes]
        net.after = [[] for _ in boxes]
        for box, column in enumerate(columns):
            net.column[column].append(box)
        led: dict[tuple[int, int], list[int]] = {}  # the waypoints of an output: its wires run together
        for wire in wires:
            start, end = columns[wire.source], columns[wire.target]
            item, leaves = wire.source, wire.leaves
            if end - start <= _LONGEST:
                way = led.setdefault((wire.source, wire.leaves), [])
                for column in range(start + 1, end):
                    if len(way) < column - start:
                        way.append(net._waypoint(column))
                        net._join(item, way[-1], leaves, 0)
                    item, leaves = way[column - start - 1], 0
            net._join(item, wire.target, leaves, wire.enters)
        return net

    def _waypoint(self, column: int) -> int:
        item = len(self.height)
        self.height.append(0)
        self.before.append([])
        self.after.append([])
        self.column[column].append(item)
        return item

    def _join(self, source: int, target: int, leaves: int, enters: int) -> None:
        self.after[source].append((target, enters, leaves))
        self.before[target].append((source, leaves, enters))

    def order(self) -> None:
        """Order the columns so that few wires cross: each item goes to the mean place of what it is joined to."""
        best = [list(items) for items in self.column]
        least = self._crossings()
        sweeps = _ORDER_SWEEPS if len(self.height) < _MANY else _ORDER_SWEEPS // 3
        for sweep in range(sweeps):
            if not least:
                break
            right = sweep % 2 == 1
            place = self._places()
            columns = self.column if right else self.column[::-1]
            for items in columns:
                sides = self.before if right else self.after
                key = {item: self._mean(sides[item], place, place[item]) for item in items}
                items.sort(key=key.__getitem__)
                for i, item in enumerate(items):
                    place[item] = float(i)
            crossings = self._crossings()
            if crossings < least:
                best, least = [list(items) for items in self.column], crossings
        self.column = best

    def _places(self) -> list[float]:
        place = [0.0] * len(self.height)
        for items in self.column:
            for i, item in enumerate(items):
                place[item] = float(i)
        return place

    def _mean(self, wires: Sequence[tuple[int, int, int]], place: Sequence[float], otherwise: float) -> float:
        if not wires:
            return otherwise
        # Ports count as fractions of a place, so that the wires of one node leave it in their order.
        return sum(place[other] + port / (self.height[other] + 1) for other, port, _ in wires) / len(wires)

    def _crossings(self) -> int:
        """How many pairs of wires between neighbouring columns cross."""
        place = self._places()
        count = 0
        for items in self.column:
            ends = sorted(
                ((place[item], leaves), (place[other], enters))
                for item in items
                for other, enters, leaves in self.after[item]
            )
            seen: list[tuple[float, int]] = []
            for _, end in ends:
                count += len(seen) - bisect_right(seen, end)
                insort(seen, end)
        return count

    def level(self) -> list[int]:
        """The tops of the items: in order, apart, and as near as can be to where their wires are level."""
        top = [0.0] * len(self.height)
        for items in self.column:
            for item, offset in zip(items, self._offsets(items)):
                top[item] = float(offset)
        sweeps = _LEVEL_SWEEPS if len(self.height) < _MANY else _LEVEL_SWEEPS // 2
        for sweep in range(sweeps):
            both = sweep >= sweeps - 4
            right = sweep % 2 == 0
            for items in self.column if right else self.column[::-1]:
                wanted: list[float] = []
                weights: list[float] = []
                for item in items:
                    wires = self.before[item] if right else self.after[item]
                    wires = [*self.before[item], *self.after[item]] if both else wires
                    # A wire that passes is pulled straight; a box without wires on this side stays where it is.
                    weights.append(float(len(wires)) if wires else 0.05)
                    pulled = sum(top[other] + port - own for other, port, own in wires)
                    wanted.append(pulled / len(wires) if wires else top[item])
                for item, place in zip(items, _apart(wanted, weights, self._offsets(items))):
                    top[item] = place
        return [int(place // GRID) * GRID for place in top]

    def _offsets(self, items: Sequence[int]) -> list[int]:
        """How far below the first item the others are at least."""
        offsets: list[int] = []
        at = 0
        for i, item in enumerate(items):
            offsets.append(at)
            following = items[i + 1] if i + 1 < len(items) else item
            passing = item >= self.count or following >= self.count
            at += self.height[item] + (_WIRE_GAP if passing else ROW_GAP)
        return offsets


def _apart(wanted: Sequence[float], weights: Sequence[float], offsets: Sequence[int]) -> list[float]:
    """The places nearest to the wanted ones (by weighted squares) that are at least the offsets apart.

    Without the offsets this is isotonic regression, which pooling neighbours that are in one another's way solves exactly.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, weight, offset in zip(wanted, weights, offsets):
        mean, heft, size = want - offset, weight, 1
        while pools and pools[-1][0] > mean:
            other, more, count = pools.pop()
            mean = (mean * heft + other * more) / (heft + more)
            heft += more
            size += count
        pools.append((mean, heft, size))
    means = [mean for mean, _, size in pools for _ in range(size)]
    return [mean + offset for mean, offset in zip(means, offsets)]
