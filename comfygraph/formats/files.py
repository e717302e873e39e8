"""Workflow files: what a file holds is told by its content, not by its name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import FormatError
from . import api

if TYPE_CHECKING:
    from ..definition import NodeDef
    from ..graph import Entry

MAX_BYTES: Final = 64 * 2**20  # of JSON; the largest official template has 0.3 MB
_BOM: Final = b"\xef\xbb\xbf"


def load(path: Path, catalogue: Mapping[str, NodeDef] | None = None) -> dict[str, Entry]:
    """The graph's table in a file: API JSON, the editor's JSON, or a picture, video or sound that carries either.

    Raises:
        FormatError: the file cannot be read, or holds no workflow; one line that says why.
    """
    with _naming(path):
        return api.read(to_api(_content(path), catalogue))


def subgraph_names(path: Path) -> dict[str, str]:
    """The names of an editor file's subgraphs, by the id that the ids of their nodes begin with; none for other files.

    Raises:
        FormatError: the file cannot be read.
    """
    from .python_groups import names_in

    with _naming(path):
        return names_in(_content(path))


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """What cannot be read is told as a FormatError that names the file."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error.__cause__
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise FormatError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def to_api(data: Any, catalogue: Mapping[str, NodeDef] | None = None) -> Mapping[str, Any]:
    """Decoded JSON in either format as an API-format dict. Raises FormatError."""
    from . import workflow
    from .editor import with_original_ids

    if workflow.is_workflow(data):
        if catalogue is None:
            from ..catalogue import Catalogue

            catalogue = Catalogue.bundled()
        # What `Graph.to_workflow` wrote keeps the ids that the editor has no place for, such as "sampler".
        return with_original_ids(workflow.to_api(data, catalogue), data)
    if isinstance(data, Mapping):
        return data
    raise FormatError("this is JSON, and no workflow: a workflow is an object")


def _content(path: Path) -> Any:
    """The JSON of a file, or the JSON that a picture carries: what was run (``prompt``) before what was drawn (``workflow``)."""
    from . import png

    with path.open("rb") as file:
        start = file.read(64)
        if not png.is_media(start):
            file.seek(0)
            return _json_file(start, file.read(MAX_BYTES + 1))
    carried = png.metadata(path)
    for key in ("prompt", "workflow"):
        if key in carried:
            return _as_sent(parse(carried[key], f"its {key!r} metadata"))
    raise FormatError("the file carries no workflow: it was not saved by ComfyUI, or its metadata was removed")


def _as_sent(data: Any) -> Any:
    """Without what the server noted in the nodes while it ran them: ``is_changed``, for its cache."""
    nodes: list[Any] = list(data.values()) if isinstance(data, dict) else []
    for node in nodes:
        if isinstance(node, dict):
            node.pop("is_changed", None)
    return data


def _json_file(start: bytes, content: bytes) -> Any:
    if len(content) > MAX_BYTES:
        raise FormatError(f"more than {MAX_BYTES // 2**20} MB, too large for a workflow")
    if not content.strip():
        raise FormatError("the file is empty")
    if start.removeprefix(_BOM).lstrip()[:1] not in (b"{", b"["):
        raise FormatError("neither JSON nor a picture, video or sound that ComfyUI saved, so no workflow")
    return parse(content, "the file")


def parse(text: bytes | str, what: str) -> Any:
    """JSON text as data. Raises FormatError naming line and column."""
    try:
        return json.loads(text if isinstance(text, str) else text.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise FormatError(f"{what} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError:
        raise FormatError(f"{what} is not JSON: it is not UTF-8 text") from None
    except (RecursionError, ValueError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FormatError(f"{what} is no JSON that a workflow has: {reason}") from None
