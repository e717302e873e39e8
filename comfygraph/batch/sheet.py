"""A contact sheet: the first picture of every item of a batch on one page, labelled by what differs.

Where two settings differ in every combination they are the axes; with more of them the last one is the columns.
"""

from __future__ import annotations

import math
import uuid
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..client.saving import folder as make_folder
from ..errors import OutputError
from .manifest import Manifest, Row, is_inside

if TYPE_CHECKING:
    import PIL.Image
    import PIL.ImageDraw

FORMATS: Final = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
CELL: Final = 256  # pixels, of a picture's longer side
SMALLEST: Final = 32
MOST_CELLS: Final = 10_000
MOST_SIDE: Final = 16_000  # pixels of the sheet; WebP stops at 16,383
MOST_PIXELS: Final = 120_000_000  # of the sheet, and of one picture
GAP: Final = 8
MARGIN: Final = 16
TEXT: Final = 15  # pixels
LINE: Final = 19
LINES: Final = 3
MOST_LEFT: Final = 280
PAPER, INK, FAINT = "#ffffff", "#1b1b1b", "#9a9a9a"


def check_target(path: str | Path) -> None:
    """Raise OutputError for a path that no contact sheet can be written to."""
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise OutputError(f"{target}: a contact sheet is one of {', '.join(FORMATS)}")
    if target.is_dir():
        raise OutputError(f"{target}: a folder is there")


def contact_sheet(batch: str | Path, path: str | Path, *, cell: int = CELL) -> Path:
    """Write the contact sheet of a batch.

    Args:
        batch: its folder, or its manifest.
        path: the picture to write: PNG, JPEG or WebP by its name. One that is there is replaced.
        cell: pixels of a picture's longer side; less where the sheet would be too large.

    Returns:
        The path.

    Raises:
        FormatError: the manifest cannot be read.
        OutputError: there is nothing to show, too much, or it cannot be written.
    """
    target = Path(path)
    check_target(target)
    manifest = Manifest(batch)
    if not manifest.rows:
        raise OutputError(f"{manifest.path}: no item is in it yet, so there is nothing to show")
    if len(manifest.rows) > MOST_CELLS:
        raise OutputError(f"{len(manifest.rows)} items are too many for one sheet; it holds at most {MOST_CELLS}")
    drawn = _draw(manifest, _layout(manifest.rows), max(cell, SMALLEST))
    part = make_folder(target.parent) / f".{uuid.uuid4().hex}.part"
    try:
        drawn.save(part, format=FORMATS[target.suffix.lower()])
        part.replace(target)
    except (OSError, ValueError) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise OutputError(f"{target}: cannot be written: {getattr(error, 'strerror', None) or error}") from error
    return target


@dataclass
class _Layout:
    """Rows by place (row, column), with what stands at the top, at the left, under each, and in the corner."""

    places: dict[tuple[int, int], Row]
    rows: int
    columns: int
    top: Sequence[str]
    left: Sequence[str]
    under: dict[tuple[int, int], str]
    corner: str = ""


def _layout(rows: Sequence[Row]) -> _Layout:
    differing = _differing(rows)
    if len(differing) > 1 and math.prod(len(values) for values in differing.values()) == len(rows):
        return _grid(rows, differing)
    columns = math.ceil(math.sqrt(len(rows)))
    places = {divmod(i, columns): row for i, row in enumerate(rows)}
    under = {place: _caption(row, differing) for place, row in places.items()}
    return _Layout(places, math.ceil(len(rows) / columns), columns, (), (), under)


def _differing(rows: Sequence[Row]) -> dict[str, list[str]]:
    """The settings that are not the same in all items, with their values in order, as they are compared: by text."""
    values: dict[str, dict[str, None]] = {}
    for row in rows:
        for key, value in row.inputs.items():
            values.setdefault(key, {})[_value(value)] = None
    return {key: list(found) for key, found in values.items() if len(found) > 1}


def _grid(rows: Sequence[Row], axes: dict[str, list[str]]) -> _Layout:
    *outer, last = axes
    columns = axes[last]
    left: dict[tuple[str, ...], None] = {}
    for row in rows:
        left[tuple(_value(row.inputs.get(key)) for key in outer)] = None
    lines = {key: i for i, key in enumerate(left)}
    places: dict[tuple[int, int], Row] = {}
    for row in rows:
        at = lines[tuple(_value(row.inputs.get(key)) for key in outer)]
        places[at, columns.index(_value(row.inputs.get(last)))] = row
    labels = [", ".join(f"{key} = {value}" for key, value in zip(outer, values)) for values in left]
    top = [f"{last} = {value}" for value in columns]
    return _Layout(places, len(left), len(columns), top, labels, {}, corner=f"{', '.join(outer)} by {last}")


def _value(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _draw(manifest: Manifest, layout: _Layout, cell: int) -> PIL.Image.Image:
    from PIL import Image, ImageDraw

    wide, high = _shape(manifest, cell)
    ruler = ImageDraw.Draw(Image.new("1", (1, 1)))
    label = _height(ruler, layout.under.values(), wide)
    left = min(max((_width(ruler, text) for text in (layout.corner, *layout.left)), default=0), MOST_LEFT) + GAP
    left = left if layout.left else 0
    top = _height(ruler, [*layout.top, layout.corner], wide)

    def size(scale: float) -> tuple[int, int]:
        across = layout.columns * (int(wide * scale) + GAP) + left + 2 * MARGIN
        return across, layout.rows * (int(high * scale) + label + GAP) + top + 2 * MARGIN

    scale = 1.0
    while max(size(scale)) > MOST_SIDE or math.prod(size(scale)) > MOST_PIXELS:
        scale *= 0.9
        if min(wide, high) * scale < SMALLEST / 4:
            raise OutputError(f"{layout.rows} × {layout.columns} pictures are too many for one sheet")
    wide, high = int(wide * scale), int(high * scale)
    sheet = Image.new("RGB", size(scale), PAPER)
    pen = ImageDraw.Draw(sheet)
    x0, y0 = MARGIN + left, MARGIN + top
    if layout.corner:
        _write(pen, layout.corner, (MARGIN, MARGIN), left - GAP, FAINT)
    for column, text in enumerate(layout.top):
        _write(pen, text, (x0 + column * (wide + GAP), MARGIN), wide, INK)
    for line, text in enumerate(layout.left):
        _write(pen, text, (MARGIN, y0 + line * (high + label + GAP)), left - GAP, INK, max(high // LINE, 1))
    for (line, column), row in layout.places.items():
        x, y = x0 + column * (wide + GAP), y0 + line * (high + label + GAP)
        picture = _picture(manifest.folder, row, wide, high)
        if picture is None:
            pen.rectangle((x, y, x + wide - 1, y + high - 1), outline=FAINT)
            _write(pen, "failed" if row.status == "failed" else "no picture", (x + GAP, y + GAP), wide - 2 * GAP, FAINT)
        else:
            sheet.paste(picture, (x + (wide - picture.width) // 2, y + (high - picture.height) // 2))
        if layout.under:
            _write(pen, layout.under[line, column], (x, y + high + 2), wide, INK)
    return sheet


def _caption(row: Row, keys: Iterable[str]) -> str:
    given = ", ".join(f"{key} = {_value(row.inputs[key])}" for key in keys if key in row.inputs)
    return given or row.folder


def _shape(manifest: Manifest, cell: int) -> tuple[int, int]:
    """A cell's width and height: the first picture's shape."""
    for row in manifest.rows:
        picture = _picture(manifest.folder, row, cell, cell)
        if picture is not None:
            return max(picture.width, SMALLEST), max(picture.height, SMALLEST)
    return cell, cell


def _picture(folder: Path, row: Row, wide: int, high: int) -> PIL.Image.Image | None:
    """An item's first picture at the size of a cell; None when it has none that can be shown."""
    from PIL import Image, ImageOps

    names = [file.path for file in row.files if file.path.lower().endswith(PICTURES) and is_inside(file.path)]
    if row.status != "done" or not names:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(folder / names[0]) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    return None
                opened.draft("RGB", (wide, high))
                return ImageOps.contain(opened.convert("RGB"), (wide, high), Image.Resampling.LANCZOS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _write(
    pen: PIL.ImageDraw.ImageDraw, text: str, at: tuple[int, int], width: int, colour: str, lines: int = LINES
) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(TEXT)
    x, y = at
    for line in _wrapped(pen, " ".join(text.split()), font, width, min(lines, LINES)):
        pen.text((x, y), line, fill=colour, font=font)
        y += LINE


def _width(pen: PIL.ImageDraw.ImageDraw, text: str) -> int:
    from PIL import ImageFont

    return math.ceil(pen.textlength(" ".join(text.split())[:400], font=ImageFont.load_default(TEXT)))


def _height(pen: PIL.ImageDraw.ImageDraw, texts: Iterable[str], width: int) -> int:
    """The height of the tallest of these texts in a column; 0 where all are empty."""
    lines = max((-(-_width(pen, text) * 5 // (4 * width)) for text in texts), default=0)
    return min(lines, LINES) * LINE + GAP if lines else 0


def _wrapped(pen: PIL.ImageDraw.ImageDraw, text: str, font: Any, width: int, most: int) -> list[str]:
    """The text in at most so many lines of this width, an ellipsis where it is cut."""
    lines: list[str] = []
    left = text
    while left and len(lines) < most:
        count = _fitting(pen, left, font, width)
        if count < len(left):
            space = left.rfind(" ", 0, count + 1)
            count = space if space > 0 else count
        line, left = left[:count].rstrip(), left[count:].lstrip()
        if left and len(lines) == most - 1:
            line = f"{line[: max(_fitting(pen, line, font, width - TEXT), 1)]}…"
        lines.append(line)
    return lines


def _fitting(pen: PIL.ImageDraw.ImageDraw, text: str, font: Any, width: int) -> int:
    """How many characters of a text fit into a width; at least one."""
    low, high = 1, min(len(text), 400)
    while low < high:
        middle = (low + high + 1) // 2
        if pen.textlength(text[:middle], font=font) <= width:
            low = middle
        else:
            high = middle - 1
    return low
