"""One node class as Python source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .. import definition as d
from ..definition import MISSING, InputDef, NodeDef
from ..naming import input_name, option_names, output_name, output_names
from ..values import span
from .annotations import Names, Parameter, default, kind, parameter
from .names import NODE_NAMES, RESERVED, free, settle
from .text import WIDTH, call, docstring, literal, prose, union, words

Tooltips = Mapping[tuple[str, ...], str]
"""Texts by where they belong: () the node; (input,), (input, key, input), … an input."""


@dataclass(frozen=True)
class Library:
    """What all classes of one generated package share.

    Attributes:
        kinds: socket types -> classes of the module `k`.
        lists: option lists -> aliases of ``options.py``.
        release: for docstrings: the release that the definitions are of, such as ``"ComfyUI 0.33.0"``; may be empty.
        classes: the names of its classes.
        strict: stop at a name that needs an exception.
    """

    kinds: Mapping[str, str]
    lists: Mapping[tuple[Any, ...], str]
    release: str
    classes: frozenset[str]
    strict: bool


@dataclass(frozen=True)
class TypeVariable:
    """A type variable of a match-type template: its name, and the kinds that bound it (empty: none do)."""

    name: str
    bound: str


@dataclass(frozen=True)
class Scope:
    """Where inputs stand: in a node or in one of its options.

    Attributes:
        library: what the package shares.
        node: the node.
        path: class, input, key, input, key, …: what `Option._at` holds; only the class at a node itself.
        names: how the definitions' names are written here.
        tooltips: the node's.
        taken: names that nested classes may not have.
    """

    library: Library
    node: NodeDef
    path: tuple[str, ...]
    names: Names
    tooltips: Tooltips
    taken: frozenset[str]

    @property
    def indent(self) -> int:
        """How far the members of the class are indented."""
        return 4 * ((len(self.path) + 1) // 2)


def type_variables(node: NodeDef, kinds: Mapping[str, str]) -> dict[str, TypeVariable]:
    """The type variables of a node's match-type templates, by template; `kinds` are the classes of socket types."""
    found: dict[str, TypeVariable] = {}
    names = Names(kinds, {}, {}, {})
    used = set(output_names(o.name for o in node.outputs))
    for item in node.inputs.values():
        inner = item if item.grow is None else item.grow.item
        template = inner.template
        if template is None or template in found:
            continue
        bound = kind(inner.allowed, names)
        bound = "" if bound == "Any" else bound
        name = "K" + bound.replace("k.", "").replace(" | ", "Or")
        found[template] = TypeVariable(free(name, used | {v.name for v in found.values()}), bound)
    return found


def class_source(name: str, node: NodeDef, library: Library, tooltips: Tooltips) -> list[str]:
    """The lines of a node class.

    Args:
        name: the class's name.
        node: its definition.
        library: what the package shares.
        tooltips: texts for the docstring; none for the project's own library.

    Raises:
        DefinitionError: the library is strict, and a name of the node needs an exception.
    """
    outputs = _outputs(node, library)
    variables = type_variables(node, library.kinds)
    templates = {template: variable.name for template, variable in variables.items()}
    names = Names(library.kinds, library.lists, templates, {})
    fixed = RESERVED | NODE_NAMES | frozenset(library.lists.values()) | frozenset(templates.values())
    # An option called like a class of the module would be taken for that one (by pyright).
    scope = Scope(library, node, (node.class_type,), names, tooltips, fixed | library.classes | set(outputs))
    return [
        f"class {name}({_bases(node, names, variables)}):",
        *docstring(_facts(scope, outputs), 4),
        "",
        "    __slots__ = ()",
        "",
        f"    class_type = {literal(node.class_type)}",
        *_body(scope, list(node.inputs.values())),
        *(
            line
            for slot, out in enumerate(outputs)
            for line in _property(slot, out, _output_type(node.outputs[slot], names))
        ),
    ]


def _bases(node: NodeDef, names: Names, variables: Mapping[str, TypeVariable]) -> str:
    generic = f", Generic[{', '.join(v.name for v in variables.values())}]" if variables else ""
    if len(node.outputs) != 1:
        return "Node" + generic
    out = node.outputs[0]
    return f"Node1[{_output_type(out, names)}]{generic}"


def _output_type(out: d.OutputDef, names: Names) -> str:
    if out.template is not None:
        return names.templates.get(out.template, "Any")
    # The server lets an output of several types in wherever one of them is taken; a union would be refused there.
    return "Any" if "," in out.type else kind(out.type, names)


def _outputs(node: NodeDef, library: Library) -> list[str]:
    """The names of the outputs, in order, by the rule that `Node.outputs_by_name` has too; strict stops at a clash."""
    names = output_names(o.name for o in node.outputs)
    if library.strict:
        wires = [o.name for o in node.outputs]
        settle(
            wires if len(set(wires)) == len(wires) else names,
            output_name,
            taken=NODE_NAMES | {input_name(item) for item in node.inputs},
            strict=True,
            scope=f"outputs of {node.class_type}",
            table="naming.OUTPUT_NAMES",
        )
    return names


def _property(slot: int, name: str, type_: str) -> list[str]:
    return ["", "    @property", f"    def {name}(self) -> Output[{type_}]:", f"        return self._output({slot})"]


def _body(scope: Scope, inputs: list[InputDef]) -> list[str]:
    """Option classes, and the constructor."""
    choices = {item.name: list(item.choices) for item in inputs if item.choices}
    rule = option_names(scope.node.class_type, choices)
    places = {f"{i}": place for i, place in enumerate(rule)}
    settled = settle(
        places,
        lambda number: rule[places[number]],
        taken=scope.taken,
        strict=scope.library.strict,
        scope=f"options of {'.'.join(scope.path)}",
        table="naming.OPTION_NAMES",
    )
    options = {place: settled[number] for number, place in places.items()}
    scope = replace(scope, names=replace(scope.names, options=options))
    lines: list[str] = []
    for item in inputs:
        for key, nested in (item.choices or {}).items():
            lines += ["", *_option(scope, options[item.name, key], item.name, key, list(nested))]
    return [*lines, "", *_constructor(scope, inputs)]


def _option(scope: Scope, name: str, input_: str, key: str, inputs: list[InputDef]) -> list[str]:
    inner = replace(scope, path=(*scope.path, input_, key), taken=scope.taken | {name})
    margin = " " * inner.indent
    at = [literal(part) for part in inner.path]
    summary = f"Option {words(key)} of {prose(input_)}."
    return [
        f"{' ' * scope.indent}class {name}(Option):",
        *docstring([[summary], _inputs_facts(inner, inputs)], inner.indent),
        "",
        f"{margin}__slots__ = ()",
        "",
        f"{margin}key = {literal(key)}",
        *call("_at = ", at, "", inner.indent),
        *_body(inner, inputs),
    ]


def _constructor(scope: Scope, inputs: list[InputDef]) -> list[str]:
    parameters = _parameters(scope, inputs)
    indent = scope.indent
    values = [p.name if p.fresh is None else f"{p.fresh} if {p.name} is None else {p.name}" for p in parameters]
    return [*_signature(parameters, indent), *call("self._bind", values, "", indent + 4)]


def _parameters(scope: Scope, inputs: list[InputDef]) -> list[Parameter]:
    names = keywords(scope, inputs)
    return [parameter(names[item.name], item, scope.names) for item in inputs]


def keywords(scope: Scope, inputs: Iterable[InputDef]) -> dict[str, str]:
    """The keywords of these inputs by their names on the wire."""
    return settle(
        [item.name for item in inputs],
        input_name,
        taken={"self"},
        strict=scope.library.strict,
        scope=f"inputs of {'.'.join(scope.path)}",
        table="naming.INPUT_NAMES",
    )


def _signature(parameters: list[Parameter], indent: int) -> list[str]:
    margin = " " * indent
    if not parameters:
        return [f"{margin}def __init__(self) -> None:"]
    short = ", ".join(f"{p.name}: {' | '.join(p.accepts)}{_after(p)}" for p in parameters)
    line = f"{margin}def __init__(self, *, {short}) -> None:"
    if len(line) <= WIDTH:
        return [line]
    body = [line for p in parameters for line in union(f"{p.name}: ", p.accepts, f"{_after(p)},", indent + 4)]
    return [f"{margin}def __init__(", f"{margin}    self,", f"{margin}    *,", *body, f"{margin}) -> None:"]


def _after(p: Parameter) -> str:
    return "" if p.default is None else f" = {p.default}"


# --- facts for docstrings


def _facts(scope: Scope, outputs: list[str]) -> list[list[str]]:
    node = scope.node
    place = f", in {prose(node.category)}" if node.category else ""
    tooltip = scope.tooltips.get(())
    given = [f"    {name}: {_output_facts(out)}." for name, out in zip(outputs, node.outputs, strict=True)]
    origin = f"From {prose(node.module)}." if node.module.startswith("custom_nodes.") else ""
    release = f"{prose(scope.library.release)}." if scope.library.release else ""
    marks = [
        (node.output_node, "Output node: graphs run for its sake."),
        (node.api_node, "Partner node: it costs money and needs an account key."),
        (node.deprecated, "Deprecated."),
        (node.experimental, "Experimental."),
        (node.input_is_list, "Takes whole lists at once."),
    ]
    return [
        [f"{prose(node.display_name)}{place}."],
        [prose(tooltip)] if tooltip else [],
        _inputs_facts(scope, list(node.inputs.values())),
        ["Outputs:", *given] if given else [],
        [" ".join(text for text in (*(mark for true, mark in marks if true), origin, release) if text)],
    ]


def _output_facts(out: d.OutputDef) -> str:
    kind_ = "the kind that goes in" if out.template is not None else prose(out.type)
    return f"{kind_}, a list" if out.is_list else kind_


def _inputs_facts(scope: Scope, inputs: list[InputDef]) -> list[str]:
    if not inputs:
        return []
    names = keywords(scope, inputs)
    lines: list[str] = []
    for item in inputs:
        name = names[item.name]
        wire = "" if name == item.name else f"{words(item.name)} on the wire; "
        tooltip = scope.tooltips.get((*scope.path[1:], item.name))
        lines.append(f"    {name}: {wire}{_input_facts(item)}.{f' {prose(tooltip)}' if tooltip else ''}")
    return ["Inputs:", *lines]


def _input_facts(item: InputDef) -> str:
    parts = [_what(item)]
    value = default(item)
    if value is None:
        parts.append("may be left out")
    elif value is not MISSING and value != ():
        parts.append(f"default {words(value)}")
    return ", ".join(parts)


def _what(item: InputDef) -> str:
    if item.form == "number":
        extent = span(item)
        step = f", step {item.step}" if item.step not in (None, 1) and item.type == "FLOAT" else ""
        return f"{item.type}, {extent.removeprefix('range ')}{step}" if extent else item.type
    if item.form == "combo":
        if item.folder is not None:
            return f"a file in the server's {item.folder} folder"
        if not item.options:
            return "one of the server's options"
        return f"one of {len(item.options)} options" if len(item.options) > 1 else "one option"
    if item.form == "dynamic_combo":
        return "one of the options below" if len(item.choices or {}) > 1 else "the option below"
    if item.form == "autogrow" and item.grow is not None:
        grow = item.grow
        named = f", named {prose(grow.slots[0])} to {prose(grow.slots[-1])}" if grow.named else ""
        return f"{grow.min} to {len(grow.slots)}{named}: {_what(grow.item)} each"
    if item.type == d.ANY:
        return "anything"
    if item.type == d.MATCH_TYPE:
        return "any kind" if item.allowed == d.ANY else prose(" or ".join(item.allowed.split(",")))
    return prose(" or ".join(item.type.split(",")))
