"""Group nodes: the editor's older way to fold nodes into one, kept in ``extra.groupNodes``.

A node of type ``workflow>NAME`` (``workflow/NAME`` in the oldest files) stands for the nodes listed under NAME. The editor turns
each into a subgraph when it loads the file; so does this, with the ids that the editor would give: first the inner nodes, then
the node that stands for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..definition import NodeDef
from ..errors import FormatError
from ..text import shown
from . import editor_tables as tables
from .editor_file import EditorFile, FileGraph, FileNode, Link, Port, Slot, mapping, node_from, sequence
from .editor_widgets import Form, build, fill

_PREFIXES: Final = ("workflow>", "workflow/")
_MOST: Final = 10_000  # group nodes and their inner nodes, in all


@dataclass(slots=True)
class _Layout:
    """How a group node's own inputs, widgets and outputs map to those inside: by inner place and input or slot."""

    inputs: dict[str, tuple[int, str]] = field(default_factory=dict[str, "tuple[int, str]"])
    widgets: list[tuple[int, int]] = field(default_factory=list["tuple[int, int]"])
    outputs: list[tuple[int, int]] = field(default_factory=list["tuple[int, int]"])


def ungroup(file: EditorFile, catalogue: Mapping[str, NodeDef]) -> None:
    """Turn the group nodes of a workflow into subgraphs."""
    groups = mapping(file.extra.get("groupNodes"))
    if not groups:
        return
    used = [
        int(node)
        for g in (file.root, *file.subgraphs.values())
        for node in g.nodes
        if node.isascii() and node.isdecimal() and len(node) < 16
    ]
    last = max([file.last_node_id, *used])
    count = 0
    for identifier, node in list(file.root.nodes.items()):
        name = next((node.type[len(p) :] for p in _PREFIXES if node.type.startswith(p)), None)
        group = mapping(groups.get(name)) if name is not None else None
        if name is None or group is None or node.type in catalogue:
            continue
        records = sequence(group.get("nodes"))
        count += 1 + len(records)
        if count > _MOST:
            raise FormatError(f"more than {_MOST:,} nodes in group nodes: too large for a workflow")
        first, last = last + 1, last + len(records) + 1
        inner = _definition(f"{node.type} {identifier}", name, group, first, node, catalogue)
        file.subgraphs[inner.id] = inner
        _replace(file.root, node, inner, str(last))
    file.last_node_id = last


def _definition(
    identifier: str, name: str, group: Mapping[str, Any], first: int, host: FileNode, catalogue: Mapping[str, NodeDef]
) -> FileGraph:
    graph = FileGraph(identifier, name, {}, {}, [], [])
    nodes: list[FileNode] = []
    for place, item in enumerate(sequence(group.get("nodes"))):
        record = mapping(item)
        if record is None:
            raise FormatError(f"damaged workflow: group node {shown(name)} lists something that is no node")
        nodes.append(node_from({**record, "id": first + place}, graph.where))
    forms = [_form(node, catalogue) for node in nodes]
    within: set[tuple[int, str]] = set()
    inside_out: set[tuple[int, int]] = set()
    for number, row in enumerate(sequence(group.get("links"))):
        ends = [part if isinstance(part, int) else None for part in sequence(row)[:4]]
        if len(ends) < 4 or None in ends:
            continue  # a link to the outside
        source, slot, target, place = (part or 0 for part in ends)
        if not (0 <= source < len(nodes) and 0 <= target < len(nodes)):
            raise FormatError(f"damaged workflow: a link of group node {shown(name)} joins nodes that it does not have")
        socket = _socket_name(nodes[target], forms[target], place)
        if socket is None:
            continue
        link = Link(f"inner {number}", nodes[source].id, slot, nodes[target].id, -1)
        _join(graph, nodes[target], socket, link)
        within.add((target, socket))
        inside_out.add((source, slot))
    layout = _layout(group, nodes, forms, within, inside_out, catalogue)
    _spread_values(host, nodes, forms, layout)
    graph.nodes = {node.id: node for node in nodes}
    for slot_name, (place, socket) in layout.inputs.items():
        form = forms[place]
        kind = next((s.type for s in form.sockets if s.name == socket), "*") if form is not None else "*"
        port = Port(slot_name, kind)
        if any(slot.name == slot_name and slot.link is not None for slot in host.inputs):
            link = Link(f"input {len(graph.inputs)}", tables.SUBGRAPH_INPUT, len(graph.inputs), nodes[place].id, -1)
            _join(graph, nodes[place], socket, link)
            port.links.append(link.id)
        graph.inputs.append(port)
    for place, slot in layout.outputs:
        link = Link(f"output {len(graph.outputs)}", nodes[place].id, slot, tables.SUBGRAPH_OUTPUT, len(graph.outputs))
        graph.links[link.id] = link
        graph.outputs.append(Port(f"output {len(graph.outputs)}", "*", [link.id]))
    return graph


def _form(node: FileNode, catalogue: Mapping[str, NodeDef]) -> Form | None:
    if node.type not in catalogue:
        return None
    definition = catalogue[node.type]
    form = build(definition)
    fill(form, definition, node)
    return form


def _socket_name(node: FileNode, form: Form | None, place: int) -> str | None:
    if 0 <= place < len(node.inputs):
        return node.inputs[place].name
    sockets = [socket for socket in form.sockets if socket.widget is None] if form is not None else []
    return sockets[place].name if 0 <= place < len(sockets) else None


def _join(graph: FileGraph, node: FileNode, socket: str, link: Link) -> None:
    graph.links[link.id] = link
    slot = next((slot for slot in node.inputs if slot.name == socket), None)
    if slot is None:
        slot = Slot(socket, "*")
        node.inputs.append(slot)
    slot.link = link.id


def _layout(
    group: Mapping[str, Any],
    nodes: list[FileNode],
    forms: list[Form | None],
    within: set[tuple[int, str]],
    inside_out: set[tuple[int, int]],
    catalogue: Mapping[str, NodeDef],
) -> _Layout:
    layout = _Layout()
    config = mapping(group.get("config")) or {}
    external = {
        (row[0], row[1]) for row in map(sequence, sequence(group.get("external"))) if len(row) >= 2 and _whole(row)
    }
    seen: dict[str, int] = {}
    late: list[tuple[int, str]] = []
    for place, (node, form) in enumerate(zip(nodes, forms, strict=True)):
        own = mapping(config.get(str(place))) or {}
        if form is None:
            if node.type == tables.PRIMITIVE and any(source == place for source, _ in inside_out):
                _named(node, "value", own, seen)
                saved = node.values if isinstance(node.values, list) else []
                layout.widgets += [(place, number) for number in range(min(len(saved), 2))]
            continue
        converted = {slot.widget for slot in node.inputs if slot.widget is not None}
        saved_widgets = [widget for widget in form.widgets if widget.saved]
        for number, widget in enumerate(saved_widgets):
            if widget.name not in converted:
                layout.widgets.append((place, number))
                if widget.definition is not None:
                    layout.inputs[_named(node, widget.name, own, seen)] = (place, widget.name)
        for socket in form.sockets:
            visible = (mapping((mapping(own.get("input")) or {}).get(socket.name)) or {}).get("visible")
            if socket.widget is None and (place, socket.name) not in within:
                name = _named(node, socket.name, own, seen)
                if visible is not False:
                    layout.inputs[name] = (place, socket.name)
        late += [(place, name) for name in sorted(converted) if (place, name) not in within]
        shown_outputs = mapping(own.get("output")) or {}
        for slot in range(len(catalogue[node.type].outputs)):
            visible = (mapping(shown_outputs.get(str(slot))) or {}).get("visible")
            hidden = (place, slot) in inside_out and (place, slot) not in external
            if not hidden if visible is None else bool(visible):
                layout.outputs.append((place, slot))
    for place, name in late:
        layout.inputs[_named(nodes[place], name, mapping(config.get(str(place))) or {}, seen)] = (place, name)
    return layout


def _whole(row: list[Any]) -> bool:
    return isinstance(row[0], int) and isinstance(row[1], int)


def _named(node: FileNode, name: str, config: Mapping[str, Any], seen: dict[str, int]) -> str:
    """The name of an inner input on the group node; a name that is taken gets the inner node's title before it."""
    custom = (mapping((mapping(config.get("input")) or {}).get(name)) or {}).get("name")
    label = custom if isinstance(custom, str) else name
    key = label
    if label in seen or (node.type == tables.PRIMITIVE and node.title):
        prefix = f"{node.title or node.type} "
        key = label = prefix + name
        if label in seen:
            label = f"{prefix}{seen[label]} {name}"
    seen[key] = seen.get(key, 1) + 1
    return label


def _spread_values(host: FileNode, nodes: list[FileNode], forms: list[Form | None], layout: _Layout) -> None:
    """Give the group node's widget values to the inner nodes."""
    values = host.values if isinstance(host.values, list) else []
    for (place, number), value in zip(layout.widgets, values, strict=False):
        node, form = nodes[place], forms[place]
        inner = [widget.value for widget in form.widgets if widget.saved] if form is not None else []
        if not isinstance(node.values, list) or len(node.values) < len(inner):
            node.values = inner
        if number < len(node.values):
            node.values = [*node.values[:number], value, *node.values[number + 1 :]]


def _replace(graph: FileGraph, old: FileNode, inner: FileGraph, identifier: str) -> None:
    """Put a subgraph's node where the group node was."""
    old_id = old.id
    graph.nodes = dict(_renamed(graph.nodes, old_id, identifier))
    old.id, old.type = identifier, inner.id
    old.values = None
    old.title = old.title or inner.name
    for link in graph.links.values():
        link.origin = identifier if link.origin == old_id else link.origin
        link.target = identifier if link.target == old_id else link.target


def _renamed(nodes: Mapping[str, FileNode], old: str, new: str) -> Iterator[tuple[str, FileNode]]:
    return ((new if identifier == old else identifier, node) for identifier, node in nodes.items())
