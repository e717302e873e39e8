"""Definition files that comfygraph wrote itself: one record a line, so that only the records that are used get
parsed.
"""

from __future__ import annotations

from pathlib import Path

from .catalogue import Catalogue
from .errors import DefinitionError


def read_definitions(path: Path, *, release: str | None = None) -> Catalogue:
    """The catalogue in such a file. It knows neither the files nor the devices of any server: those inputs are open.

    Args:
        path: a file that the generator wrote (``nodes/comfyui-*.json``, ``definitions.json`` of a generated package).
        release: the ComfyUI release that it is of, if it is of one.

    Raises:
        DefinitionError: the file cannot be read.
    """
    lines: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                name, colon, text = line.partition('": ')
                if colon:
                    lines[_key(name)] = text.rstrip(",\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DefinitionError(f"{path}: cannot be read: {reason}") from None
    return Catalogue(lines=lines, release=release, open_files=True)


def _key(text: str) -> str:
    """The key that a line starts with; its opening quote is still there, its closing one is not."""
    if "\\" not in text:
        return text[1:]
    import json

    return str(json.loads(text + '"'))
