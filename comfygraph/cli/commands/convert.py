"""``comfygraph convert``."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ..definitions import ByFile, ByRelease, ByServer
from ..guard import USAGE, Failed
from ..output import put, say

if TYPE_CHECKING:
    from ...catalogue import Catalogue
    from ...graph import Graph

NEEDS_ARGUMENTS = True
Format = Literal["python", "api", "editor"]
CALLED: Final[dict[Format, str]] = {"python": "a Python program", "api": "API JSON", "editor": "an editor file"}
BY_SUFFIX: Final[dict[str, Format]] = {".py": "python", ".json": "api"}


def command(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A workflow: JSON of the API or the editor, or a picture that carries one."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="What to write: .py or .json; default: standard output."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="FORMAT", help="python, api or editor; default: by --out, else python."),
    ] = None,
    keep_ids: Annotated[bool, typer.Option("--keep-ids", help="Python: give every node its id and its title.")] = False,
    flat: Annotated[
        bool, typer.Option("--flat", help="Python: one build(), the editor's subgraphs not as functions.")
    ] = False,
    server: ByServer = None,
    definitions: ByFile = None,
    release: ByRelease = None,
) -> None:
    """Write a workflow as a Python program, as API JSON, or as a file for ComfyUI's editor.

        comfygraph convert workflow.json -o pipeline.py

    The program's build() makes the same graph, with what people change as its arguments.
    """
    from ...formats.files import subgraph_names
    from ..definitions import definitions as chosen
    from ..sources import FileSource, find

    wanted = _format(to, out)
    catalogue, _ = chosen(server, definitions, release)
    source = find(what, catalogue)
    graph = source.build({})
    if wanted == "python":
        parts = {} if flat or not isinstance(source, FileSource) else subgraph_names(source.path)
        text = graph.to_python(keep_ids=keep_ids, catalogue=catalogue, subgraphs=parts, name=Path(source.name).stem)
    else:
        text = _json(graph, wanted, catalogue)
    if out is None:
        put(text.rstrip("\n"))
        return
    if isinstance(source, FileSource) and out.exists() and out.samefile(source.path):
        raise Failed(f"{out}: it is the workflow itself; write to another file", USAGE)
    _write(out, text)
    put(str(out))
    count = len(graph)
    say(f"{count} node{'s' if count != 1 else ''} as {CALLED[wanted]}")


def _format(to: str | None, out: Path | None) -> Format:
    known: tuple[Format, ...] = ("python", "api", "editor")
    for name in known:
        if to == name:
            return name
    if to is not None:
        raise Failed(f"--to: there are {', '.join(known)}", USAGE)
    if out is None:
        return "python"
    found = BY_SUFFIX.get(out.suffix.lower())
    if found is None:
        raise Failed(f"{out}: what shall it be? Name it .py or .json, or say --to python, api or editor", USAGE)
    return found


def _json(graph: Graph, wanted: Format, catalogue: Catalogue) -> str:
    if wanted == "api":
        return graph.to_json(check=False, indent=2) + "\n"
    return json.dumps(graph.to_workflow(catalogue), indent=2) + "\n"


def _write(target: Path, text: str) -> None:
    """Write a file, whole or not at all. Raises OutputError."""
    import uuid

    from ...client.saving import folder
    from ...errors import OutputError

    if target.is_dir():
        raise Failed(f"{target}: a folder is there", USAGE)
    if target.parent.exists() and not target.parent.is_dir():
        raise Failed(f"{target}: {target.parent} is a file, and no folder", USAGE)
    part = folder(target.parent) / f".{uuid.uuid4().hex}.part"
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
