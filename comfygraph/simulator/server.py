"""`Simulator`: a ComfyUI-compatible server inside this process, and `serve`, which runs one until Ctrl-C."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from ..catalogue import RELEASES as CATALOGUES
from ..catalogue import Catalogue
from .cache import MAX_ENTRIES
from .context import Function
from .faults import Faults
from .models import ModelFiles, Models
from .queue import MAX_HISTORY
from .release import RELEASES
from .service import Service, Setup
from .store import Store

START_SECONDS: Final = 10.0
STOP_SECONDS: Final = 5.0


class Simulator:
    """A server that speaks ComfyUI's API and runs no model: the embedded default, and a test double.

    It validates, queues, runs, caches, interrupts and reports as a ComfyUI of the chosen release does. Image nodes really
    run; what a diffusion model would make is drawn, and stamped as simulated in the pixels and in the PNG's metadata. A
    node that it cannot run is an ``execution_error`` that says so.

    Args:
        release: the ComfyUI release to be: ``"0.33.0"`` or ``"0.23.0"``; its nodes and its protocol.
        catalogue: other node definitions, such as those of a server of yours; its model files come with it.
        models: which model files it says it has. None: a few hundred well-known ones. A mapping of folder to names: those
            folders hold exactly these. ``"any"``: every name is taken, and ``object_info`` says so by declaring a text.
        latency: seconds that one sampler step takes.
        folder: where its input, output and temp folders lie; None: a temporary one, removed at the end.
        host, port: where it listens; port 0 picks a free one.
        faults: what is to go wrong, see `Faults`; None: a fresh object, as ``.faults``.
        functions: implementations of node classes, by class name: ``function(context, **inputs)`` returns a tuple of the
            outputs or an `Answer`. They go before the simulator's own.
        nodes: ``object_info`` records of further classes, such as those of a custom pack; give each a function too.
        hide: node classes that it does not have.
        history_limit, cache_entries: how much it remembers.

    Attributes:
        url: its address, such as ``"http://127.0.0.1:40123"``, while it runs.
        faults: see `Faults`.
        store: its folders: ``sim.store.folders["output"]``.

    Raises:
        DefinitionError: a release that is not bundled.
        OSError: the port is taken (at start).

    Example:
        >>> with Simulator() as sim:
        ...     print(sim.url.startswith("http://127.0.0.1:"))
        True
    """

    def __init__(
        self,
        *,
        release: str = CATALOGUES[0],
        catalogue: Catalogue | None = None,
        models: Models = None,
        latency: float = 0.01,
        folder: str | Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        functions: Mapping[str, Function] | None = None,
        nodes: Mapping[str, Mapping[str, Any]] | None = None,
        hide: Iterable[str] = (),
        history_limit: int = MAX_HISTORY,
        cache_entries: int = MAX_ENTRIES,
    ) -> None:
        bundled = Catalogue.bundled(release)
        if latency < 0:
            raise ValueError("latency: 0 seconds or more")
        self.faults = Faults() if faults is None else faults
        self._setup = Setup(
            release=RELEASES[release],
            catalogue=bundled if catalogue is None else catalogue,
            models=ModelFiles(models),
            latency=latency,
            faults=self.faults,
            functions=dict(functions or {}),
            nodes=dict(nodes or {}),
            hide=frozenset(hide),
            history_limit=history_limit,
            cache_entries=cache_entries,
        )
        self._folder = None if folder is None else Path(folder)
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._store: Store | None = None
        self._host, self._port = host, port
        self._life: _Life | None = None

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        where = self.url if self._life is not None else "stopped"
        return f"<Simulator of ComfyUI {self._setup.release.name}: {where}>"

    @property
    def url(self) -> str:
        """Its address."""
        if self._port == 0:
            raise RuntimeError("the simulator has no address before it is started")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def port(self) -> int:
        """The port it listens on; 0 before it was started."""
        return self._port

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._life is not None

    @property
    def store(self) -> Store:
        """Its folders."""
        if self._store is None:
            raise RuntimeError("the simulator has no folders before it is started")
        return self._store

    @property
    def service(self) -> Service:
        """The state of the server that runs now: its queue, its definitions."""
        if self._life is None or self._life.service is None:
            raise RuntimeError("the simulator does not run")
        return self._life.service

    def start(self) -> Simulator:
        """Start serving; returns itself."""
        if self._life is not None:
            raise RuntimeError(f"the simulator runs already, at {self.url}")
        if self._store is None:
            if self._folder is None:
                self._temporary = tempfile.TemporaryDirectory(prefix="comfygraph-simulator-")
            root = Path(self._temporary.name) if self._temporary is not None else self._folder
            assert root is not None
            self._store = Store(root)
        life = _Life(self._setup, self._store)
        try:
            self._port = life.start(self._host, self._port)
        except BaseException:
            self._clean_up()
            raise
        self._life = life
        return self

    def stop(self) -> None:
        """Stop serving, and remove a temporary folder. What runs is interrupted. It may be started again."""
        self._end()
        self._clean_up()

    def crash(self) -> None:
        """Die as a killed process does: connections break, the port is closed, queue and history are gone; files stay."""
        self._end()

    def restart(self) -> None:
        """Come back on the same port, after a `crash` or at once: with an empty queue, history, cache and temp folder."""
        self._end()
        store = self.store
        shutil.rmtree(store.folders["temp"], ignore_errors=True)
        store.folders["temp"].mkdir(parents=True, exist_ok=True)
        self.start()

    def _end(self) -> None:
        life, self._life = self._life, None
        if life is not None:
            life.end()

    def _clean_up(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None
            self._store = None


class _Life:
    """One server from start to end, with a thread that serves and one that runs prompts."""

    def __init__(self, setup: Setup, store: Store) -> None:
        self._setup = setup
        self._store = store
        self.service: Service | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._port = 0
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="comfygraph-simulator", daemon=True)
        self._address = ("", 0)

    def start(self, host: str, port: int) -> int:
        """Serve; returns the port."""
        self._address = (host, port)
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            self.end()
            raise TimeoutError(f"the simulator did not start within {START_SECONDS:g} s")
        if self._error is not None:
            self._thread.join(STOP_SECONDS)
            raise self._error
        return self._port

    def end(self) -> None:
        """End it at once."""
        if self.service is not None:
            self.service.stop(0)
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(self._stop.set)
            except RuntimeError:  # it closed in between
                self._stop = None
        self._thread.join(STOP_SECONDS)
        if self.service is not None:
            self.service.stop(STOP_SECONDS)

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._error = error
            self._ready.set()

    async def _main(self) -> None:
        from aiohttp import web

        from .app import build

        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        service = self.service = Service(self._setup, self._store, self._loop)
        runner = web.AppRunner(build(service), access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        publisher = asyncio.create_task(service.sockets.publish())
        try:
            host, port = self._address
            site = web.TCPSite(runner, host, port, reuse_address=True)
            await site.start()
            self._port = runner.addresses[0][1]
            faults = self._setup.faults
            faults.connect(self._drop, service.queue.forget)
            service.start()
            self._ready.set()
            await self._stop.wait()
            await site.stop()
        finally:
            for connection in list(runner.server.connections) if runner.server is not None else ():
                if connection.transport is not None:
                    connection.transport.abort()
            publisher.cancel()
            await asyncio.gather(publisher, return_exceptions=True)
            await runner.cleanup()

    def _drop(self, client_id: str | None) -> int:
        """Cut sockets, from any thread, and wait until they are cut."""
        loop, service = self._loop, self.service
        if loop is None or service is None or loop.is_closed():
            return 0

        async def drop() -> int:
            return service.sockets.drop(client_id)

        if threading.current_thread() is self._thread:
            return service.sockets.drop(client_id)
        return asyncio.run_coroutine_threadsafe(drop(), loop).result(STOP_SECONDS)


def serve(
    host: str = "127.0.0.1",
    port: int = 8188,
    *,
    on_start: Callable[[Simulator], None] | None = None,
    **options: Any,
) -> None:
    """Run a simulator in the foreground until Ctrl-C (``comfygraph simulate``).

    Args:
        host, port: where it listens; ComfyUI's own port is 8188.
        on_start: called once it serves, e.g. to print its address.
        options: see `Simulator`.

    Raises:
        OSError: the port is taken.
    """
    with Simulator(host=host, port=port, **options) as simulator:
        if on_start is not None:
            on_start(simulator)
        forever = threading.Event()
        try:
            while not forever.wait(0.5):  # in slices, so that Ctrl-C gets through everywhere
                continue
        except KeyboardInterrupt:
            return
