"""Contact sheets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfygraph.batch import contact_sheet
from comfygraph.batch.manifest import sha256
from comfygraph.batch.sheet import CELL, MOST_CELLS, MOST_SIDE, check_target
from comfygraph.errors import FormatError, OutputError

COLOURS = ["#ff0000", "#00ff00", "#0000ff", "#ffff00", "#ff00ff", "#00ffff"]


def a_batch(
    folder: Path, inputs: list[Mapping[str, Any]], *, size: tuple[int, int] = (64, 64), failed: int = -1
) -> Path:
    """A finished batch with a plain picture for each item."""
    folder.mkdir(exist_ok=True)
    lines: list[str] = []
    for item, given in enumerate(inputs):
        row: dict[str, Any] = {"item": item, "folder": f"{item:04}", "status": "done", "inputs": dict(given)}
        if item == failed:
            row |= {"status": "failed", "error": "it did not work"}
        else:
            path = folder / f"{item:04}" / "a.png"
            path.parent.mkdir(exist_ok=True)
            Image.new("RGB", size, COLOURS[item % len(COLOURS)]).save(path)
            name = f"{item:04}/a.png"
            row["files"] = [{"path": name, "bytes": path.stat().st_size, "sha256": sha256(path)}]
        lines.append(json.dumps(row))
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def cells(sheet: Path) -> list[str]:
    """The colours of the pictures on a sheet, in reading order, each where its picture begins."""
    with Image.open(sheet) as opened:
        picture = opened.convert("RGB")
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    for y in range(0, picture.height, 4):
        for x in range(0, picture.width, 4):
            pixel = picture.getpixel((x, y))
            assert isinstance(pixel, tuple)
            colour = "#{:02x}{:02x}{:02x}".format(*pixel)
            if colour in COLOURS and not any(abs(x - a) < 256 and abs(y - b) < 256 for a, b in seen):
                seen.add((x, y))
                found.append(colour)
    return found


def test_two_axes(tmp_path: Path) -> None:
    inputs = [{"prompt": "same", "seed": seed, "cfg": cfg} for seed in (1, 2) for cfg in (5.0, 6.0, 7.0)]
    sheet = contact_sheet(a_batch(tmp_path / "b", inputs), tmp_path / "grid.png")
    assert cells(sheet) == COLOURS
    with Image.open(sheet) as picture:
        assert picture.width > picture.height  # three columns, two rows
        # What labels there are stands at the top and at the left, and not under the pictures.
        assert picture.crop((0, 0, picture.width, 30)).convert("L").getextrema()[0] < 80
        assert picture.crop((0, picture.height - 12, picture.width, picture.height)).getextrema() == ((255, 255),) * 3


def test_one_axis_is_wrapped_and_labelled_below(tmp_path: Path) -> None:
    inputs = [{"seed": seed, "prompt": "same"} for seed in range(5)]
    sheet = contact_sheet(a_batch(tmp_path / "b", inputs), tmp_path / "grid.png")
    assert cells(sheet) == COLOURS[:5]
    with Image.open(sheet) as picture:
        below = picture.crop((0, picture.height - 45, picture.width, picture.height)).convert("L")
        assert below.getextrema()[0] < 80


def test_three_axes(tmp_path: Path) -> None:
    inputs = [{"a": a, "b": b, "c": c} for a in (1, 2) for b in (1, 2) for c in (1, 2)]
    sheet = contact_sheet(a_batch(tmp_path / "b", inputs), tmp_path / "grid.png")
    with Image.open(sheet) as picture:
        assert picture.height > 4 * CELL > 2 * CELL
        assert picture.width < 4 * CELL


def test_an_item_that_failed_has_an_empty_place(tmp_path: Path) -> None:
    inputs = [{"seed": seed, "cfg": cfg} for seed in (1, 2) for cfg in (5, 6)]
    sheet = contact_sheet(a_batch(tmp_path / "b", inputs, failed=1), tmp_path / "grid.jpg")
    with Image.open(sheet) as picture:
        assert picture.format == "JPEG"
    png = contact_sheet(tmp_path / "b", tmp_path / "grid.png")
    assert cells(png) == [COLOURS[0], COLOURS[2], COLOURS[3]]


@pytest.mark.parametrize("size", [(2000, 20), (20, 2000), (3, 3), (1, 1)])
def test_pictures_of_any_shape(tmp_path: Path, size: tuple[int, int]) -> None:
    inputs = [{"seed": seed} for seed in range(3)]
    with Image.open(contact_sheet(a_batch(tmp_path / "b", inputs, size=size), tmp_path / "g.png")) as picture:
        assert max(picture.size) < 1500


def test_labels_of_any_length(tmp_path: Path) -> None:
    long = "a fox " * 500
    inputs = [{"prompt": p, "x" * 300: v} for p in (long, "日本語 \x00 \n ok", "") for v in ("w" * 5000, None)]
    with Image.open(contact_sheet(a_batch(tmp_path / "b", inputs), tmp_path / "g.png")) as picture:
        assert max(picture.size) < 2000


def test_a_large_batch_shrinks_its_pictures(tmp_path: Path) -> None:
    inputs = [{"a": a, "b": b} for a in range(2) for b in range(120)]
    with Image.open(contact_sheet(a_batch(tmp_path / "b", inputs), tmp_path / "g.png")) as picture:
        assert picture.width <= MOST_SIDE


def test_what_cannot_be_shown(tmp_path: Path) -> None:
    batch = a_batch(tmp_path / "b", [{"seed": 1}])
    (batch / "0000" / "a.png").write_bytes(b"no picture at all")
    assert cells(contact_sheet(batch, tmp_path / "g.png")) == []
    (batch / "manifest.jsonl").write_text("")
    with pytest.raises(OutputError, match="no item is in it yet"):
        contact_sheet(batch, tmp_path / "h.png")
    with pytest.raises(FormatError, match="cannot be read"):
        contact_sheet(tmp_path / "nothing", tmp_path / "h.png")
    line = json.dumps({"item": 0, "folder": "0000", "status": "failed"}) + "\n"
    (batch / "manifest.jsonl").write_text(line * (MOST_CELLS + 1))
    with pytest.raises(OutputError, match="too many for one sheet"):
        contact_sheet(batch, tmp_path / "h.png")
    assert not (tmp_path / "h.png").exists()


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    batch = a_batch(tmp_path / "b", [{"seed": 1}])
    (tmp_path / "dir.png").mkdir()
    (tmp_path / "file").write_text("x")
    for name, said in (
        ("g.txt", "is one of"),
        ("g", "is one of"),
        ("dir.png", "a folder"),
        ("file/g.png", "cannot be made"),
    ):
        with pytest.raises(OutputError, match=said):
            contact_sheet(batch, tmp_path / name)
    with pytest.raises(OutputError):
        check_target("x.bmp")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "dir.png", "file"]


def test_it_is_replaced_whole(tmp_path: Path) -> None:
    batch = a_batch(tmp_path / "b", [{"seed": 1}])
    (tmp_path / "g.png").write_text("old")
    contact_sheet(batch, tmp_path / "g.png")
    with Image.open(tmp_path / "g.png") as picture:
        assert picture.format == "PNG"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "g.png"]
