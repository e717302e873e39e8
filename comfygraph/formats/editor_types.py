"""Which socket types go together in the editor, and what match-type nodes make of the types that come in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..definition import ANY, InputDef, NodeDef
from . import editor_tables as tables
from .editor_graph import Graph, Node

_PASSES = 16  # chains of match-type nodes that are longer than this keep the wildcard


def fits(one: str, other: str) -> bool:
    """Whether the editor joins two socket types: equal, a wildcard, or lists with a common member; case does not matter."""
    if ANY in (one, other) or not one or not other or one == other:
        return True
    return not set(one.lower().split(",")).isdisjoint(other.lower().split(","))


def common(types: Iterable[str]) -> str | None:
    """What all the types have in common: ``"IMAGE,MASK"`` and ``"MASK"`` have ``"MASK"``. None: nothing."""
    lists = [kind.split(",") for kind in types if kind != ANY]
    if not lists:
        return ANY
    shared = [kind for kind in dict.fromkeys(lists[0]) if all(kind in other for other in lists[1:])]
    return ",".join(shared) if shared else None


def settle_match_types(graphs: Iterable[Graph]) -> None:
    """Give the sockets of match-type nodes the types that follow from what they are joined to."""
    every = list(graphs)
    moving = [
        (graph, node, _templates(node.definition) if node.definition is not None else {})
        for graph in every
        for node in graph.nodes.values()
        if node.kind == "reroute" or (node.definition is not None and any(o.template for o in node.definition.outputs))
    ]
    for _ in range(_PASSES):
        changed = False
        for graph, node, templates in moving:
            changed = _settle(graph, node, templates) or changed
        if not changed:
            return


def _templates(definition: NodeDef) -> dict[str, tuple[str, str]]:
    """Input name -> template and allowed types; of a growing input, the name of the whole."""
    found: dict[str, tuple[str, str]] = {}
    for item in definition.inputs.values():
        inner: InputDef = item.grow.item if item.grow is not None else item
        if inner.template is not None:
            found[item.name] = (inner.template, inner.allowed)
    return found


def _settle(graph: Graph, node: Node, templates: Mapping[str, tuple[str, str]]) -> bool:
    before = list(node.outputs)
    if node.definition is None:
        source = _source_type(graph, node, 0)
        node.outputs = [source for _ in node.outputs] or [source]
        return node.outputs != before
    members: dict[str, list[tuple[int, str]]] = {}
    for place, socket in enumerate(node.form.sockets):
        entry = templates.get(socket.name) or templates.get(socket.name.partition(".")[0])
        if entry is not None:
            members.setdefault(entry[0], []).append((place, entry[1]))
    for template, places in members.items():
        connected = [_source_type(graph, node, place) for place, _ in places]
        distinct = [kind for kind in connected if kind != ANY]
        for (place, allowed), own in zip(places, connected, strict=True):
            others = list(distinct)
            if own != ANY:
                others.remove(own)
            node.form.sockets[place].type = common({*others, allowed}) or allowed
        given = common(set(distinct))
        for place, output in enumerate(node.definition.outputs):
            if output.template == template and given is not None:
                node.outputs[place] = given
    return node.outputs != before


def _source_type(graph: Graph, node: Node, place: int) -> str:
    sockets = node.form.sockets
    link = (
        graph.links.get(identifier)
        if place < len(sockets) and (identifier := sockets[place].link) is not None
        else None
    )
    if link is None:
        return ANY
    if link.origin == tables.SUBGRAPH_INPUT and graph.id:
        return graph.inputs[link.origin_slot].type if 0 <= link.origin_slot < len(graph.inputs) else ANY
    origin = graph.nodes.get(link.origin)
    return (
        origin.outputs[link.origin_slot] if origin is not None and 0 <= link.origin_slot < len(origin.outputs) else ANY
    )
