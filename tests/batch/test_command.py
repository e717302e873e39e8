"""``comfygraph batch`` on the simulator, SIGKILL among its troubles."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from comfygraph import Client, Simulator
from comfygraph.batch import Manifest

from ..cli.conftest import SMALL, Call
from .conftest import Made

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(made: Made, tmp_path: Path) -> Path:
    """A workflow with a sampler."""
    path = tmp_path / "fox.json"
    path.write_text(made.graph.to_json())
    return path


def test_a_file_and_its_seeds(cg: Call, file: Path) -> None:
    said = cg("batch", file, "--set", "sampler.seed=0..4", "--no-progress")
    assert (said.code, said.err) == (0, "")
    assert said.out == "5 of 5 done, 0 failed: batch_output/manifest.jsonl\n"
    rows = Manifest("batch_output")
    assert [(row.item, row.seed, row.inputs) for row in rows] == [(i, i, {"sampler.seed": i}) for i in range(5)]
    assert all(row.is_whole(Path("batch_output")) for row in rows)
    assert sorted(path.name for path in Path("batch_output").iterdir()) == [
        *(f"{i:04}" for i in range(5)),
        "batch.json",
        "manifest.jsonl",
    ]


def test_a_preset_prompts_from_a_file_and_a_contact_sheet(cg: Call) -> None:
    Path("prompts.txt").write_text("a fox\na crow\n")
    said = cg(
        "batch", "flux-schnell", *SMALL, "--set", "prompt=@prompts.txt", "--set", "steps=[1,4]", "--grid", "grid.png"
    )
    assert said.code == 0, said.err
    rows = Manifest("batch_output")
    assert [(row.inputs["prompt"], row.inputs["steps"]) for row in rows] == [
        ("a fox", 1),
        ("a fox", 4),
        ("a crow", 1),
        ("a crow", 4),
    ]
    assert len({row.seed for row in rows}) == 1  # drawn once, so that the pictures can be compared
    assert rows[0].inputs["seed"] == rows[0].seed
    with Image.open("grid.png") as picture:
        assert picture.width > 2 * 64
    assert "[4/4]" in said.err
    assert "contact sheet: grid.png" in said.err


def test_items_that_fail(cg: Call) -> None:
    said = cg("batch", "flux-schnell", *SMALL, "--set", "steps=3..6")
    assert said.code == 1
    assert said.out == "2 of 4 done, 2 failed (0002, 0003; --resume tries again): batch_output/manifest.jsonl\n"
    assert "0002 failed: steps is 5, and Flux Schnell takes 1 to 4" in said.err
    assert ".py" not in said.err
    again = cg("batch", "--resume")
    assert again.code == 1
    assert again.out == said.out
    assert "2 of 4 items are whole already" in again.err
    assert Counter(row.item for row in Manifest("batch_output")) == Counter(range(4))


def test_resume_needs_the_folder_only_and_keeps_the_drawn_seed(cg: Call, sim: Simulator) -> None:
    cg("batch", "sdxl", *SMALL, "--set", "steps=1..3")
    (row,) = [row for row in Manifest("batch_output") if row.item == 1]
    (Path("batch_output") / row.files[0].path).unlink()
    said = cg("batch", "--resume", "--no-progress")
    assert (said.code, said.out) == (0, "3 of 3 done, 0 failed: batch_output/manifest.jsonl\n")
    assert Manifest("batch_output")[1].digest == row.digest
    same = cg("batch", "sdxl", *SMALL, "--set", "steps=1..3", "--resume", "--no-progress")
    assert same.code == 0


def test_another_batch_is_refused(cg: Call, file: Path) -> None:
    cg("batch", file, "--set", "seed=1..2")
    before = Path("batch_output/manifest.jsonl").read_bytes(), Path("batch_output/batch.json").read_bytes()
    assert "there is a batch in it" in cg("batch", file, "--set", "seed=1..2").err
    assert "is another one" in cg("batch", file, "--set", "seed=1..3", "--resume").err
    assert cg("batch", "--set", "seed=1..3", "--resume").code == 2
    graph = json.loads(file.read_text())
    graph["sampler"]["inputs"]["cfg"] = 3
    file.write_text(json.dumps(graph))
    changed = cg("batch", "--resume")
    assert changed.code == 1
    assert "was made with other settings" in changed.err
    assert before == (Path("batch_output/manifest.jsonl").read_bytes(), Path("batch_output/batch.json").read_bytes())


@pytest.mark.parametrize(
    "arguments",
    [
        ["sdxl", "--set", "seed=0..2", "--out", "file"],
        ["sdxl", "--set", "seed=0..2", "--grid", "grid.txt"],
        ["sdxl", "--set", "seed=0..2", "--grid", "file/grid.png"],
        ["sdxl", "--set", "seed=0..2", "--server", "127.0.0.1:1"],
        ["sdxl", "--set", "sed=0..2"],
        ["sdxl", "--set", "seed=0..2", "--ahead", "0"],
        ["sdxl", "--set", "seed=0..9999", "--set", "width=16..9999"],
        ["nothing.json", "--set", "seed=0..2"],
        [],
    ],
)
def test_a_wrong_call_makes_nothing(cg: Call, arguments: list[str]) -> None:
    Path("file").write_text("mine")
    said = cg("batch", *arguments)
    assert said.code in (1, 2)
    assert said.out == ""
    assert arguments == [] or said.err.count("\n") == 1
    assert [path.name for path in Path().iterdir()] == ["file"]


def test_a_damaged_plan(cg: Call) -> None:
    Path("batch_output").mkdir()
    Path("batch_output/batch.json").write_text('{"source": 3}')
    said = cg("batch", "--resume")
    assert (said.code, said.err) == (1, "error: batch_output/batch.json: not the plan of a batch; give another --out\n")


def _start(file: Path, url: str, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "comfygraph", "batch", str(file), "--set", "sampler.seed=0..7", "--server", url, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=file.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def _until(file: Path, rows: int) -> None:
    manifest = file.parent / "batch_output" / "manifest.jsonl"
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if manifest.exists() and manifest.read_bytes().count(b"\n") >= rows:
            return
        time.sleep(0.005)
    raise AssertionError("the batch does not get on")


@pytest.mark.parametrize("rows", [0, 4])
def test_killed_and_resumed(file: Path, rows: int) -> None:
    with Simulator(latency=0.005) as own, Client(own.url) as other:
        process = _start(file, own.url)
        _until(file, rows)
        process.kill()
        process.communicate(timeout=20)
        out = file.parent / "batch_output"
        whole = {row.item: row for row in Manifest(out)}
        process = _start(file, own.url, "--resume")
        said, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert said == "8 of 8 done, 0 failed: batch_output/manifest.jsonl\n"
        found = Manifest(out)
        assert Counter(row.item for row in found) == Counter(range(8))
        assert all(row.is_whole(out) and row.files for row in found)
        assert {item: found[item] for item in whole} == whole
        assert not list(out.rglob(".*"))
        assert len(other.queue()) == 0


def test_ctrl_c(file: Path) -> None:
    with Simulator(latency=0.1) as own, Client(own.url) as other:
        process = _start(file, own.url)
        _until(file, 1)
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=30)
        assert process.returncode == 130, errors
        assert said == ""
        assert "of 8 items are whole in batch_output; --resume goes on with the rest" in errors
        assert errors.endswith("interrupted\n")
        assert "Traceback" not in errors
        assert len(other.queue()) == 0


def test_resume_keeps_the_contact_sheet(cg: Call, file: Path) -> None:
    assert cg("batch", file, "--set", "seed=1..2", "--grid", "grid.png").code == 0
    Path("grid.png").unlink()
    assert cg("batch", "--resume").code == 0
    assert Path("grid.png").is_file()
