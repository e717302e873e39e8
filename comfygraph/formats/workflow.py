"""The editor's own format: what ComfyUI saves, and keeps in its pictures under ``workflow``.

`to_api` converts it to what the editor itself would export with "Export (API)" (frontend 1.48.7). It needs no server, only a
catalogue, as a file holds widget values without their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any, cast

from ..definition import NodeDef
from .editor_file import read
from .editor_flatten import flatten
from .editor_graph import load
from .editor_groups import ungroup
from .editor_ids import tell_apart


def is_workflow(data: object) -> bool:
    """Whether `data` is a workflow in the editor's format, which has a list of nodes rather than an object of them."""
    return isinstance(data, dict) and isinstance(cast("dict[str, Any]", data).get("nodes"), list)


def to_api(data: object, catalogue: Mapping[str, NodeDef], *, now: datetime | None = None) -> dict[str, dict[str, Any]]:
    """Convert a workflow to API format, as ComfyUI's editor exports it.

    Args:
        data: the decoded file: schema 0.4 or 1.0, with or without subgraphs. It is not changed.
        catalogue: the node definitions, such as ``Catalogue.bundled()``.
        now: the time that ``%date:…%`` in a file name becomes; None takes the present.

    Returns:
        Nodes by id, each with ``inputs``, ``class_type`` and ``_meta.title``. Nodes inside subgraphs have ids such as
        ``"375:4"``. Muted and bypassed nodes, notes, reroutes and primitives are not in it.

    Raises:
        FormatError: it is no workflow, it is damaged (what, where, what to do), or it has nodes of classes that the
            catalogue does not have (all of them, with their pack if the file names it).

    Example:
        >>> prompt = to_api(json.loads(Path("fox.json").read_text()), Catalogue.bundled())
        >>> prompt["3"]["inputs"]["steps"]
        20
    """
    file = read(data)
    tell_apart(file)
    ungroup(file, catalogue)
    prompt = flatten(load(file, catalogue), now or datetime.now())
    for entry in prompt.values():
        inputs: dict[str, Any] = entry["inputs"]
        for name, value in inputs.items():
            inputs[name] = _as_json(value)
    return prompt


def _as_json(value: Any) -> Any:
    """A value of its own for the prompt, its numbers as the editor writes them: 8.0 is 8."""
    if not isinstance(value, dict | list):
        return _number(value)
    top: list[Any] = [value]
    waiting: list[tuple[Any, Any]] = [(top, 0)]
    while waiting:
        holder, key = waiting.pop()
        item: Any = holder[key]
        if isinstance(item, dict):
            copy: Any = dict(cast("dict[str, Any]", item))
            waiting += [(copy, name) for name in copy]
        elif isinstance(item, list):
            copy = list(item)
            waiting += [(copy, place) for place in range(len(copy))]
        else:
            copy = _number(item)
        holder[key] = copy
    return top[0]


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and isfinite(value) and value.is_integer() else value
