"""What came of each item of a batch: ``manifest.jsonl``, one row a line.

A row is appended, and on the disk, after its files have their names; a torn last line is no row. So at any moment the
manifest holds exactly the items that are whole, and those that failed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import EditError, FormatError

if TYPE_CHECKING:
    from ..graph import Graph

NAME: Final = "manifest.jsonl"
MAX_BYTES: Final = 2 * 2**30


class SavedFile(BaseModel):
    """A file of an item: its path below the batch's folder, with ``/``; its size in bytes and its SHA-256."""

    model_config = ConfigDict(frozen=True)

    path: str
    bytes: int
    sha256: str

    def is_whole(self, folder: Path) -> bool:
        """Whether the file is there as it was saved."""
        if not is_inside(self.path):
            return False
        try:
            path = folder / self.path
            return path.stat().st_size == self.bytes and sha256(path) == self.sha256
        except OSError:
            return False


class Row(BaseModel):
    """One item.

    Attributes:
        item: its number from 0.
        folder: the name of its folder.
        status: ``"done"``, or ``"failed"``: `error` says why.
        seed: its seed; by node id where nodes have different ones; None without any.
        inputs: what was different in it, by the name it was given by.
        prompt_id: the job's id on the server; None when it was not sent.
        files: what it saved.
        texts: what its nodes showed as text.
        seconds: how long it ran, by the server's clock.
        cached: the server had every output already.
        error: one line; None when it is done.
        digest: a SHA-256 of `prompt`.
        prompt: the API-format graph that was run; empty when it could not be made.
    """

    model_config = ConfigDict(frozen=True)

    item: int = Field(ge=0)
    folder: str = Field(pattern=r"^[0-9]{4,9}$")
    status: Literal["done", "failed"]
    seed: int | dict[str, int] | None = None
    inputs: dict[str, Any] = {}
    prompt_id: str | None = None
    files: tuple[SavedFile, ...] = ()
    texts: tuple[str, ...] = ()
    seconds: float | None = None
    cached: bool = False
    error: str | None = None
    digest: str = ""
    prompt: dict[str, Any] = {}

    def graph(self) -> Graph:
        """The graph that was run. Raises FormatError where none could be made."""
        from ..graph import Graph

        return Graph.from_api(self.prompt)

    def is_whole(self, folder: Path) -> bool:
        """Whether it is done and every file is there as it was saved. `folder` is the batch's."""
        return self.status == "done" and all(file.is_whole(folder) for file in self.files)

    def line(self) -> str:
        """The row as a line of JSON, without its end."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))


class Manifest:
    """A batch's manifest, as it stands now.

    Args:
        path: the batch's folder, or the manifest itself.

    Raises:
        FormatError: it cannot be read, or a whole line of it is no row.

    Example::

        row = Manifest("batch_output")[12]
        row.seed, row.files[0].path, row.graph()
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        self.path = path / NAME if path.is_dir() else path
        self.folder = self.path.parent
        self.rows = sorted(read_rows(self.path), key=lambda row: row.item)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, item: int) -> Row:
        """The row of an item. Raises EditError when there is none."""
        for row in self.rows:
            if row.item == item:
                return row
        raise EditError(f"{self.path}: no item {item}")


def read_rows(path: Path) -> list[Row]:
    """The rows of a manifest in the order they were written. A torn last line is left out.

    Raises:
        FormatError: it cannot be read, or a whole line of it is no row.
    """
    rows: list[Row] = []
    for number, line in enumerate(whole_lines(path), 1):
        row = row_of(line)
        if row is None:
            raise FormatError(f"{path}: line {number} is no row of a batch's manifest")
        rows.append(row)
    return rows


def row_of(line: bytes) -> Row | None:
    """A line as a row; None when it is none."""
    try:
        return Row.model_validate_json(line)
    except ValidationError:
        return None


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file that end in a line break. Raises FormatError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FormatError(f"{path}: more than {MAX_BYTES // 2**30} GB, too large for a manifest")
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror or error}") from None
    return content.split(b"\n")[:-1]


def is_inside(path: str) -> bool:
    """Whether a path of a manifest stays below the batch's folder."""
    pure = PurePosixPath(path)
    return bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts and "\\" not in path


def sha256(path: Path) -> str:
    """The SHA-256 of a file. Raises OSError."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()
