"""A graph as the editor's own file, laid out: what ComfyUI opens as a drawing rather than as a program.

The other way round of `workflow.to_api`, and by the same tables and forms: that gives the same prompt back, ids aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ..definition import ANY, AUTOGROW, MATCH_TYPE, MISSING, NodeDef
from ..expand import declared, growing
from . import editor_tables as tables
from .editor_file import FileNode, Link, mapping, sequence
from .editor_graph import Graph as Drawing
from .editor_graph import Node
from .editor_literal import as_typed
from .editor_sizes import TITLE, output_port, port, size
from .editor_types import fits, settle_match_types
from .editor_widgets import MAX_OPTION_WIDGETS, Form, Socket, Widget, _without_dummies, build, choose
from .layout import Group, Layout, arrange
from .layout_columns import Box, Wire

if TYPE_CHECKING:
    from ..graph import Graph

VERSION: Final = 0.4
"""The schema: links as lists. It is what the editor itself writes."""
OURS: Final = "comfygraph"
"""The property in which a node keeps what the editor's format has no place for: its id in the graph, and stray inputs."""

_MOST_SLOTS: Final = 64  # outputs drawn at a node whose definition has fewer, or none
_LARGEST_ID: Final = 2**31 - 1
_CORE: Final = ("nodes", "comfy_extras.", "comfy_api_nodes.")
_WRAPPED: Final = "__value__"


def to_workflow(
    graph: Graph, catalogue: Mapping[str, NodeDef] | None = None, *, uploaded: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A graph in the editor's format, laid out from left to right.

    Ids that are whole numbers stay; others (``"sampler"``, ``"375:4"``) get numbers of their own, and `original_ids` gives them
    back. Nodes whose ids share a prefix, as those of one subgraph do, are drawn as a group. A plain value on an input that the
    editor has no widget for (PreviewAny's ``source``) comes from a primitive node that is added, as a person would draw it.

    Args:
        graph: the graph; what is wrong in it is drawn as far as it can be, and nothing is raised.
        catalogue: the definitions of its nodes; the bundled ones by default. A node of another class is drawn from what the graph
            says of it.
        uploaded: names the server gave to uploads, by `Upload.name`.

    Returns:
        The decoded file (schema 0.4), ready for ``json.dumps``.

    Example:
        >>> to_workflow(graph)["nodes"][0]["type"]   # doctest: +SKIP
        'CheckpointLoaderSimple'
    """
    if catalogue is None:
        from ..catalogue import Catalogue

        catalogue = Catalogue.bundled()
    prompt: dict[str, dict[str, Any]] = graph.to_api(check=False, uploaded=uploaded)
    draft = _Draft(prompt, catalogue)
    added = _primitives(draft, catalogue)
    if added:
        draft = _Draft({**prompt, **added}, catalogue, frozenset(added.keys() - prompt.keys()))
    return _written(draft, catalogue)


def original_ids(workflow: Mapping[str, Any]) -> dict[str, str]:
    """The ids that the nodes of a `to_workflow` file had in their graph, by their ids in the file, where the two differ.

    Nodes that were copied in the editor share an id there; only the first of them has it here.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for node in workflow["nodes"]:
        kept = (mapping(node["properties"].get(OURS)) or {}).get("id")
        if isinstance(kept, str) and kept not in taken:
            taken.add(kept)
            found[str(node["id"])] = kept
    return found


class _Draft:
    """The nodes of a prompt with the forms that the editor would give them, and the links between them.

    Attributes:
        number: the id in the file by the id in the graph.
        added: the ids of nodes that the graph does not have.
        nodes: by the id in the graph, in its order.
        stray: what no slot or widget holds, by the id in the graph.
        links: from (id in the graph, slot) to (id in the graph, place of the socket); a link's number is its place, from 1.
    """

    def __init__(
        self,
        prompt: Mapping[str, Mapping[str, Any]],
        catalogue: Mapping[str, NodeDef],
        added: frozenset[str] = frozenset(),
    ) -> None:
        self.prompt = prompt
        self.added = added
        self.number = _numbers(prompt)
        self.drawing = Drawing("", "", {}, {}, [], [])
        self.stray: dict[str, dict[str, Any]] = {}
        self.nodes: dict[str, Node] = {}
        made = {node_id: self._node(node_id, catalogue) for node_id in prompt}
        self.order = _order(prompt)
        # In this order, so that a match-type node comes after those that settle its types.
        self.drawing.nodes = {made[node_id].id: made[node_id] for node_id in self.order}
        self.nodes = made
        self.links: list[tuple[str, int, str, int]] = []
        for node_id in prompt:
            self._link(node_id)
        settle_match_types([self.drawing])

    def _node(self, node_id: str, catalogue: Mapping[str, NodeDef]) -> Node:
        entry = self.prompt[node_id]
        kind = entry.get("class_type")
        kind = kind if isinstance(kind, str) and kind else "(no class)"
        title = (mapping(entry.get("_meta")) or {}).get("title")
        file = FileNode(str(self.number[node_id]), kind, "", 0, [], [], [], None, {})
        definition = catalogue.get(kind)
        node = Node(file, "unknown" if definition is None else "real", self.drawing, definition=definition)
        if isinstance(title, str) and title != node.title:
            file.title = title
        literals = {name: _plain(value) for name, value in _inputs(entry) if _link(value) is None}
        linked = [name for name, value in _inputs(entry) if _link(value) is not None]
        if definition is None:
            node.form.widgets = [w for name, value in literals.items() for w in _guessed(name, value)]
            node.form.sockets = [Socket(name, ANY) for name in linked]
            literals = {}
        else:
            node.form = build(definition)
            fill(node.form, definition, literals)
            _grow(node.form, definition, {**literals, **dict.fromkeys(linked)}, linked)
            node.outputs = [ANY if output.type == MATCH_TYPE else output.type for output in definition.outputs]
        if literals:
            self.stray[node_id] = literals
        return node

    def _link(self, node_id: str) -> None:
        node = self.nodes[node_id]
        places = {socket.name: place for place, socket in enumerate(node.form.sockets)}
        for name, value in _inputs(self.prompt[node_id]):
            end = _link(value)
            if end is None:
                continue
            source, slot = end
            origin = self.nodes.get(source)
            if origin is None or not 0 <= slot < max(_MOST_SLOTS, len(origin.outputs)):
                self.stray.setdefault(node_id, {})[name] = [source, slot]
                continue
            origin.outputs += [ANY] * (slot + 1 - len(origin.outputs))
            self.links.append((source, slot, node_id, places[name]))
            number = len(self.links)
            node.form.sockets[places[name]].link = number
            self.drawing.links[number] = Link(number, origin.id, slot, node.id, places[name])


_PRIMITIVES: Final[dict[type, str]] = {
    bool: "PrimitiveBoolean",
    int: "PrimitiveInt",
    float: "PrimitiveFloat",
    str: "PrimitiveStringMultiline",
}


def _primitives(draft: _Draft, catalogue: Mapping[str, NodeDef]) -> dict[str, dict[str, Any]]:
    """Nodes for the values that no widget holds, and the nodes that they are for, linked to them.

    Only where an input of that name takes what such a node gives; a text where a model belongs stays a stray value.
    """
    found: dict[str, dict[str, Any]] = {}
    for node_id, values in draft.stray.items():
        definition = draft.nodes[node_id].definition
        entry = draft.prompt[node_id]
        known = declared(definition, entry["inputs"]) if definition is not None else {}
        links: dict[str, Any] = {}
        for name, value in values.items():
            primitive = catalogue.get(_PRIMITIVES.get(type(value), ""))
            if name not in known or primitive is None or not fits(primitive.outputs[0].type, known[name][0].type):
                continue
            new = f"{node_id}.{name}"
            if new not in draft.prompt and new not in found:
                links[name] = [new, 0]
                title = name.rpartition(".")[2]
                found[new] = {"class_type": primitive.class_type, "inputs": {"value": value}, "_meta": {"title": title}}
        if links:
            found[node_id] = {**entry, "inputs": {**entry["inputs"], **links}}
    return found


def _numbers(prompt: Mapping[str, Any]) -> dict[str, int]:
    numbers = {node_id: int(node_id) for node_id in prompt if _is_number(node_id)}
    following = max(numbers.values(), default=0) + 1
    if following + len(prompt) > _LARGEST_ID:
        numbers, following = {}, 1
    for node_id in prompt:
        if node_id not in numbers:
            numbers[node_id] = following
            following += 1
    return numbers


def _is_number(node_id: str) -> bool:
    """Whether the editor can keep an id: a whole number from 1 on, written plainly."""
    return node_id.isascii() and node_id.isdecimal() and node_id[0] != "0" and len(node_id) < 10


def _inputs(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return iter((mapping(entry.get("inputs")) or {}).items())


def _link(value: Any) -> tuple[str, int] | None:
    pair = sequence(value)
    if len(pair) == 2 and isinstance(pair[0], str) and type(pair[1]) is int:
        return pair[0], pair[1]
    return None


def _plain(value: Any) -> Any:
    """A value as a widget holds it: lists are wrapped on the wire only, where they would be taken for links."""
    wrapped = mapping(value)
    return wrapped[_WRAPPED] if wrapped is not None and _WRAPPED in wrapped else value


def _order(prompt: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The ids, each after those that it needs; what stands in a circle comes last, as it is."""
    after: dict[str, list[str]] = {node_id: [] for node_id in prompt}
    missing = dict.fromkeys(prompt, 0)
    for node_id, entry in prompt.items():
        for _, value in _inputs(entry):
            end = _link(value)
            if end is not None and end[0] in after:
                after[end[0]].append(node_id)
                missing[node_id] += 1
    order = [node_id for node_id, count in missing.items() if not count]
    for node_id in order:  # grows while it is read
        for other in after[node_id]:
            missing[other] -= 1
            if not missing[other]:
                order.append(other)
    return [*order, *(node_id for node_id, count in missing.items() if count)]


# -- widgets ----------------------------------------------------------------------------------------------------------


def fill(form: Form, definition: NodeDef, values: dict[str, Any]) -> None:
    """Put values by name into the widgets of a new node's form, and take those that found a widget out of `values`.

    A dynamic combo's option brings its own widgets, so this is one walk along a list that grows.
    """
    grows = definition.class_type == "CustomCombo"
    place = 0
    box: Widget | None = None
    while place < len(form.widgets):
        widget = form.widgets[place]
        place += 1
        if widget.type == "BOUNDING_BOX":
            box = widget
        if widget.sent:
            value = values.pop(widget.name, MISSING)
            if value is not MISSING:
                choose(form, widget, _typed(widget, value))
        elif box is not None and widget.name in tables.BOX_FIELDS:
            widget.value = (mapping(box.value) or {}).get(widget.name, widget.value)
        if grows and widget is form.widgets[-1] and widget.value and len(form.widgets) < MAX_OPTION_WIDGETS:
            form.widgets.append(Widget(f"option{len(form.widgets) - 1}", "STRING", ""))


def _typed(widget: Widget, value: Any) -> Any:
    if (
        isinstance(value, str)
        and widget.definition is not None
        and widget.definition.flags.get("dynamicPrompts") is True
    ):
        return as_typed(value)
    return value


def _guessed(name: str, value: Any) -> Iterator[Widget]:
    """The widgets of a node that no definition is known of: one for each value, and what the editor adds to a seed."""
    yield Widget(name, "*", value)
    if name in tables.SEED_NAMES and isinstance(value, int):
        yield Widget(tables.CONTROL, "CONTROL", "fixed", sent=False)


def _grow(form: Form, definition: NodeDef, inputs: Mapping[str, Any], linked: list[str]) -> None:
    """Give every link a socket: growing inputs show the slots up to the last that is used and a free one."""
    known = {socket.name for socket in form.sockets}
    missing = [name for name in linked if name not in known]
    if not missing:
        return
    values = {widget.name: widget.value for widget in form.widgets}
    for name, item in growing(definition, {**inputs, **values}):
        assert item.grow is not None
        used = [i for i, slot in enumerate(item.grow.slots) if f"{name}.{slot}" in inputs]
        if item.type != AUTOGROW or not used:
            continue
        inner = item.grow.item
        kind = inner.allowed if inner.type == MATCH_TYPE else inner.type
        wanted = [f"{name}.{slot}" for slot in item.grow.slots[: max(used[-1] + 2, item.grow.min + 1)]]
        at = next((i for i, s in enumerate(form.sockets) if s.name.startswith(f"{name}.")), len(form.sockets))
        form.sockets[:] = [socket for socket in form.sockets if not socket.name.startswith(f"{name}.")]
        form.sockets[at:at] = [Socket(slot, kind) for slot in wanted]
    known = {socket.name for socket in form.sockets}
    form.sockets += [Socket(name, ANY) for name in missing if name not in known]


def _saved(node: Node) -> list[Any]:
    """``widgets_values``: what the node's widgets hold, in their order."""
    values = [None if widget.value is MISSING else widget.value for widget in node.form.widgets if widget.saved]
    definition = node.definition
    if definition is not None and _without_dummies(node.form, definition, values) is not values:
        values.append(None)  # else it would pass for a file of an older editor, by its number of values
    return values


# -- the file ---------------------------------------------------------------------------------------------------------


def _written(draft: _Draft, catalogue: Mapping[str, NodeDef]) -> dict[str, Any]:
    sizes = {node_id: size(node) for node_id, node in draft.nodes.items()}
    layout = _layout(draft, sizes)
    release: object = getattr(catalogue, "release", None)
    turn = {node_id: place for place, node_id in enumerate(draft.order)}
    leaving: dict[tuple[str, int], list[int]] = {}
    rows: list[list[Any]] = []
    for number, (source, slot, target, place) in enumerate(draft.links, 1):
        leaving.setdefault((source, slot), []).append(number)
        kind = draft.nodes[source].outputs[slot]
        rows.append([number, draft.number[source], slot, draft.number[target], place, kind])
    nodes = [
        _node(draft, node_id, node, corner, sizes[node_id], turn[node_id], leaving, release)
        for (node_id, node), corner in zip(draft.nodes.items(), layout.corners)
    ]
    return {
        "revision": 0,
        "last_node_id": max(draft.number.values(), default=0),
        "last_link_id": len(rows),
        "nodes": nodes,
        "links": rows,
        "groups": [
            {"id": number, "title": _group_title(group), "bounding": list(rectangle), "color": "#3f789e", "flags": {}}
            for number, (group, rectangle) in enumerate(layout.groups.items(), 1)
        ],
        "config": {},
        "extra": {"workflowRendererVersion": "LG"},
        "version": VERSION,
    }


def _node(
    draft: _Draft,
    node_id: str,
    node: Node,
    corner: tuple[int, int],
    dimensions: tuple[int, int],
    turn: int,
    leaving: Mapping[tuple[str, int], list[int]],
    release: object,
) -> dict[str, Any]:
    definition = node.definition
    names = [output.name for output in definition.outputs] if definition is not None else []
    names += [f"output {slot}" for slot in range(len(names), len(node.outputs))]
    properties: dict[str, Any] = {"Node name for S&R": node.file.type}
    if definition is not None and definition.module.startswith(_CORE):
        properties["cnr_id"] = "comfy-core"
        if isinstance(release, str):
            properties["ver"] = release
    kept = str(draft.number[node_id]) == node_id or node_id in draft.added
    ours: dict[str, Any] = {} if kept else {"id": node_id}
    if node_id in draft.stray:
        ours["inputs"] = draft.stray[node_id]
    if ours:
        properties[OURS] = ours
    row: dict[str, Any] = {
        "id": draft.number[node_id],
        "type": node.file.type,
        "pos": [corner[0], corner[1] + TITLE],
        "size": list(dimensions),
        "flags": {},
        "order": turn,
        "mode": 0,
        "inputs": [_socket(socket) for socket in node.form.sockets],
        "outputs": [
            {"name": name, "type": kind, "links": leaving.get((node_id, slot))}
            for slot, (name, kind) in enumerate(zip(names, node.outputs))
        ],
        "properties": properties,
        "widgets_values": _saved(node),
    }
    if node.file.title:
        row["title"] = node.file.title
    return row


def _socket(socket: Socket) -> dict[str, Any]:
    row: dict[str, Any] = {"name": socket.name, "type": socket.type}
    if socket.widget is not None:
        row["widget"] = {"name": socket.widget}
    row["link"] = socket.link
    return row


def _layout(draft: _Draft, sizes: Mapping[str, tuple[int, int]]) -> Layout:
    index = {node_id: place for place, node_id in enumerate(draft.nodes)}
    boxes = [
        Box(width, height + TITLE, _loads(draft.nodes[node_id].definition))
        for node_id, (width, height) in sizes.items()
    ]
    wires = [
        Wire(index[source], index[target], output_port(slot), port(draft.nodes[target], place))
        for source, slot, target, place in draft.links
    ]
    return arrange(boxes, wires, [_group(node_id) for node_id in draft.nodes])


def _loads(definition: NodeDef | None) -> bool:
    """Whether a node loads models from files: loaders stand together at the left."""
    if definition is None:
        return False
    return any(item.folder is not None and not _is_upload(item.flags) for item in definition.inputs.values())


def _is_upload(flags: Mapping[str, Any]) -> bool:
    return any(flags.get(flag) is True for flag in (*tables.UPLOAD_FLAGS, "audio_upload"))


def _group(node_id: str) -> Group:
    """The subgraphs that a node is in, by its id: ``"375:4"`` is in 375."""
    return tuple(part for part in node_id.split(":")[:-1] if part)


def _group_title(group: Group) -> str:
    name = group[-1]
    return f"Subgraph {name}" if name.isdecimal() else name
