"""``comfygraph run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..guard import Failed
from ..interrupts import stop_if_interrupted
from ..output import one_line, put, say, show
from ..servers import ServerOption, connect

if TYPE_CHECKING:
    from ...client import Result
    from ...graph import Graph

NEEDS_ARGUMENTS = True


def command(
    what: Annotated[
        str,
        typer.Argument(metavar="PRESET|FILE", help="flux-schnell, flux-dev, sdxl; or a workflow: JSON, or a picture."),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A setting: prompt=…, 3.seed=7, KSampler.steps=8. Repeatable."
        ),
    ] = None,
    server: ServerOption = None,
    out: Annotated[
        str, typer.Option("--out", metavar="DIR", help="Where the files go: a folder, or a URL that fsspec knows.")
    ] = "output",
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Longest wait for the job.")
    ] = None,
    previews: Annotated[bool, typer.Option("--previews", help="Save temporary previews too.")] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show no progress bar.")] = False,
) -> None:
    """Run a preset or a workflow on a server, and bring its files home.

    The files' names go to standard output, one a line.

    Values are JSON where they are JSON, else text; name=@file takes the value from a file, and sends the file for an
    input that loads one. An input of a workflow is named by node id, class or title: 3.seed, KSampler.seed, "My
    sampler.seed"; or alone, where one node only has it.
    """
    from ..sources import find, single_values

    source = find(what)
    values = single_values(source, settings or [])
    graph = source.build(values)
    check_folder(out)
    with connect(server) as client:
        result = run(client, graph, source.name, timeout=timeout, progress=not no_progress)
        save(result, out, previews=previews)


def run(client: object, graph: Graph, title: str, *, timeout: float | None, progress: bool) -> Result:
    """Send a graph and wait for it, with a bar; warnings are said, partner nodes first."""
    from ...batch.item import seed_of
    from ...client import Client, PartnerNodeWarning
    from ...errors import GraphError
    from ..bars import job_bar, watch

    assert isinstance(client, Client)
    graph, notes = graph.fit(client.catalogue())
    problems = graph.check(client.catalogue())
    if any(problem.severity == "error" for problem in problems):
        raise GraphError([*problems, *notes])
    for problem in (*problems, *notes):
        hint = f" ({problem.hint})" if problem.hint and problem.code != "partner_node" else ""
        say(f"warning: {one_line(problem.message)}{hint}")
    import warnings

    with warnings.catch_warnings(), job_bar(title, shown=progress) as bar:
        warnings.simplefilter("always", PartnerNodeWarning)
        stop_if_interrupted()
        job = client.submit(graph)
        result = watch(client, job, bar, timeout)
    if progress:
        seed = seed_of(graph.to_api(check=False))
        used = f", seed {seed}" if isinstance(seed, int) else ""
        say(f"{title}: done in {result.seconds:.1f} s on the server{used}{', cached' if result.cached else ''}")
    return result


def save(result: Result, out: str | Path, *, previews: bool) -> None:
    """Bring the files home and print their names, and what nodes showed as text."""
    if not result.files and result.previews and not previews and not result.texts:
        raise Failed("the run made temporary previews only: --previews saves them, or use a SaveImage in the workflow")
    paths = result.save(out, previews=previews) if result.files or (previews and result.previews) else []
    for path in paths:
        put(str(path))
    for text in result.texts:
        show(text)
    if not paths and not result.texts:
        raise Failed("the run made no file and no text")


def check_folder(out: str | Path) -> None:
    """See that a folder can be written to, or made: better now than after ten minutes of sampling. A URL is let through.

    Raises:
        Failed: it cannot.
    """
    import os

    from ...client.saving import is_url

    if is_url(out):
        return
    place = Path(out).expanduser()
    if place.exists() and not place.is_dir():
        raise Failed(f"{out}: a file is there, and no folder")
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise Failed(f"{out}: the folder cannot be made: {place} is a file")
    if not os.access(place, os.W_OK | os.X_OK):
        raise Failed(f"{out}: cannot be written to: no permission")
