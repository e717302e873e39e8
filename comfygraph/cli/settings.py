"""``--set key=value``: what a key means in a graph, and what a text means for an input."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..definition import MISSING, InputDef
from ..text import did_you_mean, listed
from .guard import USAGE, Failed

if TYPE_CHECKING:
    from ..graph import Graph

UPLOADS: Final = ("image_upload", "audio_upload", "video_upload")
"""The flags of inputs whose files a server takes; `@file` sends one there."""
MOST_TEXT: Final = 16 * 2**20  # bytes of a file of prompts


@dataclass(frozen=True)
class Setting:
    """One ``--set``, not yet understood."""

    key: str
    text: str


@dataclass(frozen=True, eq=False)
class Target:
    """An input of a node of a graph; `definition` is None for a node or an input that is not known."""

    node_id: str
    input: str
    definition: InputDef | None


def usage(message: str) -> Failed:
    """A wrong ``--set``."""
    return Failed(f"--set: {message}", USAGE)


def parse(texts: Iterable[str]) -> list[Setting]:
    """``["seed=7"]`` as settings. Raises a usage error for one without ``=``, and for a key that comes twice."""
    found: dict[str, Setting] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise usage(f"{text!r} is no name=value")
        if key in found:
            raise usage(f"{key} is set twice")
        found[key] = Setting(key, value)
    return list(found.values())


def resolve(graph: Graph, key: str) -> Target:
    """The input that a key names: ``3.seed`` by id, ``KSampler.seed`` by class, ``My sampler.seed`` by title, or ``seed``
    where one node only has it.

    Raises a usage error that lists what there is.
    """
    if "." not in key:
        return _lone(graph, key)
    dots = [place for place, c in enumerate(key) if c == "."]
    for place in dots:
        nodes = _nodes(graph, key[:place])
        if len(nodes) > 1:
            raise usage(f"{key[:place]!r} names {len(nodes)} nodes: {_named(graph, nodes)}; say which by its id")
        if nodes:
            return _target(graph, nodes[0], key[place + 1 :])
    named = key[: dots[0]]
    known = [*graph.ids, *dict.fromkeys(str(node.class_type) for node in graph)]
    raise usage(f"no node {named!r} in the graph; {did_you_mean(named, known, what='node')}")


def _nodes(graph: Graph, name: str) -> list[str]:
    if name in graph:
        return [name]
    every = [(node.id or "", (str(node.class_type), node.title or "")) for node in graph]
    exact = [node_id for node_id, names in every if name in names]
    folded = name.casefold()
    return exact or [node_id for node_id, names in every if folded in (n.casefold() for n in names)]


def _target(graph: Graph, node_id: str, name: str) -> Target:
    from ..edits import definition_of
    from ..expand import declared
    from ..naming import input_name

    entry = graph._table[node_id]
    definition = definition_of(entry)
    if definition is None:
        return Target(node_id, name, None)
    known = {wire: d for wire, (d, _) in declared(definition, entry.inputs or {}).items()}
    for wire, d in known.items():
        if name in (wire, input_name(wire)):
            return Target(node_id, wire, d)
    shown = f"{node_id} ({entry.class_type})"
    raise usage(f"{shown} has no input {name!r}; {did_you_mean(name, known, what='input')}")


def _lone(graph: Graph, name: str) -> Target:
    """The only input of this name that holds a value."""
    values = [(node_id, wire) for node_id in graph.ids for wire in _values(graph, node_id)]
    found = [node_id for node_id, wire in values if wire == name]
    if len(found) == 1:
        return _target(graph, found[0], name)
    if found:
        raise usage(f"{len(found)} nodes have an input {name!r}: {_named(graph, found)}; say {found[0]}.{name}")
    every = [f"{node_id}.{wire}" for node_id, wire in values]
    likely = did_you_mean(name, dict.fromkeys(wire for _, wire in values), what="input")
    if not likely.startswith("did you mean"):
        likely = f"there are {listed(every)}" if every else "no input of it holds a value"
    raise usage(f"no input {name!r} in the graph; {likely}")


def _values(graph: Graph, node_id: str) -> list[str]:
    """The inputs of a node that hold a value and no link; inside a graph's table links are tuples."""
    return [name for name, value in (graph._table[node_id].inputs or {}).items() if type(value) is not tuple]


def _named(graph: Graph, node_ids: Iterable[str]) -> str:
    names: list[str] = []
    for node_id in node_ids:
        node = graph[node_id]
        names.append(f"{node_id} ({node.title or node.class_type})")
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")


def as_json(text: str) -> Any:
    """The text as a JSON value; MISSING when it is none."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return MISSING


def is_bare_list(text: str) -> bool:
    """Whether it looks like a JSON list and is none: ``[euler,heun]``, whose quotes the shell took."""
    stripped = text.strip()
    return stripped.startswith("[") and stripped.endswith("]") and as_json(text) is MISSING


def bare_list_hint(key: str, text: str) -> str:
    """What to write in its stead."""
    values = [part.strip().strip("'\"") for part in text.strip()[1:-1].split(",")]
    listed_so = ",".join(part if as_json(part) is not MISSING else json.dumps(part) for part in values)
    return f"{text} is no JSON list; a shell takes its quotes away unless it stands in others: '{key}=[{listed_so}]'"


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def value_of(text: str, definition: InputDef | None) -> Any:
    """What a text means for an input: JSON where it is some, else text; a text input takes ``123`` as text.

    Args:
        text: as on the command line.
        definition: the input's, None where it is not known.
    """
    data = as_json(text)
    form = definition.form if definition is not None else None
    if form == "text":
        return data if isinstance(data, str) else text
    if form == "combo" and definition is not None:
        options = definition.options or ()
        if isinstance(data, str) or (data is not MISSING and data in options and text not in options):
            return data
        return text
    if form == "switch" and data is MISSING and text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    return text if data is MISSING else data


def wants_file(definition: InputDef | None) -> bool:
    """Whether the input takes a file that is uploaded first."""
    return definition is not None and any(definition.flags.get(flag) for flag in UPLOADS)


def read_text(name: str) -> str:
    """The text of ``@file``. Raises a usage error that says why not."""
    path = Path(name).expanduser()
    try:
        if path.stat().st_size > MOST_TEXT:
            raise usage(f"@{name}: more than {MOST_TEXT // 2**20} MB, too large for a text")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise usage(f"@{name}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise usage(f"@{name}: not UTF-8 text") from None


def single(text: str, read: Callable[[str], Any], definition: InputDef | None) -> Any:
    """The one value of ``--set`` for ``comfygraph run``: ``@file`` is the file's text, or the file for an input that takes
    one; ``@@`` begins a text with ``@``.
    """
    if text.startswith("@@"):
        return read(text[1:])
    if not text.startswith("@"):
        return read(text)
    if wants_file(definition):
        path = Path(text[1:]).expanduser()
        if not path.is_file():
            raise usage(f"{text}: {'a folder is there' if path.is_dir() else 'no such file'}")
        return path
    return read(read_text(text[1:]).rstrip("\r\n"))


def apply(graph: Graph, values: Mapping[Target, Any]) -> Graph:
    """The graph with these values. Raises GraphError for one that its input does not take."""
    from ..batch.variants import edited

    return edited(graph, {(target.node_id, target.input): value for target, value in values.items()})
