"""The driver of the sync client: one thread reads the socket, one asks over HTTP, any number wait.

The board (`board`) decides; this carries. The old socket is always closed before a new one is opened: a server forgets
the newer of two when the older closes (trace ws_same_client_id_twice).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ..errors import BadAnswer, ServerUnreachable
from . import messages
from .board import Board, Told
from .events import Event, Finished
from .exchange import Failure, Flow, Pause, Reply
from .follow import Follow, Limits
from .ids import new_id
from .protocol import JobMachine, Timing
from .transport import Closed, Socket, Transport

T = TypeVar("T")

HELLO = 5.0
"""Seconds to wait for the first socket; after that jobs are followed over HTTP until it comes."""
PING_EVERY = 10.0
DEAD_AFTER = 35.0
"""Seconds without anything from the socket, pings answered or not, after which it is opened anew."""
RECONNECT = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
SLICE = 0.5
"""Longest wait in one piece: so Ctrl-C is seen on every system."""


def no_socket(error: Exception) -> Failure:
    """For a transport that could not even try (a package that is not there, say): jobs are followed over HTTP then, and
    nobody waits for a listener that has ended."""
    return Failure("refused", f"no socket could be opened: {type(error).__name__}: {error}", error)


class Engine:
    """Follows jobs on one server.

    Args:
        transport: what carries HTTP and the socket.
        client_id: the id of the socket; None for a fresh one.
        timing: when to look; see `protocol.Timing`.
    """

    def __init__(self, transport: Transport, *, client_id: str | None = None, timing: Timing | None = None) -> None:
        self.transport = transport
        self.client_id = client_id or new_id()
        self.board = Board(timing)
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._socket_news = threading.Condition(self._lock)
        self._follows: dict[str, tuple[Follow, threading.Condition]] = {}
        self._threads: list[threading.Thread] = []
        self._asleep_until = 0.0
        self._attempts = 0
        self._wanted = False
        self._closed = False
        self._socket: Socket | None = None

    # -- conversations --------------------------------------------------------------------------------------------

    def run(self, flow: Flow[T]) -> T:
        """Carry a conversation in the calling thread."""
        reply: Reply | None = None
        while True:
            try:
                step = flow.send(reply)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                reply = None
            else:
                reply = self.transport.send(step)

    # -- jobs -----------------------------------------------------------------------------------------------------

    def follow(
        self, machine: JobMachine, *, id_of: Callable[[Any], str] | None = None, ids: tuple[str, ...] = ()
    ) -> Follow:
        """Follow a job from now on."""
        with self._lock:
            self._open()
            known = self._follows.get(machine.prompt_id)
            if known is not None:
                return known[0]
            follow = Follow(machine, time.monotonic(), id_of=id_of, ids=ids)
            self._follows[machine.prompt_id] = (follow, threading.Condition(self._lock))
            self.board.add(machine)
            return follow

    def drop(self, prompt_id: str) -> None:
        """Follow it no more: the server refused it."""
        with self._lock:
            self.board.remove(prompt_id)
            self._follows.pop(prompt_id, None)

    def accepted(self, machine: JobMachine) -> None:
        """The server took it."""
        with self._lock:
            self._tell(self.board.accepted(machine, time.monotonic()))
            self._start()
            self._poke(self.board.due_of(machine))

    def heard(self, machine: JobMachine) -> bool:
        """Has the socket told of it?"""
        with self._lock:
            return machine.heard

    def look_soon(self, machine: JobMachine) -> None:
        """Something was done to it: look now."""
        with self._lock:
            machine.look_soon(time.monotonic())
            self._poke(self.board.due_of(machine))

    def wait(self, follow: Follow, limits: Limits) -> None:
        """Return when the job has ended. Raises WaitTimeout."""
        for _ in self.events(follow, limits, told=False):
            pass

    def events(self, follow: Follow, limits: Limits, *, told: bool = True) -> Iterator[list[Event]]:
        """The job's events in batches as they come, until it has ended. Raises WaitTimeout."""
        number = 0
        while True:
            with self._lock:
                batch: list[Event] = []
                if told:
                    batch, number = follow.since(number)
                ended = follow.machine.outcome is not None
                if not batch and not ended:
                    # The time is looked at only when there is nothing to tell: an end that is known is no timeout.
                    left = limits.check(follow.machine, time.monotonic())
                    entry = self._follows.get(follow.machine.prompt_id)
                    condition = entry[1] if entry is not None else self._wake
                    condition.wait(min(left, SLICE))
                    continue
            if batch:
                yield batch
            if ended:
                return

    # -- the socket -----------------------------------------------------------------------------------------------

    def ensure_socket(self) -> None:
        """Have the socket open before a prompt is posted; when it cannot be had in time, go on without."""
        with self._lock:
            self._open()
            self._wanted = True
            self._start()
            if self.board.up or self._attempts:
                return
            deadline = time.monotonic() + HELLO
            while not (self.board.up or self._attempts or self._closed):
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._socket_news.wait(left)

    @property
    def socket_wanted(self) -> bool:
        """Has somebody asked for the socket?"""
        return self._wanted

    def _start(self) -> None:
        wanted: list[tuple[str, Callable[[], None]]] = [("comfygraph-watch", self._watch)]
        if self._wanted:
            wanted.append(("comfygraph-socket", self._listen))
        running = {thread.name for thread in self._threads}
        for name, target in wanted:
            if name not in running:
                thread = threading.Thread(target=target, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _listen(self) -> None:
        """The thread of the socket."""
        while not self._closed:
            try:
                opened = self.transport.connect(self.client_id)
            except Exception as error:
                opened = no_socket(error)
            with self._lock:
                self._attempts += 1
                if isinstance(opened, Failure):
                    delay = RECONNECT[min(self._attempts, len(RECONNECT)) - 1]
                    self._socket_news.notify_all()
                    if not self._closed:
                        self._socket_news.wait(delay)
                    continue
                self._socket = opened
            try:
                self._hear(opened)
            except Closed:
                pass
            except Exception as error:
                self._give_up(BadAnswer(f"the socket's messages could not be followed ({type(error).__name__})"))
            with self._lock:
                self._socket = None
            opened.close()
            with self._lock:
                self._tell(self.board.socket_down(time.monotonic()))
                self._poke(0.0)
                if not self._closed:
                    self._socket_news.wait(RECONNECT[0])

    def _hear(self, socket: Socket) -> None:
        socket.send_text(messages.feature_flags())
        # The first message is the server's status: from then on it knows this socket.
        first = None
        deadline = time.monotonic() + HELLO
        while first is None:
            if time.monotonic() > deadline:
                return
            first = socket.receive(SLICE)
        with self._lock:
            self._attempts = 1
            self._tell(self.board.socket_up(time.monotonic()))
            self._tell(self.board.receive(first, time.monotonic()))
            self._socket_news.notify_all()
            self._poke(0.0)
        pinged = time.monotonic()
        while not self._closed:
            frame = socket.receive(SLICE)
            now = time.monotonic()
            if frame is not None:
                with self._lock:
                    self.board.touched = None
                    self._tell(self.board.receive(frame, now))
                    touched = self.board.touched
                    if touched is not None:
                        self._poke(self.board.due_of(touched))
                continue
            if now - socket.alive_at > DEAD_AFTER:
                return
            with self._lock:
                if self.board.deaf(now):
                    return
            if now - max(pinged, socket.alive_at) > PING_EVERY:
                pinged = now
                socket.ping()

    # -- the questions --------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """The thread that asks over HTTP."""
        while not self._closed:
            try:
                self._ask_next()
            except Exception as error:
                self._give_up(BadAnswer(f"the server's answers could not be followed ({type(error).__name__})"))

    def _ask_next(self) -> None:
        with self._lock:
            now = time.monotonic()
            self._tell(self.board.tick(now))
            question = self.board.question(now)
            if question is None:
                self._asleep_until = self.board.due()
                self._wake.wait(min(max(self._asleep_until - now, 0.0), 60.0) or 0.001)
                self._asleep_until = 0.0
                return
        reply = self.transport.send(question.request)
        with self._lock:
            if not self._closed:
                self._tell(self.board.reply(question, reply, time.monotonic()))

    def _poke(self, due: float) -> None:
        """Wake the asking thread if it would sleep past `due`."""
        if due < self._asleep_until:
            self._wake.notify_all()

    def _give_up(self, error: BadAnswer) -> None:
        with self._lock:
            self._tell(self.board.fail_all(error))
            # Whatever went wrong may go wrong at once again.
            if not self._closed:
                self._wake.wait(SLICE)

    def _tell(self, told: list[Told]) -> None:
        for job, event in told:
            entry = self._follows.get(job.prompt_id)
            if entry is None:
                continue
            follow, condition = entry
            follow.add(event)
            if isinstance(event, Finished):
                follow.ended = time.monotonic()
                del self._follows[job.prompt_id]
            condition.notify_all()

    # -- the end --------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._closed:
            raise ServerUnreachable("this client is closed")

    def close(self) -> None:
        """Stop following: close the socket fully, end the threads. Jobs go on; who waits for one is told."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            error = ServerUnreachable("the client was closed while the job was open; the job goes on")
            self._tell(self.board.fail_all(error))
            self._wake.notify_all()
            self._socket_news.notify_all()
            threads = list(self._threads)
            socket = self._socket
        if socket is not None:
            socket.abort()
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(5.0)
        self.transport.close()
