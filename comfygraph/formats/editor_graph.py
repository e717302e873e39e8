"""The graphs of a workflow file as the editor holds them once it has loaded the file.

The order of the steps is the editor's, as they build on one another: definitions from the innermost out; in each, nodes with
their widgets, then the widgets that subgraph nodes show, then what old files say of those (`editor_promotion`); at the end
primitives, and the values that the editor mends on loading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..definition import ANY, MATCH_TYPE, MISSING, NodeDef
from ..errors import FormatError
from ..text import listed
from . import editor_tables as tables
from .editor_file import EditorFile, FileGraph, FileNode, Link, LinkId, Port, mapping, sequence
from .editor_widgets import COMBO, Form, Socket, Widget, build, fill

Kind = Literal["real", "subgraph", "reroute", "primitive", "note", "set", "get", "unknown"]


@dataclass(slots=True, eq=False)
class Node:
    """A node of a loaded graph.

    Attributes:
        kind: what it is to a prompt: ``real`` nodes are in it, ``unknown`` ones are of no class that the catalogue has, and
            the others exist in the editor only.
        form: its sockets and widgets.
        outputs: the socket types of its outputs.
        inner: the definition that a subgraph's node stands for.
    """

    file: FileNode
    kind: Kind
    graph: Graph
    form: Form = field(default_factory=Form)
    outputs: list[str] = field(default_factory=list[str])
    definition: NodeDef | None = None
    inner: Graph | None = None

    @property
    def id(self) -> str:
        return self.file.id

    @property
    def mode(self) -> int:
        return self.file.mode

    @property
    def title(self) -> str:
        if self.file.title:
            return self.file.title
        if self.definition is not None:
            own = self.definition
            return tables.TITLES.get(own.class_type) or own.display_name or own.class_type
        if self.inner is not None:
            return self.inner.name
        return tables.NOTES.get(self.file.type, self.file.type)

    def widget_of(self, socket: Socket) -> Widget | None:
        """The widget that a socket feeds."""
        if self.inner is not None:
            return socket.promoted
        return self.form.widget(socket.widget) if socket.widget is not None else None

    def named(self, name: str) -> Widget | None:
        """The widget of this name that the node shows."""
        if self.inner is not None:
            return next((s.promoted for s in self.form.sockets if s.promoted is not None and s.name == name), None)
        return self.form.widget(name)

    def socket_of(self, widget: Widget) -> Socket | None:
        """The socket that feeds a widget."""
        if self.inner is not None:
            return next((socket for socket in self.form.sockets if socket.promoted is widget), None)
        return next((socket for socket in self.form.sockets if socket.widget == widget.name), None)


@dataclass(slots=True)
class Budget:
    """How many sockets the nodes of subgraphs may have in all; few inputs on many nodes multiply to more than memory holds."""

    left: int = 1_000_000

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise FormatError("the inputs of this workflow's subgraphs are too many: no editor could have saved it")


@dataclass(slots=True, eq=False)
class Graph:
    """A loaded graph: the workflow, or a subgraph definition with the nodes that stand for it (`hosts`)."""

    id: str
    name: str
    nodes: dict[str, Node]
    links: dict[LinkId, Link]
    inputs: list[Port]
    outputs: list[Port]
    hosts: list[Node] = field(default_factory=list["Node"])
    where: str = ""
    budget: Budget = field(default_factory=Budget)

    def target(self, link: Link) -> tuple[Node, Socket] | None:
        """Where a link ends: the node and the socket that holds it (a file's slot numbers may be stale)."""
        node = self.nodes.get(link.target)
        if node is None:
            return None
        return next(((node, socket) for socket in node.form.sockets if socket.link == link.id), None)


def load(file: EditorFile, catalogue: Mapping[str, NodeDef]) -> Graph:
    """Load a workflow as the editor does.

    Raises:
        FormatError: a subgraph that contains itself.
    """
    from .editor_primitives import apply_primitives
    from .editor_promotion import flush
    from .editor_types import settle_match_types

    graphs: dict[str, Graph] = {}
    budget = Budget()
    for raw in (*_innermost_first(file), file.root):
        graph = Graph(raw.id, raw.name, {}, dict(raw.links), raw.inputs, raw.outputs, where=raw.where, budget=budget)
        for item in raw.nodes.values():
            graph.nodes[item.id] = _node(item, graph, catalogue, graphs)
        hosts = [node for node in graph.nodes.values() if node.inner is not None]
        for host in hosts:
            _show_widgets(host)
        for host in hosts:
            flush(host)
        graphs[raw.id] = graph
    for graph in graphs.values():
        for node in graph.nodes.values():
            _mend_values(node)
    for graph in graphs.values():
        apply_primitives(graph)
    settle_match_types(graphs.values())
    return graphs[file.root.id]


def _innermost_first(file: EditorFile) -> list[FileGraph]:
    """The definitions, each after those that it uses."""
    users: dict[str, list[str]] = {identifier: [] for identifier in file.subgraphs}
    missing = dict.fromkeys(file.subgraphs, 0)
    for identifier, graph in file.subgraphs.items():
        for node in graph.nodes.values():
            if node.type in users:
                users[node.type].append(identifier)
                missing[identifier] += 1
    ready = [identifier for identifier, count in missing.items() if not count]
    for identifier in ready:  # grows while it is read
        for user in users[identifier]:
            missing[user] -= 1
            if not missing[user]:
                ready.append(user)
    if len(ready) < len(file.subgraphs):
        done = set(ready)
        rest = [graph.name for identifier, graph in file.subgraphs.items() if identifier not in done]
        raise FormatError(
            f"damaged workflow: a subgraph contains itself: one of {listed(rest)}; take it out in the editor"
        )
    return [file.subgraphs[identifier] for identifier in ready]


def _node(item: FileNode, graph: Graph, catalogue: Mapping[str, NodeDef], graphs: Mapping[str, Graph]) -> Node:
    node = Node(item, _kind(item, catalogue, graphs), graph, outputs=list(item.outputs))
    if node.kind == "real":
        definition = node.definition = catalogue[item.type]
        node.form = build(definition)
        fill(node.form, definition, item)
        own = [ANY if output.type == MATCH_TYPE else output.type for output in definition.outputs]
        node.outputs = own + item.outputs[len(own) :]
    elif node.kind == "subgraph":
        inner = node.inner = graphs[item.type]
        inner.hosts.append(node)
        graph.budget.spend(len(inner.inputs))
        links: dict[str, LinkId | None] = {slot.name: slot.link for slot in item.inputs}
        node.form.sockets = [Socket(p.name, p.type, links.get(p.name), port=p) for p in inner.inputs]
        node.outputs = [port.type for port in inner.outputs]
    else:
        node.form.sockets = [Socket(slot.name, slot.type, slot.link, slot.widget) for slot in item.inputs]
    return node


def _kind(item: FileNode, catalogue: Mapping[str, NodeDef], graphs: Mapping[str, Graph]) -> Kind:
    if item.type in graphs and item.type:
        return "subgraph"
    if item.type in catalogue:
        return "real"
    if item.type == tables.REROUTE or item.type in tables.PACK_REROUTES:
        return "reroute"
    if item.type in tables.NOTES or item.type in tables.PACK_NOTES:
        return "note"
    by_type: dict[str, Kind] = {tables.PRIMITIVE: "primitive", tables.SET_NODE: "set", tables.GET_NODE: "get"}
    return by_type.get(item.type, "unknown")


def _show_widgets(host: Node) -> None:
    """Let a subgraph's node show the widgets that its inputs lead to, with the values that the file gives them."""
    shown_widgets: list[tuple[Socket, Widget]] = []
    for socket in host.form.sockets:
        socket.promoted = _first_widget(host, socket)
        if socket.promoted is not None:
            shown_widgets.append((socket, socket.promoted))
    kept = _quarantined(host)
    values = host.file.values
    for place, (socket, widget) in enumerate(shown_widgets):
        if isinstance(values, dict):
            value = values.get(socket.name, MISSING)
        else:
            value = values[place] if values is not None and place < len(values) else MISSING
        value = kept.get(socket.name, value)
        if value is not MISSING:
            widget.value = value


def _first_widget(host: Node, socket: Socket) -> Widget | None:
    assert host.inner is not None
    assert socket.port is not None
    for identifier in socket.port.links:
        link = host.inner.links.get(identifier)
        found = host.inner.target(link) if link is not None else None
        widget = found[0].widget_of(found[1]) if found is not None else None
        if widget is not None:
            return promoted(widget, socket.name)
    return None


def promoted(widget: Widget, name: str) -> Widget:
    """A copy of an inner widget for the outside; from then on it has a value of its own."""
    return Widget(name, widget.type, widget.value, definition=widget.definition)


def _quarantined(host: Node) -> dict[str, Any]:
    """The values that the editor set aside for this node's own inputs when it took over an older file."""
    values: dict[str, Any] = {}
    entries: object = host.file.properties.get("proxyWidgetErrorQuarantine")
    for item in reversed(sequence(entries)):
        entry = mapping(item) or {}
        original = sequence(entry.get("originalEntry"))
        if len(original) >= 2 and original[0] == "-1" and entry.get("hostValue") is not None:
            values[str(original[1])] = entry["hostValue"]
    return values


def _mend_values(node: Node) -> None:
    """What the editor mends in any file: a combo without a value gets its first option, and very old sampler names."""
    shown_widgets = [socket.promoted for socket in node.form.sockets if socket.promoted is not None]
    for widget in (*node.form.widgets, *shown_widgets):
        if widget.type == COMBO and (widget.value is None or widget.value is MISSING):
            widget.value = widget.first_option() if widget.first_option() is not MISSING else widget.value
        if node.file.type in tables.SAMPLER_NODES and widget.name == "sampler_name" and isinstance(widget.value, str):
            widget.value = widget.value.removeprefix("sample_")
