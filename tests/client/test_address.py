"""Addresses as people write them, and credentials that show nowhere."""

from __future__ import annotations

import pickle

import pytest

from comfygraph import Client
from comfygraph.client.address import parse
from comfygraph.client.credentials import Credentials

ADDRESSES = [
    ("127.0.0.1:8188", "http://127.0.0.1:8188", "ws://127.0.0.1:8188"),
    ("gpu", "http://gpu:8188", "ws://gpu:8188"),
    ("gpu:80", "http://gpu", "ws://gpu"),
    ("http://gpu", "http://gpu", "ws://gpu"),
    ("https://gpu", "https://gpu", "wss://gpu"),
    ("ws://gpu:9", "http://gpu:9", "ws://gpu:9"),
    ("wss://gpu/comfy/", "https://gpu/comfy", "wss://gpu/comfy"),
    ("HTTPS://GPU.example.org:8443/a b", "https://gpu.example.org:8443/a%20b", "wss://gpu.example.org:8443/a%20b"),
    ("::1", "http://[::1]:8188", "ws://[::1]:8188"),
    ("[::1]:9000", "http://[::1]:9000", "ws://[::1]:9000"),
    ("http://[fe80::1]/x", "http://[fe80::1]/x", "ws://[fe80::1]/x"),
    ("  gpu:1  ", "http://gpu:1", "ws://gpu:1"),
    ("user:p%40ss@gpu:1", "http://gpu:1", "ws://gpu:1"),
    ("https://gpu/?token=abc", "https://gpu", "wss://gpu"),
]


@pytest.mark.parametrize(("text", "http", "ws"), ADDRESSES)
def test_addresses(text: str, http: str, ws: str) -> None:
    address = parse(text)
    assert (address.http, address.ws, str(address)) == (http, ws, http)


@pytest.mark.parametrize(
    "text", ["ftp://gpu", "http://", "gpu:port", "gpu:0", "gpu:99999", "http://a b", "javascript:x//://y"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="not a server address"):
        parse(text)


def test_no_password_in_the_error() -> None:
    with pytest.raises(ValueError, match="not a server address") as caught:
        parse("http://user:hunter2secret@gpu:99999")
    assert "hunter2" not in str(caught.value)


def test_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMFYGRAPH_SERVER", raising=False)
    assert str(parse(None)) == "http://127.0.0.1:8188"
    monkeypatch.setenv("COMFYGRAPH_SERVER", "https://render/1")
    assert str(parse(None)) == "https://render/1"


def test_credentials_are_shown_nowhere() -> None:
    address = parse("http://me:pass+word@gpu/?key=top%2Fsecret")
    credentials = Credentials(address, headers={"X-Api-Key": "headersecret"})
    for text in (repr(credentials), str(credentials), repr(address), str(address)):
        for secret in ("pass+word", "headersecret", "top/secret", "bWU6"):
            assert secret not in text
    assert credentials.headers["Authorization"] == "Basic bWU6cGFzcyt3b3Jk"
    assert credentials.query == (("key", "top/secret"),)
    hidden = credentials.hide("GET /x?key=top%2Fsecret and headersecret and pass%2Bword")
    assert hidden == "GET /x?key=••• and ••• and •••"
    assert credentials.shows("…top%2Fsecret…")
    assert not credentials.shows("nothing of the kind")
    with pytest.raises(TypeError):
        pickle.dumps(credentials)


def test_credentials_belong_to_one_host() -> None:
    plain = Credentials(parse("http://gpu:8188"), token="tokentoken")
    assert plain.belongs("http://gpu:8188/other")
    assert plain.belongs("https://gpu/")
    for other in ("http://evil:8188/", "http://gpu:9/", "http://gpu.evil.org:8188/", "http://gpu:99999/"):
        assert not plain.belongs(other)
    secure = Credentials(parse("https://gpu"), token="tokentoken")
    assert secure.belongs("https://gpu/x")
    assert not secure.belongs("http://gpu/x")
    assert plain.headers == {"Authorization": "Bearer tokentoken"}


def test_credentials_that_cannot_be() -> None:
    address = parse("gpu")
    with pytest.raises(ValueError, match="line break"):
        Credentials(address, headers={"X": "a\r\nHost: evil"})
    with pytest.raises(ValueError, match="line break"):
        Credentials(address, token="a\nb")
    with pytest.raises(ValueError, match="not both"):
        Credentials(address, token="a", auth=("b", "c"))


def test_a_port_alone_is_told_how_to_be_written() -> None:
    with pytest.raises(TypeError, match=r'not int: write "127\.0\.0\.1:8188"$'):
        Client(8188)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not bytes"):
        parse(b"127.0.0.1")  # type: ignore[arg-type]
