"""Progress on standard error: bars where a person looks, lines where a file or another program does."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from ..batch.watch import Watch
from .guard import Failed
from .interrupts import stop_if_interrupted
from .output import advice_free, console, is_terminal, one_line, say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ..batch.item import Item
    from ..batch.manifest import Row
    from ..client import Client, Event, Job, Result

TEXT_WIDTH: Final = 40
CANCEL_SECONDS: Final = 10.0
ENOUGH: Final = 3
"""Items after which the time that is left can be told."""
WORTH_SAYING: Final = 10.0


def watch(client: Client, job: Job, show: Callable[[Event], None], timeout: float | None) -> Result:
    """Wait for a job and show its events. Ctrl-C, wherever it hits, and the end of the time cancel it and say so."""
    from ..errors import ServerUnreachable, WaitTimeout

    try:
        return client.watch(job, progress=show, timeout=timeout)
    except ServerUnreachable as error:
        raise Failed(f"{advice_free(str(error))}; the job, if it is still there, is {job.prompt_id}") from error
    except WaitTimeout as error:
        limit = "was not done in" if error.kind == "total" else "said nothing for"
        raise Failed(f"the job {limit} {error.seconds:g} s: {_cancelled(job)}") from error


def _cancelled(job: Job) -> str:
    from ..errors import ComfyError

    try:
        return "cancelled" if job.cancel(timeout=CANCEL_SECONDS) else "it had ended by then"
    except ComfyError as error:
        return f"it could not be cancelled: {one_line(str(error))}"


@contextmanager
def job_bar(title: str, *, shown: bool) -> Iterator[Callable[[Event], None]]:
    """A bar for one job: how far it is, for how long, and what it does."""
    if not shown or not is_terminal(sys.stderr):
        yield _ignore
        return
    from ..client.progress import describe

    with _progress(transient=True) as bar:
        task = bar.add_task(title, total=1.0, doing="sending")

        def show(event: Event) -> None:
            stop_if_interrupted()
            _update(bar, task, event.fraction, describe(event))

        yield show


def _ignore(event: Event) -> None:
    del event
    stop_if_interrupted()


def _progress(*, transient: bool = False) -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[doing]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
        console=console(),
        transient=transient,
    )


def _update(bar: Progress, task: TaskID, fraction: float, text: str | None) -> None:
    more: dict[str, Any] = {} if text is None else {"doing": one_line(text, TEXT_WIDTH)}
    bar.update(task, completed=fraction, **more)


class Attentive(Watch):
    """Says nothing, and sees a Ctrl-C that got lost."""

    def starts(self, item: Item) -> None:
        stop_if_interrupted()

    def tells(self, item: Item, event: Event) -> None:
        stop_if_interrupted()


class BatchLines(Attentive):
    """A line per item that has ended."""

    def begins(self, total: int, whole: int) -> None:
        super().begins(total, whole)
        if whole:
            say(f"{whole} of {total} items are whole already")

    def ends(self, row: Row) -> None:
        super().ends(row)
        said = f"failed: {one_line(row.error or '')}" if row.status == "failed" else f"{row.seconds or 0:.1f} s"
        say(f"[{self.done + self.failed}/{self.total}] {row.folder} {said}")


class BatchBars(Attentive):
    """One bar for the whole and one for the item that runs; an item that fails gets a line above them."""

    def __init__(self, bar: Progress) -> None:
        super().__init__()
        self._bar = bar
        self._all = bar.add_task("", total=None, doing="")
        self._one = bar.add_task("", total=1.0, doing="")
        self._whole, self._began = 0, 0.0

    def begins(self, total: int, whole: int) -> None:
        super().begins(total, whole)
        self._whole, self._began = whole, time.monotonic()
        self._show(f"{whole} were whole already" if whole else "")

    def starts(self, item: Item) -> None:
        super().starts(item)
        self._bar.reset(self._one, description=item.folder, doing="sending")

    def tells(self, item: Item, event: Event) -> None:
        from ..client.progress import describe

        super().tells(item, event)
        _update(self._bar, self._one, event.fraction, describe(event))

    def ends(self, row: Row) -> None:
        super().ends(row)
        if row.status == "failed":
            self._bar.console.print(f"{row.folder} failed: {one_line(row.error or '')}")
        said = [f"{self.failed} failed"] if self.failed else []
        ended, all_left = self.done + self.failed - self._whole, self.total - self.done - self.failed
        seconds = (time.monotonic() - self._began) / ended * all_left
        if ended >= ENOUGH and seconds >= WORTH_SAYING:
            said.append(f"about {timedelta(seconds=round(seconds))} left")
        self._show(", ".join(said))

    def _show(self, doing: str) -> None:
        ended = self.done + self.failed
        counted = f"{ended:>{len(str(self.total))}}/{self.total}"
        self._bar.update(self._all, total=self.total, completed=ended, description=counted, doing=doing)
        self._bar.update(self._one, visible=ended < self.total)


@contextmanager
def batch_bars(*, shown: bool) -> Iterator[Watch]:
    """What a batch is watched by."""
    if not shown:
        yield Attentive()
    elif not is_terminal(sys.stderr):
        yield BatchLines()
    else:
        with _progress() as bar:
            yield BatchBars(bar)
