"""The inputs that a node has on the wire: dynamic inputs unfolded by what is given.

Source: comfy_api/latest/_io.py ``get_finalized_class_inputs`` of ComfyUI 0.33.0; trace dynamic_inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .definition import InputDef, NodeDef
from .raw_values import Raw


def declared(definition: NodeDef, inputs: Mapping[str, Any]) -> dict[str, tuple[InputDef, bool]]:
    """Every input the server knows of for these values: name on the wire -> its definition, and whether it is needed.

    A dynamic combo brings the inputs of the option that is chosen (none when its key is unknown), an autogrow all its
    slots.
    """
    found: dict[str, tuple[InputDef, bool]] = {}
    pending: list[tuple[str, InputDef]] = [(d.name, d) for d in reversed(list(definition.inputs.values()))]
    while pending:
        name, d = pending.pop()
        if d.grow is not None:
            for i, slot in enumerate(d.grow.slots):
                found[f"{name}.{slot}"] = (d.grow.item, i < d.grow.min)
            continue
        found[name] = (d, d.required)
        if d.choices is not None:
            pending += [(f"{name}.{nested.name}", nested) for nested in reversed(chosen(d, inputs.get(name)) or ())]
    return found


def chosen(definition: InputDef, key: Any) -> tuple[InputDef, ...] | None:
    """The inputs of a dynamic combo's option; None for a key it does not have."""
    if isinstance(key, Raw):
        key = key.value
    return (definition.choices or {}).get(key) if isinstance(key, str) else None


def growing(definition: NodeDef, inputs: Mapping[str, Any]) -> Iterator[tuple[str, InputDef]]:
    """The autogrow inputs that the node has for these values, nested ones too: name on the wire, definition."""
    pending: list[tuple[str, InputDef]] = [(d.name, d) for d in reversed(list(definition.inputs.values()))]
    while pending:
        name, d = pending.pop()
        if d.grow is not None:
            yield name, d
        elif d.choices is not None:
            pending += [(f"{name}.{nested.name}", nested) for nested in reversed(chosen(d, inputs.get(name)) or ())]
