"""Where to draw the nodes of a graph: in columns from left to right, every node right of what it needs, nothing on top of anything.

This knows boxes, wires and groups of boxes, and no node class. A group is laid out on its own and then is one box among the
others; `layout_columns` does each level.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from .layout_columns import Box, Wire, acyclic, place, strong_parts

PADDING: Final = 30  # of a group, around what is in it
HEADING: Final = 50  # of a group, for its title
_DEEPEST: Final = 8  # levels of groups; what lies deeper is in the eighth

Group = tuple[str, ...]
Rectangle = tuple[int, int, int, int]


@dataclass(slots=True)
class Layout:
    """The left upper corners of the boxes, in their order, and the rectangles (x, y, width, height) of the groups."""

    corners: list[tuple[int, int]]
    groups: dict[Group, Rectangle]


@dataclass(slots=True)
class _Tree:
    """Boxes and groups as one forest below the root: items by number, boxes first, then the root, then the groups."""

    root: int
    parent: list[int]
    names: dict[int, Group] = field(default_factory=dict[int, Group])

    def children(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {self.root: []}
        for item, parent in enumerate(self.parent):
            if parent >= 0:
                found.setdefault(parent, []).append(item)
        return found

    def path(self, item: int) -> list[int]:
        """From the root down to the item."""
        way = [item]
        while way[-1] != self.root:
            way.append(self.parent[way[-1]])
        return way[::-1]

    def dissolve(self, group: int) -> None:
        """Give what is in a group to what the group is in."""
        above = self.parent[group]
        self.parent = [above if parent == group else parent for parent in self.parent]
        self.parent[group] = -1
        del self.names[group]


def arrange(boxes: Sequence[Box], wires: Iterable[Wire], groups: Sequence[Group] = ()) -> Layout:
    """Place boxes so that none overlap and wires run from left to right.

    Args:
        boxes: their sizes in pixels, titles included.
        wires: links between them by number; one from a box to itself, or to a box that is not there, is left out.
        groups: for each box the names of the groups that it is in, the outermost first. A group is kept together and gets a
            rectangle of its own. One with a single thing in it is dropped, and so is one that could not be kept together
            without wires that run back.

    Returns:
        Corners on a grid of 10 pixels, from (0, 0) on.

    Example:
        >>> arrange([Box(200, 100), Box(200, 100)], [Wire(0, 1)]).corners
        [(0, 0), (290, 0)]
    """
    known = [w for w in wires if w.source != w.target and 0 <= w.source < len(boxes) and 0 <= w.target < len(boxes)]
    tree = _tree(len(boxes), groups)
    if tree.names:
        _keep_together(tree, known)
    if not tree.names:
        return Layout(place(boxes, known), {})
    return _by_level(tree, boxes, known)


def _tree(count: int, groups: Sequence[Group]) -> _Tree:
    tree = _Tree(count, [count] * count + [-1])
    known: dict[Group, int] = {(): count}
    for box, group in enumerate(groups):
        group = group[:_DEEPEST]
        for depth in range(1, len(group) + 1):
            if group[:depth] not in known:
                known[group[:depth]] = len(tree.parent)
                tree.names[len(tree.parent)] = group[:depth]
                tree.parent.append(known[group[: depth - 1]])
        tree.parent[box] = known[group]
    return tree


def _keep_together(tree: _Tree, wires: Sequence[Wire]) -> None:
    """Dissolve the groups that cannot be one box: wires leave them and come back."""
    forward = acyclic(tree.root, wires)
    while True:
        children = tree.children()
        useless = [group for group in tree.names if len(children[group]) < 2]
        if not useless:
            useless = [
                item
                for pairs in _by_parent(tree, forward).values()
                for part in strong_parts([(a, b) for a, b, _ in pairs])
                for item in part
                if item in tree.names
            ]
        if not useless:
            return
        for group in useless:
            tree.dissolve(group)


def _by_parent(tree: _Tree, wires: Iterable[Wire]) -> dict[int, list[tuple[int, int, Wire]]]:
    """The wires by the group that they run in, between which of the things in it."""
    paths: dict[int, list[int]] = {}
    found: dict[int, list[tuple[int, int, Wire]]] = {}
    for wire in wires:
        ends: list[list[int]] = []
        for item in (wire.source, wire.target):
            above = tree.parent[item]
            if above not in paths:
                paths[above] = tree.path(above)
            ends.append([*paths[above], item])
        depth = next(i for i, (a, b) in enumerate(zip(*ends)) if a != b)
        found.setdefault(ends[0][depth - 1], []).append((ends[0][depth], ends[1][depth], wire))
    return found


def _by_level(tree: _Tree, boxes: Sequence[Box], wires: Sequence[Wire]) -> Layout:
    """Lay out the innermost groups first, each level with the finished groups as boxes."""
    children = tree.children()
    inside = _by_parent(tree, wires)
    sizes: dict[int, Box] = dict(enumerate(boxes))
    corner: dict[int, tuple[int, int]] = {}
    below = [0] * len(boxes)  # how far a box is below the top of the finished group that it is in
    contents: dict[int, list[int]] = {item: [item] for item in range(len(boxes))}
    for group in sorted(children, key=lambda item: len(tree.names.get(item, ())), reverse=True):
        items = children[group]
        index = {item: i for i, item in enumerate(items)}
        joined = [
            Wire(index[a], index[b], wire.leaves + below[wire.source], wire.enters + below[wire.target])
            for a, b, wire in inside.get(group, ())
        ]
        left, top = (0, 0) if group == tree.root else (PADDING, HEADING)
        contents[group] = []
        for item, (x, y) in zip(items, place([sizes[item] for item in items], joined)):
            corner[item] = (x + left, y + top)
            for box in contents[item]:
                below[box] += y + top
            contents[group] += contents[item]
        sizes[group] = Box(
            max((corner[item][0] + sizes[item].width for item in items), default=0) + left,
            max((corner[item][1] + sizes[item].height for item in items), default=0) + PADDING,
        )
    corner[tree.root] = (0, 0)
    absolute = [sum(corner[item][axis] for item in tree.path(box)) for box in range(len(boxes)) for axis in (0, 1)]
    rectangles = {
        name: (
            sum(corner[item][0] for item in tree.path(group)),
            sum(corner[item][1] for item in tree.path(group)),
            sizes[group].width,
            sizes[group].height,
        )
        for group, name in tree.names.items()
    }
    return Layout(list(zip(absolute[::2], absolute[1::2])), dict(sorted(rectangles.items())))
