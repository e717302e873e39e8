"""Nodes that nobody generated: classes made from a definition at run time, and arguments by name."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from .definition import MISSING, NodeDef
from .errors import GraphError
from .fields import default_of
from .naming import class_name, output_names
from .node import Node, Node1, _outside, _place
from .problems import Problem
from .text import did_you_mean

if TYPE_CHECKING:
    from .node import Plan


def node_class(definition: NodeDef) -> type[Node]:
    """A node class for a definition: keyword arguments by name, outputs as UPPERCASE properties."""
    base: type[Node] = Node1 if len(definition.outputs) == 1 else Node
    body: dict[str, Any] = {
        "__slots__": (),
        "class_type": definition.class_type,
        "_definition": definition,
        "__doc__": f"{definition.class_type}, untyped: made from a catalogue at run time.",
    }
    for slot, name in enumerate(output_names(o.name for o in definition.outputs)):
        body[name] = _output_property(slot)
    return cast("type[Node]", type(class_name(definition.class_type), (base,), body))


def _output_property(slot: int) -> property:
    def output(node: Node) -> Any:
        return node._output(slot)

    return property(output)


def arguments(plan: Plan, owner: str, given: Mapping[str, Any]) -> list[Any]:
    """The values in the order of the definition, defaults filled in. Names may be keywords or names on the wire.

    Raises:
        GraphError: unknown names (with the close ones), and inputs that are needed and missing.
    """
    rest = dict(given)
    values: list[Any] = []
    found: list[Problem] = []
    site = _outside(sys._getframe(2))
    where = _place(*site) if isinstance(site, tuple) else site
    class_type = plan.definition.class_type
    for field in plan.fields:
        value = rest.pop(field.keyword, MISSING)
        if value is MISSING:
            value = rest.pop(field.name, MISSING)
        if value is MISSING:
            value = default_of(field.definition)
        if value is MISSING:
            message = f"{owner} needs {field.name}, and it was not given"
            found.append(
                Problem(
                    "error",
                    "required_input_missing",
                    message,
                    class_type=class_type,
                    input=field.name,
                    hint=field.wanted(),
                    where=where,
                )
            )
        values.append(value)
    known = [field.keyword for field in plan.fields]
    for name in rest:
        hint = did_you_mean(name, known, what="input")
        found.append(
            Problem(
                "error",
                "unknown_input",
                f"{owner} has no input {name!r}",
                class_type=class_type,
                input=name,
                hint=hint,
                where=where,
            )
        )
    if found:
        raise GraphError(found)
    return values


@lru_cache(maxsize=4096)
def known_class(class_type: Any) -> type[Node]:
    """The typed class for a name on the wire; for a name that comfygraph does not know, a class without a
    definition.
    """
    from . import nodes
    from .naming import class_name

    if isinstance(class_type, str) and class_type in nodes.definitions():
        return cast("type[Node]", getattr(nodes, class_name(class_type)))
    body = {
        "__slots__": (),
        "class_type": class_type,
        "__doc__": "A node of a class that comfygraph has no definition of.",
    }
    return cast("type[Node]", type("UnknownNode", (Node,), body))
