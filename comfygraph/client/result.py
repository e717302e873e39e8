"""What a run gave: files, texts and whatever else its nodes showed, by node and by kind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from ..errors import EditError, OutputError
from . import saving
from .files import File, Kind, Place, Source, places
from .outcome import Succeeded

if TYPE_CHECKING:
    from ..node import Node


class AnyFile(Protocol):
    """What `File` and `AsyncFile` have in common."""

    kind: Kind
    type: str


F = TypeVar("F", bound=AnyFile)
TEXT_KEYS = ("text", "texts", "string", "strings")


class Gathered(Generic[F]):
    """Files and texts in one place, sorted by kind.

    Attributes:
        texts: what nodes showed as text.
    """

    def __init__(self, files: Sequence[F], texts: Sequence[str]) -> None:
        self._files = list(files)
        self.texts = list(texts)

    def of_kind(self, kind: Kind) -> list[F]:
        """The files of one kind."""
        return [file for file in self.files if file.kind == kind]

    @property
    def files(self) -> list[F]:
        """All the files."""
        return list(self._files)

    @property
    def images(self) -> list[F]:
        """Pictures."""
        return self.of_kind("image")

    @property
    def videos(self) -> list[F]:
        """Videos."""
        return self.of_kind("video")

    @property
    def audio(self) -> list[F]:
        """Sound files."""
        return self.of_kind("audio")

    @property
    def models3d(self) -> list[F]:
        """3D models."""
        return self.of_kind("model3d")

    @property
    def latents(self) -> list[F]:
        """Latents."""
        return self.of_kind("latent")


class NodeResult(Gathered[F]):
    """What one node gave, previews included: it was asked for by name.

    Attributes:
        node_id: the node.
        raw: what it showed, by key, as the server sent it; keys that comfygraph does not know are here too.
        cached: it did not have to run.
    """

    def __init__(
        self, node_id: str, files: Sequence[F], texts: Sequence[str], raw: Mapping[str, Any], cached: bool
    ) -> None:
        super().__init__(files, texts)
        self.node_id = node_id
        self.raw = raw
        self.cached = cached

    def __repr__(self) -> str:
        return f"<NodeResult {self.node_id}: {len(self._files)} files, {len(self.texts)} texts>"


class BaseResult(Gathered[F]):
    """What a run gave; see `Result` and `AsyncResult`.

    Attributes:
        prompt_id: the job.
        seconds: how long it ran, by the server's clock; as seen from here when the server did not say.
        cached: nothing had to run: the server had every output.
        cached_nodes: the nodes that did not have to run.
        raw: what each node showed, by node id and key, as the server sent it.
        saved: where the files are, when ``map(…, save_to=…)`` saved them; else empty.
    """

    def __init__(
        self,
        prompt_id: str,
        outcome: Succeeded,
        make: Callable[[Place], F],
        *,
        seconds: float,
        id_of: Callable[[Any], str] | None = None,
        ids: Sequence[str] = (),
    ) -> None:
        self.prompt_id = prompt_id
        self.saved: list[Path] = []
        self.seconds = outcome.seconds if outcome.seconds is not None else seconds
        self.raw = outcome.outputs
        self.cached_nodes = outcome.cached
        self._id_of = id_of
        self._ids = tuple(ids)
        by_node: dict[str, tuple[list[F], list[str], dict[str, Any]]] = {}
        for node, output in outcome.outputs.items():
            # What an expanded node gave belongs to the node of the submitted graph.
            home = outcome.display.get(node, node)
            files, texts, raw = by_node.setdefault(home, ([], [], {}))
            for place in places(home, output):
                files.append(make(place))
            texts.extend(_texts(output))
            for key, value in output.items():
                have: Any = raw.get(key)
                joined = isinstance(have, list) and isinstance(value, list)
                raw[key] = [*have, *value] if joined else value
        for number, picture in enumerate(outcome.pictures, 1):
            home = picture.display_node or picture.node or ""
            files, _, _ = by_node.setdefault(home, ([], [], {}))
            suffix = "jpg" if picture.mime == "image/jpeg" else picture.mime.rpartition("/")[2]
            files.append(make(Place(home, "images", f"websocket_{home}_{number:05}.{suffix}", data=picture.data)))
        cached = set(outcome.cached)
        self._nodes = {
            node: NodeResult(node, files, texts, raw, node in cached) for node, (files, texts, raw) in by_node.items()
        }
        self.cached = bool(cached) and bool(by_node) and all(n.cached for n in self._nodes.values())
        everything = [file for node in self._nodes.values() for file in node.files]
        self.previews = [file for file in everything if file.type == "temp"]
        super().__init__(
            [file for file in everything if file.type != "temp"],
            [text for node in self._nodes.values() for text in node.texts],
        )

    def __getitem__(self, node: Node | str) -> NodeResult[F]:
        """What one node gave: by its handle, or by its id.

        Raises:
            EditError: the graph that was run has no such node.
        """
        node_id = self._key(node)
        found = self._nodes.get(node_id)
        if found is not None:
            return found
        if self._ids and node_id not in self._ids:
            raise EditError(f"the graph that was run has no node {node_id}")
        return NodeResult(node_id, [], [], {}, node_id in self.cached_nodes)

    def __contains__(self, node: object) -> bool:
        """Did this node give anything?"""
        try:
            return self._key(cast("Any", node)) in self._nodes
        except EditError:
            return False

    def __iter__(self) -> Iterator[NodeResult[F]]:
        """What each node gave that gave anything."""
        return iter(self._nodes.values())

    def __len__(self) -> int:
        return len(self._nodes)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        said = ", cached" if self.cached else ""
        return f"<{type(self).__name__} {self.prompt_id}: {len(self._files)} files, {len(self.texts)} texts{said}>"

    def _key(self, node: Any) -> str:
        if isinstance(node, str):
            return node
        if self._id_of is None:
            raise EditError("this result was got by the job's id: ask for nodes by their id")
        return self._id_of(node)

    def _to_save(self, previews: bool) -> list[F]:
        files = [*self._files, *(self.previews if previews else [])]
        if not files and self.previews:
            raise OutputError(
                "the run made temporary previews only; use save(…, previews=True), or a SaveImage in the graph"
            )
        return files


class Result(BaseResult[File]):
    """What a run gave.

    ``result[save].images[0]`` is by node, ``result.images`` all there are. Previews (PreviewImage and its kin) are in
    ``result.previews`` and in ``result[node]``, and are saved only on request: the server deletes them.

    Example:
        >>> from comfygraph.client.outcome import Succeeded
        >>> result = Result.of("p", Succeeded({"9": {"images": [{"filename": "fox.png", "subfolder": "", "type": "output"}]}}))
        >>> result["9"].images
        [<File 'fox.png' image of node 9>]
    """

    @classmethod
    def of(
        cls,
        prompt_id: str,
        outcome: Succeeded,
        source: Source | None = None,
        *,
        seconds: float = 0.0,
        id_of: Callable[[Any], str] | None = None,
        ids: Sequence[str] = (),
    ) -> Result:
        """From an outcome, and where its files come from."""
        return cls(prompt_id, outcome, lambda place: File(place, source), seconds=seconds, id_of=id_of, ids=ids)

    def save(self, folder: str | os.PathLike[str], *, previews: bool = False) -> list[Path]:
        """Download every file into a folder: each whole or not at all, and none over another file.

        Args:
            folder: made if it is not there. A URL that fsspec knows goes to `save_url`, and its URLs come back.
            previews: temporary previews too.

        Returns:
            Where the files are, in the order of `files`.

        Raises:
            DownloadError: one did not get here; what came before it stays.
            OutputError: the folder cannot be written to, or there are previews only and they were not asked for.
        """
        if saving.is_url(folder):
            return cast("list[Any]", self.save_url(str(folder), previews=previews))
        files = self._to_save(previews)
        directory = saving.folder(folder)
        return [file.save_in(directory) for file in files]

    def save_url(self, url: str, *, previews: bool = False) -> list[str]:
        """As `save`, into a folder of any file system that fsspec knows: ``"s3://bucket/run"``, ``"memory://run"``."""
        return [file.save_url(url) for file in self._to_save(previews)]


def _texts(output: Mapping[str, Any]) -> list[str]:
    texts: list[str] = []
    for key in TEXT_KEYS:
        value: Any = output.get(key)
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, list):
            texts.extend(item for item in value if isinstance(item, str))
    return texts
