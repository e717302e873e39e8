"""A graph as the steps of a program: each node with its class, its definition, what it takes and who takes it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any, Final, cast

from ..definition import InputDef, NodeDef
from ..errors import FormatError
from ..expand import declared
from ..graph import Graph
from ..matching import output_kinds
from ..naming import class_name, output_names
from ..node import Node, Option
from ..text import listed, shown

LIBRARY: Final = "comfygraph.nodes"


@dataclass
class Typed:
    """A typed class, and where it is imported from."""

    cls: type[Node]
    name: str
    module: str
    definition: NodeDef


@dataclass
class Step:
    """One node of the graph.

    Attributes:
        id: its id in the graph.
        class_type: its class on the wire.
        typed: its typed class, None where there is none.
        definition: its definition, None where nobody knows it.
        inputs: what it is given, by name on the wire; links are ``(id, slot)`` tuples, and nothing else is a tuple.
        title: its title, None if it has none.
        kinds: the socket types of its outputs.
        users: who takes its outputs: (id, input, slot).
    """

    id: str
    class_type: str
    typed: Typed | None
    definition: NodeDef | None
    inputs: dict[str, Any]
    title: str | None
    kinds: list[str] = field(default_factory=list)
    users: list[tuple[str, str, int]] = field(default_factory=list)

    def links(self) -> list[tuple[str, str, int]]:
        """Its links, in the order of its definition: (input, id, slot)."""
        return [(name, v[0], v[1]) for name, v in self.inputs.items() if type(v) is tuple]

    def sort(self) -> None:
        """Put the inputs in the order of the definition; those that it does not have come last."""
        if self.definition is not None and len(self.inputs) > 1:
            rank = {name: i for i, name in enumerate(declared(self.definition, self.inputs))}
            self.inputs = dict(sorted(self.inputs.items(), key=lambda pair: rank.get(pair[0], len(rank))))

    @property
    def single(self) -> bool:
        """Whether it is a link itself: a typed class with one output."""
        return self.typed is not None and len(self.typed.definition.outputs) == 1

    def output(self, slot: int) -> str:
        """How an output is written after the node: nothing, ``.MODEL`` or ``.output(0)``."""
        if self.typed is None:
            return f".output({slot})"
        return "" if self.single else f".{property_names(self.typed.definition)[slot]}"


@lru_cache(maxsize=4096)
def _property_names(wires: tuple[str, ...]) -> list[str]:
    return output_names(wires)


def property_names(definition: NodeDef) -> list[str]:
    """The properties of a definition's outputs."""
    return _property_names(tuple(o.name for o in definition.outputs))


def read(graph: Graph, catalogue: Mapping[str, NodeDef] | None, packages: Sequence[str]) -> dict[str, Step]:
    """The steps of a graph by id, in its order.

    Args:
        graph: the graph.
        catalogue: definitions of the classes that have no typed one.
        packages: further generated packages, by module name.

    Raises:
        FormatError: the graph cannot be written as a program: a node without a class, a link to nothing, a cycle.
    """
    steps: dict[str, Step] = {}
    known: dict[str, Typed | None] = {}
    for node_id, entry in graph._table.items():
        class_type = entry.class_type
        if not isinstance(class_type, str):
            raise FormatError(
                f"node {shown(node_id)} has no class (class_type is {shown(class_type)}), so it cannot be written as Python"
            )
        if class_type not in known:
            known[class_type] = _typed(class_type, packages)
        typed = known[class_type]
        definition = typed.definition if typed else catalogue.get(class_type) if catalogue is not None else None
        step = steps[node_id] = Step(node_id, class_type, typed, definition, dict(entry.inputs or {}), entry.title)
        step.sort()
    _connect(steps)
    return steps


def _connect(steps: dict[str, Step]) -> None:
    for step in steps.values():
        for name, source_id, slot in step.links():
            source = steps.get(source_id)
            place = f"{name} of node {shown(step.id)} ({step.class_type})"
            if source is None:
                raise FormatError(
                    f"{place} is linked to node {shown(source_id)}, which is not in the graph, so it cannot be written as "
                    "Python; set that input first (graph.check() lists all that is wrong)"
                )
            count = len(source.typed.definition.outputs) if source.typed is not None else None
            if slot < 0 or (count is not None and slot >= count):
                raise FormatError(
                    f"{place} is linked to output {slot} of node {shown(source_id)} ({source.class_type}), which has "
                    f"{count if count is not None else 'no such'} output{'' if count == 1 else 's'}; "
                    "set that input first (graph.check() lists all that is wrong)"
                )
            source.users.append((step.id, name, slot))


def kinds(steps: Mapping[str, Step], order: Sequence[str]) -> None:
    """Write the socket types of every step's outputs; `order` has sources before what they feed."""

    def kind_of(value: Any) -> str | None:
        if type(value) is not tuple:
            return None
        source_id, slot = cast("tuple[str, int]", value)
        known = steps[source_id].kinds
        return known[slot] if slot < len(known) else "*"

    for node_id in order:
        step = steps[node_id]
        if step.definition is not None:
            step.kinds = output_kinds(step.definition, step.inputs, kind_of)


def cycle(steps: Mapping[str, Step], left: Sequence[str]) -> FormatError:
    """The error for nodes that need their own results."""
    named = [f"{node_id} ({steps[node_id].class_type})" for node_id in left[:12]]
    return FormatError(
        f"the graph has a cycle, so it cannot be written as Python: {listed(named)}; cut a link of it first"
    )


def _typed(class_type: str, packages: Sequence[str]) -> Typed | None:
    for module in (LIBRARY, *packages):
        package = import_module(module)
        definition = package.definitions().get(class_type)
        cls = getattr(package, class_name(class_type), None)
        if definition is not None and cls is not None and cls.class_type == class_type:
            return Typed(cls, cls.__name__, module, definition)
    return None


@lru_cache(maxsize=4096)
def keywords(cls: type[Node] | type[Option]) -> tuple[str, ...]:
    """The keyword arguments of a typed class, in the order of its definition's inputs."""
    return tuple(inspect.signature(cls.__init__).parameters)[1:]


@lru_cache(maxsize=4096)
def options(cls: type[Node] | type[Option]) -> dict[tuple[str, str], type[Option]]:
    """The option classes that stand in a class, by input and key."""
    found = [v for v in vars(cls).values() if isinstance(v, type) and issubclass(v, Option)]
    return {(option._at[-2], option._at[-1]): option for option in found}


def fields(cls: type[Node] | type[Option], definitions: Sequence[InputDef]) -> list[tuple[str, InputDef]]:
    """The inputs of a typed class with their keywords."""
    return list(zip(keywords(cls), definitions))
