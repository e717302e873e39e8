"""Nodes that nobody generated: classes made from a definition at run time, and arguments by name."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from .definition import MISSING, NodeDef
from .errors import ArgumentError, EditError
from .fields import default_of
from .links import Link
from .naming import class_name, output_names
from .node import Node, Node1, _outside, _place, _serials
from .problems import Problem
from .raw_values import OMITTED, Raw
from .text import did_you_mean
from .uploads import Upload

if TYPE_CHECKING:
    from .fields import Field
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
        ArgumentError: unknown names (with the close ones), and inputs that are needed and missing.
    """
    rest = dict(given)
    values: list[Any] = []
    for field in plan.fields:
        value = rest.pop(field.keyword, MISSING)
        if value is MISSING:
            value = rest.pop(field.name, MISSING)
        if value is MISSING:
            value = default_of(field.definition)
        values.append(value)
    if rest or any(value is MISSING for value in values):
        missing = [field for field, value in zip(plan.fields, values) if value is MISSING]
        raise _misnamed(owner, plan.definition.class_type, plan.fields, missing, rest)
    return values


def argument_error(cls: type, args: tuple[Any, ...], given: Mapping[str, Any]) -> ArgumentError | None:
    """Why a call of a typed node or option class did not match its signature; None when that is not what went wrong."""
    import inspect

    from .node import Option, _plan_of

    if issubclass(cls, Option):
        fields, class_type = cls._read()[1], cls._at[0]
    else:
        plan = _plan_of(cast("type[Node]", cls))
        fields, class_type = plan.fields, plan.definition.class_type
    if args:
        hint = f"write {cls.__qualname__}({fields[0].keyword}=…)" if fields else f"write {cls.__qualname__}()"
        message = f"{cls.__qualname__} takes its inputs by name, and was given {len(args)} without one"
        return ArgumentError(
            [Problem("error", "unknown_input", message, class_type=class_type, hint=hint, where=_caller())]
        )
    parameters = inspect.signature(vars(cls).get("__init__", object.__init__)).parameters
    rest = [name for name in given if name not in parameters]
    missing = [f for f in fields if f.keyword not in given and parameters[f.keyword].default is inspect.Parameter.empty]
    return _misnamed(cls.__qualname__, class_type, fields, missing, rest) if rest or missing else None


def _misnamed(
    owner: str, class_type: str, fields: Sequence[Field], missing: Iterable[Field], rest: Iterable[str]
) -> ArgumentError:
    where = _caller()
    known = [field.keyword for field in fields]
    found = [
        Problem(
            "error",
            "unknown_input",
            f"{owner} has no input {name!r}",
            class_type=class_type,
            input=name,
            hint=did_you_mean(name, known, what="input"),
            where=where,
        )
        for name in rest
    ]
    found += (
        Problem(
            "error",
            "required_input_missing",
            f"{owner} needs {field.keyword} ({field.definition.type}), and it was not given",
            class_type=class_type,
            input=field.name,
            hint=field.wanted(),
            where=where,
        )
        for field in missing
    )
    return ArgumentError(found)


def _caller() -> str | None:
    site = _outside(sys._getframe(1))
    return _place(*site) if isinstance(site, tuple) else site


def give(node: Node, inputs: Mapping[str, object]) -> None:
    """`Node.extra`."""
    extra = node._extra
    if extra is not None and extra.graph is not None:
        raise EditError(f"{node!r} is a handle of a graph, and graphs do not change: use graph.set")
    given = dict(node._inputs)
    links = dict(node._links)
    for name, value in inputs.items():
        links.pop(name, None)
        if value is OMITTED:
            given.pop(name, None)
            continue
        if isinstance(value, Node) and not isinstance(value, Link):
            names = [f".{n}" for n in value.output_names] or [".output(0)"]
            raise EditError(f"{name}: {value!r} has no single output; say which: {', '.join(names)}")
        if isinstance(value, Link):
            given[name] = links[name] = value
        else:
            given[name] = value if isinstance(value, (Raw, Upload)) else json_copy(name, value)
    # New objects, as a graph that was made before may share the old ones.
    node._inputs, node._links = given, list(links.items())
    node._proof = None
    node._more()  # no longer what its constructor made: it may even be linked to what was made after it


def json_copy(name: str, value: object) -> Any:
    """A JSON value, the caller's own no more. Raises EditError."""
    from .text import shown
    from .values import copied, reads_as_link

    if reads_as_link(value):
        raise EditError(f"{name}: {shown(value)} reads as a link by id, and a node has no id yet: give it the output")
    try:
        return copied(value)
    except ValueError:
        raise EditError(f"{name} cannot be sent: {shown(value)} is no JSON value") from None


def custom_node(class_type: str, /, **inputs: object) -> Node:
    """A node of a class that nobody has typed classes of, without its definition: nothing is filled in or checked here.

    `Graph.check(catalogue)` with a server's catalogue checks it, and so does submitting. With a catalogue at hand,
    `Catalogue.node` knows defaults and outputs.

    Args:
        class_type: the class's name on the wire.
        inputs: links or JSON values by name on the wire (``**{"a.b": 1}`` where that is no identifier).

    Example:
        >>> faces = custom_node("FaceDetailer", guide_size=512)
        >>> faces.output(0)._slot
        0
    """
    cls = _unknown_class(class_type)
    node = cls.__new__(cls)
    node._extra = None
    node._serial = next(_serials)
    node._site = _outside(sys._getframe(1))
    node._inputs = {}
    node._links = []
    give(node, inputs)
    return node


def known_class(class_type: Any) -> type[Node]:
    """The typed class for a name on the wire; a nameless one for what is no name at all, which a file may hold."""
    return _known_class(class_type if isinstance(class_type, str) else None)


@lru_cache(maxsize=4096)
def _known_class(class_type: str | None) -> type[Node]:
    """The typed class for a name on the wire; for a name that comfygraph does not know, a class without a
    definition.
    """
    from . import nodes
    from .naming import class_name

    if isinstance(class_type, str) and class_type in nodes.definitions():
        return cast("type[Node]", getattr(nodes, class_name(class_type)))
    return _unknown_class(class_type)


@lru_cache(maxsize=4096)
def _unknown_class(class_type: Any) -> type[Node]:
    body = {
        "__slots__": (),
        "class_type": class_type,
        "__doc__": "A node of a class that comfygraph has no definition of.",
    }
    return cast("type[Node]", type("UnknownNode", (Node,), body))


def no_attribute(node: Node, name: str) -> AttributeError:
    """What to raise for an attribute that a node does not have: which of its outputs is meant, or that it is an input."""
    head = f"{type(node).__name__} has no attribute {name!r}"
    if name.startswith("_"):
        return AttributeError(head, name=name, obj=node)
    if name in node.inputs:
        hint = f"it is an input: .inputs[{name!r}] reads it, and graph.set(node, {name}=…) gives a graph with another"
    else:
        hint = did_you_mean(name, node.output_names, what="output")
    return AttributeError(f"{head}; {hint}", name=name, obj=node)
