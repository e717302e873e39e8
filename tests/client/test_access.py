"""Certificates and proxies, with real ones: a simulator behind TLS, and one that is reached through SOCKS."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from comfygraph import AsyncClient, Client
from comfygraph.client import proxies
from comfygraph.errors import ServerUnreachable
from comfygraph.simulator import Simulator
from tests.client.relay import relay

GRAPH: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 5}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "fox"}},
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def secure(simulator: Simulator, authority: trustme.CA) -> Iterator[str]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with relay(simulator.url, tls=tls) as port:
        yield f"https://127.0.0.1:{port}"


def run(url: str, **options: Any) -> tuple[int, bool]:
    """One job: the bytes of its picture, and whether the WebSocket was open."""
    with Client(url, proxy=options.pop("proxy", ""), **options) as client:
        size = len(client.run(GRAPH).images[0].read())
        return size, client._engine.board.up


def run_async(url: str, **options: Any) -> tuple[int, bool]:
    async def go() -> tuple[int, bool]:
        async with AsyncClient(url, proxy=options.pop("proxy", ""), **options) as client:
            result = await client.run(GRAPH)
            return len(await result.images[0].read()), client._engine.board.up

    return asyncio.run(go())


BOTH = pytest.mark.parametrize("go", [run, run_async])


@BOTH
@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_a_certificate_of_your_own(secure: str, certificate: str, scheme: str, go: Any) -> None:
    size, socket = go(secure.replace("https", scheme), ca=certificate)
    assert size > 100
    assert socket


@BOTH
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_one_that_nobody_vouches_for(secure: str, tmp_path: Path, go: Any) -> None:
    with pytest.raises(ServerUnreachable, match="certificate"):
        go(secure)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with pytest.raises(ServerUnreachable, match=r"certificate.*ca="):
        go(secure, ca=str(other))
    assert go(secure, ca=False)[1], "not asked for, not looked at"


@BOTH
def test_a_certificate_of_another_name(simulator: Simulator, authority: trustme.CA, certificate: str, go: Any) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("comfy.example.org").configure_cert(tls)
    with relay(simulator.url, tls=tls) as port, pytest.raises(ServerUnreachable, match="certificate"):
        go(f"https://127.0.0.1:{port}", ca=certificate)


def test_what_requests_is_told_counts(secure: str, certificate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    monkeypatch.setenv("no_proxy", "*")
    with Client(secure) as client:
        client.run(GRAPH)
        assert client._engine.board.up


def test_plain_http_where_tls_is_spoken(secure: str) -> None:
    with pytest.raises(ServerUnreachable):
        run(secure.replace("https", "http"))


def test_through_socks(simulator: Simulator) -> None:
    asked: list[str] = []
    with relay(simulator.url, socks=asked) as port:
        size, socket = run("http://comfy.invalid:1234", proxy=f"socks5h://127.0.0.1:{port}")
    assert size > 100
    assert socket
    assert set(asked) == {"comfy.invalid:1234"}


def test_socks_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("socks", "urllib3.contrib.socks"):
        monkeypatch.setitem(sys.modules, name, None)
    import requests.adapters

    def missing(*args: object, **options: object) -> None:
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", missing)
    with pytest.raises(ServerUnreachable, match=r"pip install 'comfygraph\[socks\]'") as caught:
        run("http://comfy.invalid:1234", proxy="socks5://me:secretword@127.0.0.1:9")
    assert "secretword" not in str(caught.value) + repr(caught.value.__cause__)


def test_socks_and_asyncio() -> None:
    with pytest.raises(ServerUnreachable, match="HTTP proxies only") as caught:
        run_async("http://comfy.invalid:1234", proxy="socks5://me:secretword@127.0.0.1:9")
    assert "secretword" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, None),
        ("", ""),
        ("proxy:3128", "http://proxy:3128"),
        ("me:word@proxy:3128", "http://me:word@proxy:3128"),
        ("https://proxy", "https://proxy"),
        ("socks5h://[::1]:1080", "socks5h://[::1]:1080"),
    ],
)
def test_what_people_write_for_a_proxy(given: str | None, meant: str | None) -> None:
    assert proxies.parse(given) == meant


@pytest.mark.parametrize("given", ["ftp://me:secretword@x", "http://", "http://x:secretword", "://x", "http://[::1:99"])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_what_is_no_proxy(given: str, kind: Any) -> None:
    with pytest.raises(ValueError, match="proxy: http://HOST:PORT") as caught:
        kind("gpu", proxy=given)
    assert "secretword" not in str(caught.value)
