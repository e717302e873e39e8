"""A proxy's address, as people write it."""

from __future__ import annotations

from urllib.parse import urlsplit

SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


class UnusableProxy(Exception):
    """A proxy that cannot be used here; its text says why, without the address: that may hold a password."""


def parse(proxy: str | None) -> str | None:
    """The address with its scheme; None (what the environment says) and ``""`` (none) stay.

    Raises:
        ValueError: no address of a proxy.

    Example:
        >>> parse("proxy.example.org:3128")
        'http://proxy.example.org:3128'
    """
    if not proxy:
        return proxy
    whole = with_scheme(proxy)
    try:
        parts = urlsplit(whole)
        good = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        # Without what was given: it may hold a password.
        raise ValueError(f"proxy: http://HOST:PORT, with one of {', '.join(SCHEMES)}")
    return whole


def with_scheme(proxy: str) -> str:
    """The address with its scheme: HTTP's where it has none, as in ``http_proxy=proxy:3128``."""
    return proxy if "://" in proxy else f"http://{proxy}"


def http_only(proxy: str | None) -> str | None:
    """The proxy of an `AsyncClient`. Raises UnusableProxy for a SOCKS proxy, which aiohttp does not know."""
    if proxy and proxy.lower().startswith("socks"):
        raise UnusableProxy("AsyncClient goes through HTTP proxies only, and this one is SOCKS; Client takes both")
    return proxy and with_scheme(proxy)
