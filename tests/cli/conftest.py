"""The command line in this process, on a simulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from comfygraph import Graph, Simulator
from comfygraph.cli import main
from comfygraph.nodes import EmptyImage, ImageInvert, SaveImage


class Said(NamedTuple):
    """What a call of the command line came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What is on standard output, line by line."""
        return self.out.splitlines()

    @property
    def data(self) -> Any:
        """What is on standard output, as JSON."""
        return json.loads(self.out)


Call = Callable[..., Said]


@pytest.fixture(scope="session")
def sim() -> Iterator[Simulator]:
    """A simulator for all the tests."""
    with Simulator(latency=0.0) as simulator:
        yield simulator


@pytest.fixture
def cg(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """``comfygraph`` in an empty folder, with the simulator as its server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMFYGRAPH_SERVER", sim.url)
    monkeypatch.delenv("COMFYGRAPH_TOKEN", raising=False)
    monkeypatch.delenv("COMFYGRAPH_API_KEY", raising=False)

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call


@pytest.fixture
def image_file(tmp_path: Path) -> Path:
    """A workflow of three nodes that runs in no time."""
    graph = Graph(
        SaveImage(
            images=ImageInvert(image=EmptyImage(width=16, height=16, color=255).named("paint")).titled("My turn"),
            filename_prefix="tiny",
        ).named("save")
    )
    path = tmp_path / "tiny.json"
    path.write_text(graph.to_json(), encoding="utf-8")
    return path


SMALL = ("--set", "width=64", "--set", "height=64")
"""A preset's picture, small."""
