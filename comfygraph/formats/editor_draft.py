"""The nodes of a graph with the slots and widgets that the editor would give them: a drawing before it has places.

Here values find their widgets and links their slots. Where the editor has neither, a primitive node is added, or the value is kept
as a stray one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..definition import ANY, AUTOGROW, MATCH_TYPE, MISSING, InputDef, NodeDef
from ..expand import declared, growing
from . import editor_tables as tables
from .editor_file import FileNode, Link, mapping, sequence
from .editor_graph import Graph as Drawing
from .editor_graph import Node
from .editor_literal import as_typed
from .editor_types import fits, settle_match_types
from .editor_widgets import MAX_OPTION_WIDGETS, Form, Socket, Widget, build, choose

_MOST_SLOTS: Final = 64  # outputs drawn at a node whose definition has fewer, or none
_LARGEST_ID: Final = 2**31 - 1
_WRAPPED: Final = "__value__"
_PRIMITIVES: Final[dict[type, str]] = {
    bool: "PrimitiveBoolean",
    int: "PrimitiveInt",
    float: "PrimitiveFloat",
    str: "PrimitiveStringMultiline",
}
"""The nodes that give a plain value of a type."""


def draft(prompt: Mapping[str, Mapping[str, Any]], catalogue: Mapping[str, NodeDef]) -> Draft:
    """Draft a prompt, with primitive nodes for the values that no widget holds."""
    found = Draft(prompt, catalogue)
    added = _primitives(found, catalogue)
    return Draft({**prompt, **added}, catalogue, frozenset(added.keys() - prompt.keys())) if added else found


class Draft:
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
        literals = {name: _plain(value) for name, value in _inputs(entry) if link_of(value) is None}
        linked = [name for name, value in _inputs(entry) if link_of(value) is not None]
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
            end = link_of(value)
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


def _primitives(draft: Draft, catalogue: Mapping[str, NodeDef]) -> dict[str, dict[str, Any]]:
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
            if name not in known or primitive is None or not fits(primitive.outputs[0].type, _kind(known[name][0])):
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


def link_of(value: Any) -> tuple[str, int] | None:
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
            end = link_of(value)
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


def _kind(item: InputDef) -> str:
    return item.allowed if item.type == MATCH_TYPE else item.type


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
        kind = _kind(item.grow.item)
        wanted = [f"{name}.{slot}" for slot in item.grow.slots[: max(used[-1] + 2, item.grow.min + 1)]]
        at = next((i for i, s in enumerate(form.sockets) if s.name.startswith(f"{name}.")), len(form.sockets))
        form.sockets[:] = [socket for socket in form.sockets if not socket.name.startswith(f"{name}.")]
        form.sockets[at:at] = [Socket(slot, kind) for slot in wanted]
    known = {socket.name for socket in form.sockets}
    form.sockets += [Socket(name, ANY) for name in missing if name not in known]
