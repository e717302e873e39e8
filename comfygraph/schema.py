"""``object_info`` as a server sends it, checked before anything of it is used (pydantic at this boundary).

Custom nodes are written by anybody: fields may be missing, null, or of another shape than ComfyUI's own nodes have.
What can be read is read; a record that cannot is named and left out, or refused, as the caller asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from .definition import AUTOGROW, DYNAMIC_COMBO
from .errors import DefinitionError

MAX_NAME = 300  # characters; the longest input name of ComfyUI 0.33.0 has 43
MAX_DEPTH = 8  # dynamic inputs within dynamic inputs; ComfyUI 0.33.0 has 3

Name = Annotated[str, Field(max_length=MAX_NAME)]


def _none_is_empty(value: Any) -> Any:
    return {} if value is None else value


def _listed(value: Any) -> Any:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


class NodeRecord(BaseModel):
    """One node of ``object_info``: the fields that comfygraph reads; others are kept as they are."""

    model_config = ConfigDict(extra="allow", strict=True, protected_namespaces=())

    input: Annotated[
        dict[Name, Annotated[dict[Name, JsonValue], BeforeValidator(_none_is_empty)]], BeforeValidator(_none_is_empty)
    ]
    input_order: dict[str, list[str] | None] | None = None
    output: Annotated[list[str | list[JsonValue]], BeforeValidator(_listed)] = []
    output_name: Annotated[list[str | None], BeforeValidator(_listed)] = []
    output_is_list: Annotated[list[bool | None], BeforeValidator(_listed)] = []
    output_matchtypes: list[str | None] | None = None
    name: Name | None = None
    display_name: str | None = None
    category: str | None = None
    python_module: str | None = None
    output_node: bool | None = None
    is_input_list: bool | None = None
    deprecated: bool | None = None
    experimental: bool | None = None
    api_node: bool | None = None


def read_object_info(data: object, *, source: str = "object_info") -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Check a whole ``object_info`` answer.

    Args:
        data: the decoded JSON.
        source: where it came from, for messages.

    Returns:
        The records by class name, and the faults of those that cannot be read: one custom node with a broken
        definition must not keep its owner from checking graphs that do not use it.

    Raises:
        DefinitionError: `data` is no ``object_info``, or no record of it can be read; one line that says why.
    """
    if not isinstance(data, dict) or not all(isinstance(node, dict) for node in data.values()):
        raise DefinitionError(f"{source}: not node definitions: an object_info answer is an object of node records")
    nodes: dict[str, Any] = data
    records: dict[str, dict[str, Any]] = {}
    faults: dict[str, str] = {}
    for class_type, node in nodes.items():
        if len(class_type) > MAX_NAME or not _is_text(class_type):
            faults[class_type] = "its name is no text that can be sent"
            continue
        try:
            record = NodeRecord.model_validate(node)
        except ValidationError as error:
            faults[class_type] = _first(error)
            continue
        specs = (
            (n, spec) for section, inputs in record.input.items() if section != "hidden" for n, spec in inputs.items()
        )
        fault = next((f"input {name!r}: {why}" for name, spec in specs if (why := _fault(spec))), "")
        if fault:
            faults[class_type] = fault
        else:
            records[class_type] = record.model_dump(exclude_unset=True)
    if faults and not records:
        class_type, fault = next(iter(faults.items()))
        raise DefinitionError(f"{source}: no node definition in it can be read; node {class_type!r}: {fault}")
    return records, faults


def _is_text(name: str) -> bool:
    """Whether a name is Unicode text: JSON can hold halves of characters, which no file and no request can."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _fault(spec: Any) -> str:
    """What is wrong with an input's spec, all that is nested in it included; empty when it can be read."""
    pending: list[tuple[Any, int]] = [(spec, 0)]
    while pending:
        item, depth = pending.pop()
        if depth > MAX_DEPTH:
            return f"dynamic inputs nested more than {MAX_DEPTH} deep"
        if not isinstance(item, list) or not item:
            return "the spec is not a list of a type and its options"
        kind: Any = item[0]
        more: Any = item[1] if len(item) > 1 else {}
        if more is None:
            more = {}
        if not isinstance(kind, (str, list)) or not isinstance(more, dict):
            return "the spec is not a list of a type and its options"
        for bound in ("min", "max", "step"):
            if isinstance(more.get(bound), bool) or not isinstance(more.get(bound, 0), (int, float, type(None))):
                return f"its {bound} is not a number"
        if kind == DYNAMIC_COMBO:
            options = more.get("options")
            if not isinstance(options, list):
                return "a dynamic combo without options"
            for option in options:
                if not isinstance(option, dict) or not isinstance(option.get("key"), str):
                    return "a dynamic combo's option without a key"
                sections = option.get("inputs")
                if not isinstance(sections, dict):
                    return "a dynamic combo's option without inputs"
                for inputs in sections.values():
                    if not isinstance(inputs, dict):
                        return "a dynamic combo's option without inputs"
                    pending += [(nested, depth + 1) for nested in inputs.values()]
        elif kind == AUTOGROW:
            nested = _autogrow_item(more.get("template"))
            if isinstance(nested, str):
                return nested
            pending.append((nested[0], depth + 1))
        elif kind == "COMBO" and not isinstance(more.get("options", []), (list, type(None))):
            return "its options are not a list"
    return ""


def _autogrow_item(template: Any) -> str | tuple[Any]:
    if not isinstance(template, dict):
        return "an autogrow without a template"
    names, prefix, top = template.get("names"), template.get("prefix"), template.get("max")
    named = isinstance(names, list) and all(isinstance(name, str) for name in names)
    counted = isinstance(prefix, str) and isinstance(top, int) and 0 < top <= 1000
    if not (named or counted) or not isinstance(template.get("min"), int):
        return "an autogrow template needs names, or a prefix and a max, and a min"
    sections: Any = template.get("input")
    if isinstance(sections, Mapping):
        for inputs in sections.values():
            if isinstance(inputs, Mapping):
                for nested in inputs.values():
                    return (nested,)
    return "an autogrow template without an input"


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place}: {detail['msg']}" if place else detail["msg"]
