"""The simulator's files: what leads out of its folders, and how they are sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from comfygraph.simulator import Simulator, routes_files
from comfygraph.simulator.store import OutsideError, Store


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(folder=tmp_path_factory.mktemp("sim")) as sim:
        yield sim


@pytest.mark.parametrize("name", ["fox.png", "page.html", "fox", "a b.webp", 'q"uote.png', "empty.png"])
@pytest.mark.parametrize("encoding", ["identity", "gzip, deflate"])
def test_a_small_file_is_sent_as_a_large_one(
    sim: Simulator, name: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"" if name == "empty.png" else os.urandom(3000)
    sim.store.folders["output"].joinpath(name).write_bytes(content)

    def ask(method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        answer = requests.request(
            method,
            f"{sim.url}/view",
            params={"filename": name},
            headers={"Accept-Encoding": encoding, **headers},
            timeout=5,
        )
        return answer.status_code, {k.lower(): v for k, v in answer.headers.items() if k != "Date"}, answer.content

    small = ask()
    asked = {"If-None-Match": small[1]["etag"]}
    part = {"Range": "bytes=100-199"}
    others = [ask("HEAD"), ask(**asked), ask(**part)]
    monkeypatch.setattr(routes_files, "SMALL", -1)
    assert ask() == small
    assert small[2] == content
    assert [ask("HEAD"), ask(**asked), ask(**part)] == others
    assert [status for status, _, _ in others] == [200, 304, 206 if content else 416]


@pytest.mark.parametrize(
    "parts", [("..",), ("a", "../.."), ("/etc",), ("a/../../output2",), ("x\0y",), ("../input/x",)]
)
def test_what_leads_out(tmp_path: Path, parts: tuple[str, ...]) -> None:
    store = Store(tmp_path)
    with pytest.raises(OutsideError):
        store.inside("output", *parts)


def test_what_stays_in(tmp_path: Path) -> None:
    store = Store(tmp_path)
    output = store.folders["output"]
    assert store.inside("output") == output
    assert store.inside("output", "", "") == output
    assert store.inside("output", "a/..", "b", "./c.png") == output / "b" / "c.png"
    assert store.inside("output", "..a", "b..") == output / "..a" / "b.."


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    store = Store(tmp_path / "root")
    output = store.folders["output"]
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.png").write_bytes(b"x")
    (output / "real").mkdir()
    (output / "out").symlink_to(tmp_path / "secret")
    (output / "up").symlink_to("..")
    (output / "in").symlink_to("real")
    (output / "x.png").symlink_to(tmp_path / "secret" / "x.png")
    for parts in (("out",), ("out", "x.png"), ("x.png",), ("up", "input"), ("real/../out/x.png",)):
        with pytest.raises(OutsideError):
            store.inside("output", *parts)
    assert store.inside("output", "in", "y.png") == output / "in" / "y.png"
