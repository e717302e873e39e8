"""Many graphs one after another, with the next always on the server: `Client.map`."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import ComfyError
from .job import CancelOnInterrupt, Job

if TYPE_CHECKING:
    from .client import Client
    from .result import Result

DOWNLOADERS = 3


def run_all(
    client: Client,
    graphs: Iterable[Any],
    *,
    ahead: int,
    save_to: str | os.PathLike[str] | None,
    on_error: str,
    timeout: float | None,
    idle_timeout: float | None,
    options: Mapping[str, Any],
) -> Iterator[Any]:
    """See `Client.map`."""
    if on_error not in ("raise", "yield"):
        raise ValueError('on_error: "raise" or "yield"')
    return _run_all(client, iter(graphs), ahead, save_to, on_error == "yield", timeout, idle_timeout, options)


def _run_all(
    client: Client,
    graphs: Iterator[Any],
    ahead: int,
    save_to: str | os.PathLike[str] | None,
    tolerant: bool,
    timeout: float | None,
    idle_timeout: float | None,
    options: Mapping[str, Any],
) -> Iterator[Any]:
    waiting: deque[Job | ComfyError] = deque()
    done: deque[Future[Any] | Result | ComfyError] = deque()
    pool = ThreadPoolExecutor(DOWNLOADERS, "comfygraph-download") if save_to is not None else None

    def fetch(result: Any) -> Any:
        result.saved = result.save(save_to)
        return result

    stopped = False

    def top_up() -> None:
        nonlocal stopped
        while len(waiting) < ahead and not stopped:
            try:
                graph = next(graphs)
            except StopIteration:
                return
            try:
                # Nobody watches single steps here, and a server spends as long on telling them as on a small job.
                waiting.append(client._submit(graph, live=False, **options))
            except ComfyError as error:
                waiting.append(error)
                stopped = not tolerant

    def cancel_waiting() -> None:
        while waiting:
            job = waiting.popleft()
            if isinstance(job, Job):
                with suppress(ComfyError):
                    job.cancel(timeout=5.0)

    def give(item: Any) -> Any:
        try:
            item = item.result() if isinstance(item, Future) else item
        except ComfyError as error:
            item = error
        if isinstance(item, ComfyError) and not tolerant:
            raise item
        return item

    try:
        top_up()
        while waiting:
            job = waiting.popleft()
            try:
                if isinstance(job, ComfyError):
                    raise job
                with CancelOnInterrupt(*(j for j in waiting if isinstance(j, Job))):
                    result = job.wait(timeout, idle_timeout=idle_timeout)
            except ComfyError as error:
                done.append(error)
                if not tolerant:
                    # What was done before it is given first, and runs for nothing are ended at once.
                    cancel_waiting()
                    break
            else:
                done.append(result if pool is None else pool.submit(fetch, result))
            top_up()
            # Results wait for their files in order, and the jobs that follow do not wait for them.
            while done and (len(done) > ahead or not isinstance(done[0], Future) or done[0].done()):
                yield give(done.popleft())
        while done:
            yield give(done.popleft())
    finally:
        cancel_waiting()
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
