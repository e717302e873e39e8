"""A loaded workflow as a prompt: subgraphs unfolded, links followed to the nodes that run, widgets written out.

Ids are those of the editor: ``"375:4"`` is node 4 of the subgraph that node 375 stands for. Everything here is a loop with a
stack of its own, and every link is followed once: a file can neither overflow the stack nor take more than linear time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ..definition import ANY, MISSING
from ..errors import FormatError
from ..text import shown
from . import editor_tables as tables
from .editor_file import Link, LinkId
from .editor_graph import Graph, Node
from .editor_text import dynamic_prompt, file_name
from .editor_types import fits
from .editor_widgets import Widget, count_choice

MAX_NODES: Final = 100_000
"""Nodes of a workflow with its subgraphs unfolded."""
MAX_DEPTH: Final = 1_000
"""Subgraphs in subgraphs, as in the editor."""


@dataclass(slots=True, eq=False)
class Place:
    """One use of a graph: the workflow itself, or a subgraph where a node stands for it."""

    graph: Graph
    prefix: str = ""
    depth: int = 0
    host: Node | None = None
    outer: Place | None = None
    inner: dict[str, Place] = field(default_factory=dict[str, "Place"])


@dataclass(slots=True, frozen=True)
class Output:
    """The end of a link: an output of a node that runs."""

    node_id: str
    slot: int


@dataclass(slots=True, frozen=True)
class Value:
    """The end of a link: no node, but a value that a subgraph's node has for its input."""

    value: Any


End = Output | Value | None
_Spot = tuple[Place, Node, bool, int, str | None]


def flatten(root: Graph, now: datetime) -> dict[str, dict[str, Any]]:
    """Write the prompt.

    Raises:
        FormatError: nodes of classes that the catalogue does not have; links to nothing or in a circle; too large.
    """
    places = _unfold(root)
    active = [(place, node) for place in places for node in place.graph.nodes.values() if _runs(node)]
    _refuse_unknown(active)
    follow = _Follower()
    names = _Names(places)
    prompt: dict[str, dict[str, Any]] = {}
    for place, node in active:
        prompt[place.prefix + node.id] = {
            "inputs": _inputs(place, node, follow, names, now),
            "class_type": node.file.type,
            "_meta": {"title": node.title},
        }
    for entry in prompt.values():
        inputs: dict[str, Any] = entry["inputs"]
        gone = [name for name, value in inputs.items() if isinstance(value, _LinkPair) and value[0] not in prompt]
        for name in gone:
            del inputs[name]
        for name, value in inputs.items():
            if isinstance(value, _LinkPair):
                inputs[name] = list(value)
    return prompt


class _LinkPair(tuple[str, int]):
    """A link while the prompt is written; it tells links from lists of values."""

    __slots__ = ()


def _runs(node: Node) -> bool:
    return node.kind in ("real", "unknown") and node.mode not in (tables.MODE_MUTED, tables.MODE_BYPASSED)


def _unfold(root: Graph) -> list[Place]:
    top = Place(root)
    places: list[Place] = []
    waiting = [top]
    count = 0
    while waiting:
        place = waiting.pop()
        places.append(place)
        count += len(place.graph.nodes)
        if count > MAX_NODES:
            raise FormatError(
                f"more than {MAX_NODES:,} nodes once the subgraphs are unfolded: too large for a workflow"
            )
        if place.depth > MAX_DEPTH:
            raise FormatError(f"subgraphs nest more than {MAX_DEPTH:,} deep: no editor could have saved this workflow")
        below: list[Place] = []
        for node in place.graph.nodes.values():
            # The editor looks at the mode of a subgraph's node on the top level only; further down it looks at each node's own.
            if node.inner is None or (place is top and node.mode in (tables.MODE_MUTED, tables.MODE_BYPASSED)):
                continue
            inner = Place(node.inner, f"{place.prefix}{node.id}:", place.depth + 1, node, place)
            place.inner[node.id] = inner
            below.append(inner)
        waiting += reversed(below)
    return places


def _refuse_unknown(active: list[tuple[Place, Node]]) -> None:
    missing: dict[str, list[str]] = {}
    packs: dict[str, str] = {}
    for place, node in active:
        if node.kind != "unknown":
            continue
        title = f" ({shown(node.file.title)})" if node.file.title and node.file.title != node.file.type else ""
        missing.setdefault(node.file.type, []).append(shown(place.prefix + node.id)[1:-1] + title)
        pack: object = node.file.properties.get("cnr_id") or node.file.properties.get("aux_id")
        if isinstance(pack, str) and pack:
            packs[node.file.type] = pack
    if not missing:
        return
    lines: list[str] = []
    for kind, where in list(missing.items())[:20]:
        pack = f" of the pack {shown(packs[kind])}" if kind in packs else ""
        more = f" and {len(where) - 5} more" if len(where) > 5 else ""
        lines.append(f"{shown(kind)}{pack}: node{'s' if len(where) > 1 else ''} {', '.join(where[:5])}{more}")
    if len(missing) > 20:
        lines.append(f"… and {len(missing) - 20} more classes")
    count = "a node class" if len(missing) == 1 else f"{len(missing)} node classes"
    raise FormatError(
        f"the workflow uses {count} that the catalogue does not have: {'; '.join(lines)}. "
        "Convert it with the catalogue of a server that has them, or bypass these nodes in the editor"
    )


class _Names:
    """Widgets by their node's name, for patterns in file names; looked up only when a pattern asks."""

    def __init__(self, places: list[Place]) -> None:
        self._places = places
        self._by_name: dict[str, Node] | None = None

    def value_of(self, name: str, widget: str) -> object:
        if self._by_name is None:
            aliases: dict[str, Node] = {}
            titles: dict[str, Node] = {}
            for node in self._nodes():
                alias: object = node.file.properties.get("Node name for S&R")
                if alias is None and node.file.type not in tables.FILENAME_NODES:
                    alias = node.file.type
                if isinstance(alias, str):
                    aliases.setdefault(alias, node)
                titles.setdefault(node.title, node)
            self._by_name = {**titles, **aliases}
        found = self._by_name[name].named(widget)
        if found is None:
            raise KeyError(widget)
        return None if found.value is MISSING else found.value

    def _nodes(self) -> Iterator[Node]:
        for place in self._places:
            yield from place.graph.nodes.values()


def _inputs(place: Place, node: Node, follow: _Follower, names: _Names, now: datetime) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    if node.file.type == "CustomCombo" and len(node.form.widgets) > 2:
        count_choice(node.form)
    for widget in node.form.widgets:
        if widget.sent and widget.name:
            _write(inputs, widget.name, _sent(node, widget, names, now), curve=widget.type == "CURVE")
    for slot, socket in enumerate(node.form.sockets):
        if socket.link is None:
            continue
        end = follow.input(place, node, slot)
        if isinstance(end, Output):
            inputs[socket.name] = _LinkPair((end.node_id, end.slot))
        elif isinstance(end, Value):
            _write(inputs, socket.name, end.value)
    return inputs


def _sent(node: Node, widget: Widget, names: _Names, now: datetime) -> Any:
    value = widget.value
    if not isinstance(value, str):
        return value
    if widget.definition is not None and widget.definition.flags.get("dynamicPrompts") is True:
        return dynamic_prompt(value)
    if widget.name == "filename_prefix" and node.file.type in tables.FILENAME_NODES and "%" in value:
        return file_name(value, names.value_of, now)
    return value


def _write(inputs: dict[str, Any], name: str, value: Any, *, curve: bool = False) -> None:
    if value is MISSING:
        inputs.pop(name, None)
    elif isinstance(value, list):
        # A bare list would be read as a link.
        inputs[name] = {"__type__": "CURVE", "__value__": value} if curve else {"__value__": value}
    else:
        inputs[name] = value


class _Follower:
    """Follows links through subgraphs, bypassed nodes and reroutes; what it found once it knows."""

    def __init__(self) -> None:
        self._known: dict[_Spot, End] = {}
        self._setters: dict[Graph, dict[str, Node]] = {}

    def input(self, place: Place, node: Node, slot: int) -> End:
        """What comes into an input."""
        path: dict[_Spot, None] = {}
        spot: _Spot | End = (place, node, True, slot, None)
        while isinstance(spot, tuple):
            if spot in self._known:
                spot = self._known[spot]
                break
            if spot in path:
                raise FormatError(
                    f"damaged workflow: the links before {node.file.where} of {place.graph.where} run in a circle "
                    f"through {spot[1].file.where}; cut one of them in the editor"
                )
            path[spot] = None
            spot = self._into(*spot) if spot[2] else self._out_of(*spot)
        for passed in path:
            self._known[passed] = spot
        return spot

    def _into(self, place: Place, node: Node, _: bool, slot: int, kind: str | None) -> _Spot | End:
        socket = node.form.sockets[slot]
        if socket.link is None:
            return None
        return self._along(place, node, socket.link, kind or socket.type)

    def _along(self, place: Place, node: Node, identifier: LinkId, kind: str) -> _Spot | End:
        link = place.graph.links.get(identifier)
        if link is None:
            raise FormatError(
                f"damaged workflow: an input of {node.file.where} of {place.graph.where} has link {shown(identifier)}, "
                "and there is no such link; connect it again in the editor"
            )
        if place.host is not None and link.origin == tables.SUBGRAPH_INPUT:
            return self._outwards(place, link)
        origin = place.graph.nodes.get(link.origin)
        if origin is None:
            raise FormatError(
                f"damaged workflow: link {shown(identifier)} of {place.graph.where} comes from node {shown(link.origin)}, "
                f"and there is no such node; connect {node.file.where} again in the editor"
            )
        return place, origin, False, link.origin_slot, kind

    def _outwards(self, place: Place, link: Link) -> _Spot | End:
        host, outer = place.host, place.outer
        assert host is not None
        assert outer is not None
        if not 0 <= link.origin_slot < len(host.form.sockets):
            raise FormatError(
                f"damaged workflow: link {shown(link.id)} comes from input {link.origin_slot} of {place.graph.where}, "
                f"which has {len(host.form.sockets)}"
            )
        socket = host.form.sockets[link.origin_slot]
        if socket.link is not None:
            return outer, host, True, link.origin_slot, None
        return Value(socket.promoted.value) if socket.promoted is not None else None

    def _out_of(self, place: Place, node: Node, _: bool, slot: int, kind: str | None) -> _Spot | End:
        if node.mode == tables.MODE_MUTED:
            return None
        if node.mode == tables.MODE_BYPASSED:
            through = _way_through(node, slot, kind or ANY)
            return (place, node, True, through, None) if through is not None else None
        match node.kind:
            case "subgraph":
                return self._inwards(place, node, slot, kind)
            case "reroute":
                return (place, node, True, slot, kind) if slot < len(node.form.sockets) else None
            case "get":
                setter = self._setter(place.graph, node)
                return (place, setter, True, 0, kind) if setter is not None and setter.form.sockets else None
            case "set":
                return (place, node, True, 0, kind) if node.form.sockets else None
            case "primitive" | "note":
                return None
            case _:
                return Output(place.prefix + node.id, slot)

    def _inwards(self, place: Place, node: Node, slot: int, kind: str | None) -> _Spot | End:
        inner = place.inner[node.id]
        if not 0 <= slot < len(inner.graph.outputs):
            raise FormatError(
                f"damaged workflow: a link comes from output {slot} of {node.file.where}, a subgraph with "
                f"{len(inner.graph.outputs)} outputs"
            )
        port = inner.graph.outputs[slot]
        link = inner.graph.links.get(port.links[0]) if port.links else None
        if link is None:
            return None
        if link.origin == tables.SUBGRAPH_INPUT:
            return self._outwards(inner, link)
        return self._along(inner, node, link.id, kind or ANY)

    def _setter(self, graph: Graph, getter: Node) -> Node | None:
        if graph not in self._setters:
            named: dict[str, Node] = {}
            for node in graph.nodes.values():
                if node.kind == "set" and (name := _wire(node)):
                    named.setdefault(name, node)
            self._setters[graph] = named
        return self._setters[graph].get(_wire(getter))


def _wire(node: Node) -> str:
    values = node.file.values
    name: Any = values[0] if isinstance(values, list) and values else None
    return name if isinstance(name, str) else ""


def _way_through(node: Node, slot: int, kind: str) -> int | None:
    """The input that a bypassed node passes on for an output: that of the same number if its type fits, else the first that does.

    Args:
        node: the bypassed node.
        slot: its output.
        kind: the type of the input that the link ends at.
    """
    sockets = node.form.sockets
    given = node.outputs[slot] if 0 <= slot < len(node.outputs) else ANY
    if kind == ANY:
        return (slot if slot < len(sockets) else 0) if sockets else None
    if slot < len(sockets) and fits(sockets[slot].type, given) and fits(sockets[slot].type, kind):
        return slot
    exact = next((place for place, socket in enumerate(sockets) if socket.type == kind), None)
    if exact is not None:
        return exact
    return next((i for i, s in enumerate(sockets) if fits(s.type, given) and fits(s.type, kind)), None)
