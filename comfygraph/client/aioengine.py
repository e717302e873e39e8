"""The driver of the async client: the same board as `engine`, carried by two tasks of the caller's event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from ..errors import BadAnswer, ServerUnreachable
from . import messages
from .aiotransport import AioSocket, AioTransport
from .board import Board, Told
from .engine import HELLO, RECONNECT, SLICE, no_socket
from .events import Event, Finished
from .exchange import Failure, Flow, Pause, Reply
from .follow import Follow, Limits
from .ids import new_id
from .protocol import JobMachine, Timing
from .transport import Closed

T = TypeVar("T")


class AsyncEngine:
    """Follows jobs on one server; see `engine.Engine`."""

    def __init__(self, transport: AioTransport, *, client_id: str | None = None, timing: Timing | None = None) -> None:
        self.transport = transport
        self.client_id = client_id or new_id()
        self.board = Board(timing)
        self._follows: dict[str, tuple[Follow, asyncio.Event]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._socket_news = asyncio.Event()
        self._attempts = 0
        self._closed = False

    async def run(self, flow: Flow[T]) -> T:
        """Carry a conversation."""
        reply: Reply | None = None
        while True:
            try:
                step = flow.send(reply)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                reply = None
            else:
                reply = await self.transport.send(step)

    def follow(
        self, machine: JobMachine, *, id_of: Callable[[Any], str] | None = None, ids: tuple[str, ...] = ()
    ) -> Follow:
        """Follow a job from now on."""
        self._open()
        known = self._follows.get(machine.prompt_id)
        if known is not None:
            return known[0]
        follow = Follow(machine, time.monotonic(), id_of=id_of, ids=ids)
        self._follows[machine.prompt_id] = (follow, asyncio.Event())
        self.board.add(machine)
        return follow

    def drop(self, prompt_id: str) -> None:
        """Follow it no more: the server refused it."""
        self.board.remove(prompt_id)
        self._follows.pop(prompt_id, None)

    def accepted(self, machine: JobMachine) -> None:
        """The server took it."""
        self._tell(self.board.accepted(machine, time.monotonic()))
        self._start("watch", self._watch)
        self._wake.set()

    def look_soon(self, machine: JobMachine) -> None:
        """Something was done to it: look now."""
        machine.look_soon(time.monotonic())
        self._wake.set()

    async def wait(self, follow: Follow, limits: Limits) -> None:
        """Return when the job has ended. Raises WaitTimeout."""
        async for _ in self.events(follow, limits, told=False):
            pass

    async def events(self, follow: Follow, limits: Limits, *, told: bool = True) -> AsyncIterator[list[Event]]:
        """The job's events in batches as they come, until it has ended. Raises WaitTimeout."""
        number = 0
        while True:
            batch: list[Event] = []
            if told:
                batch, number = follow.since(number)
            ended = follow.machine.outcome is not None
            if batch:
                yield batch
            if ended:
                return
            if batch:
                continue
            left = limits.check(follow.machine, time.monotonic())
            entry = self._follows.get(follow.machine.prompt_id)
            if entry is None:
                continue
            entry[1].clear()
            await _wait(entry[1], min(left, SLICE))

    async def ensure_socket(self) -> None:
        """Have the socket open before a prompt is posted; when it cannot be had in time, go on without."""
        self._open()
        self._start("socket", self._listen)
        deadline = time.monotonic() + HELLO
        while not (self.board.up or self._attempts or self._closed):
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._socket_news.clear()
            await _wait(self._socket_news, left)

    @property
    def socket_wanted(self) -> bool:
        """Has somebody asked for the socket?"""
        return "socket" in self._tasks

    def _start(self, name: str, what: Callable[[], Any]) -> None:
        task = self._tasks.get(name)
        if task is None or task.done():
            self._tasks[name] = asyncio.create_task(what(), name=f"comfygraph-{name}")

    async def _listen(self) -> None:
        while not self._closed:
            opened: AioSocket | Failure
            try:
                opened = await self.transport.connect(self.client_id)
            except Exception as error:
                opened = no_socket(error)
            self._attempts += 1
            self._socket_news.set()
            if isinstance(opened, Failure):
                await asyncio.sleep(RECONNECT[min(self._attempts, len(RECONNECT)) - 1])
                continue
            try:
                await self._hear(opened)
            except Closed:
                pass
            except Exception as error:
                await self._give_up(BadAnswer(f"the socket's messages could not be followed ({type(error).__name__})"))
            finally:
                # The old one is closed before a new one is opened: see `engine`.
                await opened.close()
            self._tell(self.board.socket_down(time.monotonic()))
            self._wake.set()
            await asyncio.sleep(RECONNECT[0])

    async def _hear(self, socket: AioSocket) -> None:
        await socket.send_text(messages.feature_flags())
        first = None
        deadline = time.monotonic() + HELLO
        while first is None:
            if time.monotonic() > deadline:
                return
            first = await socket.receive(SLICE)
        self._attempts = 1
        self._tell(self.board.socket_up(time.monotonic()))
        self._tell(self.board.receive(first, time.monotonic()))
        self._socket_news.set()
        self._wake.set()
        while not self._closed:
            frame = await socket.receive(SLICE)
            now = time.monotonic()
            if frame is None:
                if self.board.deaf(now):
                    return
                continue
            self.board.touched = None
            self._tell(self.board.receive(frame, now))
            touched = self.board.touched
            if touched is not None and self.board.due_of(touched) <= now:
                self._wake.set()

    async def _watch(self) -> None:
        while not self._closed:
            try:
                await self._ask_next()
            except Exception as error:
                await self._give_up(BadAnswer(f"the server's answers could not be followed ({type(error).__name__})"))

    async def _ask_next(self) -> None:
        now = time.monotonic()
        self._tell(self.board.tick(now))
        question = self.board.question(now)
        if question is None:
            self._wake.clear()
            # Jobs that get due sooner while this sleeps are due in the same order: half a second is soon enough.
            await _wait(self._wake, min(max(self.board.due() - now, 0.001), SLICE))
            return
        reply = await self.transport.send(question.request)
        if not self._closed:
            self._tell(self.board.reply(question, reply, time.monotonic()))

    async def _give_up(self, error: BadAnswer) -> None:
        self._tell(self.board.fail_all(error))
        # Whatever went wrong may go wrong at once again.
        await asyncio.sleep(SLICE)

    def _tell(self, told: list[Told]) -> None:
        for job, event in told:
            entry = self._follows.get(job.prompt_id)
            if entry is None:
                continue
            follow, news = entry
            follow.add(event)
            if isinstance(event, Finished):
                follow.ended = time.monotonic()
                del self._follows[job.prompt_id]
            news.set()

    def _open(self) -> None:
        if self._closed:
            raise ServerUnreachable("this client is closed")

    async def close(self) -> None:
        """Stop following. Jobs go on; who waits for one is told."""
        if self._closed:
            return
        self._closed = True
        self._tell(
            self.board.fail_all(ServerUnreachable("the client was closed while the job was open; the job goes on"))
        )
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.transport.close()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return
