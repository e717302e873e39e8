"""``batch.json``: what a batch was called with, so that ``--resume`` needs no more than the folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from ..errors import FormatError, OutputError

NAME: Final = "batch.json"
MAX_BYTES: Final = 64 * 2**20


class Plan(BaseModel):
    """A batch's call.

    Attributes:
        source: the preset, or the file's whole path.
        settings: each ``--set``, in order.
        seed: the seed that was drawn for a preset that was given none.
        grid: the contact sheet's whole path, if one is wanted.
    """

    comfygraph: int = 1
    source: str
    settings: list[str]
    seed: int | None = None
    grid: str | None = None


def read(folder: Path) -> Plan | None:
    """The plan in a folder, None if there is none. Raises FormatError when it cannot be read."""
    path = folder / NAME
    try:
        if not path.exists():
            return None
        if path.stat().st_size > MAX_BYTES:
            raise FormatError(f"{path}: too large to be the plan of a batch")
        return Plan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValidationError:
        raise FormatError(f"{path}: not the plan of a batch; give another --out") from None


def write(folder: Path, plan: Plan) -> None:
    """Write the plan, whole or not at all. Raises OutputError."""
    from ..client.saving import folder as make_folder

    part = make_folder(folder) / f".{NAME}.part"
    try:
        part.write_text(plan.model_dump_json(indent=2) + "\n", encoding="utf-8")
        part.replace(folder / NAME)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written to: {error.strerror or error}") from error
