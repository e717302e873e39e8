"""``comfygraph check``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ..definitions import ByFile, ByRelease, ByServer
from ..guard import PROBLEMS
from ..output import print_problems, show

if TYPE_CHECKING:
    from ...problems import Problem

NEEDS_ARGUMENTS = True


def command(
    what: Annotated[
        str, typer.Argument(metavar="FILE|PRESET", help="A workflow: JSON of either format, or a picture.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as a JSON list.")] = False,
    server: ByServer = None,
    definitions: ByFile = None,
    release: ByRelease = None,
) -> None:
    """Say all that is wrong with a workflow, before a server is asked to run it.

    Without --server or --definitions it is checked by the definitions that come with comfygraph, and then no model file
    is looked for. Exit code 1 when an error stands; warnings alone are 0.
    """
    from ..definitions import definitions as chosen
    from ..sources import find

    catalogue, by = chosen(server, definitions, release)
    source = find(what, catalogue)
    graph = source.build({})
    notes: list[Problem] = []
    if server is not None or definitions is not None:
        graph, notes = graph.fit(catalogue)  # as `run` sends it there
    problems = [*graph.check(catalogue), *notes]
    if as_json:
        show(json.dumps([problem.to_dict() for problem in problems], indent=2))
    elif problems:
        print_problems(problems)
    else:
        count = len(graph)
        show(f"{source.name}: no problems in {count} node{'s' if count != 1 else ''}, by {by}")
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(PROBLEMS)
