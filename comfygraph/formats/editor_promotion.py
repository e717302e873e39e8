"""Widgets that a subgraph's node shows by name: ``properties.proxyWidgets`` of files from before frontend 1.45 or so.

The editor turns each entry ``[inner node id, widget name]`` into an input of the subgraph that leads to the widget, unless
there is one, and gives that input the value at the entry's place in ``widgets_values``. As inputs belong to the definition,
all its nodes get them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..definition import ANY, DYNAMIC_COMBO, MISSING
from . import editor_tables as tables
from .editor_file import Link, Port, sequence
from .editor_graph import Graph, Node, promoted
from .editor_widgets import Socket, Widget

_PREFIX: Final = re.compile(r"\s*(\d+)\s*:\s*(\S.*|\s)", re.DOTALL)
_TAKEN_OVER: Final = "proxyBypassedToSubgraphInput"  # the property in which the editor notes it
_DEEPEST: Final = 100  # levels of subgraphs that a name is looked for in, as in the editor


@dataclass(slots=True)
class _Entry:
    node_id: str
    widget: str
    deeper: str | None
    value: Any


def flush(host: Node) -> None:
    """Take over the ``proxyWidgets`` of a subgraph's node."""
    entries = _entries(host)
    if not entries:
        return
    inner = _inner(host)
    shown = _shown(host)
    primitives: dict[str, list[_Entry]] = {}
    own: list[_Entry] = []
    plans: list[tuple[_Entry, str | None]] = []
    for entry in entries:  # all are judged before any is carried out
        linked = shown.get((entry.node_id, entry.widget))
        source = inner.nodes.get(entry.node_id)
        if linked is None and source is not None and source.kind == "primitive":
            linked = _taken_over(host, source)
            if linked is None:
                primitives.setdefault(entry.node_id, []).append(entry)
                continue
        if linked is None and source is None:
            own += [entry] if entry.node_id == "-1" else []
        else:
            plans.append((entry, linked))
    by_name: dict[str, list[Socket]] = {}
    for socket in host.form.sockets:
        by_name.setdefault(socket.name, []).append(socket)
    for entry, linked in plans:
        if linked is not None:
            _give(by_name.get(linked, ()), entry)
        else:
            _lead_to(host, entry)
    for node_id, group in primitives.items():
        _bypass_primitive(host, inner.nodes[node_id], group)
    for entry in own:
        # "-1" is the node itself: the value is for its own input of that name, last of all.
        _give(by_name.get(entry.widget, ())[:1], entry)


def _inner(host: Node) -> Graph:
    assert host.inner is not None
    return host.inner


def _entries(host: Node) -> list[_Entry]:
    raw: object = host.file.properties.get("proxyWidgets")
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            return []
    rows = [sequence(row) for row in sequence(raw)]
    # One bad row makes the editor ignore them all.
    if any(len(row) not in (2, 3) or not all(isinstance(part, str) for part in row) for row in rows):
        return []
    values = host.file.values
    found: list[_Entry] = []
    for place, row in enumerate(rows):
        node_id, widget, deeper = row[0], row[1], row[2] if len(row) == 3 else None
        if not _resolves(host, node_id, widget):
            node_id, widget, deeper = _without_prefixes(node_id, widget, deeper)
        value: Any = MISSING
        if isinstance(values, list) and place < len(values) and values[place] is not None:
            value = values[place]
        elif isinstance(values, dict) and values.get(widget) is not None:
            value = values[widget]
        found.append(_Entry(node_id, widget, deeper, value))
    return found


def _without_prefixes(node_id: str, widget: str, deeper: str | None) -> tuple[str, str, str | None]:
    """Old names carry the ids of nested nodes: ``"12: 7: seed"`` is the widget ``seed`` of node 7."""
    place = 0
    while match := _PREFIX.match(widget, place):
        deeper, place = match[1], match.start(2)
    return node_id, widget[place:], deeper


def _resolves(host: Node, node_id: str, widget: str) -> bool:
    """Whether a name leads to a widget, through nested subgraphs if need be."""
    for _ in range(_DEEPEST):
        source = _inner(host).nodes.get(node_id)
        if source is None:
            return False
        if source.inner is None:
            return source.form.widget(widget) is not None
        following = _leads_to(source, widget)
        if following is None:
            return False
        host, (node_id, widget) = source, following
    return False


def _leads_to(host: Node, name: str) -> tuple[str, str] | None:
    """The inner node and widget (or input of a nested subgraph) that an input of a subgraph's node leads to."""
    port = next((port for port in _inner(host).inputs if port.name == name), None)
    return _source(host, port) if port is not None else None


def _source(host: Node, port: Port) -> tuple[str, str] | None:
    inner = _inner(host)
    for identifier in port.links:
        link = inner.links.get(identifier)
        found = inner.target(link) if link is not None else None
        if found is None:
            continue
        node, socket = found
        if node.inner is not None:
            return node.id, socket.name
        widget = node.widget_of(socket)
        if widget is not None:
            return node.id, widget.name
    return None


def _shown(host: Node) -> dict[tuple[str, str], str]:
    """What the node's inputs lead to, and the first input that does."""
    found: dict[tuple[str, str], str] = {}
    for socket in host.form.sockets:
        source = _source(host, socket.port) if socket.port is not None else None
        if source is not None:
            found.setdefault(source, socket.name)
    return found


def _taken_over(host: Node, primitive: Node) -> str | None:
    """The input that took a primitive's place, when another node of the same subgraph was loaded before."""
    name: object = primitive.file.properties.get(_TAKEN_OVER)
    if isinstance(name, str) and any(socket.name == name for socket in host.form.sockets):
        return name
    return None


def _give(named: Sequence[Socket], entry: _Entry) -> None:
    """Give an entry's value to the input of a name, if there is one only."""
    if len(named) == 1 and named[0].promoted is not None and entry.value is not MISSING:
        named[0].promoted.value = entry.value


def _lead_to(host: Node, entry: _Entry) -> None:
    """Make an input of the subgraph that leads to a widget."""
    source = _inner(host).nodes.get(entry.node_id)
    if source is None or entry.widget.startswith("$$"):
        return
    widget = _widget(source, entry)
    if widget is None or (not widget.saved and not widget.sent):
        return
    socket = source.socket_of(widget)
    if socket is not None:
        _new_input(_inner(host), entry.widget, socket.type, [(source, socket)])
        _give(host.form.sockets[-1:], entry)


def _widget(source: Node, entry: _Entry) -> Widget | None:
    if source.inner is None:
        return source.form.widget(entry.widget)
    for socket in source.form.sockets:
        target = _leads_to(source, socket.name)
        if entry.deeper is not None:
            match = target == (entry.deeper, entry.widget)
        else:
            match = socket.name == entry.widget or (target is not None and target[1] == entry.widget)
        if match and socket.promoted is not None:
            return socket.promoted
    return None


def _new_input(inner: Graph, wanted: str, kind: str, ends: list[tuple[Node, Socket]]) -> str:
    """Add an input to a definition and to all its nodes, and join it to widgets; what was joined to those is let go."""
    taken = {port.name for port in inner.inputs}
    name, count = wanted, 1
    while name in taken:
        name, count = f"{wanted}_{count}", count + 1
    port = Port(name, kind)
    inner.inputs.append(port)
    inner.budget.spend(len(inner.hosts))
    added = [Socket(name, kind, port=port) for _ in inner.hosts]
    for host, socket in zip(inner.hosts, added, strict=True):
        host.form.sockets.append(socket)
    for node, end in ends:
        if end.link is not None:
            old = inner.links.pop(end.link, None)
            for other in inner.inputs:
                if old is not None and old.id in other.links:
                    other.links.remove(old.id)
        identifier = f"input {len(inner.inputs)} {len(port.links)}"
        inner.links[identifier] = Link(identifier, tables.SUBGRAPH_INPUT, len(inner.inputs) - 1, node.id, -1)
        port.links.append(identifier)
        end.link = identifier
        widget = node.widget_of(end)
        for socket in added:
            if widget is not None and socket.promoted is None:
                socket.promoted = promoted(widget, name)
    return name


def _bypass_primitive(host: Node, primitive: Node, group: list[_Entry]) -> None:
    """A primitive that the outside shows: the subgraph's new input takes its place before the widgets that it fed."""
    inner = _inner(host)
    if len({entry.widget for entry in group}) != 1:
        return
    ends: list[tuple[Node, Socket]] = []
    for identifier in primitive.file.output_links[0] if primitive.file.output_links else ():
        link = inner.links.get(identifier)
        found = _numbered(inner, link) if link is not None else None
        if found is None:
            return
        ends.append(found)
    kind = primitive.outputs[0] if primitive.outputs else ANY
    if not ends or any(kind != ANY and socket.type not in (kind, ANY) for _, socket in ends):
        return
    if len({_shape(node.widget_of(socket)) for node, socket in ends} - {None}) > 1:
        return  # the editor joins one input to like widgets only
    title = primitive.file.title
    name = _new_input(inner, title if title and title != tables.PRIMITIVE else group[0].widget, kind, ends)
    primitive.file.properties = {**primitive.file.properties, _TAKEN_OVER: name}
    valued = next((entry for entry in group if entry.value is not MISSING), None)
    if valued is not None:
        _give(host.form.sockets[-1:], valued)


def _numbered(inner: Graph, link: Link) -> tuple[Node, Socket] | None:
    """Where the editor thinks that a link ends while it loads: at the number that the file gives.

    That number may be of another socket, where the file left out sockets of widgets. The editor mends numbers only later,
    but for the sockets after a dynamic combo, which it has just laid out anew.
    """
    node = inner.nodes.get(link.target)
    if node is None:
        return None
    sockets = node.form.sockets
    true = next((place for place, socket in enumerate(sockets) if socket.link == link.id), None)
    dynamic = next((place for place, socket in enumerate(sockets) if socket.type == DYNAMIC_COMBO), len(sockets))
    place = true if true is not None and true > dynamic else link.target_slot
    return (node, sockets[place]) if 0 <= place < len(sockets) else None


def _shape(widget: Widget | None) -> tuple[object, ...] | None:
    """What must be equal for widgets to share an input: the type, and of numbers the bounds and the step."""
    if widget is None:
        return None
    item = widget.definition
    if item is None or widget.type not in ("INT", "FLOAT"):
        return (widget.type,)
    return widget.type, item.min, item.max, item.step
