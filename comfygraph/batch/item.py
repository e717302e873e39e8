"""One item of a batch: a number, what is different in it, and how its graph is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, overload

if TYPE_CHECKING:
    from ..graph import Graph

SEEDS: Final = ("seed", "noise_seed")
MOST_ITEMS: Final = 1_000_000


@dataclass(frozen=True)
class Item:
    """One graph of a batch.

    Attributes:
        index: its number from 0; its folder is named for it.
        inputs: its settings, by the name a person gave (``"3.seed"``, ``"prompt"``); plain data.
        make: makes its graph (or a preset's result), when its turn comes; may raise `ComfyError`.
    """

    index: int
    inputs: Mapping[str, Any]
    make: Callable[[], Graph | Any] = field(repr=False)

    @property
    def folder(self) -> str:
        """The name of its folder: ``0000``, ``0001``, …"""
        return f"{self.index:04}"

    def graph(self) -> Graph:
        """Its graph. Raises what `make` raises."""
        from ..client.prepare import prepare

        return prepare(self.make()).graph


def items(graphs: Iterable[Graph | Any]) -> list[Item]:
    """The items of a batch from graphs, such as those of `sweep`."""
    found: list[Item] = []
    for index, graph in enumerate(graphs):
        values: Mapping[tuple[str, str], Any] = getattr(graph, "values", {})
        inputs = {f"{node_id}.{name}": _data(value) for (node_id, name), value in values.items()}
        found.append(Item(index, inputs, _giving(graph)))
    return found


def _giving(graph: Graph | Any) -> Callable[[], Graph | Any]:
    return lambda: graph


class Grid(Sequence[Item]):
    """Every combination of some values, the last key changing fastest; items are made when they are asked for.

    Args:
        axes: key -> the values it takes, at least one each.
        build: makes the graph of one combination.
        fixed: what is the same in all of them, for the manifest.

    Raises:
        ValueError: a key without values, or more than `MOST_ITEMS` combinations.
    """

    def __init__(
        self,
        axes: Mapping[str, Sequence[Any]],
        build: Callable[[Mapping[str, Any]], Graph | Any],
        *,
        fixed: Mapping[str, Any] | None = None,
    ) -> None:
        self.axes = {key: list(values) for key, values in axes.items()}
        self._build = build
        self._fixed = dict(fixed or {})
        self._length = 1
        for key, values in self.axes.items():
            if not values:
                raise ValueError(f"{key}: there is no value to take")
            self._length *= len(values)
        if self._length > MOST_ITEMS:
            raise ValueError(f"{self._length} combinations; at most {MOST_ITEMS} make a batch")

    def __len__(self) -> int:
        return self._length

    def values(self, index: int) -> dict[str, Any]:
        """The combination of one item."""
        chosen: dict[str, Any] = {}
        for key, values in reversed(self.axes.items()):
            index, at = divmod(index, len(values))
            chosen[key] = values[at]
        return dict(reversed(chosen.items()))

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(self._length))]
        if not -self._length <= index < self._length:
            raise IndexError(index)
        index %= self._length
        values = self.values(index)
        inputs = {key: _data(value) for key, value in {**self._fixed, **values}.items()}
        return Item(index, inputs, lambda: self._build(values))

    def __iter__(self) -> Iterator[Item]:
        return (self[index] for index in range(self._length))


def digest(prompt: Mapping[str, Any]) -> str:
    """A SHA-256 of an API-format prompt: two items with one digest would run the same."""
    text = json.dumps(prompt, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def seed_of(prompt: Mapping[str, Any]) -> int | dict[str, int] | None:
    """The seed of a prompt: one number, or one by node id where nodes have different ones; None without any."""
    found: dict[str, int] = {}
    for node_id, node in prompt.items():
        given: Any = node.get("inputs") if isinstance(node, Mapping) else None
        if isinstance(given, Mapping):
            for name in SEEDS:
                value: Any = given.get(name)
                if isinstance(value, int) and not isinstance(value, bool):
                    found[str(node_id)] = value
    distinct = set(found.values())
    return None if not found else distinct.pop() if len(distinct) == 1 else found


def _data(value: Any) -> Any:
    """A value as it can stand in JSON; a file or a link by what it shows."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return str(value)
