"""``comfygraph check``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..guard import PROBLEMS, USAGE, Failed
from ..output import print_problems, show
from ..servers import connect

if TYPE_CHECKING:
    from ...catalogue import Catalogue

NEEDS_ARGUMENTS = True


def command(
    what: Annotated[
        str, typer.Argument(metavar="FILE|PRESET", help="A workflow: JSON of either format, or a picture.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as a JSON list.")] = False,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="Check by this server's nodes and model files.")
    ] = None,
    definitions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Check by a saved answer of /object_info (JSON, or gzip).")
    ] = None,
    release: Annotated[str | None, typer.Option(metavar="VERSION", help="Check by this ComfyUI release.")] = None,
) -> None:
    """Say all that is wrong with a workflow, before a server is asked to run it.

    Without --server or --definitions it is checked by the definitions that come with comfygraph, and then no model file
    is looked for. Exit code 1 when an error stands; warnings alone are 0.
    """
    catalogue, by = _definitions(server, definitions, release)
    from ..sources import find

    source = find(what, catalogue)
    graph = source.build({})
    problems = graph.check(catalogue)
    if as_json:
        show(json.dumps([problem.to_dict() for problem in problems], indent=2))
    elif problems:
        print_problems(problems)
    else:
        count = len(graph)
        show(f"{source.name}: no problems in {count} node{'s' if count != 1 else ''}, by {by}")
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(PROBLEMS)


def _definitions(server: str | None, file: Path | None, release: str | None) -> tuple[Catalogue, str]:
    from ...catalogue import RELEASES, Catalogue

    given = [name for name, value in {"--server": server, "--definitions": file, "--release": release}.items() if value]
    if len(given) > 1:
        raise Failed(f"{' and '.join(given)}: give one of them", USAGE)
    if server is not None:
        with connect(server) as client:
            return client.catalogue(), f"the nodes and files of {client.url}"
    if file is not None:
        return Catalogue.from_file(file), f"the definitions in {file}"
    release = release or RELEASES[0]
    if release not in RELEASES:
        raise Failed(f"--release: there are {', '.join(RELEASES)}", USAGE)
    return Catalogue.bundled(release), f"ComfyUI {release}"
