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
    done: deque[Future[Any] | ComfyError] = deque()
    pool = ThreadPoolExecutor(DOWNLOADERS, "comfygraph-download") if save_to is not None else None

    def fetch(result: Any) -> Any:
        result.saved = result.save(save_to)
        return result

    def top_up() -> None:
        while len(waiting) < ahead:
            try:
                graph = next(graphs)
            except StopIteration:
                return
            try:
                # Nobody watches single steps here, and a server spends as long on telling them as on a small job.
                waiting.append(client._submit(graph, live=False, **options))
            except ComfyError as error:
                if not tolerant:
                    raise
                waiting.append(error)

    def give(item: Any) -> Any:
        try:
            if isinstance(item, Future):
                return item.result()
            raise item
        except ComfyError as error:
            if not tolerant:
                raise
            return error

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
                if not tolerant:
                    raise
                item: Any = error
            else:
                item = result
            top_up()
            if pool is None:
                yield item
                continue
            done.append(item if isinstance(item, ComfyError) else pool.submit(fetch, item))
            # Results wait for their files in order, and the jobs that follow do not wait for them.
            while done and (len(done) > ahead or not isinstance(done[0], Future) or done[0].done()):
                yield give(done.popleft())
        while done:
            yield give(done.popleft())
    finally:
        for job in waiting:
            if isinstance(job, Job):
                with suppress(ComfyError):
                    job.cancel(timeout=5.0)
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
