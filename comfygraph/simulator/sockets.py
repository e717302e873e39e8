"""The open WebSockets and what goes out on them, in the server's order and with the server's faults.

Everything is sent from one task that reads one queue, so all sockets see one order. Two connections with one client id: the
newer gets everything, and when the older closes, the newer goes silent for good (traces ws_same_client_id_twice, ws_reconnect).
"""

from __future__ import annotations

import asyncio
import io
import json
import struct
import uuid
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aiohttp import web
    from PIL.Image import Image

    from .faults import Faults

PREVIEW_IMAGE: Final = 1
TEXT: Final = 3
PREVIEW_IMAGE_WITH_METADATA: Final = 4
SEND_SECONDS: Final = 10.0  # that a client may take to read when its buffer is full
Message = tuple[Any, Any, "str | None"]
_FORMATS: Final = {"JPEG": (1, "image/jpeg"), "PNG": (2, "image/png")}


class Sockets:
    """The sockets of one server.

    Args:
        loop: the loop that serves them.
        faults: may silence or drop them.
        queue_info: what a ``status`` message says.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, faults: Faults, queue_info: Callable[[], dict[str, Any]]
    ) -> None:
        self._loop = loop
        self._faults = faults
        self._queue_info = queue_info
        self._outbox: deque[Message] = deque()
        self._filled = asyncio.Event()
        self._woken = False  # the loop was told that there is something to send
        self._by_id: dict[str, web.WebSocketResponse] = {}
        self._features: dict[str, dict[str, Any]] = {}
        self._transports: dict[web.WebSocketResponse, asyncio.Transport | None] = {}
        self.client_id: str | None = None  # of the prompt that runs, or that ran last
        self.last_node_id: str | None = None
        self.muted = False  # the server is dying, and a dead one says nothing

    # from any thread

    def send(self, event: Any, data: Any, client_id: str | None = None) -> None:
        """Send to one client, or to every socket when `client_id` is None."""
        if self.muted or not (self._by_id or self._outbox or self._faults.silence_left() > 0):
            return
        self._outbox.append((event, data, client_id))
        if not self._woken and not self._loop.is_closed():
            # Once for many messages: waking a loop from another thread is what costs.
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._filled.set)
            except RuntimeError:  # the loop closed in between: the server is gone
                return

    def status(self) -> None:
        """Tell every socket how long the queue is."""
        self.send("status", {"status": self._queue_info()})

    def wants_metadata(self, client_id: str | None) -> bool:
        """Whether a client takes previews with metadata."""
        if client_id is None:
            return False
        return bool(self._features.get(client_id, {}).get("supports_preview_metadata"))

    def listens(self, client_id: str | None) -> bool:
        """Whether anybody would get a message for this client (None: for all)."""
        return bool(self._by_id) if client_id is None else client_id in self._by_id

    # on the loop

    async def publish(self) -> None:
        """Send what is queued, for ever. What the fault "silence" holds back goes first when it is over."""
        held: deque[Message] = deque()
        while True:
            await self._filled.wait()
            self._filled.clear()
            self._woken = False  # before the box is emptied: what comes later wakes again
            while self._outbox or held:
                left = self._faults.silence_left()
                if left > 0:
                    if self._faults.keeps_silenced:
                        held.extend(self._take())
                        self._loop.call_later(left + 0.001, self._filled.set)
                    else:
                        self._take()
                    break
                await self._deliver(*(held.popleft() if held else self._outbox.popleft()))

    def _take(self) -> list[Message]:
        """All that is in the box, which is then empty."""
        return [self._outbox.popleft() for _ in range(len(self._outbox))]

    async def serve(self, request: web.Request, features: dict[str, Any]) -> web.WebSocketResponse:
        """One connection, from its opening to its end."""
        from aiohttp import WSMsgType, web

        socket = web.WebSocketResponse(max_msg_size=16 * 2**20)
        await socket.prepare(request)
        client_id = request.query.get("clientId", "") or uuid.uuid4().hex
        self._by_id[client_id] = socket
        self._features[client_id] = {}
        self._transports[socket] = request.transport
        try:
            await self._deliver("status", {"status": self._queue_info(), "sid": client_id}, client_id)
            if self.client_id == client_id and self.last_node_id is not None:
                await self._deliver("executing", {"node": self.last_node_id}, client_id)
            first = True
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    continue
                try:
                    data = json.loads(message.data)
                except ValueError:
                    continue  # and what comes next is still the first message
                if first and isinstance(data, dict) and data.get("type") == "feature_flags":
                    flags = data.get("data", {})
                    self._features[client_id] = flags if isinstance(flags, dict) else {}
                    await self._deliver("feature_flags", features, client_id)
                first = False
        finally:
            # By id, not by socket: this is what silences a newer connection of the same client.
            self._by_id.pop(client_id, None)
            self._features.pop(client_id, None)
            self._transports.pop(socket, None)
        return socket

    def drop(self, client_id: str | None = None) -> int:
        """Cut connections without a closing handshake: one client's, or all. Returns how many."""
        sockets = list(self._transports) if client_id is None else self._of(client_id)
        for socket in sockets:
            self._abort(socket)
        return len(sockets)

    def _abort(self, socket: web.WebSocketResponse) -> None:
        transport = self._transports.get(socket)
        if transport is not None:
            transport.abort()

    async def _bounded(self, socket: web.WebSocketResponse, sending: Coroutine[Any, Any, None]) -> None:
        """Send, for at most `SEND_SECONDS` where the client is behind with reading."""
        transport = self._transports.get(socket)
        if transport is not None and transport.get_write_buffer_size() > 0:
            await asyncio.wait_for(sending, SEND_SECONDS)
        else:
            await sending

    def _of(self, client_id: str) -> list[web.WebSocketResponse]:
        socket = self._by_id.get(client_id)
        return [] if socket is None else [socket]

    async def _deliver(self, event: Any, data: Any, client_id: str | None) -> None:
        sockets = list(self._by_id.values()) if client_id is None else self._of(client_id)
        if not sockets:
            return
        binary = isinstance(event, int)
        payload = frame(event, data) if binary else json.dumps({"type": event, "data": data})
        for socket in sockets:
            try:
                sending = socket.send_bytes(payload) if isinstance(payload, bytes) else socket.send_str(payload)
                await self._bounded(socket, sending)
            except (ConnectionError, RuntimeError):
                continue
            except asyncio.TimeoutError:
                # Nobody reads at the other end: it must not hold up the others, nor fill the memory.
                self._abort(socket)
                continue
            if self._faults.drop_after_message():
                self._abort(socket)


def frame(event: int, data: Any) -> bytes:
    """A binary message: for previews `data` is ``(format, picture, largest side or None[, metadata])``, else bytes."""
    head = struct.pack(">I", event)
    if event == PREVIEW_IMAGE:
        name, picture, size = data
        return head + struct.pack(">I", _FORMATS[name][0]) + _encoded(name, picture, size)
    if event == PREVIEW_IMAGE_WITH_METADATA:
        name, picture, size, metadata = data
        about = json.dumps({**metadata, "image_type": _FORMATS[name][1]}).encode()
        return head + struct.pack(">I", len(about)) + about + _encoded(name, picture, size)
    return head + bytes(data)


def _encoded(name: str, picture: Image, size: int | None) -> bytes:
    if size is not None and max(picture.size) != size:  # small ones are enlarged too
        scale = size / max(picture.size)
        picture = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    if name == "JPEG" and picture.mode != "RGB":
        picture = picture.convert("RGB")
    buffer = io.BytesIO()
    picture.save(buffer, format=name, quality=95, compress_level=1)
    return buffer.getvalue()
