"""Names from a server stay inside the folder, and files are whole or absent and never overwritten."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfygraph.client import saving
from comfygraph.client.names import numbered, safe_name
from comfygraph.errors import OutputError

NAMES = [
    ("fox_00001_.png", "fox_00001_.png"),
    ("../../etc/passwd", "passwd"),
    ("/etc/passwd", "passwd"),
    ("..\\..\\windows\\system.ini", "system.ini"),
    ("C:\\x.png", "x.png"),
    ("C:x.png", "C_x.png"),
    ("..", "file"),
    (".", "file"),
    ("", "file"),
    ("a/", "file"),
    ("\0\n\x1b[2J", "[2J"),
    ("\u202egnp.exe", "gnp.exe"),
    ("CON.png", "_CON.png"),
    ("nul", "_nul"),
    ("LPT1.tar.gz", "_LPT1.tar.gz"),
    ("console.png", "console.png"),
    (".bashrc", "_.bashrc"),
    ('a?b*c<d>e|f"g:h.png', "a_b_c_d_e_f_g_h.png"),
    ("trailing. . .", "trailing"),
    ("image (1).png", "image (1).png"),
    ("日本.png", "日本.png"),
]


@pytest.mark.parametrize(("given_name", "name"), NAMES)
def test_safe_names(given_name: str, name: str) -> None:
    assert safe_name(given_name) == name


def test_long_names_keep_their_suffix() -> None:
    name = safe_name("é" * 5000 + ".png")
    assert name.endswith(".png")
    assert len(name.encode()) <= 180


@given(st.text())
def test_no_name_leaves_the_folder(name: str) -> None:
    safe = safe_name(name)
    assert Path("/folder", safe).resolve().parent == Path("/folder")
    assert 0 < len(safe.encode()) <= 181
    assert not set(safe) & set('/\\<>:"|?*\0\r\n')
    assert not safe.startswith(".")
    assert safe_name(safe) == safe


def test_numbered() -> None:
    assert numbered("fox.png", 2) == "fox_2.png"
    assert numbered("fox", 3) == "fox_3"


def put(folder: Path, name: str, content: bytes) -> Path:
    with saving.whole_file(folder, name) as (file, finish):
        file.write(content)
        return finish()


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    names = [put(tmp_path, "fox.png", b"%d" % n).name for n in range(3)]
    assert names == ["fox.png", "fox_2.png", "fox_3.png"]
    assert [(tmp_path / name).read_bytes() for name in names] == [b"0", b"1", b"2"]


def test_nothing_is_left_of_what_did_not_end(tmp_path: Path) -> None:
    def stop(folder: Path) -> None:
        with saving.whole_file(folder, "fox.png") as (file, _):
            file.write(b"half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_many_writers_of_one_name(tmp_path: Path) -> None:
    threads = [threading.Thread(target=put, args=(tmp_path, "fox.png", b"x" * n)) for n in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.stat().st_size for path in tmp_path.iterdir()) == list(range(1, 17))


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert [put(tmp_path, "a.png", b"1").name, put(tmp_path, "a.png", b"2").name] == ["a.png", "a_2.png"]
    assert (tmp_path / "a_2.png").read_bytes() == b"2"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be made"):
        saving.folder(tmp_path / "file")
    with pytest.raises(OutputError, match="cannot be written to"), saving.whole_file(tmp_path / "nowhere", "x"):
        pass


def test_the_next_number_is_not_looked_for_from_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    link = os.link

    def counted(source: Any, target: Any) -> None:
        tried.append(Path(target).name)
        link(source, target)

    monkeypatch.setattr(os, "link", counted)
    names = [put(tmp_path, "fox.png", b"x").name for _ in range(30)]
    assert names == ["fox.png", *(f"fox_{n}.png" for n in range(2, 31))]
    assert len(tried) < 40
    (tmp_path / "fox_30.png").unlink()
    (tmp_path / "fox_7.png").unlink()
    assert put(tmp_path, "fox.png", b"x").name == "fox_7.png", "what was taken away is free again"
    assert put(tmp_path, "fox.png", b"x").name == "fox_30.png"
