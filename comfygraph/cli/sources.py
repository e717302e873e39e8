"""What ``run``, ``check`` and ``batch`` are given: a preset by name, or a workflow file; and its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..definition import MISSING
from ..errors import GraphError
from ..node import Node
from ..text import did_you_mean
from . import settings as s
from .guard import USAGE, Failed

if TYPE_CHECKING:
    from ..catalogue import Catalogue
    from ..definition import InputDef
    from ..graph import Graph
    from ..presets import Setting

Read = Callable[[str], Any]
"""What a text means for one setting."""


@dataclass(frozen=True)
class Known:
    """A setting that is there.

    Attributes:
        key: its name; two spellings of one setting have one.
        read: what a text means for it.
        is_text: it takes any text, so that ``0..9`` may be one.
        is_whole: it takes whole numbers only.
        definition: the input that it goes to, where that is known.
    """

    key: str
    read: Read
    is_text: bool = False
    is_whole: bool = False
    definition: InputDef | None = None


class Source(Protocol):
    """Something that makes graphs from settings."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        ...

    @property
    def stored(self) -> str:
        """What finds it again from another folder."""
        ...

    def setting(self, key: str) -> Known:
        """The setting of this name. Raises a usage error."""
        ...

    def build(self, values: Mapping[str, Any]) -> Graph:
        """The graph with these values, by `Known.key`. Raises GraphError."""
        ...


def find(given: str, catalogue: Catalogue | None = None) -> Source:
    """The preset or the file of this name.

    Args:
        given: as on the command line. A file goes before a preset where both are there.
        catalogue: the definitions to read an editor-format workflow by.

    Raises:
        Failed: there is neither.
        FormatError: the file is no workflow.
    """
    from .. import presets

    path = Path(given).expanduser()
    known = presets.names()
    name = given.replace("_", "-").lower()
    if _exists(path) and not (name in known and path.is_dir()):
        from ..graph import Graph

        return FileSource(given, path, Graph.load(path, catalogue))
    if name in known:
        return PresetSource(name, presets.settings(name))
    if path.suffix or len(path.parts) > 1:
        raise Failed(f"{given}: no such file", USAGE)
    raise Failed(f"{given}: neither a file nor a preset; {did_you_mean(name, known, what='preset')}", USAGE)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


@dataclass(frozen=True)
class FileSource:
    """A workflow file, loaded."""

    name: str
    path: Path
    graph: Graph

    @property
    def stored(self) -> str:
        return str(self.path.resolve())

    def setting(self, key: str) -> Known:
        return _of_graph(s.resolve(self.graph, key))

    def build(self, values: Mapping[str, Any]) -> Graph:
        with placeless():
            return s.apply(self.graph, {s.resolve(self.graph, key): value for key, value in values.items()})


class PresetSource:
    """A preset: its settings by their names, and any input of its graph (``KSampler.denoise``)."""

    def __init__(self, name: str, table: Mapping[str, Setting]) -> None:
        self.name = self.stored = name
        self._table = table
        self._sample: Graph | None = None

    def setting(self, key: str) -> Known:
        name = key.replace("-", "_")
        if name in self._table:
            own = self._table[name]
            free = own.type is str and own.options is None and own.folder is None
            return Known(name, _read_text if own.type is str else _read_number, free, own.type is int)
        if "." not in key:
            raise s.usage(f"{self.name} has no setting {key!r}; {did_you_mean(name, self._table, what='setting')}")
        if self._sample is None:
            self._sample = self.build({})
        return _of_graph(s.resolve(self._sample, key))

    def build(self, values: Mapping[str, Any]) -> Graph:
        from .. import presets

        own = {key: value for key, value in values.items() if key in self._table}
        with placeless():
            graph = presets.build(self.name, own).graph
            for entry in graph._table.values():
                if isinstance(entry.token, Node):
                    entry.token._site = None
            rest = {s.resolve(graph, key): value for key, value in values.items() if key not in self._table}
            return s.apply(graph, rest) if rest else graph


@contextmanager
def placeless() -> Iterator[None]:
    """Problems found within name no line: no user's program called, only the command line."""
    try:
        yield
    except GraphError as error:
        raise GraphError([replace(problem, where=None) for problem in error.problems]) from None


def _of_graph(target: s.Target) -> Known:
    definition = target.definition
    is_text = definition is not None and definition.form == "text"
    is_whole = definition is not None and definition.type == "INT"
    key = f"{target.node_id}.{target.input}"
    return Known(key, lambda text: s.value_of(text, definition), is_text, is_whole, definition)


def _read_text(text: str) -> Any:
    data = s.as_json(text)
    return data if isinstance(data, str) else text


def _read_number(text: str) -> Any:
    data = s.as_json(text)
    return text if data is MISSING else data


def single_values(source: Source, texts: list[str]) -> dict[str, Any]:
    """The values of ``--set`` where each is one value. Raises a usage error."""
    values: dict[str, Any] = {}
    for given in s.parse(texts):
        known = source.setting(given.key)
        if known.key in values:
            raise s.usage(f"{given.key}: {known.key} is set twice")
        values[known.key] = s.single(given.text, known.read, known.definition)
    return values
