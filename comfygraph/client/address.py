"""Where a server is: everything that people write for it, taken apart once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit

DEFAULT = "127.0.0.1:8188"
DEFAULT_PORT = 8188
ENVIRONMENT = "COMFYGRAPH_SERVER"

_SCHEMES = {"http": False, "ws": False, "https": True, "wss": True}
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%-]+\Z")


@dataclass(frozen=True)
class Address:
    """A server's address.

    Attributes:
        secure: https and wss.
        host: a name or an IP address, IPv6 without brackets.
        port: 1 to 65535.
        base: path in front of every route, ``""`` or ``/…`` without a slash at its end.
        user, password: from ``http://user:password@host``; never shown.
        query: from ``?token=…``; sent with every request and never shown.
    """

    secure: bool
    host: str
    port: int
    base: str = ""
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def authority(self) -> str:
        """``host:port``, without the port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def http(self) -> str:
        """The base address for HTTP, without credentials."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.base}"

    @property
    def ws(self) -> str:
        """The base address for the WebSocket, without credentials."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.base}"

    def __str__(self) -> str:
        return self.http


def parse(url: str | None) -> Address:
    """An address from what a person wrote.

    Args:
        url: ``host:port``, a bare host (then port 8188), ``http://``, ``https://``, ``ws://`` or ``wss://`` with or without
            a port (then 80 or 443), a base path, IPv6 with or without brackets. None: the environment's
            ``COMFYGRAPH_SERVER``, and without that 127.0.0.1:8188.

    Raises:
        TypeError: it is no text, such as a bare port number.
        ValueError: it is none of these.

    Example:
        >>> str(parse("gpu.example.org/comfy/"))
        'http://gpu.example.org:8188/comfy'
        >>> str(parse("wss://gpu.example.org"))
        'https://gpu.example.org'
        >>> str(parse("::1"))
        'http://[::1]:8188'
    """
    given: object = url
    if given is not None and not isinstance(given, str):
        port_only = isinstance(given, int) and not isinstance(given, bool)
        hint = f': write "127.0.0.1:{given}"' if port_only else ""
        raise TypeError(f"a server address is a text such as {DEFAULT!r}, not {type(given).__name__}{hint}")
    text = (url if url is not None else os.environ.get(ENVIRONMENT, "")).strip() or DEFAULT
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest, default_port = "http", text, DEFAULT_PORT
        if rest.count(":") > 1 and not rest.startswith("[") and "@" not in rest and "/" not in rest:
            rest = f"[{rest}]"
    else:
        default_port = 443 if _SCHEMES.get(scheme.lower(), False) else 80
    if scheme.lower() not in _SCHEMES:
        raise ValueError(f"not a server address: the scheme {scheme[:20]!r} is none of http, https, ws, wss")
    secure = _SCHEMES[scheme.lower()]
    try:
        parts = urlsplit(f"{'https' if secure else 'http'}://{rest}")
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        # The text may hold a password: only what is wrong is told.
        raise ValueError(f"not a server address: {'bad port' if 'ort' in str(error) else 'bad host'}") from None
    if ":" not in host and not _HOST.match(host):
        raise ValueError("not a server address: no host in it" if not host else "not a server address: bad host")
    if port == 0:
        raise ValueError("not a server address: bad port")
    base = quote(unquote(parts.path), safe="/~!$&'()*+,;=:@").rstrip("/")
    return Address(
        secure,
        host,
        port if port is not None else default_port,
        base,
        unquote(parts.username) if parts.username is not None else None,
        unquote(parts.password) if parts.password is not None else None,
        tuple(parse_qsl(parts.query, keep_blank_values=True)),
    )
