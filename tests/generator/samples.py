"""Arguments for any node class: placeholder links, and the values that its definition asks for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from comfygraph.definition import MATCH_TYPE, MISSING, InputDef, NodeDef, OutputDef
from comfygraph.fields import default_of
from comfygraph.naming import input_name, option_names
from comfygraph.node import Option
from comfygraph.untyped import node_class

TEXT = "a text"


@cache
def source(kind: str) -> Any:
    """A node with one output of this socket type, and so a link of it."""
    return node_class(NodeDef("Placeholder", {}, (OutputDef("out", kind),)))()


def value(item: InputDef, scope: type, *, most: bool = False) -> Any:
    """Something that the input takes.

    Args:
        item: the input.
        scope: the node or option class whose input it is.
        most: fill an autogrow to the brim, rather than as little as it takes.
    """
    if item.form == "socket":
        kind = item.allowed if item.type == MATCH_TYPE else item.type
        return source(kind.split(",")[0])
    if item.form == "dynamic_combo":
        return option(item, next(iter(item.choices or {})), scope, most=most)
    if item.form == "autogrow":
        assert item.grow is not None
        slots = len(item.grow.slots) if most else item.grow.min
        return [value(item.grow.item, scope) for _ in range(slots)]
    if default_of(item) not in (MISSING, None):
        return default_of(item)
    if item.form == "number":
        return item.min if item.min is not None else 1
    if item.form == "combo":
        return item.options[0] if item.options else TEXT
    if item.form == "data" and "," in item.type:
        return source(item.type.split(",")[0])
    return {"text": TEXT, "switch": True, "data": {}}[item.form]


def option_class(item: InputDef, key: str, scope: type) -> type[Option]:
    """The class of an option, found by the naming rule; siblings may have pushed its input's name in front."""
    found = getattr(scope, option_names("", {item.name: [key]})[item.name, key], None)
    if found is None or found.key != key or found._at[-2] != item.name:
        found = getattr(scope, option_names("", {item.name: [key], "other": [key]})[item.name, key])
    assert isinstance(found, type)
    assert issubclass(found, Option)
    return found


def option(item: InputDef, key: str, scope: type, *, most: bool = False) -> Option:
    """An instance of an option, with all of its inputs given."""
    cls = option_class(item, key, scope)
    return cls(**{input_name(n.name): value(n, cls, most=most) for n in (item.choices or {})[key]})


def arguments(inputs: list[InputDef], scope: type, *, everything: bool = False) -> dict[str, Any]:
    """Keyword arguments: those that must be given, or all of them with autogrow inputs filled to the brim."""
    return {
        input_name(item.name): value(item, scope, most=everything)
        for item in inputs
        if everything or default_of(item) is MISSING
    }


def dynamic(inputs: list[InputDef], scope: type) -> Iterator[tuple[InputDef, str, type]]:
    """Every dynamic combo below these inputs with each of its keys, and the class that the option is nested in."""
    for item in inputs:
        for key, nested in (item.choices or {}).items():
            yield item, key, scope
            yield from dynamic(list(nested), option_class(item, key, scope))
