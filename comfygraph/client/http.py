"""The transport that is used by default: requests for HTTP, websocket-client for the WebSocket.

Both are imported when the first connection is made. None of their exceptions leaves this module.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

from .address import Address
from .credentials import Credentials
from .exchange import Answer, Failure, FailureKind, Form, Request
from .transport import Broken, Download, Socket

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

CHUNK = 256 * 1024
MOST_REDIRECTS = 5
POOL = 16
"""Connections that are kept open."""
PIECE = 64 * 1024
CONNECT_TIMEOUT = 10.0
CLOSED = "this client is closed"
TOTAL_FACTOR = 10.0
"""An answer that is not a download may take this many times the timeout in all, however it trickles."""


class HttpTransport:
    """HTTP by requests and WebSocket by websocket-client, to one server.

    Args:
        address: where.
        credentials: sent there and nowhere else.
        timeout: seconds that the server may be silent in one exchange.
        ca: a file or folder of certificates to trust; None for the usual ones; False to trust any (not recommended).
        proxy: a proxy's address; None for what the environment says; ``""`` for none.
    """

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
        self._verify: str | bool = True if ca is None or ca is True else (str(ca) if ca is not False else False)
        self._proxy = proxy
        self._proxies: dict[str, str] | None = None
        self._adapter: HTTPAdapter | None = None
        self._pools: dict[str, tuple[Any, bool]] = {}
        self._lock = threading.Lock()
        self._closed = False

    # -- HTTP -----------------------------------------------------------------------------------------------------

    def send(self, request: Request) -> Answer | Failure:
        """One exchange; see `transport.Transport`."""
        deadline = time.monotonic() + (request.timeout or self.timeout) * TOTAL_FACTOR
        response: Any = None
        try:
            response = self._send(request, identity=False)
            if isinstance(response, Failure):
                return response
            body = self._body(request, response, deadline)
            if isinstance(body, Failure):
                return body
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, headers, body)
        except Exception as error:
            return self._failure(error, request)
        finally:
            _finish(response)

    def _body(self, request: Request, response: Any, deadline: float) -> bytes | Failure:
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) <= min(request.limit, CHUNK) and "content-encoding" not in response.headers:
            return bytes(response.read())
        body = bytearray()
        for chunk in response.stream(CHUNK, decode_content=True):
            body += chunk
            if len(body) > request.limit:
                return Failure("size", f"{self._what(request)}: the answer is larger than {request.limit} bytes")
            if time.monotonic() > deadline:
                return Failure("silent", f"{self._what(request)}: the answer did not end in time")
        return bytes(body)

    @contextmanager
    def download(self, request: Request) -> Iterator[Download | Failure]:
        """One exchange whose body is read piece by piece; see `transport.Transport`."""
        response: Any = None
        try:
            try:
                response = self._send(request, identity=True)
            except Exception as error:
                response = self._failure(error, request)
            yield response if isinstance(response, Failure) else _Download(self, request, response)
        finally:
            _finish(response)

    def _send(self, request: Request, *, identity: bool) -> Any:
        """The response with its body unread, or a Failure; raises whatever the libraries raise.

        requests makes the connections (certificates, proxies) and encodes forms; each exchange goes to its pool directly,
        which takes a third of the time of one through a `requests.Session`.
        """
        import urllib3

        url = self.address.http + request.path
        query: list[tuple[str, str]] = [*request.query, *self.credentials.query]
        method = request.method
        body: Any = request.body.encode() if request.body is not None else None
        headers = {
            "User-Agent": "comfygraph",
            "Accept-Encoding": "identity" if identity else "gzip, deflate",
            **self.credentials.headers,
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        if request.form is not None:
            body, headers["Content-Type"] = _encoded(request.form)
        wait = request.timeout or self.timeout
        timeout = urllib3.Timeout(connect=min(wait, CONNECT_TIMEOUT), read=wait)
        for _ in range(MOST_REDIRECTS + 1):
            full = f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url
            pool, target = self._pool(full)
            if body is not None:
                headers["Content-Length"] = str(len(body))
            response = pool.urlopen(
                method,
                target,
                # In pieces: the socket's timeout would else be for the whole of a large file.
                body=io.BytesIO(body) if body is not None and len(body) > PIECE else body,
                headers=headers,
                redirect=False,
                retries=False,
                assert_same_host=False,
                timeout=timeout,
                preload_content=False,
                decode_content=False,
            )
            onward = response.headers.get("location") if response.status in (301, 302, 303, 307, 308) else None
            # A POST is repeated elsewhere only where HTTP says that it must stay one.
            if onward is None or (method == "POST" and response.status not in (307, 308)):
                return response
            _finish(response)
            url = urljoin(url, onward)
            if urlsplit(url).scheme not in ("http", "https"):
                return Failure("broken", f"{self._what(request)}: the server redirects to no web address")
            if self.credentials.belongs(url):
                query = [pair for pair in self.credentials.query if pair[0] not in urlsplit(url).query]
            else:
                # To another host goes nothing that proves who we are, and no prompt or picture either.
                if method == "POST":
                    return Failure("broken", f"{self._what(request)}: the server redirects to another host")
                query, headers = [], {k: v for k, v in headers.items() if k in ("User-Agent", "Accept-Encoding")}
        return Failure("broken", f"{self._what(request)}: more than {MOST_REDIRECTS} redirects")

    def _pool(self, url: str) -> tuple[Any, str]:
        """The pool of connections for a URL, and what to ask of it: the path, or for a plain proxy the whole URL."""
        parts = urlsplit(url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        origin = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            known = self._pools.get(origin)
            if known is None:
                known = self._pools[origin] = self._open_pool(origin)
        pool, whole = known
        return pool, url if whole else path

    def _open_pool(self, origin: str) -> tuple[Any, bool]:
        import requests
        from requests.adapters import HTTPAdapter

        if self._closed:
            raise ConnectionError(CLOSED)
        proxies = self._environment()
        if self._adapter is None:
            self._adapter = HTTPAdapter(pool_connections=4, pool_maxsize=POOL, max_retries=0)
            _hide_in_logs(self.credentials)
        prepared = requests.Request("GET", origin + "/").prepare()
        adapter: Any = self._adapter
        pool: Any
        if hasattr(adapter, "get_connection_with_tls_context"):
            pool = adapter.get_connection_with_tls_context(prepared, self._verify, proxies=proxies)
        else:
            # requests before 2.32
            pool = adapter.get_connection(origin + "/", proxies)
            adapter.cert_verify(pool, origin + "/", self._verify, None)
        return pool, "://" in self._adapter.request_url(prepared, proxies)

    def _environment(self) -> dict[str, str]:
        if self._proxies is None:
            if self._proxy is None:
                from requests.utils import get_environ_proxies

                self._proxies = dict(get_environ_proxies(self.address.http))
                if self._verify is True:
                    self._verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
            else:
                self._proxies = {"http": self._proxy, "https": self._proxy} if self._proxy else {}
        return self._proxies

    def _what(self, request: Request) -> str:
        return f"{request.method} {self.address}{request.path}"

    def _failure(self, error: Exception, request: Request) -> Failure:
        if self._closed:
            # Whatever the libraries make of it: their connections were taken from under them.
            return Failure("closed", f"{self._what(request)}: {CLOSED}")
        kind, text = _classify(error)
        return self._describe(kind, f"{self._what(request)}: {text}", error)

    def _describe(self, kind: FailureKind, message: str, error: Exception | None) -> Failure:
        return describe(self.credentials, kind, message, error)

    # -- WebSocket ------------------------------------------------------------------------------------------------

    def connect(self, client_id: str) -> Socket | Failure:
        """Open a socket; see `transport.Transport`."""
        from . import sockets

        try:
            proxies = self._environment()
            proxy = proxies.get("https" if self.address.secure else "http") or proxies.get("all")
            return sockets.connect(self.address, self.credentials, client_id, self.timeout, self._verify, proxy)
        except Exception as error:
            kind, text = sockets.classify(error)
            return self._describe(kind, f"WebSocket {self.address.ws}/ws: {text}", error)

    def close(self) -> None:
        """Give all connections back."""
        with self._lock:
            self._closed = True
            self._pools.clear()
            adapter = self._adapter
        if adapter is not None:
            adapter.close()


def describe(credentials: Credentials, kind: FailureKind, message: str, error: Exception | None) -> Failure:
    """A failure with the library's exception, unless that would show a credential (it may hold the whole URL)."""
    cause = error
    seen: BaseException | None = error
    while seen is not None:
        if credentials.shows(f"{seen} {seen!r}"):
            cause = None
            break
        seen = seen.__cause__ or seen.__context__
    return Failure(kind, credentials.hide(message), cause)


class _Download:
    def __init__(self, transport: HttpTransport, request: Request, response: Any) -> None:
        self.status: int = response.status
        length = response.headers.get("content-length", "")
        self.length = int(length) if length.isdigit() and "content-encoding" not in response.headers else None
        self._transport = transport
        self._request = request
        self._response = response

    def chunks(self) -> Iterator[bytes]:
        try:
            yield from self._response.stream(CHUNK, decode_content=True)
        except Exception as error:
            raise Broken(self._transport._failure(error, self._request)) from None


def _encoded(form: Form) -> tuple[bytes, str]:
    """A multipart body and its content type."""
    import requests

    files = {form.field_name: (form.filename, form.data, "application/octet-stream")}
    prepared = requests.Request("POST", "http://localhost/", data=list(form.fields), files=files).prepare()
    assert isinstance(prepared.body, bytes)
    return prepared.body, str(prepared.headers["Content-Type"])


def _finish(response: Any) -> None:
    """Give the connection back when its body was read to the end; close it when it was not."""
    if response is None or isinstance(response, Failure):
        return
    with contextlib.suppress(Exception):
        if not response.isclosed():
            response.close()
        response.release_conn()


def _classify(error: Exception) -> tuple[FailureKind, str]:
    """What a library's exception means, without its own text: that can hold the URL with a token in it."""
    import ssl

    import requests.exceptions as r
    import urllib3.exceptions as u

    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        reason: Any = getattr(at, "reason", None)
        inner = at.args[0] if at.args and isinstance(at.args[0], BaseException) else None
        at = reason if isinstance(reason, BaseException) else inner or at.__cause__ or at.__context__
    table: tuple[tuple[Any, FailureKind, str], ...] = (
        ((r.ProxyError, u.ProxyError), "refused", "the proxy did not connect"),
        (
            (r.SSLError, u.SSLError, ssl.SSLError),
            "insecure",
            "the secure connection failed: is its certificate trusted? (ca=)",
        ),
        (r.ConnectTimeout, "silent", "no connection in time"),
        (r.ReadTimeout, "silent", "no answer in time"),
        (u.ReadTimeoutError, "silent", "no answer in time"),
        # urllib3 before 2 has no class for it
        (getattr(u, "NameResolutionError", ()), "refused", "no such host"),
        (u.NewConnectionError, "refused", "connection refused: is ComfyUI running there?"),
        (u.ConnectTimeoutError, "silent", "no connection in time"),
        (ConnectionRefusedError, "refused", "connection refused: is ComfyUI running there?"),
        (TimeoutError, "silent", "no answer in time"),
    )
    for kind_of, kind, text in table:
        if any(isinstance(item, kind_of) for item in chain):
            return kind, text
    if any(isinstance(item, UnicodeError) for item in chain):
        return "refused", "no such host"
    if any(isinstance(item, r.InvalidSchema) and "SOCKS" in str(item) for item in chain):
        return "refused", "a SOCKS proxy needs a package: pip install 'comfygraph[socks]'"
    if any(isinstance(item, (r.InvalidURL, r.InvalidSchema, r.MissingSchema, r.InvalidHeader)) for item in chain):
        return "refused", "an address or header that HTTP does not have"
    return "broken", f"the connection broke ({type(error).__name__})"


_hidden: list[Credentials] = []
_filters_lock = threading.Lock()


def _hide_in_logs(credentials: Credentials) -> None:
    """urllib3 logs each URL at level DEBUG: a token in the query must not be in it."""
    if not credentials.query:
        return
    import logging

    with _filters_lock:
        if credentials in _hidden:
            return
        _hidden.append(credentials)
        if len(_hidden) == 1:
            logging.getLogger("urllib3.connectionpool").addFilter(_log_filter)


def _log_filter(record: Any) -> bool:
    text: str = record.getMessage()
    for credentials in list(_hidden):
        text = credentials.hide(text)
    record.msg, record.args = text, ()
    return True
