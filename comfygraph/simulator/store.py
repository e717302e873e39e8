"""The simulator's folders: input, output and temp below one root. No name that a client sends leads out of them.

The rules are the server's: folder_paths.py ``get_save_image_path`` and ``annotated_filepath``, server.py ``image_upload`` and
``view_image``; traces upload_image_endpoints, upload_raw_traversal, view_endpoints.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

KINDS: Final = ("input", "output", "temp")
MAX_REMEMBERED: Final = 1000  # file names whose last number is kept in mind
_NOTED: Final = re.compile(r"\[(input|output|temp)\]$")


class OutsideError(ValueError):
    """A name that leads out of the folder it belongs in."""


class Store:
    """The three folders.

    Args:
        root: an existing folder; the three are made below it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.folders: dict[str, Path] = {kind: self.root / kind for kind in KINDS}
        for folder in self.folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        self._last: dict[tuple[Path, str], tuple[int, Path]] = {}

    def inside(self, kind: str, *parts: str) -> Path:
        """A path below one of the folders.

        Raises:
            KeyError: no such folder.
            OutsideError: it would lie elsewhere.
        """
        folder = os.fspath(self.folders[kind])
        if any("\0" in part for part in parts):
            raise OutsideError("a name with a null byte")
        path = os.path.normpath(os.path.join(folder, *parts))  # noqa: PTH118 - a third of a request's time as Paths
        # A link that something put there must not lead out either.
        if not _below(path, folder) or (_linked(path, folder) and not _below(os.path.realpath(path), folder)):
            raise OutsideError(f"{'/'.join(parts)!r} leads out of the {kind} folder")
        return Path(path)

    def find(self, name: str, default: str = "input") -> Path:
        """The file that a node means by ``"NAME"``, ``"a/b/NAME"`` or ``"NAME [output]"``; it may not exist."""
        plain, kind = annotated(name)
        return self.inside(kind or default, plain)

    def exists(self, name: str, default: str = "input") -> bool:
        """Whether `find` would find a file."""
        try:
            return self.find(name, default).is_file()
        except (ValueError, OSError):
            return False

    def names(self, kind: str, extensions: Iterable[str] = ()) -> list[str]:
        """The files right in a folder, sorted; only those with one of the extensions when some are given."""
        wanted = tuple(extensions)
        with os.scandir(self.folders[kind]) as entries:
            found = [entry.name for entry in entries if entry.is_file()]
        return sorted(name for name in found if not wanted or name.lower().endswith(wanted))

    def place(
        self, kind: str, prefix: str, width: int, height: int, *, restart: bool = False
    ) -> tuple[Path, str, int, str]:
        """Where a saving node puts its files: (folder, name, number of the first, subfolder as the server names it).

        Args:
            kind: ``"output"`` or ``"temp"``.
            prefix: the node's filename_prefix, with ``%width%``-like tokens.
            restart: count from 1 again, whatever is there (see `Faults.reuse_filename`).

        Raises:
            OutsideError: the prefix leads out of the folder.
        """
        wanted = os.path.normpath(expand(prefix, width, height))
        subfolder, _, name = wanted.replace(os.sep, "/").rpartition("/")
        folder = self.inside(kind, subfolder)
        folder.mkdir(parents=True, exist_ok=True)
        if restart:
            return folder, name, 1, subfolder
        return folder, name, self._next_number(folder, name), subfolder

    def saved(self, folder: Path, name: str, number: int, path: Path) -> None:
        """Remember the last file that was saved under a name, so that the folder need not be read for the next one."""
        if len(self._last) >= MAX_REMEMBERED:
            self._last.clear()
        self._last[folder, name] = (number, path)

    def _next_number(self, folder: Path, name: str) -> int:
        """The highest number of a "NAME_NUMBER_…" that is there, plus one."""
        number, path = self._last.get((folder, name), (0, None))
        head = f"{name}_{number:05}_"
        if path is not None and path.name.startswith(head) and path.exists():
            following = folder / f"{name}_{number + 1:05}_{path.name[len(head) :]}"
            if not following.exists():
                return number + 1
        pattern = re.compile(re.escape(name) + r"_(\d+)", re.IGNORECASE if os.name == "nt" else 0)
        with os.scandir(folder) as entries:
            return max((int(match[1]) for entry in entries if (match := pattern.match(entry.name))), default=0) + 1


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _linked(path: str, folder: str) -> bool:
    """Is a link on the way from the folder, which is a real one, to the path?"""
    while path != folder:
        if os.path.islink(path):  # noqa: PTH114
            return True
        path = os.path.dirname(path)  # noqa: PTH120
    return False


def annotated(name: str) -> tuple[str, str | None]:
    """``"x.png [output]"`` -> ``("x.png", "output")``; without a note the second is None."""
    found = _NOTED.search(name)
    if found is None:
        return name, None
    # The server cuts off the note and one character before it, whatever that is.
    return name[: max(0, found.start() - 1)], found[1]


def expand(prefix: str, width: int, height: int) -> str:
    """Fill in the tokens that a filename_prefix may hold."""
    if "%" not in prefix:
        return prefix
    now = time.localtime()
    tokens = {
        "width": str(width),
        "height": str(height),
        "year": str(now.tm_year),
        "month": f"{now.tm_mon:02}",
        "day": f"{now.tm_mday:02}",
        "hour": f"{now.tm_hour:02}",
        "minute": f"{now.tm_min:02}",
        "second": f"{now.tm_sec:02}",
    }
    for token, value in tokens.items():
        prefix = prefix.replace(f"%{token}%", value)
    return prefix
