"""Every example runs on the simulator, in a folder of its own, and writes pictures that say that they are simulated."""

from __future__ import annotations

import json
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(file.stem for file in FOLDER.glob("*.py") if file.stem != "anywhere")

Run = Callable[..., tuple[str, list[Path]]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs an example as ``python examples/NAME.py ARGUMENTS`` would: what it printed, and the pictures it wrote."""
    monkeypatch.delenv("COMFYGRAPH_SERVER", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(FOLDER))

    def call(name: str, *arguments: str) -> tuple[str, list[Path]]:
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
        printed = capsys.readouterr().out
        return printed, [Path(written) for written in re.findall(r"wrote ([^\s,]+\.png)", printed)]

    return call


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_runs_and_says_what_it_wrote(run: Run, name: str) -> None:
    printed, pictures = run(name)
    assert "its pictures are drawn, not generated" in printed
    assert pictures
    assert sorted(pictures) == sorted(Path("output").glob("*"))
    if name == "flux_schnell":
        assert "error[rule_cfg]" in printed
        assert "error[rule_steps]" in printed
    for picture in pictures:
        with Image.open(picture) as image:
            image.load()
            assert json.loads(image.info["comfygraph"])["simulated"] is True


@pytest.mark.parametrize(
    ("flags", "size", "parts"),
    [
        (["--model", "flux-schnell", "--hires"], (1536, 1536), "hires_fix"),
        (["--model", "flux-schnell", "--lora", "uso-flux1-dit-lora-v1.safetensors:0.8"], (1024, 1024), "lora_chain"),
        (["--start", "sketch.png", "--seed", "7"], (1024, 1024), "img2img"),
    ],
)
def test_pick_subgraphs_by_flags(run: Run, flags: list[str], size: tuple[int, int], parts: str) -> None:
    Image.new("RGB", (300, 300), "teal").save("sketch.png")
    printed, (picture,) = run("pick_subgraphs", "a fox", *flags)
    assert f"parts: {parts}\n" in printed
    with Image.open(picture) as image:
        assert all(abs(side - wanted) <= 64 for side, wanted in zip(image.size, size))


def test_pick_a_branch_takes_the_other_one(run: Run) -> None:
    printed, (picture,) = run("pick_a_branch", "--careful")
    assert "28 steps" in printed
    assert picture.name.startswith("ship_0")
