"""`Part`: what one call of a subgraph made, as it stands in a graph."""

# pyright: reportPrivateUsage=false
# Within one package, an underscore keeps a name from users, not from its neighbours.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import EditError
from ..links import Link
from ..text import did_you_mean, shown
from ..wires import is_slot
from .decorator import Call, Subgraph, as_output, call_of, is_link
from .ids import prefixes_in

if TYPE_CHECKING:
    from ..graph import Graph
    from ..node import Node


class Part:
    """The nodes of one call of a subgraph in one graph.

    Attributes:
        graph: the graph it was found in.
        name: the subgraph's name.
        id: what the ids of its nodes begin with; equal to `name` for the first call in a graph.
        ids: the ids of its nodes, those of nested subgraphs included.
    """

    def __init__(self, graph: Graph, call: Call, ids: tuple[str, ...], prefix: str) -> None:
        self.graph = graph
        self.call = call
        self.ids = ids
        self.id = prefix
        self.name = call.subgraph.name

    @property
    def nodes(self) -> list[Node]:
        """Its nodes as they stand in the graph."""
        return [self.graph[node_id] for node_id in self.ids]

    @property
    def subgraph(self) -> Subgraph[..., Any]:
        """What made it."""
        return self.call.subgraph

    @property
    def values(self) -> Mapping[str, Any]:
        """The values that the call was given; what was set at its nodes since is at its nodes."""
        return {name: value for name, value in self.call.arguments.items() if not is_link(value)}

    @property
    def inputs(self) -> dict[str, Link[Any]]:
        """The links that go in, by parameter, as they stand in the graph: edits since the call count.

        Raises:
            EditError: a parameter goes in at several places, and an edit has linked them to different nodes.
        """
        found: dict[str, Link[Any]] = {}
        for name, value in self.call.arguments.items():
            if is_link(value):
                link = self._entering(name, value)
                if link is not None:
                    found[name] = link
        return found

    @property
    def outputs(self) -> dict[str, Link[Any]]:
        """The links that come out, by name; a single one under ``""``. Those whose node is gone are left out."""
        found: dict[str, Link[Any]] = {}
        for name, given in self.call.outputs.items():
            link = self._leaving(given)
            if link is not None:
                found[name] = self.graph._output(self.graph.id(link._node), link._slot)
        return found

    @property
    def surface(self) -> str:
        """What went in and comes out, by name and kind, in one line."""
        given = self.call.arguments.items()
        kinds = [f"{name}: {value._kind}" for name, value in given if is_link(value)]
        return f"{self.id}({', '.join(kinds)}) -> {gives(self.call.outputs)}"

    def __str__(self) -> str:
        """What it is, what goes in and comes out, and its nodes: for a person to read."""
        graph = self.graph
        lines = [f"{self.id}, made by {self.name}"]
        lines += [f"  {name} <- {graph.id(link._node)} {link!r}" for name, link in self.inputs.items()]
        lines += [f"  {name} = {shown(value)}" for name, value in self.values.items()]
        lines += [f"  node {node.id} {node.class_type}" for node in self.nodes]
        return "\n".join([*lines, f"  -> {gives(self.outputs)}"])

    def __repr__(self) -> str:
        return f"<part {self.id!r}: {len(self.ids)} nodes>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and self.graph is other.graph and self.call is other.call

    def __hash__(self) -> int:
        return hash((id(self.graph), id(self.call)))

    def _leaving(self, given: Link[Any]) -> Link[Any] | None:
        """An output of the call, or what swaps within it have put there."""
        pending = [given]
        for link in pending:
            if link._node in self.graph:
                return link
            pending += self.call.successors.get(as_output(link), ())
        return None

    def _entering(self, name: str, given: Link[Any]) -> Link[Any] | None:
        graph = self.graph
        found: dict[tuple[str, int], Link[Any]] = {}
        for node, wire in self.call.entries.get(name, ()):
            if node in graph:
                entry = graph._table[graph.id(node)]
                value = (entry.inputs or {}).get(wire)
                if is_slot(value) and value[0] in graph:
                    found[value] = graph._output(*value)
        if len(found) > 1:
            places = ", ".join(f"{link!r} of {node_id!r}" for (node_id, _), link in found.items())
            raise EditError(f"{self.id}: {name} is now linked to several nodes: {places}; say which by {name}=")
        if found:
            return next(iter(found.values()))
        # It goes straight through, or nothing in the part takes it.
        return graph._output(graph.id(given._node), given._slot) if given._node in graph else None


def find_parts(graph: Graph, which: Subgraph[..., Any] | str | None = None) -> list[Part]:
    """`Graph.parts`: the parts of a graph, outer ones before those nested in them.

    Args:
        graph: where to look.
        which: the subgraph, or a part's id or name; None for all.
    """
    ids: dict[Call, list[str]] = {}
    for node_id, entry in graph._table.items():
        call = call_of(entry.token)
        for outer in () if call is None else call.chain:
            ids.setdefault(outer, []).append(node_id)
    if not ids:
        return []
    prefixes = prefixes_in(graph._table)
    found = [Part(graph, call, tuple(own), prefixes.get(call, call.subgraph.name)) for call, own in ids.items()]
    if which is None:
        return found
    if isinstance(which, str):
        return [part for part in found if part.id == which] or [part for part in found if part.name == which]
    return [part for part in found if part.subgraph is which]


def one_part(graph: Graph, which: Subgraph[..., Any] | Part | str) -> Part:
    """`Graph.part`: the only part that is meant.

    Raises:
        EditError: there is none, or several; the message lists them.
    """
    if isinstance(which, Part):
        ours = [part for part in find_parts(graph) if part.call is which.call]
        if not ours:
            raise EditError(f"the graph has no part {which.id!r} any more")
        return ours[0]
    found = find_parts(graph, which)
    if len(found) == 1:
        return found[0]
    wanted = repr(which) if isinstance(which, str) else which.name
    if found:
        several = ", ".join(repr(part.id) for part in found)
        raise EditError(f"the graph has {len(found)} parts {wanted}: {several}; say which")
    there = sorted({part.id for part in find_parts(graph)})
    if not there:
        raise EditError(
            f"the graph has no part {wanted}, and no other: parts are known where @subgraph functions made the nodes, and not after JSON"
        )
    name = which if isinstance(which, str) else which.name
    raise EditError(f"the graph has no part {wanted}; {did_you_mean(name, there, what='part')}")


def gives(outputs: Mapping[str, Link[Any]]) -> str:
    """Outputs by name and kind, in one line."""
    return ", ".join(f"{name}: {link._kind}" if name else link._kind for name, link in outputs.items())
