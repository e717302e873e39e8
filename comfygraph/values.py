"""What a server makes of a plain value: the rules of value checking, as one function from a definition and a value to a verdict.

Source: execution.py ``validate_inputs`` of ComfyUI 0.33.0, and the traces values_coercion, dynamic_inputs and
errors_prompt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .definition import InputDef
from .problems import Severity
from .text import did_you_mean, shown


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a value: severity, the server's error type (or ours), a line of what, a line of what would
    fit.
    """

    severity: Severity
    code: str
    message: str
    hint: str = ""


WRAPPER: Final = "__value__"  # {"__value__": [...]} is how a list is sent as a value: a bare list is read as a link
_COERCIONS: Final[dict[str, Any]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
_NATIVE: Final[dict[str, tuple[type, ...]]] = {
    "INT": (int,),
    "FLOAT": (int, float),
    "STRING": (str,),
    "BOOLEAN": (bool,),
}
_EXPECTED: Final[dict[str, str]] = {
    "INT": "a whole number",
    "FLOAT": "a number",
    "STRING": "a text",
    "BOOLEAN": "True or False",
}


def judge(definition: InputDef, value: Any) -> Verdict | None:
    """What the server would say of `value` at this input; None when it takes it as it is.

    `value` is JSON and no link. Sockets, dynamic combos and autogrow inputs are not judged here: their rules are the
    graph's.
    """
    if isinstance(value, dict) and WRAPPER in value:
        value = value[WRAPPER]
        if reads_as_link(value):
            return Verdict(
                "error",
                "bad_linked_input",
                f"{definition.name} holds a wrapped list that the server reads as a link to node {shown(value[0])} when it "
                "runs, unchecked: a link to nothing stops its only worker for good",
                "send another value: no list of a text and a whole number can be sent",
            )
    elif isinstance(value, list):
        return Verdict(
            "error",
            "bad_linked_input",
            f"{definition.name} holds a list, which the server reads as a link, and a link is [node id, output index]",
            f'to send a list as a value, wrap it: {{"{WRAPPER}": [...]}}',
        )
    coerce = _COERCIONS.get(definition.type)
    notice: Verdict | None = None
    if coerce is not None:
        try:
            coerced = coerce(value)
        except (TypeError, ValueError, OverflowError):
            return Verdict(
                "error",
                "invalid_input_type",
                f"{definition.name} takes {_EXPECTED[definition.type]} ({definition.type}), not {shown(value)}",
                span(definition),
            )
        native = isinstance(value, _NATIVE[definition.type]) and (definition.type == "BOOLEAN") == isinstance(
            value, bool
        )
        if not native:
            notice = Verdict(
                "warning",
                "value_coerced",
                f"{definition.name} takes {_EXPECTED[definition.type]} ({definition.type}); the server will turn {shown(value)} "
                f"into {shown(coerced)}",
                f"write {shown(coerced)} if that is meant",
            )
        elif isinstance(coerced, float) and math.isnan(coerced):
            notice = Verdict(
                "warning",
                "value_coerced",
                f"{definition.name} is NaN, which passes the server's bounds",
                span(definition),
            )
        value = coerced
    if definition.self_checked:
        return notice
    return _bounds(definition, value) or _listed(definition, value) or notice


def span(definition: InputDef) -> str:
    """The range of a number as a hint: ``"range 1 .. 10000"``; empty without one."""
    if definition.min is None and definition.max is None:
        return ""
    low = "" if definition.min is None else f"{definition.min} "
    high = "" if definition.max is None else f" {definition.max}"
    return f"range {low}..{high}"


def _bounds(definition: InputDef, value: Any) -> Verdict | None:
    try:
        if definition.min is not None and value < definition.min:
            return Verdict(
                "error",
                "value_smaller_than_min",
                f"{definition.name} is {shown(value)}, below its minimum",
                span(definition),
            )
        if definition.max is not None and value > definition.max:
            return Verdict(
                "error",
                "value_bigger_than_max",
                f"{definition.name} is {shown(value)}, above its maximum",
                span(definition),
            )
    except TypeError:
        # The server's own comparison raises here, and its validation of the node fails with it.
        return Verdict(
            "error", "invalid_input_type", f"{definition.name} takes a number, not {shown(value)}", span(definition)
        )
    return None


def _listed(definition: InputDef, value: Any) -> Verdict | None:
    options = definition.options
    if options is None or value in options:
        return None
    if definition.flags.get("multiselect") and isinstance(value, list):
        unknown = [item for item in value if item not in options]
        if not unknown:
            return None
        value = unknown[0]
    what = f"file in the server's {definition.folder} folder" if definition.folder else "option"
    return Verdict(
        "error",
        "value_not_in_list",
        f"{definition.name}: {shown(value)} is no {what}",
        did_you_mean(value, options, what=what),
    )


MAX_DEPTH: Final = 100
"""Lists and objects within one another in a value: 250 to 490 of them end a real server's worker in its own recursion."""


def too_deep(value: Any) -> bool:
    """Whether a value is nested more than `MAX_DEPTH` deep."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            v
            for item in level
            for v in (item.values() if isinstance(item, dict) else item)
            if isinstance(v, (dict, list))
        ]
        if not level:
            return False
    return True


def copied(value: Any) -> Any:
    """A copy of a JSON value: what the caller does with its own later is its own affair. Raises ValueError for what is none."""
    import json
    from copy import deepcopy

    try:
        json.dumps(value)
        return deepcopy(value)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("no JSON value") from None


def reads_as_link(value: Any) -> bool:
    """Whether the executor takes this value for a link (comfy_execution/graph_utils.py ``is_link``)."""
    return (
        isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], (int, float))
    )


def is_wrapped_link(value: Any) -> bool:
    """Whether `value` is the wrapped list that becomes a link inside the server (trace
    worker_killed_by_value_wrapped_link).
    """
    return isinstance(value, Mapping) and reads_as_link(value.get(WRAPPER))
