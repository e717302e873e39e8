"""Variants of a graph: every combination of some values of some inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union, cast

from ..graph import Graph, Rule

if TYPE_CHECKING:
    from ..node import Node

Key = tuple[Union["Node", str], str]
"""A node, by handle or id, and the name of one of its inputs."""


class Variant(Graph):
    """A graph that a sweep made.

    Attributes:
        values: what is different in it: (node id, input) -> value.
    """

    __slots__ = ("values",)

    values: dict[tuple[str, str], Any]

    @classmethod
    def of(cls, graph: Graph, values: Mapping[tuple[str, str], Any]) -> Variant:
        """The graph as a variant with these values."""
        made = cast("Variant", cls._of(graph._table, graph.rules))
        made.values = dict(values)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        from ..adopt import frozen

        return _thaw, (frozen(self), self.rules, self.values)

    def __repr__(self) -> str:
        given = ", ".join(f"{node_id}.{name}={value!r}" for (node_id, name), value in self.values.items())
        return f"<Variant: {len(self)} node{'s' if len(self) != 1 else ''}, {given}>"


def sweep(graph: Graph | Any, values: Mapping[Key, Iterable[Any]]) -> Iterator[Variant]:
    """Every combination of these values, one graph each; the last key changes fastest.

    Args:
        graph: the base: a `Graph`, or a preset's result. It stays as it is.
        values: (node, input) -> the values it takes, in order; links too. The first may be endless (`itertools.count`).

    Yields:
        A `Variant`, a `Graph` whose ids and handles are the base's; `Variant.values` says what is different in it.

    Raises:
        EditError: a node is not in the graph. At the call, as are the next two.
        TypeError: values that are one text, or no iterable.
        ValueError: no key at all, or a key without a value.
        GraphError: a value that its input does not take; when its turn comes.

    Example:
        >>> from comfygraph.nodes import EmptyImage, PreviewImage
        >>> image = EmptyImage(width=64)
        >>> graph = Graph(PreviewImage(images=image))
        >>> [g[image].inputs["color"] for g in sweep(graph, {(image, "color"): range(3)})]
        [0, 1, 2]
    """
    base: Graph = graph if isinstance(graph, Graph) else graph.graph
    axes: list[tuple[str, str, Iterable[Any]]] = []
    for (node, name), given in values.items():
        if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
            raise TypeError(f"{name}: the values to take, such as [1, 2] or range(10), not {given!r}")
        # The first axis is walked once and may be endless; the others are walked again for each value before them.
        axes.append((base.id(node), name, given if not axes else list(given)))
    if not axes:
        raise ValueError("sweep needs a value to change: {(node, 'seed'): range(10)}")
    for node_id, name, listed in axes[1:]:
        if not cast("Sequence[Any]", listed):
            raise ValueError(f"{node_id}.{name}: there is no value to take")
    return _variants(base, axes)


def _variants(base: Graph, axes: Sequence[tuple[str, str, Iterable[Any]]]) -> Iterator[Variant]:
    node_id, name, first = axes[0]
    rest = axes[1:]
    sizes = [len(cast("Sequence[Any]", listed)) for _, _, listed in rest]
    total = 1
    for size in sizes:
        total *= size
    for value in first:
        for number in range(total):
            chosen: dict[tuple[str, str], Any] = {(node_id, name): value}
            left = number
            for (other, input_name, listed), size in zip(reversed(rest), reversed(sizes)):
                left, at = divmod(left, size)
                chosen[other, input_name] = cast("Sequence[Any]", listed)[at]
            yield Variant.of(edited(base, chosen), {(a, b): chosen[a, b] for a, b, _ in axes})


def edited(graph: Graph, values: Mapping[tuple[str, str], Any]) -> Graph:
    """The graph with these values at these inputs, one edit per node. Raises GraphError, EditError."""
    by_node: dict[str, dict[str, Any]] = {}
    for (node_id, name), value in values.items():
        by_node.setdefault(node_id, {})[name] = value
    for node_id, inputs in by_node.items():
        graph = graph.set(node_id, **inputs)
    return graph


def _thaw(state: Any, rules: tuple[Rule, ...], values: dict[tuple[str, str], Any]) -> Variant:
    from ..adopt import thaw

    return Variant.of(thaw(state, rules), values)


__all__ = ["Key", "Variant", "edited", "sweep"]
