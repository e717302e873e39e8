"""The texts that pictures, videos and sounds carry: ComfyUI keeps the graph that was run (``prompt``) and the editor's file
(``workflow``) in what it saves.

Only the texts are read: no pixel is decoded, and nothing is unpacked beyond `MAX_TEXT`. What a file is, its first bytes tell:
PNG here; WebP, JPEG, MP4, WebM, FLAC, Ogg, MP3, GLB and safetensors in `media`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ..errors import FormatError

MAX_TEXT: Final = 32 * 2**20
"""Bytes of text that one file may carry, unpacked; the largest official workflow has 0.3 MB."""
MAX_TEXTS: Final = 1_000

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt", b"comf")  # the last is ComfyUI's own, in animated PNGs


class Texts(dict[str, str]):
    """What was found, within bounds. Of two texts with one name the first counts, as in the editor."""

    def __init__(self) -> None:
        super().__init__()
        self.left = MAX_TEXT

    def add(self, name: str, text: str) -> None:
        self.spend(len(text))
        if name and name not in self and len(self) < MAX_TEXTS:
            self[name] = text

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise TooLarge

    def unpack(self, packed: bytes) -> bytes:
        """Unpack zlib data, and no more of it than is still allowed."""
        packer = zlib.decompressobj()
        try:
            plain = packer.decompress(packed, self.left + 1)
        except zlib.error as error:
            raise FormatError(f"damaged picture: a packed text cannot be unpacked ({error})") from None
        self.spend(len(plain))
        self.left += len(plain)  # `add` counts it
        return plain


class TooLarge(FormatError):
    """Texts that unpack to more than anybody saved."""

    def __init__(self) -> None:
        super().__init__(f"the texts in this file unpack to more than {MAX_TEXT // 2**20} MB: refused")


def metadata(source: str | Path | bytes) -> dict[str, str]:
    """The texts in a picture, video or sound, by name: usually ``prompt`` and ``workflow``, both JSON text.

    Args:
        source: a file, or its content.

    Returns:
        The texts; none for a file that carries none or is of no kind that is known.

    Raises:
        FormatError: the file cannot be read, is damaged before any text was found, or carries texts that unpack to more
            than 32 MB.

    Example:
        >>> json.loads(metadata("output/fox_00001_.png")["prompt"])["3"]["class_type"]
        'KSampler'
    """
    if isinstance(source, bytes):
        return _texts(memoryview(source))
    import mmap

    try:
        with Path(source).open("rb") as file:
            if not Path(source).stat().st_size:
                return {}
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
                return _texts(view)
    except (OSError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{source}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def is_media(content: bytes) -> bool:
    """Whether a file's first bytes are those of a picture, video, sound or model that may carry texts."""
    return _reader(memoryview(content)) is not None


def _texts(view: memoryview) -> dict[str, str]:
    reader = _reader(view)
    found = Texts()
    if reader is not None:
        try:
            reader(view, found)
        except TooLarge:
            raise
        except (IndexError, ValueError) as error:
            if not found:
                raise FormatError(f"damaged file: {error}") from None
    return dict(found)


def _reader(view: memoryview) -> Callable[[memoryview, Texts], None] | None:
    if bytes(view[:8]) == SIGNATURE:
        return _png
    from . import media

    return media.reader(bytes(view[:16]))


def _png(view: memoryview, found: Texts) -> None:
    """PNG: text chunks, before the pixels or after them."""
    for kind, data in _chunks(view):
        if kind in (b"tEXt", b"comf"):
            name, mark, text = data.partition(b"\0")
            if mark:
                found.add(name.decode("latin-1"), _text(text))
        elif kind == b"zTXt":
            name, mark, packed = data.partition(b"\0")
            if mark and packed[:1] == b"\0":
                found.add(name.decode("latin-1"), found.unpack(packed[1:]).decode("latin-1"))
        elif kind == b"iTXt":
            name, mark, rest = data.partition(b"\0")
            parts = rest[2:].split(b"\0", 2)
            if mark and len(parts) == 3:
                text = found.unpack(parts[2]) if rest[:1] == b"\1" else parts[2]
                found.add(name.decode("latin-1"), text.decode("utf-8", "replace"))


def _chunks(view: memoryview) -> Iterator[tuple[bytes, bytes]]:
    """The text chunks of a PNG."""
    at = len(SIGNATURE)
    while at + 8 <= len(view):
        size = int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        if kind == b"IEND":
            return
        if at + 12 + size > len(view):
            raise FormatError(f"the picture ends in the middle of its {kind.decode('latin-1')!r} chunk")
        if kind in _TEXTS:
            if size > MAX_TEXT:
                raise TooLarge
            yield kind, bytes(view[at + 8 : at + 8 + size])
        at += 12 + size
    raise FormatError("the picture ends before its end mark")


def _text(data: bytes) -> str:
    # By the standard it is Latin-1; many programs write UTF-8, and the editor reads that.
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
