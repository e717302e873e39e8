"""Boxes and wires alone: nothing overlaps, wires run right, groups hold what is theirs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfygraph.formats.layout import Group, Layout, arrange
from comfygraph.formats.layout_columns import COLUMN_GAP, GRID, Box, Wire


def overlapping(boxes: list[Box], layout: Layout) -> list[tuple[int, int]]:
    rows = sorted((x, y, x + b.width, y + b.height, i) for i, ((x, y), b) in enumerate(zip(layout.corners, boxes)))
    found: list[tuple[int, int]] = []
    for at, (_, top, right, bottom, i) in enumerate(rows):
        for left, above, _, below, j in rows[at + 1 :]:
            if left >= right:
                break
            if above < bottom and top < below:
                found.append((i, j))
    return found


def some_boxes(count: int, dice: random.Random) -> list[Box]:
    return [Box(dice.randint(60, 500), dice.randint(40, 600), dice.random() < 0.2) for _ in range(count)]


@given(st.integers(0, 2**32), st.integers(1, 40), st.floats(0, 3))
@settings(max_examples=150, deadline=None)
def test_random_graphs(seed: int, count: int, density: float) -> None:
    dice = random.Random(seed)
    boxes = some_boxes(count, dice)
    wires: list[Wire] = []
    for _ in range(int(count * density)):
        a, b = dice.randrange(count), dice.randrange(count)
        if a < b:
            wires.append(Wire(a, b, dice.randint(30, 200), dice.randint(30, 200)))
    layout = arrange(boxes, wires)
    assert overlapping(boxes, layout) == []
    assert min(x for x, _ in layout.corners) == 0
    assert min(y for _, y in layout.corners) == 0
    assert all(x % GRID == 0 and y % GRID == 0 for x, y in layout.corners)
    for wire in wires:
        end = layout.corners[wire.source][0] + boxes[wire.source].width
        assert layout.corners[wire.target][0] >= end + COLUMN_GAP - GRID
    assert arrange(boxes, wires) == layout


@given(st.integers(0, 2**32), st.integers(2, 40))
@settings(max_examples=150, deadline=None)
def test_random_graphs_with_groups_and_circles(seed: int, count: int) -> None:
    dice = random.Random(seed)
    boxes = some_boxes(count, dice)
    wires = [Wire(dice.randrange(-1, count + 1), dice.randrange(count)) for _ in range(count)]
    groups: list[Group] = [tuple(dice.choice("abc") for _ in range(dice.choice((0, 0, 1, 2)))) for _ in boxes]
    layout = arrange(boxes, wires, groups)
    assert overlapping(boxes, layout) == []
    for name, (x, y, width, height) in layout.groups.items():
        for box, (left, top), group in zip(boxes, layout.corners, groups):
            if group[: len(name)] == name:
                assert x <= left
                assert y <= top
                assert left + box.width <= x + width
                assert top + box.height <= y + height
            else:
                beside = left + box.width <= x or x + width <= left
                assert beside or top + box.height <= y or y + height <= top


def test_loaders_stand_left_and_what_prepares_stands_close() -> None:
    #  loader -> a -> b -> sampler <- latent
    boxes = [Box(200, 100, pinned=True), *(Box(200, 100) for _ in range(4))]
    layout = arrange(boxes, [Wire(0, 1), Wire(1, 2), Wire(2, 3), Wire(4, 3)])
    columns = [x for x, _ in layout.corners]
    assert columns == [0, 290, 580, 870, 580]
    layout = arrange(boxes, [Wire(0, 3), Wire(1, 2), Wire(2, 3), Wire(4, 3)])
    assert [x for x, _ in layout.corners] == [0, 0, 290, 580, 290]


def test_straight_chain_is_level() -> None:
    boxes = [Box(200, 100), Box(300, 400), Box(200, 50)]
    layout = arrange(boxes, [Wire(0, 1, 40, 40), Wire(1, 2, 40, 40)])
    assert [y for _, y in layout.corners] == [0, 0, 0]


def test_wires_do_not_cross_where_they_need_not() -> None:
    boxes = [Box(100, 100) for _ in range(6)]
    layout = arrange(boxes, [Wire(0, 5), Wire(1, 4), Wire(2, 3)])
    heights = [y for _, y in layout.corners]
    assert heights[:3] == [heights[5], heights[4], heights[3]]
    crossed = arrange(boxes[:5], [Wire(0, 4, 0, 80), Wire(0, 3), Wire(1, 4, 0, 0), Wire(2, 3)]).corners
    assert (crossed[1][1] < crossed[2][1]) == (crossed[4][1] < crossed[3][1])


def test_group_that_is_left_and_entered_again_is_dropped() -> None:
    boxes = [Box(100, 100)] * 3
    groups: list[Group] = [("a",), (), ("a",)]
    assert arrange(boxes, [Wire(0, 1), Wire(1, 2)], groups).groups == {}
    assert set(arrange(boxes, [Wire(0, 1)], groups).groups) == {("a",)}


@pytest.mark.parametrize("shape", ["chain", "star", "near", "far", "alone", "circle"])
def test_many_boxes(shape: str) -> None:
    count = 3_000
    dice = random.Random(1)
    ends = {
        "chain": lambda i: [i - 1],
        "star": lambda i: [0],
        "near": lambda i: [max(0, i - dice.randint(1, 40)), max(0, i - dice.randint(1, 40))],
        "far": lambda i: [dice.randrange(i), dice.randrange(i)],
        "alone": lambda i: [],
        "circle": lambda i: [dice.randrange(count)],
    }[shape]
    boxes = some_boxes(count, dice)
    layout = arrange(boxes, [Wire(source, i) for i in range(1, count) for source in ends(i)])
    assert overlapping(boxes, layout) == []


def test_nothing_to_arrange() -> None:
    assert arrange([], []) == Layout([], {})
    assert arrange([Box(1, 1)], [Wire(0, 0)], [("a",)]) == Layout([(0, 0)], {})
