"""The editor's file, read into plain records: nodes, links, slots, subgraph definitions.

Both schemas are read: 0.4 (links as lists) and 1.0 (links as objects); subgraph definitions always have the latter. Nothing
is trusted: what is no workflow is refused in one line that says where; what a converter does not need is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, TypeGuard, cast

from ..errors import FormatError
from ..text import shown
from .editor_tables import SUBGRAPH_INPUT, SUBGRAPH_OUTPUT

MAX_NODES: Final = 100_000
"""Nodes in one file; the largest of the official templates has 170."""

LinkId = int | float | str


@dataclass(slots=True)
class Link:
    """A wire: from an output of a node to an input of one. Node ids are texts, as they are in a prompt."""

    id: LinkId
    origin: str
    origin_slot: int
    target: str
    target_slot: int


@dataclass(slots=True)
class Slot:
    """An input of a node as the file has it; `widget` names the widget that it feeds."""

    name: str
    type: str
    link: LinkId | None = None
    widget: str | None = None


@dataclass(slots=True)
class FileNode:
    """A node as the file has it. `where` is for messages: ``node 12 ("Sampler", KSampler)``."""

    id: str
    type: str
    title: str
    mode: int
    inputs: list[Slot]
    outputs: list[str]
    output_links: list[list[LinkId]]
    values: list[Any] | dict[str, Any] | None
    properties: dict[str, Any]

    @property
    def where(self) -> str:
        return f"node {self.id} ({shown(self.title or self.type)})"


@dataclass(slots=True, eq=False)
class Port:
    """An input or output of a subgraph, and the links that join it inside."""

    name: str
    type: str
    links: list[LinkId] = field(default_factory=list["LinkId"])


@dataclass(slots=True)
class FileGraph:
    """The whole workflow (`id` is empty), or one subgraph definition."""

    id: str
    name: str
    nodes: dict[str, FileNode]
    links: dict[LinkId, Link]
    inputs: list[Port]
    outputs: list[Port]

    @property
    def where(self) -> str:
        return f"subgraph {shown(self.name)}" if self.id else "the workflow"


@dataclass(slots=True)
class EditorFile:
    """A workflow file: the graph on top, the subgraph definitions by id, and what `extra` says of group nodes."""

    root: FileGraph
    subgraphs: dict[str, FileGraph]
    last_node_id: int
    extra: dict[str, Any]


def read(data: object) -> EditorFile:
    """Read a decoded workflow file.

    Raises:
        FormatError: it is no editor workflow, or a damaged one.
    """
    top = mapping(data)
    if top is None or not isinstance(top.get("nodes"), list):
        raise FormatError('no editor workflow: a JSON object with a list "nodes" is needed')
    extra = mapping(top.get("extra")) or {}
    count = [0]
    root = _graph(top, "", count)
    subgraphs: dict[str, FileGraph] = {}
    waiting: list[object] = [top]
    while waiting:
        # Definitions may hold definitions; a file is a tree, so this ends, and it is as large as the file.
        definitions = mapping((mapping(waiting.pop()) or {}).get("definitions")) or {}
        for item in sequence(definitions.get("subgraphs")):
            record = mapping(item)
            if record is None or not isinstance(record.get("id"), str) or not isinstance(record.get("nodes"), list):
                raise FormatError(
                    "damaged workflow: a subgraph definition without id or nodes; save it from the editor again"
                )
            identifier = str(record["id"])
            if identifier in subgraphs:
                raise FormatError(f"damaged workflow: two subgraph definitions have the id {shown(identifier)}")
            subgraphs[identifier] = _graph(record, identifier, count)
            waiting.append(record)
    state = mapping(top.get("state")) or {}
    last = top.get("last_node_id", state.get("lastNodeId"))
    return EditorFile(root, subgraphs, last if isinstance(last, int) else 0, extra)


def mapping(value: object) -> dict[str, Any] | None:
    """`value` if it is a JSON object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def sequence(value: object) -> list[Any]:
    """`value` if it is a JSON list, or else an empty one."""
    return value if _is_list(value) else []


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def node_id(value: object) -> str | None:
    """A node's id as text: whole numbers and texts are ids."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(int(value)) if isfinite(value) and value == int(value) else str(value)


def link_id(value: object) -> LinkId | None:
    """A link's id: a number or a text; anything else, like null, is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return value


def _graph(record: Mapping[str, Any], identifier: str, count: list[int]) -> FileGraph:
    name = record.get("name")
    graph = FileGraph(identifier, name if isinstance(name, str) and name else identifier, {}, {}, [], [])
    for item in sequence(record.get("nodes")):
        count[0] += 1
        if count[0] > MAX_NODES:
            raise FormatError(f"more than {MAX_NODES:,} nodes: too large for a workflow")
        node = node_from(item, graph.where)
        if node.id in graph.nodes:
            raise FormatError(
                f"damaged workflow: two nodes of {graph.where} have the id {shown(node.id)}: "
                f"{shown(graph.nodes[node.id].type)} and {shown(node.type)}; give one of them another id"
            )
        graph.nodes[node.id] = node
    for item in sequence(record.get("links")):
        if item is not None:
            link = _link(item, graph)
            graph.links[link.id] = link
    graph.inputs = [_port(item, graph) for item in sequence(record.get("inputs"))] if identifier else []
    graph.outputs = [_port(item, graph) for item in sequence(record.get("outputs"))] if identifier else []
    _mend_ports(graph)
    return graph


def node_from(item: object, where: str) -> FileNode:
    """Read one node; `where` is the graph that it is in, for messages."""
    record = mapping(item)
    identifier = node_id(record.get("id")) if record is not None else None
    if record is None or identifier is None:
        raise FormatError(f"damaged workflow: a node of {where} has no id")
    kind = record.get("type")
    if not isinstance(kind, str) or not kind:
        raise FormatError(f"damaged workflow: node {shown(identifier)} of {where} has no type")
    title, mode = record.get("title"), record.get("mode")
    outputs = [mapping(output) or {} for output in sequence(record.get("outputs"))]
    saved: object = record.get("widgets_values")
    return FileNode(
        id=identifier,
        type=kind,
        title=title if isinstance(title, str) else "",
        mode=mode if isinstance(mode, int) else 0,
        inputs=[_slot(slot) for slot in sequence(record.get("inputs"))],
        outputs=[socket_type(output.get("type")) for output in outputs],
        output_links=[
            [known for link in sequence(output.get("links")) if (known := link_id(link)) is not None]
            for output in outputs
        ],
        values=cast("dict[str, Any] | list[Any]", saved) if isinstance(saved, dict | list) else None,
        properties=mapping(record.get("properties")) or {},
    )


def _slot(item: object) -> Slot:
    record = mapping(item) or {}
    widget = mapping(record.get("widget"))
    named = widget.get("name") if widget is not None else None
    return Slot(
        name=text(record.get("name")),
        type=socket_type(record.get("type")),
        link=link_id(record.get("link")),
        widget=named if isinstance(named, str) and named else None,
    )


def _port(item: object, graph: FileGraph) -> Port:
    record = mapping(item)
    if record is None or not isinstance(record.get("name"), str):
        raise FormatError(f"damaged workflow: an input or output of {graph.where} has no name")
    links = [known for link in sequence(record.get("linkIds")) if (known := link_id(link)) is not None]
    return Port(record["name"], socket_type(record.get("type")), links)


def _link(item: object, graph: FileGraph) -> Link:
    record = mapping(item)
    if record is not None:
        parts = [record.get(key) for key in ("id", "origin_id", "origin_slot", "target_id", "target_slot")]
    else:
        parts = sequence(item)[:5]
    identifier = link_id(parts[0]) if parts else None
    if len(parts) == 5 and identifier is not None:
        origin, target = node_id(parts[1]), node_id(parts[3])
        origin_slot, target_slot = _whole(parts[2]), _whole(parts[4])
        if origin is not None and target is not None and origin_slot is not None:
            return Link(identifier, origin, origin_slot, target, -1 if target_slot is None else target_slot)
    raise FormatError(
        f"damaged workflow: a link of {graph.where} is not [id, from, slot, to, slot, type]: {shown(item)}"
    )


def _whole(value: object) -> int | None:
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) < 1e9 else None


def text(value: object) -> str:
    """`value` if it is a text."""
    return value if isinstance(value, str) else ""


def socket_type(value: object) -> str:
    """A socket type as text; 0 and the empty text are the editor's older ways to write ``*``."""
    if isinstance(value, list):
        return "COMBO"
    return str(value) if value not in (None, 0, "") else "*"


def _mend_ports(graph: FileGraph) -> None:
    """Let every port know its links, also where the file's own list is missing or stale."""
    found_in: dict[int, list[LinkId]] = {}
    found_out: dict[int, list[LinkId]] = {}
    for link in graph.links.values():
        if link.origin == SUBGRAPH_INPUT:
            found_in.setdefault(link.origin_slot, []).append(link.id)
        if link.target == SUBGRAPH_OUTPUT:
            found_out.setdefault(link.target_slot, []).append(link.id)
    for ports, found in ((graph.inputs, found_in), (graph.outputs, found_out)):
        for place, port in enumerate(ports):
            known = [link for link in port.links if link in graph.links]
            port.links = known or found.get(place, [])
