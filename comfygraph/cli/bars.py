"""Progress on standard error: bars where a person looks, lines where a file or another program does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from .output import console, is_terminal, one_line, say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ..batch import Item, Row
    from ..client import Client, Event, Job, Result

TEXT_WIDTH: Final = 40


def watch(client: Client, job: Job, show: Callable[[Event], None], timeout: float | None) -> Result:
    """Wait for a job and show its events. Ctrl-C cancels it, wherever it hits, and says so."""
    from ..errors import ComfyError

    try:
        return client.watch(job, progress=show, timeout=timeout)
    except KeyboardInterrupt:
        if not job.done:
            try:
                job.cancel(timeout=10.0)
                say(f"job {job.prompt_id}: cancelled")
            except ComfyError as error:
                say(f"job {job.prompt_id}: could not be cancelled: {error}")
        raise


@contextmanager
def job_bar(title: str, *, shown: bool) -> Iterator[Callable[[Event], None]]:
    """A bar for one job: how far it is, for how long, and what it does."""
    if not shown or not is_terminal(sys.stderr):
        yield _ignore
        return
    from ..client.progress import describe

    with _progress() as bar:
        task = bar.add_task(title, total=1.0, doing="sending")

        def show(event: Event) -> None:
            _update(bar, task, event.fraction, describe(event))

        yield show


def _ignore(event: Event) -> None:
    del event


def _progress() -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[doing]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
        console=console(),
    )


def _update(bar: Progress, task: TaskID, fraction: float, text: str | None) -> None:
    more: dict[str, Any] = {} if text is None else {"doing": one_line(text, TEXT_WIDTH)}
    bar.update(task, completed=fraction, **more)


class BatchLines:
    """A line per item that has ended."""

    def __init__(self) -> None:
        self._total = self._ended = 0

    def begins(self, total: int, whole: int) -> None:
        """See `batch.runner.Watch`; so for the rest."""
        self._total, self._ended = total, whole
        if whole:
            say(f"{whole} of {total} items are whole already")

    def starts(self, item: Item) -> None:
        """Nothing to say."""

    def tells(self, item: Item, event: Event) -> None:
        """Nothing to say."""

    def ends(self, row: Row) -> None:
        """One line."""
        self._ended += 1
        said = f"{row.seconds:.1f} s" if row.seconds is not None else ""
        said = f"failed: {one_line(row.error or '')}" if row.status == "failed" else said
        say(f"[{self._ended}/{self._total}] {row.folder} {said}".rstrip())


class BatchBars:
    """One bar for the whole and one for the item that runs; items that fail get a line above them."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._all: TaskID | None = None
        self._one: TaskID | None = None
        self._failed = 0

    def begins(self, total: int, whole: int) -> None:
        """See `batch.runner.Watch`; so for the rest."""
        said = f"{whole} were whole already" if whole else ""
        self._all = self._bar.add_task(self._counted(whole, total), total=total, completed=whole, doing=said)
        self._one = self._bar.add_task("", total=1.0, doing="", visible=whole < total)

    def starts(self, item: Item) -> None:
        """The second bar is this item's."""
        if self._one is not None:
            self._bar.reset(self._one, description=item.folder, doing="sending")

    def tells(self, item: Item, event: Event) -> None:
        """Move the second bar."""
        from ..client.progress import describe

        if self._one is not None:
            _update(self._bar, self._one, event.fraction, describe(event))

    def ends(self, row: Row) -> None:
        """Move the first bar."""
        if self._all is None:
            return
        more: dict[str, Any] = {}
        if row.status == "failed":
            self._failed += 1
            more["doing"] = f"{self._failed} failed"
            self._bar.console.print(f"{row.folder} failed: {one_line(row.error or '')}")
        self._bar.advance(self._all)
        task = next(task for task in self._bar.tasks if task.id == self._all)
        self._bar.update(self._all, description=self._counted(int(task.completed), int(task.total or 0)), **more)
        if task.finished and self._one is not None:
            self._bar.update(self._one, visible=False)

    @staticmethod
    def _counted(done: int, total: int) -> str:
        return f"{done:>{len(str(total))}}/{total}"


class Silent:
    """Says nothing."""

    def begins(self, total: int, whole: int) -> None:
        """See `batch.runner.Watch`; so for the rest."""

    def starts(self, item: Item) -> None:
        """Nothing to say."""

    def tells(self, item: Item, event: Event) -> None:
        """Nothing to say."""

    def ends(self, row: Row) -> None:
        """Nothing to say."""


@contextmanager
def batch_bars(*, shown: bool) -> Iterator[BatchBars | BatchLines | Silent]:
    """What a batch is watched by."""
    if not shown:
        yield Silent()
    elif not is_terminal(sys.stderr):
        yield BatchLines()
    else:
        with _progress() as bar:
            yield BatchBars(bar)
