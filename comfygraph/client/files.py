"""One file that a run made: where it is on the server, and how it gets here."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from ..errors import DownloadError, OutputError
from . import saving
from .exchange import Failure, Request
from .outcome import clip
from .transport import Broken, Download

if TYPE_CHECKING:
    import PIL.Image

Kind = Literal["image", "video", "audio", "model3d", "latent", "text", "file"]

MOST_BYTES = 64 * 2**30
"""Largest file that is saved."""
MOST_IN_MEMORY = 4 * 2**30
"""Largest file that `File.read` takes into memory."""
MOST_PIXELS = 2**29
"""Largest picture that `File.pil` opens: 512 million pixels."""
TRIES = 3
DOWNLOAD_TIMEOUT = 6 * 3600.0
"""Seconds that one download may take, however slowly it trickles."""

_SUFFIXES: Mapping[Kind, str] = {
    "image": "png jpg jpeg webp gif bmp tif tiff svg exr hdr avif apng jxl heic",
    "video": "mp4 webm mkv mov avi m4v mpg mpeg wmv",
    "audio": "flac mp3 opus wav ogg m4a aac",
    "model3d": "glb gltf obj fbx stl ply usdz splat ksplat spz",
    "latent": "latent",
    "text": "txt md srt vtt",
}
_KIND_OF: Mapping[str, Kind] = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_KIND_OF_KEY: Mapping[str, Kind] = {
    "images": "image",
    "gifs": "video",
    "video": "video",
    "videos": "video",
    "audio": "audio",
    "3d": "model3d",
    "latents": "latent",
}


class Source(Protocol):
    """Where files come from."""

    def download(self, request: Request) -> AbstractContextManager[Download | Failure]:
        """See `transport.Transport.download`."""
        ...


@dataclass(frozen=True)
class Place:
    """Where a file is on the server, by its own words, and what it is.

    Attributes:
        node_id: the node that made it.
        key: the name the server put it under: ``"images"`` holds videos too (SaveVideo).
        filename: its name on the server; never used as a path.
        subfolder: its folder there.
        type: ``"output"``, ``"temp"`` or ``"input"``.
        data: its content, when it came over the socket.
    """

    node_id: str
    key: str
    filename: str
    subfolder: str = ""
    type: str = "output"
    data: bytes | None = field(default=None, repr=False)

    @property
    def kind(self) -> Kind:
        """What it holds, by its suffix, and where that tells nothing by the server's key."""
        if self.key == "latents":
            return "latent"
        suffix = self.filename.rpartition(".")[2].lower()
        return _KIND_OF.get(suffix) or _KIND_OF_KEY.get(self.key, "file")

    @property
    def request(self) -> Request:
        """What downloads it."""
        query = (("filename", self.filename), ("subfolder", self.subfolder), ("type", self.type))
        return Request("GET", "/view", query, limit=MOST_BYTES)

    @property
    def name(self) -> str:
        """For messages: one clean line."""
        return clip(f"{self.subfolder}/{self.filename}" if self.subfolder else self.filename, 120)


def places(node_id: str, output: Mapping[str, Any]) -> list[Place]:
    """The files in what a node gave to show, wherever the server put them."""
    found: list[Place] = []
    for key, value in output.items():
        items: list[Any] = value if isinstance(value, list) else []
        for item in items:
            if isinstance(item, Mapping):
                record = cast("Mapping[str, Any]", item)
                filename, subfolder = record.get("filename"), record.get("subfolder", "")
                kind = record.get("type", "output")
                if isinstance(filename, str) and filename:
                    found.append(
                        Place(
                            node_id,
                            key,
                            filename,
                            subfolder if isinstance(subfolder, str) else "",
                            kind if isinstance(kind, str) else "output",
                        )
                    )
        if key == "result" and items and isinstance(items[0], str):
            # The 3D previews name their model as a path: [model file, camera, …] (ComfyUI's comfy_api/latest/_ui.py).
            place = _model_path(node_id, items[0])
            if place.kind == "model3d":
                found.append(place)
    return found


def _model_path(node_id: str, text: str) -> Place:
    kind = "output"
    for annotated in ("output", "temp", "input"):
        if text.endswith(f" [{annotated}]"):
            text, kind = text[: -len(annotated) - 3], annotated
    subfolder, _, filename = text.replace("\\", "/").rpartition("/")
    return Place(node_id, "result", filename, subfolder, kind)


def whole_or_error(place: Place, status: int) -> None:
    """Raise for an answer that is not the file."""
    if status == 404:
        raise DownloadError(f"{place.name} of node {place.node_id} is not on the server any more (404)")
    if status in (401, 403, 407):
        raise DownloadError(f"{place.name} of node {place.node_id}: the server does not give it out ({status})")
    raise DownloadError(f"{place.name} of node {place.node_id}: the server answered {status}")


def short(place: Place, got: int, length: int | None) -> DownloadError:
    """For a download that ended early."""
    of = f" of {length}" if length is not None else ""
    return DownloadError(f"{place.name} of node {place.node_id} came in part only ({got}{of} bytes), {TRIES} times")


def closed(place: Place) -> DownloadError:
    """For a download after the client was closed."""
    return DownloadError(
        f"{place.name} of node {place.node_id}: the client is closed: save or read inside its with block"
    )


class File:
    """A file that a run made.

    Attributes:
        node_id: the node of the submitted graph that made it.
        kind: ``"image"``, ``"video"``, ``"audio"``, ``"model3d"``, ``"latent"``, ``"text"`` or ``"file"``.
        filename: its name on the server.
        subfolder: its folder there.
        type: ``"output"``, or ``"temp"`` for a preview that the server deletes when it starts anew.

    Example:
        >>> from comfygraph.client.files import File, Place
        >>> File(Place("9", "images", "fox_00001_.png"), None).kind
        'image'
    """

    def __init__(self, place: Place, source: Source | None) -> None:
        self._place = place
        self._source = source
        self.node_id = place.node_id
        self.kind: Kind = place.kind
        self.filename = place.filename
        self.subfolder = place.subfolder
        self.type = place.type

    def __repr__(self) -> str:
        return f"<File {self._place.name!r} {self.kind} of node {self.node_id}>"

    @property
    def reference(self) -> str:
        """What a file input takes to use it again on the server, without a download: ``"fox.png [output]"``."""
        path = f"{self.subfolder}/{self.filename}" if self.subfolder else self.filename
        return f"{path} [{self.type}]"

    def read(self) -> bytes:
        """Its content.

        Raises:
            DownloadError: it is not there any more, did not come whole, is too large for memory, or the client is closed.
        """
        if self._place.data is not None:
            return self._place.data
        content = bytearray()
        for chunk in self._chunks(content.clear):
            content += chunk
            if len(content) > MOST_IN_MEMORY:
                raise DownloadError(f"{self._place.name}: larger than {MOST_IN_MEMORY} bytes; use save()")
        return bytes(content)

    def save(self, folder: str | os.PathLike[str], name: str | None = None) -> Path:
        """Write it into a folder: whole or not at all, and never over another file (``fox_2.png``).

        Args:
            folder: made if it is not there. A new one may not be named like a picture, video or sound (``"fox.png"``):
                give a folder and `name`.
            name: what to call it there; by default the server's name, made safe.

        Returns:
            Where it is.

        Raises:
            DownloadError: it did not get here, or the client is closed.
            OutputError: it cannot be written, or `folder` is named like a file.
        """
        return self.save_in(saving.folder(folder), name)

    def save_in(self, directory: Path, name: str | None = None) -> Path:
        """As `save`, into a folder that is there."""
        with saving.whole_file(directory, name or self.filename) as (file, finish):

            def again() -> None:
                file.seek(0)
                file.truncate()

            for chunk in self._chunks(again):
                saving.write(file, chunk, directory)
            return finish()

    def save_url(self, url: str, name: str | None = None) -> str:
        """Write it into a folder of any file system that fsspec knows, such as ``"s3://bucket/run"``; its address."""
        content = self.read()
        return saving.save_url(url, name or self.filename, [content])

    def pil(self) -> PIL.Image.Image:
        """The picture as a Pillow image, loaded.

        Raises:
            DownloadError: it did not get here, or is no picture, or has too many pixels.
        """
        return open_image(self.read(), self._place.name)

    def _chunks(self, again: Any) -> Iterator[bytes]:
        """The content, piece by piece; `again` is called when it has to begin anew."""
        if self._place.data is not None:
            yield self._place.data
            return
        if self._source is None:
            raise DownloadError(f"{self._place.name}: there is no server to get it from")
        error: DownloadError | None = None
        deadline = time.monotonic() + DOWNLOAD_TIMEOUT
        for attempt in range(TRIES):
            if attempt:
                again()
            got = 0
            with self._source.download(self._place.request) as answer:
                if isinstance(answer, Failure):
                    if answer.kind == "closed":
                        raise closed(self._place)
                    error = DownloadError(f"{self._place.name} of node {self.node_id}: {answer.message}")
                    error.__cause__ = answer.cause
                    continue
                if answer.status >= 500:
                    error = DownloadError(
                        f"{self._place.name} of node {self.node_id}: the server answered {answer.status}"
                    )
                    continue
                if answer.status != 200:
                    whole_or_error(self._place, answer.status)
                try:
                    for chunk in answer.chunks():
                        got += len(chunk)
                        if got > MOST_BYTES:
                            raise DownloadError(f"{self._place.name}: larger than {MOST_BYTES} bytes")
                        if time.monotonic() > deadline:
                            raise DownloadError(f"{self._place.name}: not here after {DOWNLOAD_TIMEOUT:g} s")
                        yield chunk
                except Broken as broken:
                    error = short(self._place, got, answer.length)
                    error.__cause__ = broken.failure.cause
                    continue
                if answer.length is not None and got != answer.length:
                    error = short(self._place, got, answer.length)
                    continue
                return
        raise error or DownloadError(f"{self._place.name}: it did not come")


def open_image(data: bytes, name: str) -> PIL.Image.Image:
    """The bytes of a picture as a loaded Pillow image. Raises DownloadError."""
    import io

    try:
        import PIL.Image
    except ImportError as error:
        raise OutputError("pictures need Pillow: pip install Pillow") from error
    try:
        image = PIL.Image.open(io.BytesIO(data))
        if image.width * image.height > MOST_PIXELS:
            raise DownloadError(f"{name}: {image.width} × {image.height} pixels are more than are opened")
        image.load()
    except DownloadError:
        raise
    except Exception as error:
        raise DownloadError(f"{name}: no picture that Pillow can read ({type(error).__name__})") from error
    return image
