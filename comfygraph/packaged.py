"""Definition files that comfygraph wrote itself: one record a line, so that only those that are used get parsed."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Final

from .catalogue import Catalogue
from .errors import DefinitionError

FILE: Final = "definitions.json"
"""The definitions in a package that `generator.write_package` made."""


def read_definitions(path: Path, *, release: str | None = None) -> Catalogue:
    """The catalogue in such a file. It knows neither the files nor the devices of any server: those inputs are open.

    Args:
        path: a file that the generator wrote: ``nodes/comfyui-*.json``, ``definitions.json`` of a generated package.
        release: the ComfyUI release that it is of, if it is of one.

    Raises:
        DefinitionError: the file cannot be read, or is something else.
    """
    lines: dict[str, str] = {}
    key = json.JSONDecoder()
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.startswith('"'):
                    name, end = key.raw_decode(line)
                    lines[name] = line[end + 2 :].rstrip(",\n")
    except (OSError, ValueError) as error:
        raise DefinitionError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not lines:
        raise DefinitionError(f"{path}: no node definitions in it, or not written by comfygraph")
    return Catalogue(lines=lines, release=release, open_files=True)


@lru_cache(maxsize=32)
def package_definitions(module_file: str) -> Catalogue:
    """The definitions beside a generated package's ``__init__.py``, read once."""
    return read_definitions(Path(module_file).with_name(FILE))
