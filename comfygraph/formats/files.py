"""Workflow files: what a file holds is told by its content, not by its name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import FormatError

if TYPE_CHECKING:
    from ..definition import NodeDef

MAX_BYTES: Final = 64 * 2**20  # the largest official template has 0.3 MB


def load(path: Path, catalogue: Mapping[str, NodeDef] | None = None) -> Mapping[str, Any]:
    """The API-format dict of a file: API JSON, the editor's JSON, or a picture or video that carries either.

    Raises:
        FormatError: the file cannot be read, or holds no workflow; one line that says why.
    """
    content = _read(path)
    try:
        return prompt_of(content, catalogue)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error.__cause__


def prompt_of(content: bytes, catalogue: Mapping[str, NodeDef] | None = None) -> Mapping[str, Any]:
    """The API-format dict in a file's content. Raises FormatError."""
    from . import api, workflow

    data = _decode(content)
    if api.is_editor_format(data) or workflow.is_workflow(data):
        if catalogue is None:
            from ..catalogue import Catalogue

            catalogue = Catalogue.bundled()
        return workflow.to_api(data, catalogue)
    if isinstance(data, Mapping):
        return data
    raise FormatError("this is JSON, and no workflow: a workflow is an object")


def _decode(content: bytes) -> Any:
    """The JSON of a file, or the JSON that a picture carries: what was run (``prompt``) before what was drawn
    (``workflow``).
    """
    if (
        content[:1].lstrip() in (b"{", b"[")
        or content[:64].lstrip()[:1] in (b"{", b"[")
        or content[:3] == b"\xef\xbb\xbf"
    ):
        return parse(content, "the file")
    from . import png

    carried = png.metadata(content)
    for key in ("prompt", "workflow"):
        if key in carried:
            return parse(carried[key], f"its {key!r} metadata")
    if carried or png.is_media(content):
        raise FormatError("the file carries no workflow: it was not saved by ComfyUI, or its metadata was removed")
    if not content.strip():
        raise FormatError("the file is empty")
    raise FormatError("neither JSON nor a picture or video that ComfyUI saved, so no workflow")


def parse(text: bytes | str, what: str) -> Any:
    """JSON text as data. Raises FormatError naming line and column."""
    try:
        return json.loads(text if isinstance(text, str) else text.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise FormatError(f"{what} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError:
        raise FormatError(f"{what} is not JSON: it is not UTF-8 text") from None
    except RecursionError:
        raise FormatError(f"{what} is JSON nested too deeply to be a workflow") from None


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise FormatError(
                f"{path}: {size / 2**20:.0f} MB; comfygraph reads workflows of at most {MAX_BYTES // 2**20} MB"
            )
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror or error}") from None
