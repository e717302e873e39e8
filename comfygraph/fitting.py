"""Make a graph fit a server that is not quite the one it was made for: other separators in file names, newer required inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .definition import MISSING, InputDef
from .expand import declared
from .graph import Graph
from .node import whence
from .problems import Problem
from .text import shown

if TYPE_CHECKING:
    from .catalogue import Catalogue
    from .graph import Entry


def fit(graph: Graph, catalogue: Catalogue) -> tuple[Graph, list[Problem]]:
    """`Graph.fit`."""
    notes: list[Problem] = []
    table = dict(graph._table)
    for node_id, entry in graph._table.items():
        definition = catalogue.find(entry.class_type)
        if definition is None or entry.inputs is None or entry.proof is definition:
            continue
        changed: dict[str, Any] = {}
        for name, (d, needed) in declared(definition, entry.inputs).items():
            if name in entry.inputs:
                meant = same_file(d, entry.inputs[name])
                if meant is not None:
                    changed[name] = meant
                    message = f"{name}: {shown(entry.inputs[name])} is taken to mean {shown(meant)}, the only such file on the server"
                    notes.append(_note("file_taken_as_meant", message, node_id, entry, name))
            elif needed and d.default is not MISSING and d.form not in ("socket", "dynamic_combo", "autogrow"):
                changed[name] = d.default
                message = (
                    f"{definition.class_type} needs {name} on this server, and the graph does not have it: "
                    f"its default there, {shown(d.default)}, is sent"
                )
                notes.append(_note("input_filled", message, node_id, entry, name))
        if changed:
            table[node_id] = entry.but({**entry.inputs, **changed})
    return (Graph._of(table, graph.rules), notes) if notes else (graph, notes)


def same_file(definition: InputDef, value: Any) -> str | None:
    """The one file in the list that `value` can only mean; None when it is there as written, or when none or several match.

    Example: ``"SDXL\\\\base.safetensors"`` means ``"SDXL/base.safetensors"``, and ``"base.safetensors"`` means it too when no
    other folder has a file of that name.
    """
    options = definition.options
    if (
        definition.folder is None
        or not options
        or not isinstance(value, str)
        or value in options
        or definition.self_checked
    ):
        return None
    names = [option for option in options if isinstance(option, str)]
    for key in (_path, _last):
        found = [name for name in names if key(name) == key(value)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _path(name: str) -> str:
    return name.replace("\\", "/").casefold()


def _last(name: str) -> str:
    return _path(name).rpartition("/")[2]


def _note(code: str, message: str, node_id: str, entry: Entry, name: str) -> Problem:
    return Problem("warning", code, message, node_id, entry.class_type, name, **whence(entry.token))
