"""A WebSocket by websocket-client, read by one thread."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from .address import Address
from .credentials import Credentials
from .exchange import FailureKind
from .messages import MAX_BINARY
from .proxies import with_scheme
from .transport import Closed

if TYPE_CHECKING:
    import websocket

READ = 256 * 1024
CLOSE_TIMEOUT = 2.0


def connect(
    address: Address,
    credentials: Credentials,
    client_id: str,
    timeout: float,
    verify: str | bool,
    proxy: str | None,
) -> ClientSocket:
    """Open a socket. Raises whatever websocket-client does; see `classify`."""
    import websocket

    class Buffered(websocket.WebSocket):
        """Reads what is there at once: a frame would else cost three calls to the system."""

        held = b""

        def _recv(self, bufsize: int) -> bytes:
            if not self.held:
                self.held = super()._recv(READ)  # type: ignore[no-untyped-call]
            part, self.held = self.held[:bufsize], self.held[bufsize:]
            return part

    query = [("clientId", client_id), *credentials.query]
    options: dict[str, Any] = {
        "timeout": min(timeout, 10.0),
        "header": [f"{name}: {value}" for name, value in credentials.headers.items()],
        # ComfyUI compares Origin with Host, which a proxy may have rewritten; only browsers need it.
        "suppress_origin": True,
        # A redirect would carry the headers to wherever it points.
        "redirect_limit": 0,
        "skip_utf8_validation": True,
        "enable_multithread": True,
        "sslopt": _tls(verify) if address.secure else {},
        **_proxy(proxy),
    }
    ws: Any = websocket.create_connection(f"{address.ws}/ws?{urlencode(query)}", class_=Buffered, **options)
    _bound(ws)
    return ClientSocket(ws)


class ClientSocket:
    """An open socket; see `transport.Socket`."""

    def __init__(self, ws: websocket.WebSocket) -> None:
        self._ws: Any = ws
        self._alive_at = time.monotonic()
        self._timeout = -1.0

    @property
    def alive_at(self) -> float:
        """When anything last came."""
        return self._alive_at

    def send_text(self, text: str) -> None:
        """Send a text frame. Raises `Closed`."""
        try:
            self._ws.send(text)
        except Exception:
            raise Closed from None

    def receive(self, timeout: float) -> str | bytes | None:
        """The next frame, or None; see `transport.Socket`."""
        import websocket

        ws = self._ws
        if timeout != self._timeout:
            ws.settimeout(timeout)
            self._timeout = timeout
        try:
            opcode, frame = ws.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            return None
        except Exception:
            raise Closed from None
        self._alive_at = time.monotonic()
        if opcode == websocket.ABNF.OPCODE_TEXT:
            return bytes(frame.data).decode("utf-8", "replace")
        if opcode == websocket.ABNF.OPCODE_BINARY:
            return bytes(frame.data)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise Closed
        return None

    def ping(self) -> None:
        """Ask for a sign of life."""
        try:
            self._ws.ping()
        except Exception:
            raise Closed from None

    def abort(self) -> None:
        """Wake the reading thread; see `transport.Socket`."""
        import socket

        with contextlib.suppress(Exception):
            self._ws.sock.shutdown(socket.SHUT_RD)

    def close(self) -> bool:
        """Close it fully; see `transport.Socket`."""
        agreed = False
        with contextlib.suppress(Exception):
            self._ws.close(timeout=CLOSE_TIMEOUT)
            agreed = self._ws.close_frame is not None
        with contextlib.suppress(Exception):
            self._ws.shutdown()
        return agreed


def classify(error: Exception) -> tuple[FailureKind, str]:
    """What an exception of websocket-client means, without its own text: that can hold the URL with a token in it."""
    import ssl

    import websocket

    if isinstance(error, websocket.WebSocketBadStatusException):
        return "broken", f"the server answered {getattr(error, 'status_code', '?')} to the WebSocket request"
    if isinstance(error, ssl.SSLError):
        return "insecure", "the secure connection failed: is its certificate trusted? (ca=)"
    if isinstance(error, (websocket.WebSocketTimeoutException, TimeoutError)):
        return "silent", "no connection in time"
    if isinstance(error, ConnectionRefusedError):
        return "refused", "connection refused"
    if isinstance(error, (websocket.WebSocketProxyException, websocket.WebSocketAddressException)):
        return "refused", "no such host, or the proxy did not connect"
    return "broken", f"the connection broke ({type(error).__name__})"


def _tls(verify: str | bool) -> dict[str, Any]:
    import ssl

    if verify is False:
        return {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    if verify is True:
        import certifi

        return {"ca_certs": certifi.where()}
    return {"ca_cert_path": verify} if Path(verify).is_dir() else {"ca_certs": verify}


def _proxy(proxy: str | None) -> dict[str, Any]:
    if not proxy:
        # The library would else look at the environment by rules of its own.
        return {"http_no_proxy": ["*"]}
    parts = urlsplit(with_scheme(proxy))
    options: dict[str, Any] = {
        "http_proxy_host": parts.hostname,
        "http_proxy_port": parts.port or 80,
        "proxy_type": parts.scheme if parts.scheme.startswith("socks") else "http",
    }
    if parts.username is not None:
        options["http_proxy_auth"] = (parts.username, parts.password or "")
    return options


def _bound(ws: Any) -> None:
    """A frame says how long it is before it comes: one that is too long is refused before memory is taken for it."""
    frames = ws.frame_buffer
    read_length = frames.recv_length

    def recv_length() -> None:
        read_length()
        parts = ws.cont_frame.cont_data
        held = len(parts[1]) if parts else 0
        if frames.length is not None and frames.length + held > MAX_BINARY + 4096:
            raise Closed

    frames.recv_length = recv_length
