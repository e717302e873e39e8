"""The model files that the simulator says it has. There are no such files: nothing here runs a model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from .release import FOLDERS

Models = Mapping[str, Iterable[str]] | Literal["any"] | None
"""See `Simulator`: None for the well-known files, the names that some folders are to hold instead, or ``"any"``."""

_FILE: Final = Path(__file__).with_name("model_files.json")


class ModelFiles:
    """The names by folder.

    Attributes:
        chosen: somebody said which files there are.
        open: any name is taken (``models="any"``).
    """

    def __init__(self, models: Models = None) -> None:
        self.chosen = models is not None
        self.open = models == "any"
        self._names: dict[str, list[str]] = {folder: list(_known().get(folder, ())) for folder in FOLDERS}
        if isinstance(models, Mapping):
            for folder, names in models.items():
                if folder not in self._names:
                    raise ValueError(f"models: no model folder {folder!r}; there are: {', '.join(FOLDERS)}")
                if isinstance(names, str):
                    raise TypeError(f"models[{folder!r}]: a list of file names, not one string")
                self._names[folder] = sorted(set(names), key=str.lower)

    def __contains__(self, folder: object) -> bool:
        return folder in self._names

    def names(self, folder: str) -> list[str]:
        """The files in a folder; empty for an unknown one."""
        return list(self._names.get(folder, ()))

    def folders(self) -> list[str]:
        """The folders, in the server's order."""
        return list(self._names)


@lru_cache
def _known() -> dict[str, list[str]]:
    names: dict[str, list[str]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return names
