"""Files that travel with a graph: a `Path`, bytes or a PIL image given to LoadImage and its kin.

An upload is named by its content, so that `to_api()` needs no network, the same picture is sent once, and two different
ones never take each other's place. The client sends it before the graph and puts in the name that the server answers.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .errors import UploadError

if TYPE_CHECKING:
    from PIL.Image import Image

    Uploadable = str | Path | bytes | Image
    """What LoadImage and its kin take: a ``str`` is a name on the server, the others are sent there."""

MAX_BYTES: Final = 100 * 2**20  # ComfyUI's default max_upload_size (GET /features)


class Upload:
    """One file to send. Two of the same content are equal.

    Attributes:
        name: its file name on the server: ``comfygraph-`` and 24 digits of the content's SHA-256, with the file's
        suffix.
        type: the server's folder it goes to.
        subfolder: the folder below that one.
    """

    __slots__ = ("_content", "_path", "name", "subfolder", "type")

    def __init__(self, content: bytes | None, path: Path | None, suffix: str, digest: str) -> None:
        self._content = content
        self._path = path
        self.name = f"comfygraph-{digest[:24]}{suffix}"
        self.type = "input"
        self.subfolder = ""

    def read(self) -> bytes:
        """The content.

        Raises:
            UploadError: the file has gone, cannot be read, or has changed since the node was made.
        """
        if self._content is not None:
            return self._content
        content = _read(self._path or Path())
        if f"-{hashlib.sha256(content).hexdigest()[:24]}" not in self.name:
            raise UploadError(
                f"{self._path}: the file has changed since the node that loads it was made; make the node again"
            )
        return content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Upload) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<Upload {self._path or self.name}>"


def as_upload(value: Any) -> Upload | None:
    """A `Path`, bytes or PIL image as an `Upload`; None for anything else.

    Raises:
        UploadError: the file cannot be read, is empty, or is larger than a server takes.
    """
    if isinstance(value, Path):
        content = _read(value)
        return Upload(None, value, value.suffix.lower(), hashlib.sha256(content).hexdigest())
    if isinstance(value, (bytes, bytearray, memoryview)):
        content = bytes(value)
        _bounded(content, "these bytes")
        return Upload(content, None, _suffix(content), hashlib.sha256(content).hexdigest())
    save = getattr(value, "save", None)
    if callable(save) and hasattr(value, "mode") and hasattr(value, "size"):
        return _image(value)
    return None


def _image(image: Any) -> Upload:
    import io

    # The digest is of the pixels: two encoders may write the same picture in different bytes.
    pixels = hashlib.sha256(f"{image.mode} {image.size}".encode() + image.tobytes()).hexdigest()
    file = io.BytesIO()
    image.save(file, format="PNG", compress_level=1)
    content = file.getvalue()
    _bounded(content, "this picture")
    upload = Upload(content, None, ".png", pixels)
    return upload


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UploadError(f"{path}: cannot be read: {error.strerror or error}") from None
    _bounded(content, str(path))
    return content


def _bounded(content: bytes, what: str) -> None:
    if not content:
        raise UploadError(f"{what}: empty, so there is nothing to send")
    if len(content) > MAX_BYTES:
        raise UploadError(f"{what}: {len(content) / 2**20:.0f} MB, and a server takes at most {MAX_BYTES // 2**20} MB")


_SIGNATURES: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG", ".png"),
    (0, b"\xff\xd8\xff", ".jpg"),
    (0, b"GIF8", ".gif"),
    (8, b"WEBP", ".webp"),
    (8, b"WAVE", ".wav"),
    (4, b"ftyp", ".mp4"),
    (0, b"\x1a\x45\xdf\xa3", ".webm"),
    (0, b"fLaC", ".flac"),
    (0, b"OggS", ".ogg"),
    (0, b"ID3", ".mp3"),
)


def _suffix(content: bytes) -> str:
    return next((suffix for at, magic, suffix in _SIGNATURES if content[at : at + len(magic)] == magic), ".bin")
