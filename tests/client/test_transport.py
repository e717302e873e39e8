"""The transports: what libraries raise becomes ours, answers are bounded, credentials go to one host and show nowhere."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import aiohttp
import pytest
import requests.exceptions as r
import urllib3.exceptions as u
import websocket

from comfygraph import Client
from comfygraph.client import aiotransport, sockets
from comfygraph.client import http as http_module
from comfygraph.client.address import parse
from comfygraph.client.aiotransport import AioTransport
from comfygraph.client.credentials import Credentials
from comfygraph.client.exchange import Answer, Failure, Form, Reply, Request, error_of
from comfygraph.client.http import HttpTransport
from comfygraph.errors import BadAnswer, ComfyError, ServerUnreachable
from tests.client.web import reply, web

Sender = Callable[..., Reply]


def send_sync(url: str, request: Request, timeout: float = 5.0, **options: Any) -> Reply:
    address = parse(url)
    transport = HttpTransport(address, Credentials(address, **options), timeout=timeout, proxy="")
    try:
        return transport.send(request)
    finally:
        transport.close()


def send_async(url: str, request: Request, timeout: float = 5.0, **options: Any) -> Reply:
    async def run() -> Reply:
        address = parse(url)
        transport = AioTransport(address, Credentials(address, **options), timeout=timeout, proxy="")
        try:
            return await transport.send(request)
        finally:
            await transport.close()

    return asyncio.run(run())


BOTH = pytest.mark.parametrize("send", [send_sync, send_async])
GET = Request("GET", "/queue")


@BOTH
def test_an_exchange(send: Sender) -> None:
    with web(lambda handler: reply(handler, body=b'{"a": 1}')) as server:
        answer = send(server.url + "/base", Request("POST", "/prompt", (("a b", "c&d"),), '{"x": "é"}'), token="t0ken")
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b'{"a": 1}', "application/json")
    method, path, headers = server.asked[0]
    assert (method, path) == ("POST", "/base/prompt?a+b=c%26d")
    assert (headers["authorization"], headers["content-type"]) == ("Bearer t0ken", "application/json")


@BOTH
def test_a_form(send: Sender) -> None:
    with web(lambda handler: reply(handler)) as server:
        send(server.url, Request("POST", "/upload/image", form=Form("a.png", b"data", (("type", "input"),))))
    assert server.asked[0][2]["content-type"].startswith("multipart/form-data; boundary=")


def silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1.5)
    reply(handler)


def broken(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def short(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b"half")
    handler.close_connection = True


def no_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9\r\n")
    handler.close_connection = True


@BOTH
@pytest.mark.parametrize(
    ("respond", "kind"), [(silent, "silent"), (broken, "broken"), (short, "broken"), (no_http, "broken")]
)
def test_what_goes_wrong_is_a_value(send: Sender, respond: Callable[[BaseHTTPRequestHandler], None], kind: str) -> None:
    with web(respond) as server:
        failure = send(server.url, GET, timeout=0.5)
    assert isinstance(failure, Failure)
    assert failure.kind == kind
    assert failure.message.startswith(f"GET {server.url}/queue: ")


@BOTH
def test_refused_unknown_and_insecure(send: Sender) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refused = send(f"127.0.0.1:{port}", GET)
    assert isinstance(refused, Failure)
    assert refused.kind == "refused"
    nowhere = send("no-such-host.invalid", GET, timeout=3)
    assert isinstance(nowhere, Failure)
    assert nowhere.kind == "refused"
    with web(lambda handler: reply(handler)) as server:
        insecure = send(server.url.replace("http", "https"), GET)
    assert isinstance(insecure, Failure)
    assert insecure.kind in ("insecure", "broken")


@BOTH
def test_an_answer_has_a_limit(send: Sender) -> None:
    with web(lambda handler: reply(handler, body=b"x" * 400_000)) as server:
        failure = send(server.url, Request("GET", "/object_info", limit=1000))
    assert isinstance(failure, Failure)
    assert failure.kind == "size"
    assert isinstance(error_of(failure), BadAnswer)


@BOTH
def test_credentials_stay_home_on_a_redirect(send: Sender) -> None:
    with web(lambda handler: reply(handler)) as other:

        def away(handler: BaseHTTPRequestHandler) -> None:
            if handler.path.startswith("/here"):
                reply(handler, 302, location="/there")
            elif handler.path.startswith("/there"):
                reply(handler, body=b'"home"')
            else:
                reply(handler, 302, location=f"{other.url}/else")

        with web(away) as server:
            url = server.url.replace("http://", "http://me:passw0rd@") + "?key=qu3rysecret"
            headers = {"X-Key": "he4der"}
            assert isinstance(send(url, Request("GET", "/away"), headers=headers), Answer)
            home = send(url, Request("GET", "/here"), headers=headers)
            posted = send(url, Request("POST", "/away", body="{}"), headers=headers)
    assert isinstance(home, Answer)
    assert home.body == b'"home"'
    # A POST that is redirected with 302 is not followed: the prompt would be lost or sent elsewhere.
    assert isinstance(posted, Answer)
    assert posted.status == 302
    [(_, path, got)] = other.asked
    assert path == "/else"
    assert not {"authorization", "x-key", "cookie"} & set(got)
    for _, path, got in server.asked:
        assert "qu3rysecret" in path
        assert (got["x-key"], got["authorization"]) == ("he4der", "Basic bWU6cGFzc3cwcmQ=")


@BOTH
def test_no_credential_in_errors(send: Sender, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with web(broken) as server:
        url = server.url.replace("http://", "http://me:passw0rd@") + "?key=qu3rysecret"
        failure = send(url, GET, headers={"X-Key": "he4dersecret"})
    assert isinstance(failure, Failure)
    try:
        raise error_of(failure)
    except ComfyError as error:
        told = "".join(traceback.format_exception(error)) + repr(error) + str(failure) + caplog.text
    for secret in ("passw0rd", "qu3rysecret", "he4dersecret"):
        assert secret not in told


LIBRARY: list[tuple[Exception, str]] = [
    (r.ConnectionError(u.MaxRetryError(None, "/", u.NewConnectionError(None, "refused"))), "refused"),  # type: ignore[arg-type]
    (r.ConnectionError(ConnectionResetError(104, "reset")), "broken"),
    (r.ConnectTimeout("t"), "silent"),
    (r.ReadTimeout("t"), "silent"),
    (r.ProxyError("p"), "refused"),
    (r.SSLError("s"), "insecure"),
    (r.ChunkedEncodingError("c"), "broken"),
    (r.InvalidURL("i"), "refused"),
    (r.InvalidHeader("i"), "refused"),
    (u.ProtocolError("p", ConnectionAbortedError()), "broken"),
    (u.IncompleteRead(1, 2), "broken"),
    (u.DecodeError("d"), "broken"),
    (u.SSLError("s"), "insecure"),
    (u.ConnectTimeoutError("t"), "silent"),
    (u.ReadTimeoutError(None, "/", "t"), "silent"),  # type: ignore[arg-type]
    (ssl.SSLCertVerificationError("s"), "insecure"),
    (ConnectionRefusedError(), "refused"),
    (socket.gaierror(-2, "unknown"), "broken"),
    (TimeoutError(), "silent"),
    (UnicodeError("label too long"), "refused"),
    (OSError("whatever"), "broken"),
    (ValueError("whatever"), "broken"),
]


@pytest.mark.parametrize(("error", "kind"), LIBRARY, ids=lambda value: type(value).__name__)
def test_what_requests_and_urllib3_raise(error: Exception, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(HttpTransport, "_send", fail)
    with Client("gpu") as client, pytest.raises(ServerUnreachable) as caught:
        client.queue()
    assert caught.value.__cause__ is error
    assert http_module._classify(error)[0] == kind


AIOHTTP: list[tuple[Exception, str]] = [
    (aiohttp.ServerDisconnectedError(), "broken"),
    (aiohttp.ClientPayloadError("short"), "broken"),
    (aiohttp.ClientOSError(104, "reset"), "broken"),
    (aiohttp.ServerTimeoutError("t"), "silent"),
    (aiohttp.ConnectionTimeoutError("t"), "silent"),
    (asyncio.TimeoutError(), "silent"),
    (aiohttp.InvalidURL("x"), "refused"),
    (UnicodeError("label too long"), "refused"),
    (ssl.SSLError("s"), "insecure"),
    (ValueError("whatever"), "broken"),
]


@pytest.mark.parametrize(("error", "kind"), AIOHTTP, ids=lambda value: type(value).__name__)
def test_what_aiohttp_raises(error: Exception, kind: str) -> None:
    assert aiotransport.classify(error)[0] == kind


WEBSOCKET: list[tuple[Exception, str]] = [
    (websocket.WebSocketBadStatusException("no", 403), "broken"),
    (websocket.WebSocketTimeoutException("t"), "silent"),
    (websocket.WebSocketProxyException("p"), "refused"),
    (websocket.WebSocketAddressException("a"), "refused"),
    (websocket.WebSocketConnectionClosedException("c"), "broken"),
    (websocket.WebSocketProtocolException("p"), "broken"),
    (ssl.SSLError("s"), "insecure"),
    (ConnectionRefusedError(), "refused"),
    (OSError("whatever"), "broken"),
]


@pytest.mark.parametrize(("error", "kind"), WEBSOCKET, ids=lambda value: type(value).__name__)
def test_what_websocket_client_raises(error: Exception, kind: str) -> None:
    assert sockets.classify(error)[0] == kind


def test_the_socket_carries_the_same_credentials() -> None:
    with web(lambda handler: reply(handler, 401)) as server:
        url = server.url.replace("http://", "http://me:passw0rd@") + "?key=qu3rysecret"
        address = parse(url)
        transport = HttpTransport(address, Credentials(address, headers={"X-Key": "he4der"}), timeout=3, proxy="")
        failure = transport.connect("some-id")
        transport.close()
    assert isinstance(failure, Failure)
    assert "401" in failure.message
    assert "qu3rysecret" not in failure.message + repr(failure)
    [(_, path, headers)] = server.asked
    assert path == "/ws?clientId=some-id&key=qu3rysecret"
    assert (headers["x-key"], headers["authorization"]) == ("he4der", "Basic bWU6cGFzc3cwcmQ=")
    assert "origin" not in headers


def test_a_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with web(lambda handler: reply(handler, body=b'{"queue_running": [], "queue_pending": []}')) as proxy:
        with Client("http://comfy.invalid:1234", proxy=proxy.url) as client:
            assert not client.queue()
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with Client("http://comfy.invalid:1234") as client:
            assert not client.queue()
    assert [path for _, path, _ in proxy.asked] == ["http://comfy.invalid:1234/queue"] * 2


def test_importing_the_client_loads_no_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from comfygraph import Client, AsyncClient; Client('gpu')\n"
        "print([m for m in ('requests', 'urllib3', 'websocket', 'aiohttp', 'PIL', 'rich', 'pydantic', 'networkx')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    # AsyncClient is aiohttp's: its module is loaded by name, aiohttp itself is not.
    assert done.stdout.strip() == "[]"
