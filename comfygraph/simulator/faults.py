"""What can go wrong with a server, on request.

A `Simulator` has one `Faults` object. Each method arms one fault; it goes off by itself as often as it was asked to, and
`clear` disarms all. Armed faults survive a restart. Use them to see what your own program does when a server fails::

    with Simulator() as sim, Client(sim.url) as client:
        sim.faults.lose_reply("POST", "/prompt")          # accepted, and the answer never arrives
        result = client.run(graph)                        # one job, not two
"""

from __future__ import annotations

import fnmatch
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

Lost = Literal["before", "after"]

_ANY: Final = "*"


@dataclass
class HttpFault:
    """One armed fault of the HTTP side: which requests it meets, and what happens to them.

    Attributes:
        kind: ``"answer"``, ``"lose"``, ``"delay"`` or ``"truncate"``.
        method, path: as given; ``*`` in a path stands for anything. The prefix ``/api`` counts for nothing.
        times: how often it still goes off; None for ever.
    """

    kind: Literal["answer", "lose", "delay", "truncate"]
    method: str
    path: str
    times: int | None
    status: int = 500
    body: bytes = b""
    content_type: str = "text/plain"
    seconds: float = 0.0
    share: float = 0.5
    when: Lost = "after"

    def meets(self, method: str, path: str) -> bool:
        """Whether a request is one of those."""
        path = path.removeprefix("/api") or "/"
        return self.method in (_ANY, method) and fnmatch.fnmatchcase(path, self.path)


@dataclass
class NodeFault:
    """One armed fault of a node: it raises this when it is to run."""

    node: str
    times: int | None
    exception_type: str
    message: str

    def meets(self, node_id: str, class_type: str) -> bool:
        """Whether a node, by its id or its class, is the one meant."""
        return self.node in (node_id, class_type, _ANY)


class Faults:
    """The faults of one simulator. Every method may be called from any thread, before or while it serves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._http: list[HttpFault] = []
        self._nodes: list[NodeFault] = []
        self._reuse = 0
        self._drop_in: int | None = None
        self._silent_until = 0.0
        self.keeps_silenced = False
        self.speed = 1.0
        self.late_history_seconds = 0.0
        self._drop_now: Callable[[str | None], int] = _nobody
        self._forget: Callable[[str], None] = _nothing

    # WebSocket

    def drop_socket(self, after: int = 0, client_id: str | None = None) -> None:
        """Cut WebSocket connections without a closing handshake, as a broken network does.

        Args:
            after: cut the connection that gets the n-th message from now on; 0 cuts at once.
            client_id: at once, and only this client's.

        Example:
            >>> Faults().drop_socket(after=5)     # somewhere in the middle of a job
        """
        if after <= 0:
            self._drop_now(client_id)
            return
        with self._lock:
            self._drop_in = after

    def silence(self, seconds: float, *, keep: bool = False) -> None:
        """Send nothing on any WebSocket for so many seconds; jobs go on meanwhile.

        Args:
            seconds: from now.
            keep: send the held-back messages afterwards; otherwise they are lost.
        """
        with self._lock:
            self._silent_until = time.monotonic() + seconds
            self.keeps_silenced = keep

    # HTTP

    def answer(
        self,
        answer: int | bytes,
        *,
        path: str = _ANY,
        method: str = _ANY,
        times: int | None = 1,
        content_type: str = "text/plain",
    ) -> None:
        """Answer requests with a bare status, or with 200 and these bytes, without doing what they ask.

        Args:
            answer: ``500``, ``502``, …, or a body such as ``b"garbage"``.
            path: ``"/prompt"``, ``"/history/*"``; ``"*"`` for every one.
            method: ``"GET"``, ``"POST"``, or ``"*"``.
            times: how many requests; None for all until `clear`.
            content_type: of the body.
        """
        status, body = (answer, b"") if isinstance(answer, int) else (200, answer)
        self._arm(HttpFault("answer", method, path, times, status=status, body=body, content_type=content_type))

    def lose_reply(self, method: str, path: str, *, times: int | None = 1, when: Lost = "after") -> None:
        """Cut the connection instead of answering.

        Args:
            method, path, times: which requests, as in `answer`.
            when: ``"after"`` the request was carried out (a prompt is queued, its answer is lost) or ``"before"``.
        """
        self._arm(HttpFault("lose", method, path, times, when=when))

    def delay(self, seconds: float, *, path: str = _ANY, method: str = _ANY, times: int | None = 1) -> None:
        """Answer late."""
        self._arm(HttpFault("delay", method, path, times, seconds=seconds))

    def truncate_download(self, times: int | None = 1, *, share: float = 0.5) -> None:
        """Break off ``GET /view`` after a share of the file, although ``Content-Length`` promised all of it."""
        self._arm(HttpFault("truncate", "GET", "/view", times, share=share))

    # jobs

    def forget(self, prompt_id: str) -> None:
        """Lose a job: it is in neither queue nor history any more, and nobody is told. A running one stops."""
        self._forget(prompt_id)

    def late_history(self, seconds: float) -> None:
        """Write the history so many seconds after ``execution_success`` was sent: the server's own race, made wide."""
        self.late_history_seconds = max(0.0, seconds)

    def out_of_memory(self, node: str = _ANY, *, times: int | None = 1) -> None:
        """Let a node run out of memory.

        Args:
            node: its id or its class; ``"*"`` for the next one, whichever it is.
            times: how often.
        """
        message = "CUDA out of memory. Tried to allocate 2.00 GiB (simulated)."
        self._fail(NodeFault(node, times, "torch.OutOfMemoryError", message))

    def fail(
        self, node: str, message: str = "simulated failure", *, kind: str = "RuntimeError", times: int | None = 1
    ) -> None:
        """Let a node raise.

        Args:
            node: its id or its class; ``"*"`` for the next one.
            message: the exception's text.
            kind: the exception's name, as in ``exception_type``.
            times: how often.
        """
        self._fail(NodeFault(node, times, kind, message))

    def reuse_filename(self, times: int = 1) -> None:
        """Let saving nodes count from 1 again, over files that are there: as after a cleared output folder."""
        with self._lock:
            self._reuse = max(0, times)

    def slow(self, factor: float) -> None:
        """Multiply the time that sampler steps take; 1.0 is the normal speed."""
        if factor < 0:
            raise ValueError("slow: a factor of 0 or more")
        self.speed = factor

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._http.clear()
            self._nodes.clear()
            self._reuse = 0
            self._drop_in = None
            self._silent_until = 0.0
            self.speed = 1.0
            self.late_history_seconds = 0.0

    # for the simulator

    def connect(self, drop: Callable[[str | None], int], forget: Callable[[str], None]) -> None:
        """Where `drop_socket` and `forget` take effect: the server that runs now."""
        self._drop_now, self._forget = drop, forget

    def http(self, method: str, path: str) -> HttpFault | None:
        """The fault that meets a request, used up by one."""
        with self._lock:
            for fault in self._http:
                if fault.meets(method, path):
                    _use(self._http, fault)
                    return fault
        return None

    def node(self, node_id: str, class_type: str) -> NodeFault | None:
        """The fault that meets a node, used up by one."""
        with self._lock:
            for fault in self._nodes:
                if fault.meets(node_id, class_type):
                    _use(self._nodes, fault)
                    return fault
        return None

    def restart_counter(self) -> bool:
        """Whether the next file name is to be counted from 1."""
        with self._lock:
            if self._reuse <= 0:
                return False
            self._reuse -= 1
            return True

    def silence_left(self) -> float:
        """Seconds of silence left; 0 or less when there is none."""
        return self._silent_until - time.monotonic()

    def drop_after_message(self) -> bool:
        """Called after each message: whether the connection that got it is to be cut."""
        with self._lock:
            if self._drop_in is None:
                return False
            self._drop_in -= 1
            if self._drop_in > 0:
                return False
            self._drop_in = None
            return True

    def _arm(self, fault: HttpFault) -> None:
        if fault.times is None or fault.times > 0:
            with self._lock:
                self._http.append(fault)

    def _fail(self, fault: NodeFault) -> None:
        if fault.times is None or fault.times > 0:
            with self._lock:
                self._nodes.append(fault)


def _use(armed: list[Any], fault: Any) -> None:
    if fault.times is not None:
        fault.times -= 1
        if fault.times <= 0:
            armed.remove(fault)


def _nobody(client_id: str | None) -> int:
    return 0


def _nothing(prompt_id: str) -> None:
    return None
