"""``comfygraph run``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..guard import USAGE, Failed
from ..interrupts import stop_if_interrupted
from ..output import one_line, put, say, show
from ..servers import ServerOption, connect

if TYPE_CHECKING:
    from ...client import Result
    from ...graph import Graph
    from ...problems import Problem
    from ..sources import Source

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
        _say_prompt(source, values)
        result = run(client, graph, source.name, timeout=timeout, progress=not no_progress)
        save(result, out, previews=previews)


def _say_prompt(source: Source, values: Mapping[str, Any]) -> None:
    """A preset that is given no prompt draws its own: say which."""
    from ...presets import settings
    from ..sources import PresetSource

    if not isinstance(source, PresetSource) or "prompt" in values:
        return
    prompt = settings(source.name).get("prompt")
    if prompt is not None:
        say(f"the prompt is {one_line(str(prompt.default))!r}; --set prompt='…' gives another")


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
        say(warning(problem))
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


def warning(problem: Problem) -> str:
    """A problem that stops nothing, in one line."""
    hint = f" ({problem.hint})" if problem.hint and problem.code != "partner_node" else ""
    return f"warning: {one_line(problem.message)}{hint}"


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
    """See that a folder can be written to, or made: better now than after ten minutes of sampling.

    Of a URL it is seen whether there is a file system of that name, and nothing more.

    Raises:
        Failed: it cannot.
    """
    import os
    import tempfile

    from ...client.saving import is_url

    if is_url(out):
        _check_scheme(str(out))
        return
    place = Path(out).expanduser()
    if place.exists() and not place.is_dir():
        raise Failed(f"{out}: a file is there, and no folder", USAGE)
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise Failed(f"{out}: the folder cannot be made: {place} is a file", USAGE)
    if not os.access(place, os.W_OK | os.X_OK):
        raise Failed(f"{out}: cannot be written to: no permission")
    try:
        # /proc and the like say that they can be written to.
        Path(tempfile.mkdtemp(prefix=".comfygraph-", dir=place)).rmdir()
    except OSError as error:
        raise Failed(f"{out}: the folder cannot be made or written to: {error.strerror or error}") from None


def _check_scheme(url: str) -> None:
    """See that fsspec has what a URL needs, ``simplecache::s3://bucket`` included."""
    try:
        from fsspec.registry import (  # type: ignore[import-untyped,unused-ignore]
            get_filesystem_class,
            known_implementations,
        )
    except ImportError:
        raise Failed("saving to a URL needs fsspec: pip install fsspec", USAGE) from None
    for part in url.split("::"):
        scheme = part.partition("://")[0]
        try:
            get_filesystem_class(scheme)
        except ValueError:
            raise Failed(f"{url}: no file system is called {scheme!r}", USAGE) from None
        except ImportError as error:
            known: dict[str, str] = known_implementations.get(scheme, {})
            package = known.get("class", "").partition(".")[0]
            needs = (
                f"needs the package {package}: pip install {package}" if package not in ("", "fsspec") else str(error)
            )
            raise Failed(f"{scheme}:// {needs}", USAGE) from None
