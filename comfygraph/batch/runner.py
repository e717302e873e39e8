"""Running a batch: the next jobs are on the server while one runs and the files of those before come home.

What is whole is not run again. A job that was sent before a crash is looked for before it is sent once more, and one that
fails is noted while the rest goes on; only a server that is gone, or a folder that cannot be written to, ends the batch.
"""

from __future__ import annotations

import shutil
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import (
    ComfyError,
    DownloadError,
    GraphError,
    JobError,
    JobLost,
    NotComfyUI,
    OutputError,
    PromptRefused,
    ServerUnreachable,
    Unauthorised,
    WaitTimeout,
)
from .item import Item, digest, seed_of
from .manifest import Row
from .store import Store
from .watch import Watch

if TYPE_CHECKING:
    import os

    from ..client import Client, Job, Result
    from ..graph import Graph

AHEAD: Final = 4
"""Prompts kept on the server. What a killed batch leaves there, the next one takes up."""
DOWNLOADERS: Final = 2
TRIES: Final = 2
"""Times that an item is sent when the server loses it."""
CANCEL_SECONDS: Final = 5.0
PAUSES: Final = (0.5, 2.0)
"""Seconds before a download that failed is tried again."""

_GONE: Final = (ServerUnreachable, Unauthorised, NotComfyUI)


@dataclass
class Report:
    """What came of a batch.

    Attributes:
        total: items in all.
        whole: of them, done before and left alone.
        rows: what was done or failed now, in the order it ended.
    """

    total: int
    whole: int
    rows: list[Row] = field(default_factory=list[Row])

    @property
    def failed(self) -> list[Row]:
        """The items that failed, in their order."""
        return sorted((row for row in self.rows if row.status == "failed"), key=lambda row: row.item)

    @property
    def done(self) -> int:
        """How many items are whole."""
        return self.whole + sum(row.status == "done" for row in self.rows)


@dataclass
class _Task:
    """An item under way."""

    item: Item
    graph: Graph
    prompt: dict[str, Any]
    digest: str
    job: Job | None = None
    tries: int = 0
    attached: bool = False


def run(
    client: Client,
    items: Sequence[Item],
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    ahead: int = AHEAD,
    timeout: float | None = None,
    idle_timeout: float | None = None,
    previews: bool = False,
    watch: Watch | None = None,
    **options: Any,
) -> Report:
    """Run the items of a batch and bring their files home: ``folder/0000/…``, and a row for each in ``manifest.jsonl``.

    Args:
        client: the server.
        items: see `items` and `Grid`.
        folder: made if it is not there.
        resume: go on with the batch in it: what is whole is left alone, all else is done.
        ahead: prompts to have on the server at once, 1 or more.
        timeout, idle_timeout: seconds for each job, from when its turn to be waited for comes; see `Job.wait`.
        previews: save temporary previews too.
        watch: is told what happens.
        options: as in `Client.submit`.

    Returns:
        What came of it. Items that failed are in it and in the manifest; the rest went on.

    Raises:
        ServerUnreachable, Unauthorised, NotComfyUI: the server is gone; what is whole is kept.
        OutputError: the folder cannot be written to, or holds another batch.
        KeyboardInterrupt: Ctrl-C; what is on the server for the batch was cancelled, what is whole is kept.

    Example::

        report = run(client, items(sweep(graph, {(sampler, "seed"): range(100)})), "batch_output")
        print(report.done, [row.error for row in report.failed])
    """
    if ahead < 1:
        raise ValueError("ahead: 1 or more")
    with Store(Path(folder), resume=resume) as store:
        batch = _Batch(client, items, store, watch or Watch(), previews, dict(options))
        return batch.run(ahead, timeout, idle_timeout)


class _Batch:
    def __init__(
        self,
        client: Client,
        items: Sequence[Item],
        store: Store,
        watch: Watch,
        previews: bool,
        options: Mapping[str, Any],
    ) -> None:
        self.client = client
        self.items = items
        self.store = store
        self.watch = watch
        self.previews = previews
        self.options = options
        self.waiting: deque[_Task] = deque()
        self.saving: dict[Future[Row], _Task] = {}
        self.queued: dict[str, str] | None = None
        self.ending = threading.Event()
        _same_batch(items, store)
        self.report = Report(len(items), len(store.rows))

    def run(self, ahead: int, timeout: float | None, idle_timeout: float | None) -> Report:
        todo = (item for item in self.items if item.index not in self.store.rows)
        self.watch.begins(self.report.total, self.report.whole)
        with ThreadPoolExecutor(DOWNLOADERS, "comfygraph-batch") as pool:
            try:
                self._top_up(todo, ahead)
                while self.waiting:
                    task = self.waiting[0]
                    self._wait_for(task, timeout, idle_timeout, pool)
                    self._collect(block=len(self.saving) > ahead)
                    self._top_up(todo, ahead)
                while self.saving:
                    self._collect(block=True)
            except BaseException:
                self.ending.set()
                self._cancel()
                with suppress(ComfyError):
                    while self.saving:
                        self._collect(block=True, ending=True)
                raise
        if not self.report.failed:
            self.store.finish()
        return self.report

    # -- sending ------------------------------------------------------------------------------------------------------

    def _top_up(self, todo: Iterator[Item], ahead: int) -> None:
        while len(self.waiting) < ahead:
            item = next(todo, None)
            if item is None:
                return
            self._begin(item)

    def _begin(self, item: Item) -> None:
        try:
            graph = item.graph()
            prompt = graph.to_api(check=False)
        except ComfyError as error:
            self._failed(Row(item=item.index, folder=item.folder, status="failed", inputs=dict(item.inputs)), error)
            return
        task = _Task(item, graph, prompt, digest(prompt))
        try:
            task.job = self._known(task)
            task.attached = task.job is not None
            if task.job is None:
                self._submit(task)
        except _GONE:
            raise
        except ComfyError as error:
            self._failed(self._row(task, status="failed"), error)
            return
        self.waiting.append(task)

    def _submit(self, task: _Task) -> None:
        task.tries += 1
        task.attached = False
        # What the server has under another name is sent by that: the digest is of what was asked for.
        graph, _ = task.graph.fit(self.client.catalogue())
        task.job = self.client.submit(graph, **self.options)
        self.store.note_sent(task.item.index, task.job.prompt_id, task.digest)

    def _known(self, task: _Task) -> Job | None:
        """The job that an earlier batch sent for this item, if the server still has it.

        One that was sent in the very moment of the crash is in no journal; while it waits, its prompt tells it.
        """
        if self.queued is None:
            # The first item of this process: from here on, what is sent is ours.
            queue = self.client.queue() if self.store.resumed else None
            entries = (*queue.running, *queue.pending) if queue is not None else ()
            self.queued = {digest(entry.prompt): entry.prompt_id for entry in reversed(entries)}
        sent = self.store.sent.pop(task.item.index, None)
        prompt_id = self.queued.pop(task.digest, None)
        if sent is not None and sent.digest == task.digest:
            prompt_id = sent.prompt_id if sent.prompt_id == prompt_id or self._over(sent.prompt_id) else prompt_id
        if prompt_id is None:
            return None
        return self.client.attach({"prompt_id": prompt_id, "prompt": task.prompt})

    def _over(self, prompt_id: str) -> bool:
        """Whether the server has run it, and to its end."""
        entry = self.client.history(prompt_id)
        return entry is not None and entry.ok

    # -- waiting ------------------------------------------------------------------------------------------------------

    def _wait_for(
        self, task: _Task, timeout: float | None, idle_timeout: float | None, pool: ThreadPoolExecutor
    ) -> None:
        """Wait for the first job in line; it leaves the line when it has ended."""
        job = task.job
        assert job is not None
        self.watch.starts(task.item)
        try:
            for event in job.events(timeout, idle_timeout=idle_timeout):
                self.watch.tells(task.item, event)
            result = job.result()
        except _GONE:
            raise
        except JobLost as error:
            if task.tries < TRIES:
                return self._again(task)
            self._end(task, error)
        except JobError as error:
            if task.attached:
                return self._again(task)  # what ended it may have been the end of the batch that sent it
            if isinstance(error, WaitTimeout):
                with suppress(ComfyError):
                    job.cancel(timeout=CANCEL_SECONDS)
            self._end(task, error)
        except ComfyError as error:
            self._end(task, error)
        else:
            if task.attached and not (result.files or result.previews or result.texts):
                return self._again(task)  # pictures that went over the socket, to a process that is gone
            self.waiting.popleft()
            self.saving[pool.submit(self._save, task, result)] = task
        return None

    def _again(self, task: _Task) -> None:
        try:
            self._submit(task)
        except _GONE:
            raise
        except ComfyError as error:
            self._end(task, error)

    def _end(self, task: _Task, error: ComfyError) -> None:
        self.waiting.popleft()
        self._failed(self._row(task, status="failed"), error)

    def _cancel(self) -> None:
        """Take back what is on the server: last come first, so that none of them begins to run meanwhile."""
        for task in reversed(self.waiting):
            if task.job is not None and not task.job.done:
                with suppress(ComfyError):
                    task.job.cancel(timeout=CANCEL_SECONDS)

    # -- keeping ------------------------------------------------------------------------------------------------------

    def _save(self, task: _Task, result: Result) -> Row:
        """Download and keep; runs beside the jobs that follow."""
        row = self._row(task, result=result)
        paths: list[Path] = []
        if result.files or (self.previews and result.previews):
            part, paths = self._download(row.folder, result)
        elif result.previews:
            raise _PreviewsOnly("the run made temporary previews only, which --previews would save; or use a SaveImage")
        elif not result.texts:
            raise _PreviewsOnly("the run made no file and no text")
        else:
            part = self.store.part(row.folder)
        return self.store.keep(row, part, paths)

    def _download(self, name: str, result: Result) -> tuple[Path, list[Path]]:
        """The folder with the item's files, and these. A server that restarts has them still: ask again."""
        for pause in (*PAUSES, None):
            part = self.store.part(name)
            try:
                return part, result.save(part, previews=self.previews)
            except DownloadError:
                shutil.rmtree(part, ignore_errors=True)
                if pause is None or self.ending.wait(pause):
                    raise
        raise AssertionError("unreachable")

    def _collect(self, *, block: bool, ending: bool = False) -> None:
        """Take in what has been saved. A file that did not come from a server that is gone is nobody's failure."""
        if not self.saving:
            return
        over, _ = wait(self.saving, timeout=None if block else 0, return_when=FIRST_COMPLETED)
        for future in over:
            task = self.saving.pop(future)
            try:
                row = future.result()
            except (OutputError, *_GONE) as error:
                if not isinstance(error, _PreviewsOnly):
                    raise
                self._failed(self._row(task, status="failed"), error)
            except DownloadError as error:
                if ending:
                    continue
                # The server has what it made: whoever resumes need only fetch it.
                self._failed(self._row(task, status="failed"), error, forget=False)
            except ComfyError as error:
                self._failed(self._row(task, status="failed"), error)
            else:
                self._ended(row)

    def _failed(self, row: Row, error: ComfyError, *, forget: bool = True) -> None:
        row = row.model_copy(update={"error": _line(error)})
        self.store.fail(row, forget=forget)
        self._ended(row)

    def _ended(self, row: Row) -> None:
        self.report.rows.append(row)
        self.watch.ends(row)

    def _row(self, task: _Task, *, status: str = "done", result: Result | None = None) -> Row:
        return Row.model_validate(
            {
                "item": task.item.index,
                "folder": task.item.folder,
                "status": status,
                "seed": seed_of(task.prompt),
                "inputs": dict(task.item.inputs),
                "prompt_id": task.job.prompt_id if task.job is not None else None,
                "texts": result.texts if result is not None else (),
                "seconds": round(result.seconds, 3) if result is not None else None,
                "cached": result.cached if result is not None else False,
                "digest": task.digest,
                "prompt": task.prompt,
            }
        )


def _line(error: ComfyError) -> str:
    """What went wrong, in one line."""
    problems = error.problems if isinstance(error, (GraphError, PromptRefused)) else ()
    told = "; ".join(p.message + (f" ({p.hint})" if p.hint else "") for p in problems if p.severity == "error")
    return " ".join((told or str(error)).split())


class _PreviewsOnly(OutputError):
    """An item that has nothing to save; the folder is well."""


def _same_batch(items: Sequence[Item], store: Store) -> None:
    """Raise OutputError when what is whole there is not of this batch."""
    for index, row in store.rows.items():
        if index >= len(items):
            raise OutputError(
                f"{store.path}: it holds item {row.folder}, and this batch has {len(items)} items only: another batch's; give another --out"
            )
        try:
            same = digest(items[index].graph().to_api(check=False)) == row.digest
        except ComfyError:
            same = False
        if not same:
            raise OutputError(
                f"{store.path}: item {row.folder} was made with other settings: another batch's; give another --out"
            )
