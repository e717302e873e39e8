"""A batch's folder while it is written: one folder per item, the manifest, and a journal of what is under way.

An item is kept in three steps, each of which may be the last: the journal says which files it has (they lie whole in
``.0000.part``), the files get their names in ``0000``, the manifest gets its row. Whoever opens the folder next ends what
the journal says was begun. The journal is gone when everything is done.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, cast

from ..client.names import numbered
from ..client.saving import folder as make_folder
from ..errors import OutputError
from .manifest import NAME, Row, SavedFile, is_inside, row_of, sha256, whole_lines

JOURNAL: Final = ".journal.jsonl"


class Sent:
    """A job that was sent for an item, by the journal."""

    def __init__(self, prompt_id: str, digest: str) -> None:
        self.prompt_id = prompt_id
        self.digest = digest


class Store:
    """The folder of a batch, open for one writer.

    Args:
        path: the folder; made if it is not there.
        resume: go on with the batch that is in it. Otherwise there must be none.

    Attributes:
        rows: what is in the manifest and whole, by item.
        resumed: it was opened to go on with what is in it.
        sent: jobs that were sent and of which nothing is in the manifest, by item.

    Raises:
        OutputError: it cannot be written to, another process writes to it, or there is a batch in it and `resume` is False.
    """

    def __init__(self, path: str | Path, *, resume: bool = False) -> None:
        self.path = make_folder(path)
        self.resumed = resume
        self.rows: dict[int, Row] = {}
        self.sent: dict[int, Sent] = {}
        self._lock = threading.Lock()
        manifest = self.path / NAME
        if not resume and manifest.exists() and manifest.stat().st_size:
            raise OutputError(
                f"{self.path}: there is a batch in it; --resume goes on with it, another --out begins anew"
            )
        self._claim = _claim(self.path)
        self._manifest = _open(manifest)
        self._journal = _open(self.path / JOURNAL)
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        self._journal.close()
        self._manifest.close()
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def finish(self) -> None:
        """Everything is done: the journal is of no more use."""
        (self.path / JOURNAL).unlink(missing_ok=True)

    # -- writing ------------------------------------------------------------------------------------------------------

    def note_sent(self, item: int, prompt_id: str, digest: str) -> None:
        """A job was sent for an item: whoever comes next looks for it before sending another."""
        with self._lock:
            _append(self._journal, json.dumps({"item": item, "sent": prompt_id, "digest": digest}), sync=False)

    def part(self, name: str) -> Path:
        """A fresh folder for the files of an item, until they are whole."""
        path = self.path / f".{name}.part"
        shutil.rmtree(path, ignore_errors=True)
        return make_folder(path)

    def keep(self, row: Row, part: Path, paths: Sequence[Path]) -> Row:
        """Keep an item: its files get their names, then the manifest gets its row.

        Args:
            row: without its files.
            part: what `part` gave.
            paths: its files there, whole.

        Returns:
            The row with its files.

        Raises:
            OutputError: they cannot be written.
        """
        try:
            home = make_folder(self.path / row.folder)
            files: list[SavedFile] = []
            for path in paths:
                name = _free(path.name, home)
                if name != path.name:
                    path = path.rename(part / name)
                _sync(path)
                files.append(SavedFile(path=f"{row.folder}/{name}", bytes=path.stat().st_size, sha256=sha256(path)))
            kept = row.model_copy(update={"files": tuple(files)})
            with self._lock:
                _append(self._journal, json.dumps({"row": kept.model_dump(mode="json")}), sync=True)
            if not self._settle(kept):
                raise OutputError(f"{self.path}: the files of item {row.folder} changed while they were saved")
            self._add(kept)
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"{self.path}: cannot be written to: {error.strerror or error}") from error
        return kept

    def fail(self, row: Row, *, forget: bool = True) -> None:
        """Note an item that failed.

        Args:
            row: why.
            forget: its job is of no use to whoever resumes; False where only the way back failed.
        """
        try:
            if forget:
                with self._lock:
                    _append(self._journal, json.dumps({"item": row.item, "forget": True}), sync=False)
            self._add(row)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written to: {error.strerror or error}") from error

    def _add(self, row: Row) -> None:
        with self._lock:
            _append(self._manifest, row.line(), sync=True)
            self.rows[row.item] = row

    def _settle(self, row: Row) -> bool:
        """Give the files of a row their names; whether all of them are whole then."""
        part = self.path / f".{row.folder}.part"
        for file in row.files:
            if file.is_whole(self.path):
                continue
            name = file.path.rpartition("/")[2]
            if not is_inside(file.path) or not SavedFile(
                path=f"{part.name}/{name}", bytes=file.bytes, sha256=file.sha256
            ).is_whole(self.path):
                return False
            make_folder(self.path / row.folder)
            (part / name).replace(self.path / file.path)
        _sync(self.path / row.folder)
        shutil.rmtree(part, ignore_errors=True)
        return True

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Take in what is there, end what was begun, and write the manifest anew without what is not whole."""
        lines = whole_lines(self.path / NAME)
        found = [row for line in lines if (row := row_of(line)) is not None]
        for row in found:
            if row.item not in self.rows and row.is_whole(self.path):
                self.rows[row.item] = row
        saved: dict[int, Row] = {}
        for line in whole_lines(self.path / JOURNAL):
            self._take(line, saved)
        recovered = [row for item, row in saved.items() if item not in self.rows and self._settle(row)]
        for row in recovered:
            self.rows[row.item] = row
        for item in self.rows:
            self.sent.pop(item, None)
        for row in found:
            if row.item not in self.rows:
                self._discard(row)
        whole = b"".join(line + b"\n" for line in lines)
        kept = "".join(row.line() + "\n" for row in self.rows.values()).encode("utf-8", "surrogatepass")
        if kept != whole or (self.path / NAME).stat().st_size != len(whole):
            self._rewrite(kept)

    def _take(self, line: bytes, saved: dict[int, Row]) -> None:
        try:
            data: Any = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(data, dict):
            return
        entry = cast("Mapping[str, Any]", data)
        item = entry.get("item")
        if "row" in entry:
            row = row_of(json.dumps(entry["row"]).encode())
            if row is not None:
                saved[row.item] = row
        elif isinstance(item, int) and isinstance(entry.get("sent"), str):
            self.sent[item] = Sent(entry["sent"], str(entry.get("digest")))
        elif isinstance(item, int) and entry.get("forget"):
            self.sent.pop(item, None)

    def _discard(self, row: Row) -> None:
        """Take away what is left of an item that is not whole: the files of its row and nothing else."""
        for file in row.files:
            if is_inside(file.path):
                with suppress(OSError):
                    (self.path / file.path).unlink()
        with suppress(OSError):
            (self.path / row.folder).rmdir()

    def _rewrite(self, content: bytes) -> None:
        """Another manifest in the place of this one, at once."""
        part = self.path / f".{NAME}.part"
        self._manifest.close()
        try:
            part.write_bytes(content)
            _sync(part)
            part.replace(self.path / NAME)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written to: {error.strerror or error}") from error
        self._manifest = _open(self.path / NAME)


def _open(path: Path) -> BinaryIO:
    """A file to append lines to; what a crash left of its last line is ended, so that it spoils no other."""
    try:
        torn = path.exists() and path.stat().st_size > 0 and not _ends_whole(path)
        file = path.open("ab")
        if torn:
            file.write(b"\n")
            file.flush()
    except OSError as error:
        raise OutputError(f"{path}: cannot be written to: {error.strerror or error}") from error
    return file


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _append(file: BinaryIO, line: str, *, sync: bool) -> None:
    file.write((line + "\n").encode("utf-8", "surrogatepass"))
    file.flush()
    if sync:
        os.fsync(file.fileno())


def _claim(folder: Path) -> int | None:
    """Be the only writer to a folder. The claim ends with the process, however it ends."""
    try:
        import fcntl
    except ImportError:  # a system without it has no claims; two batches in one folder are its user's to avoid
        return None
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be read: {error.strerror or error}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise OutputError(f"{folder}: another comfygraph batch writes to it now") from None
    except OSError:
        pass  # a file system without locks
    return handle


def _free(name: str, folder: Path) -> str:
    """The name, numbered while somebody else's file has it."""
    number, free = 1, name
    while (folder / free).exists():
        number += 1
        free = numbered(name, number)
    return free


def _sync(path: Path) -> None:
    """Have a file or folder on the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
