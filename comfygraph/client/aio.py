"""The async client: the same verbs as `Client`, over the same job state machine, on the caller's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, overload
from urllib.parse import quote

from ..errors import BadAnswer, ComfyError, DownloadError, Interrupted, JobDeleted, UploadError, WaitTimeout
from . import flows, saving
from .aioengine import AsyncEngine
from .aiotransport import AioTransport
from .answers import (
    HistoryEntry,
    Queue,
    SystemStats,
    Uploaded,
    read_history,
    read_names,
    read_queue,
    read_system_stats,
)
from .base import ClientBase, left_out, needs_socket, partly_refused
from .client import AHEAD
from .events import Event
from .exchange import Failure, Form, Request, ask, check, decode_object
from .files import MOST_BYTES, MOST_IN_MEMORY, TRIES, Kind, Place, closed, open_image, short, whole_or_error
from .follow import Follow, Limits, again
from .job import CANCEL_TIMEOUT, JobStatus, status_of, to_dict
from .outcome import Failed
from .prepare import Prepared, Runnable, prepare
from .progress import Progress, shown
from .protocol import Timing
from .result import BaseResult
from .transport import Broken

if TYPE_CHECKING:
    import PIL.Image

    from ..catalogue import Catalogue
    from ..node import Node

AT_ONCE = 64 * 1024
"""Bytes that are written without a turn through a thread: they go to the system's cache in less time than that takes."""


class AsyncFile:
    """A file that a run made; as `File`, with ``await``."""

    def __init__(self, place: Place, transport: AioTransport) -> None:
        self._place = place
        self._transport = transport
        self.node_id = place.node_id
        self.kind: Kind = place.kind
        self.filename = place.filename
        self.subfolder = place.subfolder
        self.type = place.type

    def __repr__(self) -> str:
        return f"<AsyncFile {self._place.name!r} {self.kind} of node {self.node_id}>"

    async def read(self) -> bytes:
        """Its content; see `File.read`."""
        if self._place.data is not None:
            return self._place.data
        content = bytearray()
        async for chunk in self._chunks(content.clear):
            content += chunk
            if len(content) > MOST_IN_MEMORY:
                raise DownloadError(f"{self._place.name}: larger than {MOST_IN_MEMORY} bytes; use save()")
        return bytes(content)

    async def save(self, folder: str | os.PathLike[str], name: str | None = None) -> Path:
        """Write it into a folder: whole or not at all, and never over another file; see `File.save`."""
        return await self.save_in(saving.folder(folder), name)

    async def save_in(self, directory: Path, name: str | None = None) -> Path:
        """As `save`, into a folder that is there."""
        with saving.whole_file(directory, name or self.filename) as (file, finish):

            def again() -> None:
                file.seek(0)
                file.truncate()

            async for chunk in self._chunks(again):
                if len(chunk) <= AT_ONCE:
                    saving.write(file, chunk, directory)
                else:
                    await asyncio.to_thread(saving.write, file, chunk, directory)
            return finish()

    async def save_url(self, url: str, name: str | None = None) -> str:
        """Write it into a folder of any file system that fsspec knows; see `File.save_url`."""
        content = await self.read()
        return await asyncio.to_thread(saving.save_url, url, name or self.filename, [content])

    async def pil(self) -> PIL.Image.Image:
        """The picture as a Pillow image, loaded; see `File.pil`."""
        return open_image(await self.read(), self._place.name)

    async def _chunks(self, again: Callable[[], object]) -> AsyncIterator[bytes]:
        if self._place.data is not None:
            yield self._place.data
            return
        error: DownloadError | None = None
        for attempt in range(TRIES):
            if attempt:
                again()
            got = 0
            async with self._transport.download(self._place.request) as answer:
                if isinstance(answer, Failure):
                    if answer.kind == "closed":
                        raise closed(self._place)
                    error = DownloadError(f"{self._place.name} of node {self.node_id}: {answer.message}")
                    error.__cause__ = answer.cause
                    continue
                if answer.status >= 500:
                    error = DownloadError(
                        f"{self._place.name} of node {self.node_id}: the server answered {answer.status}"
                    )
                    continue
                if answer.status != 200:
                    whole_or_error(self._place, answer.status)
                try:
                    async for chunk in answer.chunks():
                        got += len(chunk)
                        if got > MOST_BYTES:
                            raise DownloadError(f"{self._place.name}: larger than {MOST_BYTES} bytes")
                        yield chunk
                except Broken as broken:
                    error = short(self._place, got, answer.length)
                    error.__cause__ = broken.failure.cause
                    continue
                if answer.length is not None and got != answer.length:
                    error = short(self._place, got, answer.length)
                    continue
                return
        raise error or DownloadError(f"{self._place.name}: it did not come")


class AsyncResult(BaseResult[AsyncFile]):
    """What a run gave; as `Result`, with ``await`` where files are read or saved."""

    async def save(self, folder: str | os.PathLike[str], *, previews: bool = False) -> list[Path]:
        """Download every file into a folder; see `Result.save`."""
        if saving.is_url(folder):
            return cast("list[Any]", await self.save_url(str(folder), previews=previews))
        files = self._to_save(previews)
        directory = saving.folder(folder)
        return [await file.save_in(directory) for file in files]

    async def save_url(self, url: str, *, previews: bool = False) -> list[str]:
        """As `save`, into a folder of any file system that fsspec knows."""
        return [await file.save_url(url) for file in self._to_save(previews)]


class AsyncJob:
    """A prompt that the server took; as `Job`, with ``await``.

    Attributes:
        prompt_id: its id, chosen by the client.
    """

    def __init__(self, engine: AsyncEngine, follow: Follow, server: str) -> None:
        self._engine = engine
        self._follow = follow
        self._server = server
        self.prompt_id = follow.machine.prompt_id
        self._result: AsyncResult | None = None

    def __repr__(self) -> str:
        return f"<AsyncJob {self.prompt_id} {self.status}>"

    @property
    def status(self) -> JobStatus:
        """Where it stands, in one word; see `Job.status`."""
        return status_of(self._follow)

    @property
    def done(self) -> bool:
        """Has it ended, however?"""
        return self._follow.machine.outcome is not None

    @property
    def fraction(self) -> float:
        """How far the whole graph is, 0.0 to 1.0; it never goes back."""
        return self._follow.machine.fraction.value

    @property
    def position(self) -> int | None:
        """How many prompts are before it in the queue; see `Job.position`."""
        return self._follow.machine.position

    async def wait(self, timeout: float | None = None, *, idle_timeout: float | None = None) -> AsyncResult:
        """Wait until it has ended, and give what it made; see `Job.wait`. Cancelling the wait leaves the job alone."""
        self._follow = again(self._engine, self._follow)
        await self._engine.wait(self._follow, Limits(timeout, idle_timeout, time.monotonic()))
        return self.result()

    def result(self) -> AsyncResult:
        """What it made, when it has ended; see `Job.result`."""
        outcome = self._follow.machine.outcome
        if outcome is None:
            raise WaitTimeout("the job has not ended", prompt_id=self.prompt_id, seconds=0.0)
        if isinstance(outcome, Failed):
            raise outcome.error
        if self._result is None:
            follow = self._follow
            transport = self._engine.transport
            self._result = AsyncResult(
                self.prompt_id,
                outcome,
                lambda place: AsyncFile(place, transport),
                seconds=(follow.ended or follow.began) - follow.began,
                id_of=follow.id_of,
                ids=follow.ids,
            )
        return self._result

    async def events(self, timeout: float | None = None, *, idle_timeout: float | None = None) -> AsyncIterator[Event]:
        """Its events, from its beginning, as they come; see `Job.events`."""
        self._follow = again(self._engine, self._follow)
        async for batch in self._engine.events(self._follow, Limits(timeout, idle_timeout, time.monotonic())):
            for event in batch:
                yield event
        self.result()

    async def cancel(self, timeout: float = CANCEL_TIMEOUT) -> bool:
        """End this job and no other, wherever it is; see `Job.cancel`."""
        self._follow = again(self._engine, self._follow)
        machine = self._follow.machine
        if machine.outcome is not None:
            return False
        machine.cancelling = True
        limits = Limits(timeout, None, time.monotonic())
        while True:
            try:
                await self._engine.run(flows.cancel_once(self.prompt_id))
            except ComfyError:
                machine.cancelling = False  # nobody was asked
                raise
            self._engine.look_soon(machine)
            try:
                await self._engine.wait(self._follow, Limits(min(1.0, timeout), None, time.monotonic()))
            except WaitTimeout:
                limits.check(machine, time.monotonic())
                continue
            outcome = cast("Any", machine.outcome)
            return isinstance(outcome, Failed) and isinstance(outcome.error, (Interrupted, JobDeleted))

    def to_dict(self) -> dict[str, Any]:
        """What another process needs to take it up; see `Job.to_dict`."""
        return to_dict(self._follow, self._server, self._engine.client_id)


class AsyncClient(ClientBase):
    """A ComfyUI server, for async code. The arguments and verbs are those of `Client`.

    Example::

        async with AsyncClient("127.0.0.1:8188") as client:
            result = await client.run(graph)
            paths = await result.save("output")
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float = 30.0,
        ca: str | Path | bool | None = None,
        proxy: str | None = None,
        api_key: str | None = None,
        client_id: str | None = None,
        timing: Timing | None = None,
    ) -> None:
        super().__init__(
            url,
            headers=headers,
            token=token,
            auth=auth,
            timeout=timeout,
            ca=ca,
            proxy=proxy,
            api_key=api_key,
            client_id=client_id,
            timing=timing,
        )
        self._started: AsyncEngine | None = None
        self._upload_locks: dict[str, asyncio.Lock] = {}

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the socket and all connections. Jobs on the server go on."""
        if self._started is not None:
            await self._started.close()

    @property
    def _engine(self) -> AsyncEngine:
        if self._started is None:
            transport = AioTransport(
                self.address, self._credentials, timeout=self._timeout, ca=self._ca, proxy=self._proxy
            )
            self._started = AsyncEngine(transport, client_id=self._client_id, timing=self._timing)
        return self._started

    async def submit(
        self,
        graph: Runnable,
        *,
        check: bool = True,
        priority: float | None = None,
        front: bool = False,
        targets: Node | str | Sequence[Node | str] | None = None,
        previews: str | None = None,
        extra_data: Mapping[str, Any] | None = None,
        api_key: str | None = None,
        workflow: bool = True,
    ) -> AsyncJob:
        """Send a graph: its files first, then the prompt, once; see `Client.submit`."""
        return await self._submit(
            graph,
            live=True,
            check=check,
            priority=priority,
            front=front,
            targets=targets,
            previews=previews,
            extra_data=extra_data,
            api_key=api_key,
            workflow=workflow,
        )

    async def _submit(
        self,
        graph: Runnable,
        *,
        live: bool,
        check: bool = True,
        priority: float | None = None,
        front: bool = False,
        targets: Node | str | Sequence[Node | str] | None = None,
        previews: str | None = None,
        extra_data: Mapping[str, Any] | None = None,
        api_key: str | None = None,
        workflow: bool = False,
    ) -> AsyncJob:
        """As `submit`; see `Client._submit`."""
        prepared = prepare(graph)
        engine = self._engine
        catalogue: Catalogue | None = None
        if check:
            catalogue, prepared = await self._check(prepared)
        data = self._extra_data(prepared, catalogue, extra_data, previews, api_key, workflow)
        names = {upload.name: await self._send_upload(upload) for upload in prepared.uploads}
        prompt = prepared.to_api(names)
        chosen = prepared.targets(targets)
        own_socket = live or engine.socket_wanted or needs_socket(prompt)
        if own_socket:
            await engine.ensure_socket()
        machine = self._machine(prepared, prompt, chosen, own_socket=own_socket)
        follow = engine.follow(machine, id_of=prepared.id_of, ids=prepared.graph.ids)
        job = AsyncJob(engine, follow, self.url)
        body = flows.prompt_body(
            prompt,
            machine.prompt_id,
            engine.client_id,
            priority=priority,
            front=front,
            targets=chosen,
            extra_data=data,
        )
        try:
            taken = await engine.run(flows.post_prompt(body, machine.prompt_id, lambda: machine.heard, prepared.where))
        except BaseException as error:
            engine.drop(machine.prompt_id)
            if isinstance(error, asyncio.CancelledError):
                # It may have arrived already, and nobody would know of it.
                with contextlib.suppress(ComfyError):
                    await asyncio.shield(engine.run(flows.cancel_once(machine.prompt_id)))
            raise
        engine.accepted(machine)
        problems = left_out(taken, prepared, catalogue, chosen)
        if problems:
            try:
                await job.cancel()
                said = "what it took was cancelled"
            except ComfyError as error:
                said = f"what it took could not be cancelled ({error})"
            raise partly_refused(job.prompt_id, problems, said)
        return job

    async def run(
        self,
        graph: Runnable,
        *,
        progress: Progress = False,
        timeout: float | None = None,
        idle_timeout: float | None = None,
        **options: Any,
    ) -> AsyncResult:
        """Send a graph, wait, and give what it made; see `Client.run`. Cancelling the task cancels the job."""
        job = await self.submit(graph, **options)
        try:
            return await self.watch(job, progress=progress, timeout=timeout, idle_timeout=idle_timeout)
        except asyncio.CancelledError:
            with contextlib.suppress(ComfyError):
                await asyncio.shield(job.cancel(timeout=5.0))
            raise

    async def watch(
        self,
        job: AsyncJob,
        *,
        progress: Progress = True,
        timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> AsyncResult:
        """Wait for a job and show how far it is; see `Client.watch`."""
        with shown(progress) as show:
            if show is None:
                return await job.wait(timeout, idle_timeout=idle_timeout)
            async for event in job.events(timeout, idle_timeout=idle_timeout):
                show(event)
        return job.result()

    @overload
    def map(
        self,
        graphs: Iterable[Runnable],
        *,
        ahead: int = ...,
        save_to: str | os.PathLike[str] | None = ...,
        on_error: Literal["raise"] = ...,
        timeout: float | None = ...,
        idle_timeout: float | None = ...,
        **options: Any,
    ) -> AsyncIterator[AsyncResult]: ...
    @overload
    def map(
        self,
        graphs: Iterable[Runnable],
        *,
        ahead: int = ...,
        save_to: str | os.PathLike[str] | None = ...,
        on_error: Literal["raise", "yield"],
        timeout: float | None = ...,
        idle_timeout: float | None = ...,
        **options: Any,
    ) -> AsyncIterator[AsyncResult | ComfyError]: ...
    async def map(
        self,
        graphs: Iterable[Runnable],
        *,
        ahead: int = AHEAD,
        save_to: str | os.PathLike[str] | None = None,
        on_error: Literal["raise", "yield"] = "raise",
        timeout: float | None = None,
        idle_timeout: float | None = None,
        **options: Any,
    ) -> AsyncIterator[Any]:
        """Run many graphs, with the next always on the server; an async iterator; see `Client.map`."""
        if ahead < 1:
            raise ValueError("ahead: 1 or more")
        if on_error not in ("raise", "yield"):
            raise ValueError('on_error: "raise" or "yield"')
        source = iter(graphs)
        stopped = False
        tasks: deque[asyncio.Task[Any]] = deque()
        jobs: dict[asyncio.Task[Any], AsyncJob] = {}

        async def one(job: AsyncJob) -> Any:
            result = await job.wait(timeout, idle_timeout=idle_timeout)
            if save_to is not None:
                result.saved = await result.save(save_to)
            return result

        async def fail(error: ComfyError) -> Any:
            raise error

        async def top_up() -> None:
            nonlocal stopped
            while len(tasks) < ahead and not stopped:
                try:
                    graph = next(source)
                except StopIteration:
                    return
                try:
                    job = await self._submit(graph, live=False, **options)
                except ComfyError as error:
                    tasks.append(asyncio.create_task(fail(error)))
                    stopped = on_error == "raise"
                    continue
                task = asyncio.create_task(one(job))
                tasks.append(task)
                jobs[task] = job

        try:
            await top_up()
            while tasks:
                task = tasks[0]
                try:
                    item: Any = await task
                except ComfyError as error:
                    if on_error == "raise":
                        raise
                    item = error
                tasks.popleft()
                jobs.pop(task, None)
                await top_up()
                yield item
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for task in tasks:
                job = jobs.get(task)
                if job is not None and not job.done:
                    with contextlib.suppress(ComfyError):
                        await job.cancel(timeout=5.0)

    async def attach(self, job: str | Mapping[str, Any]) -> AsyncJob:
        """Take up a job that was submitted before; see `Client.attach`."""
        engine = self._engine
        machine = self._attached(job, engine.client_id)
        if machine.own_socket:
            await engine.ensure_socket()
        follow = engine.follow(machine, ids=tuple(machine.prompt))
        engine.accepted(follow.machine)
        return AsyncJob(engine, follow, self.url)

    async def queue(self) -> Queue:
        """What runs on the server and what waits, in the order it will run."""
        return read_queue(await self._engine.run(ask(Request("GET", "/queue"))))

    async def history(self, prompt_id: str) -> HistoryEntry | None:
        """A prompt that is over; None when it is not, or is not known."""
        request = Request("GET", f"/history/{quote(prompt_id, safe='')}")
        return read_history(await self._engine.run(ask(request)), prompt_id)

    async def system_stats(self) -> SystemStats:
        """What the server runs on."""
        return read_system_stats(await self._engine.run(ask(Request("GET", "/system_stats"))))

    async def features(self) -> dict[str, Any]:
        """What the server can do: ``GET /features``."""
        what = "GET /features"
        return decode_object(check(await self._engine.run(ask(Request("GET", "/features"))), what), what)

    async def models(self, folder: str | None = None) -> tuple[str, ...]:
        """The model files in a folder; without one, the folders' names; see `Client.models`."""
        path = "/models" if folder is None else f"/models/{quote(folder, safe='')}"
        answer = await self._engine.run(ask(Request("GET", path)))
        if answer.status == 404 and folder is not None:
            raise BadAnswer(f"the server has no model folder {folder!r}; models() lists them")
        return read_names(check(answer, f"GET {path}"), f"GET {path}")

    async def object_info(self) -> dict[str, Any]:
        """The server's node definitions as it sends them."""
        what = "GET /object_info"
        return decode_object(check(await self._engine.run(ask(Request("GET", "/object_info"))), what), what)

    async def catalogue(self, *, refresh: bool = False) -> Catalogue:
        """The server's node definitions and files, to check graphs by; see `Client.catalogue`."""
        if self._catalogue is None or refresh:
            answer = await self._engine.run(ask(Request("GET", "/object_info")))
            return await asyncio.to_thread(self._keep_catalogue, answer)
        return self._catalogue[0]

    async def _check(self, prepared: Prepared) -> tuple[Catalogue, Prepared]:
        """The server's definitions, and the graph fitted to them."""
        catalogue = await self.catalogue()
        fitted = self._fitted(prepared, catalogue)
        if fitted is None:
            catalogue = await self.catalogue(refresh=True)
            fitted = self._fitted(prepared, catalogue) or prepared
        return catalogue, fitted

    async def interrupt(self) -> None:
        """Interrupt whatever runs on the server, whoever sent it. `AsyncJob.cancel` ends one job and no other."""
        await self._engine.run(flows.post("/interrupt", {}))

    async def clear_queue(self) -> None:
        """Delete everything that waits on the server, whoever sent it. What runs goes on."""
        await self._engine.run(flows.post("/queue", {"clear": True}))

    async def free(self, *, unload_models: bool = True, free_memory: bool = True) -> None:
        """Have the server unload models and drop what nodes gave; it does so after the job that runs."""
        await self._engine.run(flows.post("/free", {"unload_models": unload_models, "free_memory": free_memory}))

    async def upload(
        self,
        source: str | os.PathLike[str] | bytes | PIL.Image.Image,
        name: str | None = None,
        *,
        subfolder: str = "",
        type: Literal["input", "temp", "output"] = "input",
        overwrite: bool = False,
    ) -> Uploaded:
        """Send a file; see `Client.upload`."""
        from .uploading import form_of

        form = await asyncio.to_thread(form_of, source, name, subfolder=subfolder, type=type, overwrite=overwrite)
        return await self._engine.run(flows.upload(form))

    async def upload_mask(
        self,
        mask: str | os.PathLike[str] | bytes | PIL.Image.Image,
        original: Uploaded | Any,
        name: str | None = None,
    ) -> Uploaded:
        """Put a mask's alpha channel on a picture that is on the server; see `Client.upload_mask`."""
        from .uploading import mask_form

        engine = self._engine
        form, reference = await asyncio.to_thread(mask_form, mask, original, name)
        found = await engine.run(ask(Request("GET", "/view", reference)))
        if found.status != 200:
            raise UploadError(f"{form.filename} was not uploaded: the picture it masks is not on the server")
        return await engine.run(flows.upload(form, "/upload/mask"))

    async def _send_upload(self, upload: Any) -> str:
        name: str = upload.name
        async with self._upload_locks.setdefault(name, asyncio.Lock()):
            known = self._uploaded.get(name)
            if known is None:
                fields = [("type", str(upload.type))]
                if upload.subfolder:
                    fields.append(("subfolder", str(upload.subfolder)))
                form = Form(name, await asyncio.to_thread(upload.read), tuple(fields))
                known = self._uploaded[name] = str(await self._engine.run(flows.upload(form)))
        return known
