"""HTTP and WebSocket by aiohttp, for `AsyncClient`: the same exchanges, and the same rules, as `http`."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

from .address import Address
from .credentials import Credentials
from .exchange import Answer, Failure, FailureKind, Request
from .files import DOWNLOAD_TIMEOUT
from .http import CHUNK, CLOSED, CONNECT_TIMEOUT, MOST_REDIRECTS, TOTAL_FACTOR, describe
from .messages import MAX_BINARY
from .proxies import UnusableProxy, http_only
from .transport import Broken, Closed

if TYPE_CHECKING:
    import aiohttp


TLS_GOODBYE = 0.05
"""Seconds that TLS connections are given to end after they were closed; aiohttp's documentation asks for a wait too."""


class AioTransport:
    """HTTP and WebSocket by aiohttp to one server. The arguments are those of `http.HttpTransport`."""

    def __init__(
        self,
        address: Address,
        credentials: Credentials,
        *,
        timeout: float = 30.0,
        ca: str | Path | bool | None = None,
        proxy: str | None = None,
    ) -> None:
        self.address = address
        self.credentials = credentials
        self.timeout = timeout
        self._ca = ca
        self._proxy = proxy
        self._client: aiohttp.ClientSession | None = None
        self._tls: Any = None
        self._closed = False

    async def send(self, request: Request) -> Answer | Failure:
        """One exchange. Never raises for what a network or a server does, and is bounded in time."""
        deadline = time.monotonic() + (request.timeout or self.timeout) * TOTAL_FACTOR
        try:
            async with self._exchange(request) as response:
                if isinstance(response, Failure):
                    return response
                body = bytearray()
                async for chunk in response.content.iter_chunked(CHUNK):
                    body += chunk
                    if len(body) > request.limit:
                        return Failure(
                            "size", f"{self._what(request)}: the answer is larger than {request.limit} bytes"
                        )
                    if time.monotonic() > deadline:
                        return Failure("silent", f"{self._what(request)}: the answer did not end in time")
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, headers, bytes(body))
        except Exception as error:
            return self._failure(error, request)

    @asynccontextmanager
    async def download(self, request: Request) -> AsyncIterator[AioDownload | Failure]:
        """One exchange whose body is read piece by piece."""
        async with self._exchange(request, identity=True) as response:
            yield response if isinstance(response, Failure) else AioDownload(self, request, response)

    @asynccontextmanager
    async def _exchange(
        self, request: Request, *, identity: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse | Failure]:
        response: Any = None
        try:
            try:
                response = await self._send(request, identity)
            except Exception as error:
                response = self._failure(error, request)
            yield response
        finally:
            if response is not None and not isinstance(response, Failure):
                response.release()

    async def _send(self, request: Request, identity: bool) -> aiohttp.ClientResponse | Failure:
        import aiohttp
        from yarl import URL

        wait = request.timeout or self.timeout
        query: list[tuple[str, str]] = [*request.query, *self.credentials.query]
        headers = dict(self.credentials.headers)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if identity:
            headers["Accept-Encoding"] = "identity"
        url = self.address.http + request.path
        for _ in range(MOST_REDIRECTS + 1):
            full = f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url
            response = await self._session().request(
                request.method,
                URL(full, encoded=True),
                data=self._data(request),
                headers=headers,
                allow_redirects=False,
                proxy=self._proxy_for(),
                timeout=aiohttp.ClientTimeout(
                    total=DOWNLOAD_TIMEOUT if identity else wait * TOTAL_FACTOR,
                    sock_connect=min(wait, CONNECT_TIMEOUT),
                    sock_read=wait,
                ),
            )
            target = response.headers.get("location") if response.status in (301, 302, 303, 307, 308) else None
            if target is None or (request.method == "POST" and response.status not in (307, 308)):
                return response
            response.release()
            url = urljoin(url, target)
            if urlsplit(url).scheme not in ("http", "https"):
                return Failure("broken", f"{self._what(request)}: the server redirects to no web address")
            if self.credentials.belongs(url):
                query = [pair for pair in self.credentials.query if pair[0] not in urlsplit(url).query]
            else:
                if request.method == "POST":
                    return Failure("broken", f"{self._what(request)}: the server redirects to another host")
                query, headers = [], {k: v for k, v in headers.items() if k == "Accept-Encoding"}
        return Failure("broken", f"{self._what(request)}: more than {MOST_REDIRECTS} redirects")

    def _data(self, request: Request) -> Any:
        import aiohttp

        if request.form is None:
            return request.body.encode() if request.body is not None else None
        form = aiohttp.FormData()
        for name, value in request.form.fields:
            form.add_field(name, value)
        form.add_field(
            request.form.field_name,
            request.form.data,
            filename=request.form.filename,
            content_type="application/octet-stream",
        )
        return form

    def _session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ConnectionError(CLOSED)
        if self._client is None:
            import aiohttp

            connector = aiohttp.TCPConnector(limit=16, ssl=self._context())
            self._client = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "comfygraph"},
                trust_env=False,
            )
        return self._client

    def _context(self) -> Any:
        if self._tls is None:
            if self._ca is False:
                self._tls = False
            elif self._ca is None or self._ca is True:
                import certifi

                self._tls = ssl.create_default_context(cafile=certifi.where())
            else:
                path = Path(self._ca)
                whole = path.is_dir()
                self._tls = ssl.create_default_context(
                    cafile=None if whole else str(path), capath=str(path) if whole else None
                )
        return self._tls

    def _proxy_for(self) -> str | None:
        if self._proxy is None:
            import urllib.request

            if urllib.request.proxy_bypass(self.address.host):
                return None
            proxies = urllib.request.getproxies()
            return http_only(proxies.get("https" if self.address.secure else "http") or proxies.get("all"))
        return http_only(self._proxy) or None

    def _what(self, request: Request) -> str:
        return f"{request.method} {self.address}{request.path}"

    def _failure(self, error: Exception, request: Request) -> Failure:
        if self._closed:
            return Failure("closed", f"{self._what(request)}: {CLOSED}")
        kind, text = classify(error)
        return describe(self.credentials, kind, f"{self._what(request)}: {text}", error)

    async def connect(self, client_id: str) -> AioSocket | Failure:
        """Open a socket under this id. Bounded in time."""
        from yarl import URL

        query = urlencode([("clientId", client_id), *self.credentials.query])
        try:
            ws = await asyncio.wait_for(
                self._session().ws_connect(
                    URL(f"{self.address.http}/ws?{query}", encoded=True),
                    headers=dict(self.credentials.headers),
                    proxy=self._proxy_for(),
                    max_msg_size=MAX_BINARY + 4096,
                    heartbeat=20.0,
                    autoclose=True,
                ),
                min(self.timeout, CONNECT_TIMEOUT),
            )
        except Exception as error:
            kind, text = classify(error)
            return describe(self.credentials, kind, f"WebSocket {self.address.ws}/ws: {text}", error)
        return AioSocket(ws)

    async def close(self) -> None:
        """Give all connections back."""
        self._closed = True
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()
            if self.address.secure:
                # asyncio says goodbye to TLS connections in its next turns; a loop that ends before leaves them open.
                await asyncio.sleep(TLS_GOODBYE)


class AioDownload:
    """An answer whose body is read piece by piece."""

    def __init__(self, transport: AioTransport, request: Request, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        length = response.headers.get("content-length", "")
        self.length = int(length) if length.isdigit() and "content-encoding" not in response.headers else None
        self._transport = transport
        self._request = request
        self._response = response

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body. Raises `Broken` when it ends early."""
        try:
            async for chunk in self._response.content.iter_chunked(CHUNK):
                yield chunk
        except Exception as error:
            raise Broken(self._transport._failure(error, self._request)) from None  # pyright: ignore[reportPrivateUsage]


class AioSocket:
    """An open WebSocket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse[Any]) -> None:
        self._ws = ws

    async def send_text(self, text: str) -> None:
        """Send a text frame. Raises `Closed`."""
        try:
            await self._ws.send_str(text)
        except Exception:
            raise Closed from None

    async def receive(self, timeout: float) -> str | bytes | None:
        """The next frame; None when none came in `timeout` seconds. Raises `Closed`."""
        import aiohttp

        try:
            message = await self._ws.receive(timeout)
        except asyncio.TimeoutError:
            return None
        except Exception:
            raise Closed from None
        if message.type == aiohttp.WSMsgType.TEXT:
            return str(message.data)
        if message.type == aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        if message.type in (aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG):
            return None
        raise Closed

    async def close(self) -> None:
        """Close it fully, within two seconds."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._ws.close(), 2.0)


def classify(error: Exception) -> tuple[FailureKind, str]:
    """What an exception of aiohttp means, without its own text: that can hold the URL with a token in it."""
    import aiohttp

    if isinstance(error, UnusableProxy):
        return "refused", str(error)
    table: tuple[tuple[type[BaseException], FailureKind, str], ...] = (
        (aiohttp.ClientSSLError, "insecure", "the secure connection failed: is its certificate trusted? (ca=)"),
        (ssl.SSLError, "insecure", "the secure connection failed: is its certificate trusted? (ca=)"),
        (aiohttp.ClientProxyConnectionError, "refused", "the proxy did not connect"),
        (aiohttp.ClientHttpProxyError, "refused", "the proxy did not connect"),
        (aiohttp.ConnectionTimeoutError, "silent", "no connection in time"),
        (aiohttp.ClientConnectorError, "refused", "connection refused: is ComfyUI running there?"),
        (aiohttp.ServerTimeoutError, "silent", "no answer in time"),
        (asyncio.TimeoutError, "silent", "no answer in time"),
        (TimeoutError, "silent", "no answer in time"),
        (aiohttp.InvalidURL, "refused", "an address that HTTP does not have"),
        (UnicodeError, "refused", "no such host"),
    )
    for kind_of, kind, text in table:
        if isinstance(error, kind_of):
            return kind, text
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return "broken", f"the server answered {getattr(error, 'status', '?')} to the WebSocket request"
    return "broken", f"the connection broke ({type(error).__name__})"
