"""``comfygraph batch``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..guard import PROBLEMS, USAGE, Failed
from ..interrupts import stop_if_interrupted
from ..output import one_line, say, show
from ..servers import ServerOption, connect
from .run import check_folder, warning

if TYPE_CHECKING:
    from ...batch import Report
    from ...batch.item import Grid
    from ...catalogue import Catalogue
    from ..plans import Plan
    from ..sources import Source

NEEDS_ARGUMENTS = True
MOST_NAMED = 10
MOST_CHECKED = 16


def command(
    what: Annotated[
        str | None,
        typer.Argument(metavar="PRESET|FILE", help="As for run. With --resume it may be left out."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUES",
            help="3.seed=0..99, cfg=5..8..0.5, steps=[4,8], prompt=@prompts.txt; or one value.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A folder for the batch.")] = Path("batch_output"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on: redo nothing that is whole, and all else.")] = False,
    grid: Annotated[
        Path | None, typer.Option("--grid", metavar="FILE.png", help="Write a contact sheet of all the pictures.")
    ] = None,
    server: ServerOption = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Longest wait for each item.")
    ] = None,
    ahead: Annotated[int, typer.Option("--ahead", min=1, max=1000, help="Items to have on the server at once.")] = 4,
    previews: Annotated[bool, typer.Option("--previews", help="Save temporary previews too.")] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Say nothing until the end.")] = False,
) -> None:
    """Run every combination of some settings: DIR/0000/…, DIR/0001/…, and a row for each in DIR/manifest.jsonl.

    The last --set with several values changes fastest. A range has both its ends; @file has a value a line.

    It may be killed at any moment: --resume goes on with what is not whole. An item that fails is noted in the manifest,
    and the rest goes on; the last line and exit code 1 say so.
    """
    source, plan = _planned(what, settings or [], out, resume=resume)
    items = _items(source, plan)
    check_folder(out)
    if grid is not None:
        plan = plan.model_copy(update={"grid": str(grid.expanduser().absolute())})
    elif plan.grid is not None:
        grid = Path(plan.grid)
    if grid is not None:
        _check_grid(grid)
    with connect(server) as client:
        report = _run(
            client, items, out, plan, resume=resume, timeout=timeout, ahead=ahead, previews=previews, quiet=no_progress
        )
    if grid is not None:
        from ...batch import contact_sheet

        contact_sheet(out, grid)
        say(f"contact sheet: {grid}")
    failed = report.failed
    named = ", ".join(row.folder for row in failed[:MOST_NAMED]) + (", …" if len(failed) > MOST_NAMED else "")
    said = f" ({named}; --resume tries again)" if failed else ""
    show(f"{report.done} of {report.total} done, {len(failed)} failed{said}: {out / 'manifest.jsonl'}")
    if failed:
        raise typer.Exit(PROBLEMS)


def _check_grid(grid: Path) -> None:
    from ...batch.sheet import check_target
    from ...errors import OutputError

    try:
        check_target(grid)
    except OutputError as error:
        raise Failed(f"--grid {error}", USAGE) from None
    check_folder(grid.parent)


def _planned(what: str | None, settings: list[str], out: Path, *, resume: bool) -> tuple[Source, Plan]:
    """What is to be run: by the command line, or by the plan of the batch that is resumed."""
    from .. import plans
    from ..sources import PresetSource, find

    stored = plans.read(out)
    if stored is not None and not resume:
        raise Failed(f"{out}: there is a batch in it; --resume goes on with it, another --out begins anew", USAGE)
    if what is None:
        if not resume:
            raise Failed("what shall be run? A preset (flux-schnell, flux-dev, sdxl) or a workflow file", USAGE)
        if stored is None:
            raise Failed(f"{out}: there is no batch in it to resume", USAGE)
        if settings:
            raise Failed("--set with --resume needs the preset or the file too", USAGE)
        return find(stored.source), stored
    source = find(what)
    if stored is not None:
        if stored.source != source.stored or stored.settings != settings:
            was = one_line(" ".join([stored.source, *(f"--set {text}" for text in stored.settings)]), 200)
            raise Failed(f"{out}: the batch in it is another one: {was}; give another --out", USAGE)
        return source, stored
    seed = None
    if isinstance(source, PresetSource):
        from ...presets.seeds import drawn

        seed = drawn(None)
    return source, plans.Plan(source=source.stored, settings=settings, seed=seed)


def _items(source: Source, plan: Plan) -> Grid:
    from ...batch.item import Grid
    from ..axes import axes_of
    from ..settings import bare_list_hint, is_bare_list, parse, usage

    fixed, axes = axes_of(source, plan.settings)
    if not axes:
        bare = next((given for given in parse(plan.settings) if is_bare_list(given.text)), None)
        hint = f" ({bare_list_hint(bare.key, bare.text)})" if bare is not None else ""
        raise usage(f"nothing differs: give one setting several values, such as seed=0..9{hint}")
    if plan.seed is not None and "seed" not in axes:
        fixed.setdefault("seed", plan.seed)

    def build(values: Any) -> Any:
        stop_if_interrupted()  # before each item is sent
        return source.build({**fixed, **values})

    try:
        return Grid(axes, build, fixed=fixed)
    except ValueError as error:
        raise usage(str(error)) from None


def _run(client: Any, items: Grid, out: Path, plan: Plan, *, resume: bool, quiet: bool, **options: Any) -> Report:
    import warnings

    from ...batch import run
    from ...client import PartnerNodeWarning
    from ...errors import ComfyError
    from .. import plans
    from ..bars import batch_bars

    catalogue = client.catalogue()  # a server that is not there leaves no folder behind
    _warn(items, catalogue)
    stop_if_interrupted()
    plans.write(out, plan)
    with warnings.catch_warnings(), batch_bars(shown=not quiet) as watch:
        warnings.simplefilter("once", PartnerNodeWarning)
        try:
            return run(client, items, out, resume=resume, watch=watch, **options)
        except (KeyboardInterrupt, ComfyError):
            if watch.total:
                say(f"{watch.done} of {watch.total} items are whole in {out}; --resume goes on with the rest")
            raise


def _warn(items: Grid, catalogue: Catalogue) -> None:
    """The warnings of the graphs, each once. Every value is looked at, up to a bound, beside the others' first ones."""
    from ...errors import ComfyError

    indices, stride = [0], len(items)
    for values in items.axes.values():
        stride //= len(values)
        indices += [number * stride for number in range(1, min(len(values), MOST_CHECKED))]
    said: set[str] = set()
    for index in indices:
        with suppress(ComfyError):  # what fails is said when its turn comes
            graph, notes = items[index].graph().fit(catalogue)
            for problem in (*graph.check(catalogue), *notes):
                line = warning(problem)
                if problem.severity == "warning" and line not in said:
                    said.add(line)
                    say(line)
