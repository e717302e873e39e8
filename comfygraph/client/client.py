"""The client: everything that is done with a ComfyUI server, from ordinary (not async) code.

It may be used from many threads at once, and inside a running event loop (a notebook): it has threads of its own and
never touches the loop.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload
from urllib.parse import quote

from ..errors import BadAnswer, ComfyError
from . import flows
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
from .exchange import Form, Request, ask, check, decode_object
from .job import CancelOnInterrupt, Job
from .prepare import Prepared, Runnable, prepare
from .progress import Progress, shown
from .protocol import Timing
from .result import Result
from .transport import Transport

if TYPE_CHECKING:
    import PIL.Image

    from ..catalogue import Catalogue
    from ..node import Node
    from .engine import Engine

T = TypeVar("T")

AHEAD = 16
"""Prompts that `Client.map` keeps on the server."""


class Client(ClientBase):
    """A ComfyUI server.

    Nothing is sent before it is used. ``with Client(…) as client:`` closes it at the end; so does `close`.

    Args:
        url: ``host:port``, a bare host (port 8188), ``http(s)://`` or ``ws(s)://`` with a base path; user and password in it
            are sent as basic authorization, a query with every request. None: ``COMFYGRAPH_SERVER`` of the environment,
            and without that 127.0.0.1:8188.
        headers: further headers for every request and the WebSocket.
        token: a bearer token.
        auth: user name and password.
        timeout: seconds that the server may be silent in one exchange. How long a job may take is `Job.wait`'s to say.
        ca: a file or folder of certificates to trust; False to trust any.
        proxy: a proxy's address; None for what the environment says; ``""`` for none.
        api_key: the key for partner (paid) nodes; None for the environment's ``COMFYGRAPH_API_KEY``. It is sent only with
            graphs that have such nodes, and never stored or shown.
        client_id: the id of the WebSocket; None for a fresh one. Give a stored job's own to hear its messages.
        transport: what carries the exchanges; None for requests and websocket-client.
        timing: when jobs are looked for; see `protocol.Timing`.

    Raises:
        ValueError: an address, header or number that cannot be.

    Example::

        with Client("127.0.0.1:8188") as client:
            result = client.run(graph, progress=True)
            paths = result.save("output")
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
        transport: Transport | None = None,
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
        self._transport = transport
        self._lock = threading.Lock()
        self._started: Engine | None = None
        self._upload_locks: dict[str, threading.Lock] = {}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket and all connections. Jobs on the server go on."""
        with self._lock:
            engine, self._started = self._started, self._started
        if engine is not None:
            engine.close()

    @property
    def _engine(self) -> Engine:
        with self._lock:
            if self._started is None:
                from .engine import Engine

                if self._transport is None:
                    from .http import HttpTransport

                    self._transport = HttpTransport(
                        self.address, self._credentials, timeout=self._timeout, ca=self._ca, proxy=self._proxy
                    )
                self._started = Engine(self._transport, client_id=self._client_id, timing=self._timing)
            return self._started

    # -- running --------------------------------------------------------------------------------------------------

    def submit(
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
    ) -> Job:
        """Send a graph: its files first, then the prompt, once.

        Args:
            graph: a `Graph`, an API-format dict, or a preset's result.
            check: check it against the server's own nodes and files first; nothing is sent when it would not run.
            priority: its place in the queue: lower runs first; by default after all that wait.
            front: before all that wait.
            targets: the output nodes to run; by default all.
            previews: how samplers send previews: ``"auto"``, ``"latent2rgb"``, ``"taesd"``, ``"none"``; None for the
                server's own setting.
            extra_data: further ``extra_data`` of the prompt; its ``extra_pnginfo`` goes into saved pictures.
            api_key: the key for partner nodes, for this graph.
            workflow: send the graph as the editor draws it too, so that saved pictures open there as drawn.

        Returns:
            The job, which the server has taken.

        Raises:
            GraphError: the graph would not run; nothing was sent.
            PromptRefused: the server did not take it.
            PartlyRefused: it took a part of it, which was cancelled.
            UploadError: a file did not get there.
            ServerUnreachable, Unauthorised, NotComfyUI, BadAnswer: see `errors`.
        """
        return self._submit(
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

    def _submit(
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
    ) -> Job:
        """As `submit`. Not `live`: the socket is opened only if the graph cannot do without."""
        prepared = prepare(graph)
        engine = self._engine
        catalogue: Catalogue | None = None
        if check:
            catalogue, prepared = self._check(prepared)
        data = self._extra_data(prepared, catalogue, extra_data, previews, api_key, workflow)
        names = {upload.name: self._send_upload(upload) for upload in prepared.uploads}
        prompt = prepared.to_api(names)
        chosen = prepared.targets(targets)
        own_socket = live or engine.socket_wanted or needs_socket(prompt)
        if own_socket:
            engine.ensure_socket()
        machine = self._machine(prepared, prompt, chosen, own_socket=own_socket)
        follow = engine.follow(machine, id_of=prepared.id_of, ids=prepared.graph.ids)
        job = Job(engine, follow, self.url)
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
            taken = engine.run(
                flows.post_prompt(body, machine.prompt_id, lambda: engine.heard(machine), prepared.where)
            )
        except BaseException as error:
            engine.drop(machine.prompt_id)
            if isinstance(error, KeyboardInterrupt):
                # It may have arrived already, and nobody would know of it.
                with suppress(ComfyError):
                    engine.run(flows.cancel_once(machine.prompt_id))
            raise
        engine.accepted(machine)
        self._whole(job, taken, prepared, catalogue, chosen)
        return job

    def _whole(
        self, job: Job, taken: flows.Taken, prepared: Prepared, catalogue: Catalogue | None, chosen: list[str] | None
    ) -> None:
        """Cancel and raise when the server took a part only: it would skip the rest and call that a success."""
        problems = left_out(taken, prepared, catalogue, chosen)
        if not problems:
            return
        try:
            job.cancel()
            said = "what it took was cancelled"
        except ComfyError as error:
            said = f"what it took could not be cancelled ({error})"
        raise partly_refused(job.prompt_id, problems, said)

    def run(
        self,
        graph: Runnable,
        *,
        progress: Progress = False,
        timeout: float | None = None,
        idle_timeout: float | None = None,
        **options: Any,
    ) -> Result:
        """Send a graph, wait, and give what it made.

        Args:
            graph: as in `submit`.
            progress: True for a bar in the terminal or notebook; a callable gets each event.
            timeout, idle_timeout: as in `Job.wait`.
            options: as in `submit`.

        Raises:
            What `submit` and `Job.wait` raise. Ctrl-C cancels the job and says so.
        """
        job = self.submit(graph, **options)
        return self.watch(job, progress=progress, timeout=timeout, idle_timeout=idle_timeout)

    def watch(
        self,
        job: Job,
        *,
        progress: Progress = True,
        timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> Result:
        """Wait for a job and show how far it is; as `run`, for a job that was submitted or attached before."""
        # Ctrl-C may come while an event is shown, too.
        with CancelOnInterrupt(job), shown(progress) as show:
            if show is None:
                return job.wait(timeout, idle_timeout=idle_timeout)
            for event in job.events(timeout, idle_timeout=idle_timeout):
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
    ) -> Iterator[Result]: ...
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
    ) -> Iterator[Result | ComfyError]: ...
    def map(
        self,
        graphs: Iterable[Runnable],
        *,
        ahead: int = AHEAD,
        save_to: str | os.PathLike[str] | None = None,
        on_error: Literal["raise", "yield"] = "raise",
        timeout: float | None = None,
        idle_timeout: float | None = None,
        **options: Any,
    ) -> Iterator[Result] | Iterator[Result | ComfyError]:
        """Run many graphs: the next are on the server while one is waited for, downloaded or worked on.

        Args:
            graphs: any iterable; it is read as needed, so it may be endless.
            ahead: how many prompts to have on the server at once, 1 or more.
            save_to: download each result into this folder as soon as its job is done, beside the jobs that follow;
                `Result.saved` says where.
            on_error: ``"raise"``: the first failure is raised, and what was sent ahead is cancelled; ``"yield"``: it is
                yielded in the place of its result, and the rest goes on.
            timeout, idle_timeout: for each job, from when its turn to be waited for comes.
            options: as in `submit`, but that `workflow` is False unless it is given: drawing costs as much as a small job.

        Yields:
            A `Result` for each graph, in order; with ``on_error="yield"`` a `ComfyError` for one that failed.

        Raises:
            What `run` raises, at the graph's place in the order. When the loop is left early, what was sent ahead is
            cancelled.
        """
        from .mapping import run_all

        if ahead < 1:
            raise ValueError("ahead: 1 or more")
        return run_all(
            self,
            graphs,
            ahead=ahead,
            save_to=save_to,
            on_error=on_error,
            timeout=timeout,
            idle_timeout=idle_timeout,
            options=options,
        )

    def attach(self, job: str | Mapping[str, Any]) -> Job:
        """Take up a job that was submitted before, by this or another process.

        Args:
            job: what `Job.to_dict` gave, or a prompt id. With an id alone the nodes' classes and titles are unknown.

        Returns:
            The job, followed over HTTP; with ``Client(client_id=…)`` as it was submitted, over the socket too. A job that the
            server does not know raises `JobLost` when it is waited for.

        Raises:
            ValueError: no prompt id in it.
        """
        engine = self._engine
        machine = self._attached(job, engine.client_id)
        if machine.own_socket:
            engine.ensure_socket()
        follow = engine.follow(machine, ids=tuple(machine.prompt))
        engine.accepted(follow.machine)
        return Job(engine, follow, self.url)

    # -- asking ---------------------------------------------------------------------------------------------------

    def queue(self) -> Queue:
        """What runs on the server and what waits, in the order it will run."""
        return read_queue(self._engine.run(ask(Request("GET", "/queue"))))

    def history(self, prompt_id: str) -> HistoryEntry | None:
        """A prompt that is over; None when it is not, or is not known."""
        request = Request("GET", f"/history/{quote(prompt_id, safe='')}")
        return read_history(self._engine.run(ask(request)), prompt_id)

    def system_stats(self) -> SystemStats:
        """What the server runs on."""
        return read_system_stats(self._engine.run(ask(Request("GET", "/system_stats"))))

    def features(self) -> dict[str, Any]:
        """What the server can do: ``GET /features``."""
        return decode_object(
            check(self._engine.run(ask(Request("GET", "/features"))), "GET /features"), "GET /features"
        )

    def models(self, folder: str | None = None) -> tuple[str, ...]:
        """The model files in a folder, such as ``"checkpoints"``; without one, the folders' names.

        Raises:
            BadAnswer: the server has no such folder.
        """
        path = "/models" if folder is None else f"/models/{quote(folder, safe='')}"
        answer = self._engine.run(ask(Request("GET", path)))
        if answer.status == 404 and folder is not None:
            raise BadAnswer(f"the server has no model folder {folder!r}; models() lists them")
        return read_names(check(answer, f"GET {path}"), f"GET {path}")

    def object_info(self) -> dict[str, Any]:
        """The server's node definitions as it sends them: ``GET /object_info``. `catalogue` is what graphs are checked by."""
        what = "GET /object_info"
        return decode_object(check(self._engine.run(ask(Request("GET", "/object_info"))), what), what)

    def catalogue(self, *, refresh: bool = False) -> Catalogue:
        """The server's node definitions and files, to check graphs by. Fetched once; clients share equal ones.

        Args:
            refresh: fetch it anew.
        """
        if self._catalogue is None or refresh:
            return self._keep_catalogue(self._engine.run(ask(Request("GET", "/object_info"))))
        return self._catalogue[0]

    def _check(self, prepared: Prepared) -> tuple[Catalogue, Prepared]:
        """The server's definitions, and the graph fitted to them."""
        catalogue = self.catalogue()
        fitted = self._fitted(prepared, catalogue)
        if fitted is None:
            # A model file may have come since the definitions were fetched.
            catalogue = self.catalogue(refresh=True)
            fitted = self._fitted(prepared, catalogue) or prepared
        return catalogue, fitted

    # -- doing ----------------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Interrupt whatever runs on the server, whoever sent it. `Job.cancel` ends one job and no other."""
        self._engine.run(flows.post("/interrupt", {}))

    def clear_queue(self) -> None:
        """Delete everything that waits on the server, whoever sent it. What runs goes on."""
        self._engine.run(flows.post("/queue", {"clear": True}))

    def free(self, *, unload_models: bool = True, free_memory: bool = True) -> None:
        """Have the server unload models and drop what nodes gave; it does so after the job that runs."""
        self._engine.run(flows.post("/free", {"unload_models": unload_models, "free_memory": free_memory}))

    def upload(
        self,
        source: str | os.PathLike[str] | bytes | PIL.Image.Image,
        name: str | None = None,
        *,
        subfolder: str = "",
        type: Literal["input", "temp", "output"] = "input",
        overwrite: bool = False,
    ) -> Uploaded:
        """Send a file. ``LoadImage(image=str(client.upload("fox.png")))`` uses it; so does ``LoadImage(image=Path("fox.png"))``.

        Args:
            source: a path, its content, or a Pillow image (sent as PNG).
            name: its name there; by default the path's, or one made from the content.
            subfolder: below the folder.
            type: which of the server's folders.
            overwrite: replace a file of this name. Otherwise the server keeps both, and answers the new one's name.

        Raises:
            UploadError: it did not get there.
        """
        from .uploading import form_of

        return self._engine.run(
            flows.upload(form_of(source, name, subfolder=subfolder, type=type, overwrite=overwrite))
        )

    def upload_mask(
        self,
        mask: str | os.PathLike[str] | bytes | PIL.Image.Image,
        original: Uploaded | Any,
        name: str | None = None,
    ) -> Uploaded:
        """Put a mask's alpha channel on a picture that is on the server; the picture with its mask is what comes back.

        Args:
            mask: as `source` in `upload`; of the picture's size.
            original: what `upload` gave, or a `File` of a result.
            name: the name for the picture with its mask.

        Raises:
            UploadError: it did not get there, or the server does not have the picture.
        """
        from .uploading import mask_form

        engine = self._engine
        form, reference = mask_form(mask, original, name)
        # Without the original the server answers 200 and writes nothing: see that it is there.
        found = engine.run(ask(Request("GET", "/view", reference)))
        if found.status != 200:
            from ..errors import UploadError

            raise UploadError(f"{form.filename} was not uploaded: the picture it masks is not on the server")
        return engine.run(flows.upload(form, "/upload/mask"))

    def _send_upload(self, upload: Any) -> str:
        """Send a graph's file, once per content, and give the name the server answered."""
        name: str = upload.name
        with self._lock:
            lock = self._upload_locks.setdefault(name, threading.Lock())
        with lock:
            known = self._uploaded.get(name)
            if known is None:
                fields = [("type", str(upload.type))]
                if upload.subfolder:
                    fields.append(("subfolder", str(upload.subfolder)))
                form = Form(name, upload.read(), tuple(fields))
                known = self._uploaded[name] = str(self._engine.run(flows.upload(form)))
        return known
