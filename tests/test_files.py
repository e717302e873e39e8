"""Loading workflows: what a file is, is told by its content; what it is not, in one line."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from struct import pack

import pytest

from comfygraph import Graph
from comfygraph.errors import ComfyError, FormatError

from .pipelines import SDXL_JSON


def png(**texts: str) -> bytes:
    """A PNG of one pixel with texts in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    carried = b"".join(chunk(b"tEXt", f"{name}\0{text}".encode("latin-1")) for name, text in texts.items())
    return b"\x89PNG\r\n\x1a\n" + header + carried + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def test_api_json_whatever_the_file_is_called(tmp_path: Path) -> None:
    for name, content in (
        ("a.json", json.dumps(SDXL_JSON).encode()),
        ("b.txt", b"\xef\xbb\xbf" + json.dumps(SDXL_JSON).encode()),
        ("c.jpg", b"  \n" + json.dumps(SDXL_JSON).encode()),
        (
            "d.png",
            png(prompt=json.dumps({i: {**node, "is_changed": ["x"]} for i, node in SDXL_JSON.items()}), workflow="{}"),
        ),
    ):
        (tmp_path / name).write_bytes(content)
        assert Graph.load(tmp_path / name).to_api() == SDXL_JSON


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"hello", "neither JSON nor a picture"),
        (b"{", "not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        (b"[1, 2]", "no workflow: a workflow is an object"),
        (b'{"a": 1}', "node 'a' is 1, and a node is an object"),
        (b"{" + b"\xff" * 9, "not UTF-8"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"1": {"class_type": "X", "inputs": {"a": ' + b"9" * 5000 + b"}}}", "no JSON that a workflow has"),
        (png(), "carries no workflow"),
        (png(prompt="{"), "its 'prompt' metadata is not JSON"),
    ],
)
def test_what_is_no_workflow_is_said_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "some.file"
    file.write_bytes(content)
    with pytest.raises(FormatError, match=message) as caught:
        Graph.load(file)
    text = str(caught.value)
    assert text.startswith(str(file))
    assert "\n" not in text
    assert isinstance(caught.value, ComfyError)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"missing.json: cannot be read: No such file"):
        Graph.load(tmp_path / "missing.json")
    with pytest.raises(FormatError, match="cannot be read: Is a directory"):
        Graph.load(tmp_path)


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "huge.json"
    with file.open("wb") as out:
        out.write(b"{")
        out.truncate(200 * 2**20)  # sparse: 200 MB that take no room
    with pytest.raises(FormatError, match="more than 64 MB, too large for a workflow"):
        Graph.load(file)


def test_names_that_no_file_can_have_and_pairs_of_other_kinds() -> None:
    with pytest.raises(FormatError, match="cannot be read"):
        Graph.load("a\0b")
    graph = Graph.from_api({"1": {"class_type": "X", "inputs": {"a": ("2", 0), "b": (1, 2, 3)}}})
    assert graph.to_api(check=False)["1"]["inputs"] == {"a": ["2", 0], "b": [1, 2, 3]}
    assert graph.check()
