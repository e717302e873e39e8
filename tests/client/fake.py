"""A transport that is a small scripted server in memory: the client's seam, for tests without any network."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from comfygraph.client.exchange import Answer, Failure, Reply, Request
from comfygraph.client.transport import Broken, Closed

REFUSED = Failure("refused", "connection refused")
SILENT = Failure("silent", "no answer in time")
BROKEN = Failure("broken", "the connection broke")


def answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(value).encode())


class FakeSocket:
    """A socket that gives what it is fed."""

    def __init__(self) -> None:
        self._frames: queue.Queue[str | bytes | None] = queue.Queue()
        self.sent: list[str] = []
        self.closed = False
        self.alive_at = time.monotonic()

    def feed(self, frame: str | bytes | dict[str, Any] | None) -> None:
        self._frames.put(json.dumps(frame) if isinstance(frame, dict) else frame)

    def send_text(self, text: str) -> None:
        self.sent.append(text)

    def receive(self, timeout: float) -> str | bytes | None:
        try:
            frame = self._frames.get(timeout=timeout)
        except queue.Empty:
            return None
        self.alive_at = time.monotonic()
        if frame is None:
            raise Closed
        return frame

    def ping(self) -> None:
        self.alive_at = time.monotonic()

    def abort(self) -> None:
        self._frames.put(None)

    def close(self) -> bool:
        self.closed = True
        return True


class FakeDownload:
    def __init__(self, status: int, body: bytes, length: int | None, breaks: bool) -> None:
        self.status, self.length = status, length
        self._body, self._breaks = body, breaks

    def chunks(self) -> Iterator[bytes]:
        yield self._body
        if self._breaks:
            raise Broken(BROKEN)


class FakeServer:
    """A ComfyUI of a few lines. Every reply can be overridden: `script` is asked first.

    Attributes:
        script: request -> a reply, or None for the ordinary one.
        requests: what was asked, in order.
        pending, running, history: the queue and what is over.
        announce: tell the socket of a prompt's course; without it only HTTP knows.
    """

    def __init__(self) -> None:
        self.script: Callable[[Request], Reply | None] = lambda request: None
        self.requests: list[Request] = []
        self.pending: list[str] = []
        self.running: list[str] = []
        self.history: dict[str, Any] = {}
        self.prompts: list[dict[str, Any]] = []
        self.node_errors: dict[str, Any] = {}
        self.sockets: list[FakeSocket] = []
        self.socket_failure: Failure | None = None
        self.downloads: list[FakeDownload | Failure] = []
        self.closed = False
        self._lock = threading.Lock()

    # the transport

    def send(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
        scripted = self.script(request)
        return scripted if scripted is not None else self.ordinary(request)

    @contextmanager
    def download(self, request: Request) -> Iterator[Any]:
        self.requests.append(request)
        yield self.downloads.pop(0)

    def connect(self, client_id: str) -> Any:
        if self.socket_failure is not None:
            return self.socket_failure
        assert all(socket.closed for socket in self.sockets), "the old socket is closed before a new one is opened"
        socket = FakeSocket()
        socket.feed({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": client_id}})
        self.sockets.append(socket)
        return socket

    def close(self) -> None:
        self.closed = True

    # the server

    def ordinary(self, request: Request) -> Reply:
        path, body = request.path, json.loads(request.body or "{}")
        if (request.method, path) == ("POST", "/prompt"):
            self.prompts.append(body)
            self.pending.append(body["prompt_id"])
            self.status()
            return answer({"prompt_id": body["prompt_id"], "number": 1, "node_errors": self.node_errors})
        if path == "/queue" and request.method == "GET":
            return answer(
                {
                    "queue_running": [[0, p, {}, {}, ["2"]] for p in self.running],
                    "queue_pending": [[n, p, {}, {}, ["2"]] for n, p in enumerate(self.pending, 1)],
                }
            )
        if path == "/queue":
            self.pending = [p for p in self.pending if p not in body.get("delete", [])]
            self.status()
            return answer("")
        if path == "/interrupt":
            for prompt_id in [p for p in self.running if body.get("prompt_id") in (None, p)]:
                self.end(prompt_id, "execution_interrupted", {"node_id": "1", "node_type": "EmptyImage"})
            return answer("")
        if path == "/history":
            count = int(dict(request.query)["max_items"])
            return answer(dict(list(self.history.items())[-count:]))
        if path.startswith("/history/"):
            prompt_id = path.rpartition("/")[2]
            return answer({prompt_id: self.history[prompt_id]} if prompt_id in self.history else {})
        return Answer(404, {}, b"")

    def tell(self, kind: str, **data: Any) -> None:
        if self.sockets and not self.sockets[-1].closed:
            self.sockets[-1].feed({"type": kind, "data": data})

    def status(self) -> None:
        self.tell("status", status={"exec_info": {"queue_remaining": len(self.pending) + len(self.running)}})

    def start(self, prompt_id: str, *, announce: bool = True) -> None:
        self.pending.remove(prompt_id)
        self.running.append(prompt_id)
        if announce:
            self.tell("execution_start", prompt_id=prompt_id)
            self.tell("execution_cached", prompt_id=prompt_id, nodes=[])

    def end(
        self,
        prompt_id: str,
        kind: str = "execution_success",
        data: dict[str, Any] | None = None,
        *,
        announce: bool = True,
    ) -> None:
        message = {"prompt_id": prompt_id, **(data or {})}
        ok = kind == "execution_success"
        images = [{"filename": "fox.png", "subfolder": "", "type": "output"}]
        self.running = [p for p in self.running if p != prompt_id]
        self.history[prompt_id] = {
            "outputs": {"2": {"images": images}} if ok else {},
            "status": {"status_str": "success" if ok else "error", "completed": ok, "messages": [[kind, message]]},
        }
        if announce:
            self.tell(kind, **message)
            self.status()
            self.tell("executing", node=None, prompt_id=prompt_id)

    def paths(self, method: str = "POST") -> list[str]:
        with self._lock:
            return [request.path for request in self.requests if request.method == method]
