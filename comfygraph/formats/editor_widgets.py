"""The widgets and sockets of a node, as the editor builds them from its definition and fills them from a file.

A file's ``widgets_values`` has no names: its n-th value belongs to the n-th widget that is saved, and which widgets there
are depends on the values before (an option of a dynamic combo brings its own). So widgets are built and filled in one go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from ..definition import AUTOGROW, DYNAMIC_COMBO, MATCH_TYPE, MISSING, InputDef, NodeDef
from . import editor_tables as tables
from .editor_file import FileNode, LinkId, Port
from .editor_order import in_editor_order

COMBO: Final = "COMBO"
MAX_OPTION_WIDGETS: Final = 10_000  # of a CustomCombo, which adds a widget for every value in the file


@dataclass(slots=True, eq=False)
class Widget:
    """A widget of a node and its value.

    Attributes:
        name: its name, which is also the input's name in the prompt.
        type: the socket type that it was drawn for, or ``"BUTTON"`` or ``"CONTROL"``.
        value: its value; MISSING where the editor has ``undefined``, which JSON leaves out.
        saved: it has a place in ``widgets_values``.
        sent: it has an entry in the prompt.
        definition: the input that it was drawn for, if a definition names it.
    """

    name: str
    type: str
    value: Any = MISSING
    saved: bool = True
    sent: bool = True
    definition: InputDef | None = None

    def first_option(self) -> Any:
        """What the editor takes for a combo without a value: its first option, or MISSING."""
        if self.definition is None:
            return MISSING
        if self.definition.choices is not None:
            return next(iter(self.definition.choices), MISSING)
        return self.definition.options[0] if self.definition.options else MISSING


@dataclass(slots=True, eq=False)
class Socket:
    """An input of a node in the editor.

    Attributes:
        name, type: its name (dotted below a dynamic input) and socket type.
        link: the link that comes in.
        widget: the name of the widget that it feeds.
        port: on a subgraph's node: the subgraph's own input that it stands for.
        promoted: on a subgraph's node: the widget shown there, with a value of its own.
    """

    name: str
    type: str
    link: LinkId | None = None
    widget: str | None = None
    port: Port | None = None
    promoted: Widget | None = None


@dataclass(slots=True, eq=False)
class Form:
    """What a node has: its sockets and widgets, in the editor's order."""

    sockets: list[Socket] = field(default_factory=list[Socket])
    widgets: list[Widget] = field(default_factory=list[Widget])

    def widget(self, name: str) -> Widget | None:
        return next((widget for widget in self.widgets if widget.name == name), None)


def widget_type(item: InputDef) -> str | None:
    """The widget type that the editor draws an input with; None for a mere socket."""
    if item.flags.get("forceInput"):
        return None
    kind = item.flags.get("widgetType") or item.type
    return kind if kind in tables.WIDGET_DEFAULTS else None


def build(node: NodeDef) -> Form:
    """The form of a new node of this class: all values are defaults."""
    form = Form()
    items = [(item, item.name) for item in node.inputs.values()]
    for item, name in items:
        if widget_type(item) is None:
            form.sockets += _sockets(item, name)
    for item, name in items:
        if widget_type(item) is not None:
            _add(form, item, name)
    for extra in _extras(node):
        form.widgets.append(_special(extra.type, extra.name))
        form.sockets.append(Socket(extra.name, extra.type, widget=extra.name))
    if node.class_type == "CustomCombo":
        form.widgets.append(Widget("index", "HIDDEN", 0))
        form.widgets.append(Widget("option1", "STRING", ""))
    return form


def _extras(node: NodeDef) -> Iterator[tables.Extra]:
    for item in node.inputs.values():
        if item.required and item.type == COMBO and any(item.flags.get(flag) is True for flag in tables.UPLOAD_FLAGS):
            yield tables.Extra("upload", "IMAGEUPLOAD")
            break
    yield from tables.EXTRA_WIDGETS.get(node.class_type, ())
    audio = node.inputs.get("audio")
    if audio is not None and audio.required and audio.flags.get("audio_upload") is True:
        yield tables.Extra("upload", "AUDIOUPLOAD")


def _special(kind: str, name: str) -> Widget:
    value = deepcopy(tables.WIDGET_DEFAULTS[kind])
    return Widget(name, kind, value, saved=kind not in tables.NOT_SAVED, sent=kind not in tables.NOT_SENT)


def _sockets(item: InputDef, name: str) -> list[Socket]:
    if item.type == AUTOGROW and item.grow is not None:
        # One more than are needed, so that there is a free one.
        shown = item.grow.slots[: item.grow.min + 1]
        return [_grown(item, f"{name}.{slot}") for slot in shown]
    return [Socket(name, item.allowed if item.type == MATCH_TYPE else item.type)]


def _grown(item: InputDef, name: str) -> Socket:
    assert item.grow is not None
    slot = item.grow.item
    return Socket(name, slot.allowed if slot.type == MATCH_TYPE else slot.type)


def _add(form: Form, item: InputDef, name: str) -> None:
    """Append an input, and below a dynamic combo those of its option, depth first (definitions nest: no recursion)."""
    waiting: list[Iterator[tuple[InputDef, str]]] = [iter([(item, name)])]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            continue
        item, name = entry
        kind = widget_type(item)
        if kind is None:
            form.sockets += _sockets(item, name)
            continue
        form.widgets += _widgets(item, name, kind, form)
        form.sockets.append(Socket(name, item.type, widget=name))
        if kind == DYNAMIC_COMBO:
            chosen = next(widget for widget in reversed(form.widgets) if widget.name == name)
            waiting.append(_below(item, name, chosen.value))


def _below(item: InputDef, name: str, key: Any) -> Iterator[tuple[InputDef, str]]:
    inputs: Sequence[InputDef] = (item.choices or {}).get(key, ()) if isinstance(key, str) else ()
    return ((nested, f"{name}.{nested.name}") for nested in in_editor_order(inputs))


def _widgets(item: InputDef, name: str, kind: str, form: Form) -> list[Widget]:
    """The widgets that the editor draws for one input, its companions included."""
    main = Widget(name, kind, _default(item, kind), definition=item)
    main.saved, main.sent = kind not in tables.NOT_SAVED, kind not in tables.NOT_SENT
    control: Any = item.flags.get(tables.CONTROL)
    if control is None:
        control = kind == "INT" and name in tables.SEED_NAMES
    label = control if isinstance(control, str) else tables.CONTROL
    match kind:
        case "INT" | "FLOAT" if control:
            return [main, Widget(label, "CONTROL", "fixed", sent=False)]
        case "COMBO":
            remote = item.flags.get("remote")
            companions: list[Widget] = []
            if isinstance(remote, Mapping):
                companions.append(Widget("Auto-refresh after generation", "BOOLEAN", False, sent=False))
                if remote.get("refresh_button"):
                    companions.append(Widget("refresh", "BUTTON", "refresh"))
            if control:
                companions.append(Widget(label, "CONTROL", "fixed", sent=False))
                companions.append(Widget(tables.CONTROL_FILTER, "STRING", "", sent=False))
            return [main, *companions]
        case "BOUNDING_BOX":
            return [main, *(Widget(part, "INT", main.value.get(part), sent=False) for part in tables.BOX_FIELDS)]
        case "LOAD_3D":
            buttons = tables.MODEL_BUTTONS if form.widget("model_file") is not None else ()
            return [*(Widget(title, "BUTTON", value) for title, value in buttons), main]
        case "AUDIO_RECORD":
            return [main, Widget(name, "BUTTON", "", sent=False)]
        case _:
            return [main]


def _default(item: InputDef, kind: str) -> Any:
    default: Any = item.default
    if kind == DYNAMIC_COMBO:
        return next(iter(item.choices or ()), MISSING)
    if kind == COMBO:
        if default is not MISSING and default:
            return default
        return item.options[0] if item.options else MISSING
    own_only = kind in ("COMPOSITOR", "IMAGECOMPARE")
    if default is MISSING or default is None or own_only or type(default) is not _shape(kind, default):
        return deepcopy(tables.WIDGET_DEFAULTS[kind])
    return deepcopy(default)


def _shape(kind: str, default: object) -> type:
    """What a default must be: definitions are not trusted, and a box without its numbers would not do."""
    return dict if kind == "BOUNDING_BOX" else type(default)


def fill(form: Form, node: NodeDef, saved: FileNode) -> None:
    """Put a file's links and values into a form.

    Sockets are matched by name; those that the definition does not have stay, after the others, as the editor keeps them.
    """
    by_name = {slot.name: slot for slot in saved.inputs}
    known: set[str] = set()
    for socket in form.sockets:
        known.add(socket.name)
        slot = by_name.get(socket.name)
        socket.link = slot.link if slot is not None else None
    form.sockets += [Socket(s.name, s.type, s.link, s.widget) for s in saved.inputs if s.name not in known]
    if isinstance(saved.values, dict):
        _fill_by_name(form, saved.values)
    elif saved.values is not None:
        _fill_by_place(form, _without_dummies(form, node, saved.values), node)
    _drop_orphans(form)


def _fill_by_name(form: Form, values: Mapping[str, Any]) -> None:
    place = 0
    while place < len(form.widgets):
        widget = form.widgets[place]
        if widget.saved and widget.name in values:
            choose(form, widget, values[widget.name])
        place += 1


def _fill_by_place(form: Form, values: Sequence[Any], node: NodeDef) -> None:
    grows = node.class_type == "CustomCombo"
    place = taken = 0
    while place < len(form.widgets) and taken < len(values):
        widget = form.widgets[place]
        place += 1
        if not widget.saved:
            continue
        choose(form, widget, values[taken])
        taken += 1
        if grows and widget is form.widgets[-1] and widget.value and len(form.widgets) < MAX_OPTION_WIDGETS:
            form.widgets.append(Widget(f"option{len(form.widgets) - 1}", "STRING", ""))


def count_choice(form: Form) -> None:
    """Let a CustomCombo's hidden ``index`` say which of its options is chosen (-1: none)."""
    options = [widget.value for widget in form.widgets[2:]]
    form.widgets[1].value = options.index(form.widgets[0].value) if form.widgets[0].value in options else -1


def _without_dummies(form: Form, node: NodeDef, values: Sequence[Any]) -> Sequence[Any]:
    """Leave out the values that files from before frontend 1.16 hold for inputs that have no widget any more.

    Such a file is known by its number of values, as the editor knows it.
    """
    names = {widget.name for widget in form.widgets}
    dummy: list[bool] = []
    for item in node.inputs.values():
        forced = bool(item.flags.get("forceInput"))
        if item.name in names or forced:
            dummy += [forced, False] if item.flags.get(tables.CONTROL) else [forced]
    dummy += [False for extra in _extras(node) if extra.name in names]
    if len(dummy) != len(values):
        return values
    return [value for value, left_out in zip(values, dummy, strict=True) if not left_out]


def choose(form: Form, widget: Widget, value: Any) -> None:
    """Set a widget. A dynamic combo then has the inputs of the option chosen, with the links that fit by name."""
    widget.value = value
    item = widget.definition
    if widget.type != DYNAMIC_COMBO or item is None:
        return
    prefix = widget.name + "."
    gone = [socket for socket in form.sockets if socket.name.startswith(prefix)]
    form.sockets[:] = [socket for socket in form.sockets if not socket.name.startswith(prefix)]
    form.widgets[:] = [other for other in form.widgets if not other.name.startswith(prefix)]
    fresh = Form()
    if value:
        for nested, name in _below(item, widget.name, value):
            _add(fresh, nested, name)
    for old in gone:
        if old.link is not None:
            _relink(fresh, old, item, widget.name, value)
    at = form.widgets.index(widget) + 1
    form.widgets[at:at] = fresh.widgets
    at = next((i + 1 for i, s in enumerate(form.sockets) if s.name == widget.name), len(form.sockets))
    form.sockets[at:at] = fresh.sockets


def _relink(fresh: Form, old: Socket, item: InputDef, name: str, key: Any) -> None:
    """Give a link to the new socket of its name; a growing input then shows its next one. Without one the link is dropped."""
    place = next((i for i, socket in enumerate(fresh.sockets) if socket.name == old.name), None)
    if place is None:
        return
    fresh.sockets[place].link = old.link
    for nested, below in _below(item, name, key):
        group = below + "."
        if nested.type != AUTOGROW or nested.grow is None or not old.name.startswith(group):
            continue
        slot = old.name[len(group) :]
        following = nested.grow.slots.index(slot) + 1 if slot in nested.grow.slots else len(nested.grow.slots)
        if following < len(nested.grow.slots):
            grown = _grown(nested, group + nested.grow.slots[following])
            if all(socket.name != grown.name for socket in fresh.sockets):
                fresh.sockets.insert(place + 1, grown)


def _drop_orphans(form: Form) -> None:
    """Drop the sockets whose widget the node no longer has."""
    names = {widget.name for widget in form.widgets}
    form.sockets[:] = [socket for socket in form.sockets if socket.widget is None or socket.widget in names]
