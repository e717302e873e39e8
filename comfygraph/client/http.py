"""The transport that is used by default: requests for HTTP, websocket-client for the WebSocket.

Both are imported when the first connection is made. None of their exceptions leaves this module.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from .address import Address
from .credentials import Credentials
from .exchange import Answer, Failure, FailureKind, Request
from .transport import Broken, Download, Socket

if TYPE_CHECKING:
    import requests

CHUNK = 256 * 1024
MOST_REDIRECTS = 5
CONNECT_TIMEOUT = 10.0
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
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()
        self._closed = False

    # -- HTTP -----------------------------------------------------------------------------------------------------

    def send(self, request: Request) -> Answer | Failure:
        """One exchange; see `transport.Transport`."""
        deadline = time.monotonic() + (request.timeout or self.timeout) * TOTAL_FACTOR
        with self._exchange(request) as response:
            if isinstance(response, Failure):
                return response
            body = bytearray()
            try:
                for chunk in response.iter_content(CHUNK):
                    body += chunk
                    if len(body) > request.limit:
                        return Failure("size", f"{self._what(request)}: the answer is larger than {request.limit} bytes")
                    if time.monotonic() > deadline:
                        return Failure("silent", f"{self._what(request)}: the answer did not end in time")
            except Exception as error:
                return self._failure(error, request)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, headers, bytes(body))

    @contextmanager
    def download(self, request: Request) -> Iterator[Download | Failure]:
        """One exchange whose body is read piece by piece; see `transport.Transport`."""
        with self._exchange(request, identity=True) as response:
            yield response if isinstance(response, Failure) else _Download(self, request, response)

    @contextmanager
    def _exchange(self, request: Request, *, identity: bool = False) -> Iterator[requests.Response | Failure]:
        session: requests.Session | None = None
        response: requests.Response | Failure
        try:
            session = self._session()
            response = self._send(session, request, identity)
        except Exception as error:
            response = self._failure(error, request)
        try:
            yield response
        finally:
            if not isinstance(response, Failure):
                response.close()
            if session is not None:
                self._give_back(session)

    def _send(self, session: requests.Session, request: Request, identity: bool) -> requests.Response | Failure:
        import requests

        url = self.address.http + request.path
        query: list[tuple[str, str]] = [*request.query, *self.credentials.query]
        method, body, headers = request.method, request.body, dict(self.credentials.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        if identity:
            headers["Accept-Encoding"] = "identity"
        files = fields = None
        if request.form is not None:
            form = request.form
            files = {form.field_name: (form.filename, form.data, "application/octet-stream")}
            fields = list(form.fields)
        wait = request.timeout or self.timeout
        for _ in range(MOST_REDIRECTS + 1):
            prepared = session.prepare_request(
                requests.Request(
                    method,
                    url,
                    params=query or None,
                    data=fields if fields is not None else (body.encode() if body is not None else None),
                    files=files,
                    headers=headers,
                )
            )
            response = session.send(
                prepared,
                stream=True,
                timeout=(min(wait, CONNECT_TIMEOUT), wait),
                verify=self._verify,
                proxies=self._environment(),
                allow_redirects=False,
            )
            target = response.headers.get("location") if response.status_code in (301, 302, 303, 307, 308) else None
            # A POST is repeated elsewhere only where HTTP says that it must stay one.
            if target is None or (method == "POST" and response.status_code not in (307, 308)):
                return response
            response.close()
            url = urljoin(url, target)
            if urlsplit(url).scheme not in ("http", "https"):
                return Failure("broken", f"{self._what(request)}: the server redirects to no web address")
            if self.credentials.belongs(url):
                query = [pair for pair in self.credentials.query if pair[0] not in urlsplit(url).query]
            else:
                # To another host goes nothing that proves who we are, and no prompt or picture either.
                if method == "POST":
                    return Failure("broken", f"{self._what(request)}: the server redirects to another host")
                query, headers = [], {k: v for k, v in headers.items() if k == "Accept-Encoding"}
        return Failure("broken", f"{self._what(request)}: more than {MOST_REDIRECTS} redirects")

    def _session(self) -> requests.Session:
        with self._lock:
            if self._sessions:
                return self._sessions.pop()
        import requests
        from requests.adapters import HTTPAdapter

        session = requests.Session()
        # The environment's proxies are looked up once, and its .netrc must not add credentials that nobody gave.
        session.trust_env = False
        session.headers["User-Agent"] = "comfygraph"
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=1, max_retries=0)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        _hide_in_logs(self.credentials)
        return session

    def _give_back(self, session: requests.Session) -> None:
        session.cookies.clear()
        with self._lock:
            if not self._closed:
                self._sessions.append(session)
                return
        session.close()

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
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()


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
    def __init__(self, transport: HttpTransport, request: Request, response: requests.Response) -> None:
        self.status = response.status_code
        length = response.headers.get("content-length", "")
        self.length = int(length) if length.isdigit() and "content-encoding" not in response.headers else None
        self._transport = transport
        self._request = request
        self._response = response

    def chunks(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_content(CHUNK)
        except Exception as error:
            raise Broken(self._transport._failure(error, self._request)) from None  # pyright: ignore[reportPrivateUsage]


def _classify(error: Exception) -> tuple[FailureKind, str]:
    """What a library's exception means, without its own text: that can hold the URL with a token in it."""
    import requests.exceptions as r
    import urllib3.exceptions as u

    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        reason: Any = getattr(at, "reason", None)
        inner = at.args[0] if at.args and isinstance(at.args[0], BaseException) else None
        at = reason if isinstance(reason, BaseException) else inner or at.__cause__ or at.__context__
    table: tuple[tuple[type[BaseException], FailureKind, str], ...] = (
        (r.ProxyError, "refused", "the proxy did not connect"),
        (r.SSLError, "insecure", "the secure connection failed: is its certificate trusted? (ca=)"),
        (r.ConnectTimeout, "silent", "no connection in time"),
        (r.ReadTimeout, "silent", "no answer in time"),
        (u.ReadTimeoutError, "silent", "no answer in time"),
        (u.NameResolutionError, "refused", "no such host"),
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

