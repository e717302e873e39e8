"""Catalogues: the node definitions that a graph is checked against.

A catalogue is a read-only mapping from class names to `NodeDef`s. One comes with the package for each captured release;
one made from a server knows that server's custom nodes and model files too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .definition import NodeDef
from .errors import DefinitionError
from .records import node_def
from .server_facts import FILE_INPUTS

if TYPE_CHECKING:
    from .client import Client

RELEASES: Final = ("0.33.0", "0.23.0")
"""The bundled ComfyUI releases, newest first. The typed classes of `comfygraph.nodes` are of the first."""

_HERE: Final = Path(__file__).parent / "releases"
_INPUT_PLACES: Final = tuple(place for place, folder in FILE_INPUTS.items() if folder == "input")
MAX_BYTES: Final = 256 * 2**20  # of a definitions file; ComfyUI 0.33.0's own is 1.5 MB


class Catalogue(Mapping[str, NodeDef]):
    """Node definitions by class name.

    Make one with `bundled`, `from_file`, `from_object_info` or `from_server`.

    Attributes:
        release: the ComfyUI release it was captured from, or None.
        faults: the nodes whose definition cannot be read (a custom pack's mistake), and why.
        open_files: it was captured on another machine: it does not know which files and devices the server has.

    Example:
        >>> Catalogue.bundled()["KSampler"].inputs["steps"].max
        10000
    """

    __slots__ = ("_agreed", "_digest", "_input_files", "_nodes", "_raw", "_text", "faults", "open_files", "release")

    def __init__(
        self,
        records: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        lines: Mapping[str, str] | None = None,
        faults: Mapping[str, str] | None = None,
        release: str | None = None,
        open_files: bool = False,
    ) -> None:
        """Use the constructors above; this one trusts what it is given (`lines`: records as JSON text, read when
        asked for).
        """
        self._raw: dict[str, Mapping[str, Any]] = dict(records or {})
        self._text: dict[str, str] = dict(lines or {})
        self._nodes: dict[str, NodeDef] = {}
        self._digest = ""
        self._agreed: dict[int, tuple[NodeDef, bool]] = {}
        self._input_files: frozenset[str] | None = None
        self.faults: Mapping[str, str] = dict(faults or {})
        self.release = release
        self.open_files = open_files

    @classmethod
    def bundled(cls, release: str = RELEASES[0]) -> Catalogue:
        """The definitions of a captured release that come with the package.

        Raises:
            DefinitionError: that release is not bundled; the message names those that are.
        """
        if release not in RELEASES:
            raise DefinitionError(
                f"no definitions of ComfyUI {release!r} come with comfygraph; there are: {', '.join(RELEASES)}"
            )
        return _bundled(release)

    @classmethod
    def from_object_info(cls, data: object, *, source: str = "object_info") -> Catalogue:
        """A catalogue from what a server answers to ``GET /object_info``, decoded.

        Raises:
            DefinitionError: it is no ``object_info``; which node, and what is wrong with it.
        """
        from .schema import read_object_info

        records, faults = read_object_info(data, source=source)
        return cls(records, faults=faults)

    @classmethod
    def from_file(cls, path: str | Path) -> Catalogue:
        """A catalogue from a saved ``object_info`` answer: a JSON file, or one packed with gzip.

        Raises:
            DefinitionError: the file cannot be read, or holds something else.
        """
        return cls.from_object_info(_read_json(Path(path)), source=str(path))

    @classmethod
    def from_server(cls, server: Client | str) -> Catalogue:
        """The nodes and files of a running server: a `Client`, or an address such as ``"127.0.0.1:8188"``.

        Raises:
            ServerError: it cannot be asked.
            DefinitionError: its answer cannot be read.
        """
        if isinstance(server, str):
            from .client import Client

            with Client(server) as client:
                return client.catalogue()
        return server.catalogue()

    @property
    def digest(self) -> str:
        """A SHA-256 over the definitions: two catalogues with one digest say the same."""
        if not self._digest:
            import hashlib

            canonical = json.dumps(self.object_info(), sort_keys=True, separators=(",", ":"), default=str)
            self._digest = hashlib.sha256(canonical.encode()).hexdigest()
        return self._digest

    @property
    def input_files(self) -> frozenset[str]:
        """Every file that some node lists in the server's input folder: what one node can load by its kind another can too."""
        if self._input_files is None:
            places = (place.split(".") for place in _INPUT_PLACES)
            inputs = [self[node].inputs[name] for node, name in places if node in self and name in self[node].inputs]
            self._input_files = frozenset(name for d in inputs for name in d.options or () if isinstance(name, str))
        return self._input_files

    def record(self, class_type: str) -> Mapping[str, Any]:
        """The ``object_info`` record of a class (for bundled releases without ComfyUI's prose). KeyError if there is
        none.
        """
        raw = self._raw.get(class_type)
        if raw is None:
            raw = self._raw[class_type] = json.loads(self._text[class_type])
        return raw

    def object_info(self) -> dict[str, Mapping[str, Any]]:
        """All the records by class name."""
        return {class_type: self.record(class_type) for class_type in self}

    def __getitem__(self, class_type: str) -> NodeDef:
        node = self._nodes.get(class_type)
        if node is None:
            node = self._nodes[class_type] = node_def(class_type, self.record(class_type), open_files=self.open_files)
        return node

    def node(self, class_type: str) -> Callable[..., Any]:
        """A node class for a definition, for nodes that no generated package has: checked at run time, not by type checkers.

        Raises:
            DefinitionError: there is no such node class here; the close names.

        Example:
            >>> Sharpen = Catalogue.bundled().node("ImageSharpen")
            >>> Sharpen(image=picture, sharpen_radius=2).IMAGE      # doctest: +SKIP
        """
        from .text import did_you_mean
        from .untyped import node_class

        definition = self.find(class_type)
        if definition is None:
            hint = did_you_mean(class_type, self, what="node class")
            raise DefinitionError(f"there is no node class {class_type!r} in {self!r}; {hint}")
        return node_class(definition)

    def find(self, class_type: object) -> NodeDef | None:
        """The definition of a class, None if there is none: `get`, for callers in a hurry."""
        if type(class_type) is not str:
            return None
        node = self._nodes.get(class_type)
        if node is None and class_type in self:
            node = self[class_type]
        return node

    def agrees(self, definition: NodeDef) -> bool:
        """Whether this catalogue says the same of a class as `definition` does."""
        known = self._agreed.get(id(definition))
        if known is None:
            # The definition is kept, so that its id stays its own.
            known = self._agreed[id(definition)] = (definition, self.find(definition.class_type) == definition)
        return known[1]

    def __contains__(self, class_type: object) -> bool:
        return class_type in self._raw or class_type in self._text

    def __iter__(self) -> Iterator[str]:
        return iter(self._text or self._raw)

    def __len__(self) -> int:
        return len(self._text or self._raw)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        release = f" of ComfyUI {self.release}" if self.release else ""
        return f"<Catalogue{release}: {len(self)} nodes>"


@lru_cache
def _bundled(release: str) -> Catalogue:
    from .packaged import read_definitions

    return read_definitions(_HERE / f"comfyui-{release}.json", release=release)


def _read_json(path: Path) -> object:
    import gzip

    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DefinitionError(f"{path}: cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise DefinitionError(f"{path}: more than {MAX_BYTES // 2**20} MB, too large for node definitions")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise DefinitionError(f"{path}: not JSON, so no node definitions") from None
