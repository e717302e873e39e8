"""API-format JSON: what ``POST /prompt`` takes. A link is ``["node id", output index]``."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final, cast

from ..errors import FormatError
from ..graph import Entry, Token
from ..text import shown

MAX_NODES: Final = 200_000


def is_editor_format(data: object) -> bool:
    """Whether `data` is the editor's own format, which has a list of nodes rather than an object of them."""
    return isinstance(data, Mapping) and isinstance(cast("Mapping[str, Any]", data).get("nodes"), list)


def read(prompt: object) -> dict[str, Entry]:
    """The table of an API-format dict. Bad links, classes and values stay as they are, for `Graph.check` to report.

    Raises:
        FormatError: this is no API-format workflow.
    """
    if is_editor_format(prompt):
        raise FormatError(
            "this is a workflow in the editor's format, not in API format: use Graph.load(file), "
            "or export it with 'Export (API)' in ComfyUI"
        )
    if not isinstance(prompt, Mapping):
        raise FormatError(f"an API-format workflow is an object of nodes by id, not {shown(prompt)}")
    nodes: Mapping[Any, Any] = prompt
    if set(nodes) == {"prompt"} or ("prompt" in nodes and "client_id" in nodes):
        raise FormatError('this is the body of a POST /prompt: take what is under "prompt"')
    if len(nodes) > MAX_NODES:
        raise FormatError(f"{len(nodes)} nodes; comfygraph reads at most {MAX_NODES}")
    try:
        return {_node_id(node_id): _entry(node_id, node) for node_id, node in nodes.items()}
    except RecursionError:
        raise FormatError("a value in it is nested too deeply to be a node's input") from None


def _node_id(node_id: Any) -> str:
    if not isinstance(node_id, str):
        raise FormatError(f"node ids are texts, and {node_id!r} is none")
    return node_id


def _entry(node_id: Any, node: Any) -> Entry:
    if not isinstance(node, Mapping):
        raise FormatError(f"node {shown(node_id)} is {shown(node)}, and a node is an object with class_type and inputs")
    row = cast("Mapping[str, Any]", node)
    if "class_type" not in row and "inputs" not in row:
        raise FormatError(f"node {shown(node_id)} has neither class_type nor inputs, so this is no API-format workflow")
    given: Any = row.get("inputs")
    if not isinstance(given, Mapping) and "inputs" in row:
        raise FormatError(f"node {shown(node_id)}: its inputs are {shown(given)}, not an object of values by name")
    inputs = None if given is None else {name: link(value) for name, value in cast("Mapping[str, Any]", given).items()}
    rest = {key: deepcopy(value) for key, value in row.items() if key not in ("class_type", "inputs")}
    class_type = row.get("class_type")
    if class_type is None and "class_type" in row:
        rest["class_type"] = None
    return Entry(class_type, inputs, Token(), rest or None)


def link(value: Any) -> Any:
    """A well-formed link as a table keeps it, anything else as it is."""
    if isinstance(value, (list, tuple)):
        pair: list[Any] = list(value)
        if len(pair) == 2 and type(pair[0]) is str and type(pair[1]) is int:
            return (pair[0], pair[1])
        return deepcopy(pair)
    return deepcopy(value) if type(value) is dict else value
