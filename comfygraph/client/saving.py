"""Files written whole or not at all, and never over another one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any

from ..errors import OutputError
from .ids import new_id
from .names import numbered, safe_name

MOST_NUMBERS = 100_000
MOST_REMEMBERED = 1000
_last: dict[tuple[Path, str], int] = {}
"""The number that was last given to a name in a folder: a server whose output folder is emptied names every picture alike, and
looking for the next free number from 1 on would take longer with each."""
MEDIA_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".exr", ".avif", ".apng"),
    *(".mp4", ".webm", ".mkv", ".mov", ".avi", ".m4v"),
    *(".flac", ".mp3", ".opus", ".wav", ".ogg", ".m4a"),
)
"""What no new folder may end with: see `folder`."""


def folder(path: str | os.PathLike[str]) -> Path:
    """The folder, made if it is not there.

    Raises:
        OutputError: it cannot be made, is a file, or is not there and named like a picture, video or sound: that is
            nearly always meant as the file's own name.
    """
    target = Path(path).expanduser()
    if target.is_dir():
        return target
    if target.suffix.lower() in MEDIA_SUFFIXES and not target.exists():
        raise OutputError(
            f"{target}: save() takes a folder, and this is named like a file: give its folder and name={target.name!r}"
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{target}: the folder cannot be made: {error.strerror or type(error).__name__}") from error
    return target


@contextmanager
def whole_file(directory: Path, name: str) -> Iterator[tuple[RawIOBase, Callable[[], Path]]]:
    """A file to write, and what makes it final: until that is called there is nothing under its name.

    Args:
        directory: an existing folder.
        name: what to call it; made safe, and numbered when it is taken.

    Raises:
        OutputError: it cannot be written.
    """
    safe = safe_name(name)
    part = directory / f".{new_id()}.part"
    try:
        # The chunks are large, or all there is: a buffer would only cost calls of the system.
        file = part.open("xb", buffering=0)
    except OSError as error:
        raise _unwritable(directory, error) from error

    def finish() -> Path:
        try:
            # Not synced to the disk: a killed process loses nothing by that, and each file would cost milliseconds.
            file.close()
            return _settle(part, directory, safe)
        except OSError as error:
            raise _unwritable(directory, error) from error

    try:
        yield file, finish
    finally:
        with contextlib.suppress(OSError):
            file.close()
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write(file: RawIOBase, chunk: bytes, directory: Path) -> None:
    """Write it all, with a full disk as an OutputError."""
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[file.write(rest) or 0 :]
    except OSError as error:
        raise _unwritable(directory, error) from error


def _settle(part: Path, directory: Path, name: str) -> Path:
    """Give the part its name: a link fails when the name is taken, so two writers never meet."""
    key = directory, name
    last = _last.get(key, 0)
    first = last + 1 if last and (directory / numbered(name, last)).exists() else 1
    for number in range(first, first + MOST_NUMBERS):
        target = directory / (name if number == 1 else numbered(name, number))
        try:
            os.link(part, target)
        except FileExistsError:
            continue
        except (OSError, AttributeError):
            # A file system without links: take the name first, then put the file in its place.
            try:
                os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                continue
            part.replace(target)
        if number > 1:
            if len(_last) >= MOST_REMEMBERED:
                _last.clear()
            _last[key] = number
        return target
    raise OutputError(f"{directory / name}: {MOST_NUMBERS} files of this name are there already")


def _unwritable(directory: Path, error: OSError) -> OutputError:
    return OutputError(f"{directory}: cannot be written to: {error.strerror or type(error).__name__}")


def is_url(target: object) -> bool:
    """Is it an address for fsspec (``s3://…``, ``memory://…``), and not a path?"""
    return isinstance(target, str) and "://" in target


def save_url(target: str, name: str, chunks: Iterable[bytes]) -> str:
    """Write to a file system of fsspec, under a temporary name first.

    Args:
        target: the folder's address, such as ``"s3://bucket/run-7"``.
        name: made safe, and numbered when it is taken.
        chunks: the content.

    Returns:
        The file's address.

    Raises:
        OutputError: fsspec is not installed, or does not know or reach it.
    """
    try:
        import fsspec  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise OutputError("saving to a URL needs fsspec: pip install fsspec") from error
    safe = safe_name(name)
    try:
        fs: Any
        base: Any
        fs, base = fsspec.core.url_to_fs(target)
        base = str(base).rstrip("/")
        fs.makedirs(base, exist_ok=True)
        part = f"{base}/.{new_id()}.part"
        try:
            with fs.open(part, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            final = f"{base}/{safe}"
            number = 1
            while fs.exists(final):
                number += 1
                final = f"{base}/{numbered(safe, number)}"
            fs.mv(part, final)
        except BaseException:
            with contextlib.suppress(Exception):
                fs.rm(part)
            raise
        return str(fs.unstrip_protocol(final))
    except OutputError:
        raise
    except Exception as error:
        from ..errors import ComfyError

        if isinstance(error, ComfyError):
            raise
        raise OutputError(f"cannot save there: {type(error).__name__} of fsspec") from error
