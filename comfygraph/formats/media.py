"""The texts in files other than PNG: WebP and JPEG (EXIF), MP4, WebM, FLAC, Ogg, MP3, GLB, safetensors (models, latents).

Each reader walks the boxes of its container from the outside, skips what is no text, and never trusts a size: one that
points outside of its box ends the walk. None of them calls itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from .png import Texts

Reader = Callable[[memoryview, "Texts"], None]

_MOST: Final = 100_000  # boxes, tags or pages that are looked at


def reader(start: bytes) -> Reader | None:
    """The reader for a file that starts with these bytes (16 are enough)."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return _webp
    if start[4:8] == b"ftyp":
        return _mp4
    if start[8:10] == b'{"' and int.from_bytes(start[:8], "little") < 100 * 2**20:
        return _safetensors
    for mark, found in _BY_START.items():
        if start.startswith(mark):
            return found
    return None


def _number(view: memoryview, at: int, size: int, order: str = "big") -> int:
    if at < 0 or at + size > len(view):
        raise ValueError("it ends too early")
    return int.from_bytes(view[at : at + size], "little" if order == "little" else "big")


def _webp(view: memoryview, found: Texts) -> None:
    at = 12
    for _ in range(_MOST):
        if at + 8 > len(view):
            return
        size = _number(view, at + 4, 4, "little")
        if bytes(view[at : at + 4]) == b"EXIF":
            _exif(view[at + 8 : at + 8 + size], found)
        at += 8 + size + size % 2


def _jpeg(view: memoryview, found: Texts) -> None:
    at = 2
    while at + 4 <= len(view) and view[at] == 0xFF:
        kind, size = view[at + 1], _number(view, at + 2, 2)
        if kind == 0xDA or size < 2:  # the pixels
            return
        if kind == 0xE1 and bytes(view[at + 4 : at + 10]) == b"Exif\0\0":
            _exif(view[at + 10 : at + 2 + size], found)
        at += 2 + size


def _exif(view: memoryview, found: Texts) -> None:
    """EXIF texts. ComfyUI writes ``name:text`` (``prompt:{…}``) into the camera's maker and model tags and those before."""
    if bytes(view[:6]) == b"Exif\0\0":
        view = view[6:]
    order = {b"II": "little", b"MM": "big"}.get(bytes(view[:2]))
    if order is None:
        return
    at = _number(view, 4, 4, order)
    for number in range(min(_number(view, at, 2, order), 1_000)):
        entry = at + 2 + 12 * number
        kind, size = _number(view, entry + 2, 2, order), _number(view, entry + 4, 4, order)
        if kind != 2:  # a text
            continue
        start = _number(view, entry + 8, 4, order) if size > 4 else entry + 8
        found.spend(min(size, len(view)))
        text = bytes(view[start : start + size]).rstrip(b"\0").decode("utf-8", "replace")
        name, colon, value = text.partition(":")
        if colon and name.isidentifier():
            found.add(name.lower(), value)


def _boxes(view: memoryview, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of an MP4 between two places: type, and where the content starts and ends."""
    at = start
    for _ in range(_MOST):
        if at + 8 > end:
            return
        size, head = _number(view, at, 4), 8
        if size == 1 and at + 16 <= end:
            size, head = _number(view, at + 8, 8), 16
        stop = end if size == 0 else at + size
        if stop > end or stop < at + head:
            return
        yield bytes(view[at + 4 : at + 8]), at + head, stop
        at = stop


def _mp4(view: memoryview, found: Texts) -> None:
    """MP4 and MOV: moov/udta/meta or moov/meta, with names in ``keys`` and texts in ``ilst``."""
    waiting = [(0, len(view))]
    names: list[str] = []
    lists: list[tuple[int, int]] = []
    for _ in range(1_000):
        if not waiting:
            break
        for kind, start, stop in _boxes(view, *waiting.pop()):
            if kind in (b"moov", b"udta"):
                waiting.append((start, stop))
            elif kind == b"meta":
                # In MP4 a version and flags come first, in MOV the boxes do.
                plain = bytes(view[start + 4 : start + 8]) in (b"hdlr", b"keys", b"ilst", b"mhdr")
                waiting.append((start if plain else start + 4, stop))
            elif kind == b"keys":
                at = start + 8
                for _ in range(min(_number(view, start + 4, 4), 1_000)):
                    size = _number(view, at, 4)
                    names.append(bytes(view[at + 8 : min(at + size, stop)]).decode("utf-8", "replace"))
                    at += max(size, 8)
            elif kind == b"ilst":
                lists.append((start, stop))
    for start, stop in lists:
        for kind, inner, end in _boxes(view, start, stop):
            place = int.from_bytes(kind, "big") - 1
            name = names[place] if place < len(names) else kind.decode("latin-1")
            for part, data, last in _boxes(view, inner, end):
                if part == b"data" and last - data > 8:
                    found.spend(last - data)
                    found.add(name, bytes(view[data + 8 : last]).decode("utf-8", "replace"))


_SEGMENT, _TAGS, _TAG, _SIMPLE, _NAME, _STRING = 0x18538067, 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487


def _elements(view: memoryview, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The elements of a Matroska file between two places: id, and where the content starts and ends."""
    at = start
    for _ in range(_MOST):
        if at >= end:
            return
        width = 9 - view[at].bit_length()
        identifier = _number(view, at, width) if 1 <= width <= 4 else 0
        at += width
        if not identifier or at >= end:
            return
        width = 9 - view[at].bit_length()
        if not 1 <= width <= 8:
            return
        size = _number(view, at, width) & ((1 << (7 * width)) - 1)
        unknown = size == (1 << (7 * width)) - 1
        at += width
        stop = end if unknown else min(at + size, end)
        yield identifier, at, stop
        at = stop


def _matroska(view: memoryview, found: Texts) -> None:
    """WebM and Matroska: Segment/Tags/Tag/SimpleTag; the writer turns names to capitals."""
    waiting = [(0, len(view))]
    for _ in range(10_000):
        if not waiting:
            return
        for identifier, start, stop in _elements(view, *waiting.pop()):
            if identifier in (_SEGMENT, _TAGS, _TAG):
                waiting.append((start, stop))
            elif identifier == _SIMPLE:
                name = text = ""
                for part, data, last in _elements(view, start, stop):
                    if part in (_NAME, _STRING):
                        found.spend(last - data)
                        content = bytes(view[data:last]).rstrip(b"\0").decode("utf-8", "replace")
                        name, text = (content, text) if part == _NAME else (name, content)
                found.add(name.lower(), text)


def _comments(view: memoryview, found: Texts) -> None:
    """A Vorbis comment block: ``NAME=text``, as FLAC and Ogg have it."""
    at = 4 + _number(view, 0, 4, "little")
    count = _number(view, at, 4, "little")
    at += 4
    for _ in range(min(count, 10_000)):
        size = _number(view, at, 4, "little")
        if at + 4 + size > len(view):
            return
        found.spend(size)
        name, mark, text = bytes(view[at + 4 : at + 4 + size]).decode("utf-8", "replace").partition("=")
        if mark:
            found.add(name.lower(), text)
        at += 4 + size


def _flac(view: memoryview, found: Texts) -> None:
    at = 4
    for _ in range(1_000):
        kind, size = _number(view, at, 1), _number(view, at + 1, 3)
        if kind & 0x7F == 4:
            _comments(view[at + 4 : at + 4 + size], found)
        if kind & 0x80:
            return
        at += 4 + size


def _ogg(view: memoryview, found: Texts) -> None:
    """Ogg: the second packet holds the comments; a packet runs over pages."""
    packet = bytearray()
    at = number = 0
    for _ in range(_MOST):
        if at + 27 > len(view) or bytes(view[at : at + 4]) != b"OggS":
            return
        count = view[at + 26]
        laces = bytes(view[at + 27 : at + 27 + count])
        at += 27 + count
        for lace in laces:
            if number == 1:
                found.spend(lace)
                packet += view[at : at + lace]
            at += lace
            if lace < 255:
                number += 1
            if number == 2:
                head = next((len(mark) for mark in (b"OpusTags", b"\x03vorbis") if packet.startswith(mark)), None)
                if head is not None:
                    _comments(memoryview(bytes(packet[head:])), found)
                return


def _mp3(view: memoryview, found: Texts) -> None:
    """MP3: TXXX frames of an ID3 tag, version 2.3 or 2.4."""
    safe = view[3] >= 4
    end = min(10 + _seven(view, 6), len(view))
    at = 10
    for _ in range(10_000):
        if at + 10 > end or not view[at]:
            return
        size = _seven(view, at + 4) if safe else _number(view, at + 4, 4)
        if at + 10 + size > end:
            return
        if bytes(view[at : at + 4]) == b"TXXX" and size > 1:
            found.spend(size)
            data = bytes(view[at + 11 : at + 10 + size])
            coding = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}.get(view[at + 10], "utf-8")
            name, _, text = data.decode(coding, "replace").partition("\0")
            found.add(name.lower().lstrip("\ufeff"), text.rstrip("\0").lstrip("\ufeff"))
        at += 10 + size


def _seven(view: memoryview, at: int) -> int:
    """Four bytes of seven bits each."""
    value = 0
    for part in view[at : at + 4]:
        value = value << 7 | part & 0x7F
    return value


def _glb(view: memoryview, found: Texts) -> None:
    """GLB: the JSON chunk; ComfyUI puts its texts into ``asset.extras``."""
    if bytes(view[16:20]) == b"JSON":
        _from_json(view, 20, _number(view, 12, 4, "little"), ("asset", "extras"), found)


def _safetensors(view: memoryview, found: Texts) -> None:
    """Models and latents: the JSON at the start, with texts in ``__metadata__``."""
    _from_json(view, 8, _number(view, 0, 8, "little"), ("__metadata__",), found)


def _from_json(view: memoryview, start: int, size: int, keys: tuple[str, ...], found: Texts) -> None:
    if start + size > len(view):
        raise ValueError("it ends too early")
    found.spend(size)
    try:
        holder: object = json.loads(bytes(view[start : start + size]))
    except RecursionError:
        raise ValueError("its JSON nests too deeply") from None
    for key in keys:
        holder = cast("dict[str, object]", holder).get(key) if isinstance(holder, dict) else None
    if isinstance(holder, dict):
        for name, value in cast("dict[str, object]", holder).items():
            if isinstance(value, str):
                found.left += len(value)  # it was counted with the rest
                found.add(name, value)


_BY_START: Final[dict[bytes, Reader]] = {
    b"\xff\xd8\xff": _jpeg,
    b"\x1a\x45\xdf\xa3": _matroska,
    b"fLaC": _flac,
    b"OggS": _ogg,
    b"ID3": _mp3,
    b"glTF": _glb,
}
