"""How large the editor draws a node: what is needed to lay nodes out without overlaps.

The rules for slots and widgets are those of its frontend 1.48.7 (LGraphNode ``computeSize``): 20 pixels a slot, 24 a widget, 8
around the widgets, 6 below; the title stands 30 above the node's position. Texts, pictures and players get the room that they
grow to.
"""

from __future__ import annotations

from typing import Any, Final

from . import editor_tables as tables
from .editor_graph import Node
from .editor_widgets import Widget

TITLE: Final = 30
SLOT: Final = 20
_WIDGET: Final = 24
_CHARACTER: Final = 7.5  # pixels, of a text in the editor's font
_NARROWEST: Final = (140, 270)  # of a node without widgets, and with
_WIDEST: Final = 430
_TEXT_WIDTH: Final = 400  # of a node with a text of several lines
_TEXT_HEIGHT: Final = (90, 250)
_TEXT_LINE: Final = 16
_TEXT_TYPES: Final = frozenset({"MARKDOWN", "TEXTAREA"})
_TALL: Final[dict[str, int]] = {
    "LOAD_3D": 320,
    "LOAD_3D_ADVANCED": 320,
    "PREVIEW_3D": 320,
    "IMAGECOMPARE": 300,
    "COMPOSITOR": 300,
    "PAINTER": 300,
    "CURVE": 200,
    "BOUNDING_BOXES": 200,
    "WEBCAM": 220,
    "AUDIO_RECORD": 60,
    "AUDIO_UI": 50,
}
"""Widgets that need more than a line, in pixels."""
_PICTURES: Final = frozenset({"IMAGE", "MASK", "VIDEO"})
_PICTURE: Final = 240


def size(node: Node) -> tuple[int, int]:
    """Width and height of a node without its title, in pixels."""
    form = node.form
    slots = [socket for socket in form.sockets if socket.widget is None]
    outputs = node.definition.outputs if node.definition is not None else ()
    height = max(len(slots), len(node.outputs), 1) * SLOT + 6
    left = max((len(socket.name) for socket in slots), default=0)
    right = max((len(output.name) for output in outputs), default=0)
    width = (left + right) * _CHARACTER + (45 if left and right else 40)
    width = max(width, len(node.title) * _CHARACTER + 50, _NARROWEST[bool(form.widgets)])
    if form.widgets:
        height += 8
    for widget in form.widgets:
        if _is_text(widget):
            width = max(width, _TEXT_WIDTH)
            height += _text_height(widget.value)
        else:
            height += _TALL.get(widget.type, _WIDGET)
            width = max(width, min(_line(widget), _WIDEST))
    if _shows_pictures(node):
        height += _PICTURE
        width = max(width, _NARROWEST[1])
    return _up(width), _up(height)


def port(node: Node, place: int) -> int:
    """How far below the title's upper edge an input's dot is."""
    sockets = node.form.sockets
    socket = sockets[place]
    slots = [other for other in sockets if other.widget is None]
    if socket.widget is None:
        above = sum(other.widget is None for other in sockets[:place])
        return TITLE + above * SLOT + SLOT // 2
    top = TITLE + max(len(slots), len(node.outputs), 1) * SLOT + 8
    for widget in node.form.widgets:
        if widget.name == socket.widget:
            break
        top += _text_height(widget.value) if _is_text(widget) else _TALL.get(widget.type, _WIDGET)
    return top + _WIDGET // 2


def output_port(slot: int) -> int:
    """How far below the title's upper edge an output's dot is."""
    return TITLE + slot * SLOT + SLOT // 2


def _is_text(widget: Widget) -> bool:
    if widget.type in _TEXT_TYPES:
        return True
    return widget.type == "STRING" and widget.definition is not None and bool(widget.definition.flags.get("multiline"))


def _text_height(value: Any) -> int:
    lines = 0
    if isinstance(value, str):
        across = int((_TEXT_WIDTH - 40) / _CHARACTER)
        lines = sum(1 + len(line) // across for line in value[:4_000].split("\n"))
    return min(max(lines * _TEXT_LINE + 20, _TEXT_HEIGHT[0]), _TEXT_HEIGHT[1])


def _line(widget: Widget) -> float:
    """The width that a widget needs to show its name and value side by side."""
    value = widget.value
    shown = len(value) if isinstance(value, str) else 8
    return (len(widget.name.rpartition(".")[2]) + min(shown, 80)) * _CHARACTER + 60


def _shows_pictures(node: Node) -> bool:
    definition = node.definition
    if definition is None:
        return False
    if any(item.flags.get(flag) is True for item in definition.inputs.values() for flag in tables.UPLOAD_FLAGS):
        return True
    return definition.output_node and any(item.type in _PICTURES for item in definition.inputs.values())


def _up(value: float) -> int:
    return -int(-value // 10) * 10
