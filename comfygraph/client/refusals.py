"""What a server says when it refuses a prompt, mapped to the nodes of the graph and to the lines that made them.

The texts are our own and hold no value that the server echoes, but for what a node's own validation says (a file name).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from ..problems import Problem, render
from .outcome import clip

DETAILS_LENGTH = 200
MOST_OPTIONS = 8

Locate = Callable[[str], "str | None"]
"""Node id -> ``file:line`` of the call that made it, or None."""


def problems_of(body: Mapping[str, Any], locate: Locate) -> list[Problem]:
    """The errors in the answer to ``POST /prompt``, status 400 or 200.

    Args:
        body: the decoded answer.
        locate: where a node was made.

    Returns:
        One problem for each error that the server names, in its order; at least one if it refused.
    """
    found: list[Problem] = []
    nodes = _object(body.get("node_errors"))
    for node_id, record in nodes.items():
        entry = _object(record)
        class_type = _text(entry.get("class_type"))
        listed: Any = entry.get("errors")
        for error in listed if isinstance(listed, list) else []:
            found.append(_node_problem(node_id, class_type, _object(error), locate))
    error = _object(body.get("error"))
    code = _text(error.get("type"))
    # With node errors this one only says that there are some.
    if error and not (found and code == "prompt_outputs_failed_validation"):
        extra = _object(error.get("extra_info"))
        node = _text(extra.get("node_id")) or None
        message = clip(f"{_text(error.get('message'))}: {_text(error.get('details'))}".strip(": "), DETAILS_LENGTH)
        class_type = _text(extra.get("class_type"))
        if code == "missing_node_type" and class_type:
            message = f"the server has no node class {clip(class_type, 80)}"
        elif code == "prompt_no_outputs":
            message = "the graph has no output node that the server knows"
        where = locate(node) if node is not None else None
        found.insert(
            0, Problem("error", code or "refused", message or "refused", node, class_type or None, where=where)
        )
    return found


def message_of(problems: list[Problem], head: str) -> str:
    """The exception's text: what happened, and every problem."""
    return f"{head}\n{render(problems)}" if problems else f"{head}, and did not say why"


def _node_problem(node_id: str, class_type: str, error: Mapping[str, Any], locate: Locate) -> Problem:
    code = _text(error.get("type")) or "refused"
    extra = _object(error.get("extra_info"))
    name = _text(extra.get("input_name")) or None
    config: Any = extra.get("input_config")
    parts = config if isinstance(config, list) else []
    options = _object(parts[1]) if len(parts) > 1 else {}
    kind = parts[0] if parts and isinstance(parts[0], str) else "its type"
    hint = ""
    said = clip(_text(error.get("details")), DETAILS_LENGTH)
    texts = {
        "required_input_missing": f"required input {name} is missing",
        "bad_linked_input": f"input {name} is no link of a node id and an output number",
        "return_type_mismatch": f"input {name} takes {kind} and is linked to {_text(extra.get('received_type'))}",
        "invalid_input_type": f"the value of input {name} is no {kind}",
        "value_smaller_than_min": f"the value of input {name} is smaller than {options.get('min')}",
        "value_bigger_than_max": f"the value of input {name} is bigger than {options.get('max')}",
        "value_not_in_list": f"the value of input {name} is none of the server's options",
    }
    message = texts.get(code) or clip(f"{_text(error.get('message'))}: {said}".strip(": "), DETAILS_LENGTH)
    if code == "value_not_in_list":
        listed: Any = parts[0] if parts else None
        if not isinstance(listed, list):
            listed = options.get("options")
        if isinstance(listed, list) and listed:
            names = [clip(str(item), 60) for item in listed]
            more = len(names) - MOST_OPTIONS
            hint = "one of: " + ", ".join(names[:MOST_OPTIONS]) + (f", and {more} more" if more > 0 else "")
        elif listed == []:
            hint = "the server has none: the model file is not there"
    return Problem("error", code, message, node_id, class_type or None, name, hint, locate(node_id))


def _object(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, (str, int, float)) else ""
