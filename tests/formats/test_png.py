"""The texts that pictures and other files carry."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from comfygraph.errors import FormatError
from comfygraph.formats import png
from comfygraph.formats.png import is_media, metadata

PROMPT = json.dumps({"1": {"class_type": "SaveImage", "inputs": {"filename_prefix": "füchsin 🦊"}}})
WORKFLOW = json.dumps({"nodes": [], "links": []})
BOTH = {"prompt": PROMPT, "workflow": WORKFLOW}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(*chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return png.SIGNATURE + header + b"".join(chunks) + chunk(b"IEND", b"")


def saved(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, kind, **options)
    return out.getvalue()


def test_a_picture_that_comfyui_saved(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    for name, text in BOTH.items():
        info.add_text(name, text)
    content = saved("PNG", pnginfo=info)
    assert metadata(content) == BOTH
    file = tmp_path / "fox.png"
    file.write_bytes(content)
    assert metadata(file) == metadata(str(file)) == BOTH


@pytest.mark.parametrize(
    "data",
    [
        (b"tEXt", b"prompt\0" + PROMPT.encode("utf-8")),
        (b"zTXt", b"prompt\0\0" + zlib.compress(json.dumps(json.loads(PROMPT)).encode("latin-1", "replace"))),
        (b"iTXt", b"prompt\0\0\0en\0\0" + PROMPT.encode()),
        (b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(PROMPT.encode())),
        (b"comf", b"prompt\0" + PROMPT.encode()),
    ],
    ids=lambda data: data[0].decode(),
)
def test_every_kind_of_text_chunk_also_after_the_pixels(data: tuple[bytes, bytes]) -> None:
    found = metadata(picture(chunk(b"IDAT", b"?"), chunk(*data)))
    assert json.loads(found["prompt"])["1"]["class_type"] == "SaveImage"


def test_latin_1_texts_and_the_first_of_two() -> None:
    found = metadata(picture(chunk(b"tEXt", "note\0fühlt".encode("latin-1")), chunk(b"tEXt", b"note\0second")))
    assert found == {"note": "fühlt"}


def test_a_picture_without_texts() -> None:
    assert metadata(saved("PNG")) == {}
    assert is_media(saved("PNG"))


def test_what_is_no_picture(tmp_path: Path) -> None:
    assert metadata(b"") == {}
    assert metadata(b"just text") == {}
    assert not is_media(b'{"1": {}}')
    empty = tmp_path / "empty.png"
    empty.write_bytes(b"")
    assert metadata(empty) == {}
    with pytest.raises(FormatError, match="cannot be read"):
        metadata(tmp_path / "none.png")


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_bomb_is_refused(kind: bytes) -> None:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(200)) + packer.flush()
    head = b"prompt\0\0" if kind == b"zTXt" else b"prompt\0\1\0\0\0"
    assert len(packed) < 2**18
    with pytest.raises(FormatError, match="32 MB: refused"):
        metadata(picture(chunk(kind, head + packed)))


def test_many_small_bombs_are_refused() -> None:
    packed = b"\0\0" + zlib.compress(bytes(2**20), 9)
    with pytest.raises(FormatError, match="refused"):
        metadata(picture(*(chunk(b"zTXt", b"n%d" % n + packed) for n in range(40))))


def test_damaged_pictures() -> None:
    whole = picture(chunk(b"tEXt", b"prompt\0" + PROMPT.encode()))
    with pytest.raises(FormatError, match="ends in the middle of its 'tEXt' chunk"):
        metadata(whole[:60])
    with pytest.raises(FormatError, match="cannot be unpacked"):
        metadata(picture(chunk(b"zTXt", b"prompt\0\0nonsense")))
    with pytest.raises(FormatError, match="before its end mark"):
        metadata(saved("PNG")[:-12])
    # What was found before the damage is good.
    assert json.loads(metadata(whole[:-12])["prompt"]) == json.loads(PROMPT)


def exif(order: str = "<") -> bytes:
    """ComfyUI's EXIF: the model tag has the prompt, the maker tag and those before it the rest."""
    texts = {0x010F: f"workflow:{WORKFLOW}", 0x0110: f"prompt:{PROMPT}"}
    body, rows, at = b"", b"", 8 + 2 + 12 * len(texts) + 4
    for tag, text in texts.items():
        data = text.encode() + b"\0"
        rows += struct.pack(order + "HHII", tag, 2, len(data), at + len(body))
        body += data
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", 8) + struct.pack(order + "H", len(texts)) + rows + bytes(4) + body


@pytest.mark.parametrize("kind", ["WEBP", "JPEG"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_texts(kind: str, order: str) -> None:
    assert metadata(saved(kind, exif=b"Exif\0\0" + exif(order))) == BOTH


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def mp4() -> bytes:
    keys = struct.pack(">II", 0, len(BOTH)) + b"".join(box(b"mdta", name.encode()) for name in BOTH)
    items = b"".join(
        box(struct.pack(">I", number), box(b"data", struct.pack(">II", 1, 0) + text.encode()))
        for number, text in enumerate(BOTH.values(), start=1)
    )
    meta = box(b"hdlr", bytes(25)) + box(b"keys", keys) + box(b"ilst", items)
    tail = box(b"moov", box(b"mvhd", bytes(100)) + box(b"udta", box(b"meta", bytes(4) + meta)))
    return (
        box(b"ftyp", b"isom\0\0\0\0") + struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", 16 + 50) + bytes(50) + tail
    )


def element(identifier: str, data: bytes) -> bytes:
    return bytes.fromhex(identifier) + struct.pack(">I", len(data) | 0x10000000) + data


def webm() -> bytes:
    tags = b"".join(
        element("67c8", element("45a3", name.upper().encode()) + element("4487", text.encode()))
        for name, text in BOTH.items()
    )
    segment = element("1549a966", bytes(9)) + element("1254c367", element("7373", element("63c0", b"") + tags))
    return element("1a45dfa3", bytes(20)) + bytes.fromhex("18538067") + b"\x01" + b"\xff" * 7 + segment


def comments() -> bytes:
    rows = [f"{name.upper()}={text}".encode() for name, text in BOTH.items()]
    return (
        struct.pack("<I", 3)
        + b"abc"
        + struct.pack("<I", len(rows))
        + b"".join(struct.pack("<I", len(r)) + r for r in rows)
    )


def flac() -> bytes:
    data = comments()
    return b"fLaC" + b"\0" + bytes([0, 0, 34]) + bytes(34) + b"\x84" + len(data).to_bytes(3, "big") + data


def ogg() -> bytes:
    packet = b"OpusTags" + comments()
    laces = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
    head = b"OpusHead" + bytes(11)

    def page(table: bytes, data: bytes) -> bytes:
        return b"OggS" + bytes(22) + bytes([len(table)]) + table + data

    return page(bytes([len(head)]), head) + page(laces, packet)


def mp3() -> bytes:
    def seven(number: int) -> bytes:
        return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))

    frames = b""
    for name, text in BOTH.items():
        data = b"\3" + name.encode() + b"\0" + text.encode()
        frames += b"TXXX" + seven(len(data)) + b"\0\0" + data
    return b"ID3\4\0\0" + seven(len(frames)) + frames + b"\xff\xfb"


def glb() -> bytes:
    data = json.dumps({"asset": {"version": "2.0", "extras": BOTH}}).encode()
    return b"glTF" + struct.pack("<III", 2, 20 + len(data), len(data)) + b"JSON" + data


def safetensors() -> bytes:
    data = json.dumps({"__metadata__": BOTH}).encode()
    return struct.pack("<Q", len(data)) + data


OTHERS = [mp4, webm, flac, ogg, mp3, glb, safetensors]


@pytest.mark.parametrize("make", OTHERS)
def test_other_files(make: Callable[[], bytes]) -> None:
    assert is_media(make())
    assert metadata(make()) == BOTH


@pytest.mark.parametrize("make", [*OTHERS, lambda: saved("WEBP", exif=exif()), lambda: saved("JPEG", exif=exif())])
def test_cut_or_changed_files_give_texts_or_a_clear_error(make: Callable[[], bytes]) -> None:
    whole = make()
    messages: list[str] = []
    for step in range(1, len(whole), max(1, len(whole) // 60)):
        for broken in (
            whole[:step],
            whole[:step] + b"\xff" * 9 + whole[step + 9 :],
            whole[:step] + bytes(9) + whole[step:],
        ):
            try:
                metadata(broken)
            except FormatError as error:
                messages.append(str(error))
    assert not any("\n" in message for message in messages)
