"""``comfygraph diff``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..definitions import ByFile, ByRelease, ByServer
from ..guard import PROBLEMS
from ..output import show

NEEDS_ARGUMENTS = True


def command(
    before: Annotated[str, typer.Argument(metavar="A", help="A workflow file of any format, or a preset.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the differences as a JSON list.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when there are differences.")] = False,
    server: ByServer = None,
    definitions: ByFile = None,
    release: ByRelease = None,
) -> None:
    """Say what changed between two workflows, by node and input.

    Their formats may differ: JSON of the API or of the editor, a picture that carries either.
    """
    from ...formats.diff import diff, render
    from ..definitions import definitions as chosen
    from ..sources import find

    catalogue, _ = chosen(server, definitions, release)
    found = diff(find(before, catalogue).build({}), find(after, catalogue).build({}), catalogue)
    show(json.dumps([difference.to_dict() for difference in found], indent=2) if as_json else render(found))
    if exit_code and found:
        raise typer.Exit(PROBLEMS)
