"""Primitive nodes: one value, typed in once, for several widgets. A prompt has the value only, in each of the widgets."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from math import floor, inf, isfinite, lcm, log10
from typing import Any

from ..definition import InputDef
from .editor_file import Link
from .editor_graph import Graph
from .editor_widgets import Widget, choose


def apply_primitives(graph: Graph) -> None:
    """Write the value of each primitive of a graph into the widgets that it feeds."""
    by_origin: dict[str, list[Link]] = {}
    for link in graph.links.values():
        by_origin.setdefault(link.origin, []).append(link)
    for node in graph.nodes.values():
        if node.kind != "primitive":
            continue
        order = (
            {identifier: place for place, identifier in enumerate(node.file.output_links[0])}
            if node.file.output_links
            else {}
        )
        links = sorted(by_origin.get(node.id, ()), key=lambda link: order.get(link.id, len(order)))
        found = [end for link in links if (end := graph.target(link)) is not None]
        fed = [(target, widget) for target, socket in found if (widget := target.widget_of(socket)) is not None]
        if not fed:
            continue
        value = _merged(_saved(node.file.values, fed[0][1].value), [widget for _, widget in fed])
        for target, widget in fed:
            if target.inner is None:
                choose(target.form, widget, _as_typed_in(widget, value))
            else:
                widget.value = _as_typed_in(widget, value)


def _saved(values: list[Any] | dict[str, Any] | None, otherwise: Any) -> Any:
    if isinstance(values, dict):
        return values.get("value", otherwise)
    return values[0] if values else otherwise


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _merged(value: Any, widgets: list[Widget]) -> Any:
    """The value within the bounds and on the step that all the inputs have in common."""
    items = [w.definition for w in widgets if w.definition is not None and w.type == widgets[0].type]
    if not _number(value) or not items or widgets[0].type not in ("INT", "FLOAT"):
        return value
    low = max((item.min if item.min is not None else -inf for item in items), default=-inf)
    high = min((item.max if item.max is not None else inf for item in items), default=inf)
    if low > high:
        return value
    value = min(max(value, low), high)
    if widgets[0].type == "FLOAT":
        return _float_step(value, items[0])
    steps = [int(item.step) for item in items if item.step and item.step >= 1]
    return _int_step(value, lcm(*steps) if steps else 1, low)


def _as_typed_in(widget: Widget, value: Any) -> Any:
    """A value as a widget takes it when it is typed in: numbers are rounded to the widget's step."""
    item = widget.definition
    if item is None or not _number(value):
        return value
    if widget.type == "INT":
        return _int_step(value, int(item.step or 1) or 1, item.min if item.min is not None else 0)
    return _float_step(value, item) if widget.type == "FLOAT" else value


def _int_step(value: float, step: int, low: float) -> int:
    if isinstance(value, int) and step == 1:
        return value
    offset = int(low) % step if isfinite(low) else 0
    if isinstance(value, int):
        return (value - offset + step // 2) // step * step + offset
    return floor((value - offset) / step + 0.5) * step + offset


def _float_step(value: float, item: InputDef) -> float:
    step = float(item.step) if item.step else 0.5
    digits = max(0, -floor(log10(step))) if step > 0 else 0
    asked: Any = item.flags.get("round")
    grain = float(asked) if _number(asked) and asked else 10.0**-digits if digits else 0.0
    if not grain:
        return value
    rounded = Decimal(floor(value / grain + 0.5) * grain).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    low = item.min if item.min is not None else 0
    high = item.max if item.max is not None else 2048
    return min(max(float(rounded), low), high)
