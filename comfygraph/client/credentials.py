"""What proves to a server, or a proxy before it, who is asking: kept in one place and shown nowhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote, quote_plus, urlsplit

from .address import Address

HIDDEN = "•••"
"""What stands where a secret would."""
_SHORTEST = 4


class Credentials:
    """Headers and query values for HTTP and WebSocket alike.

    Args:
        headers: further headers for every request, such as ``{"X-Api-Key": "…"}``.
        token: a bearer token, sent as ``Authorization: Bearer …``.
        auth: user name and password, sent as basic authorization.
        address: where its own user, password and query come from.
        secrets: further texts that must never be shown.

    Raises:
        ValueError: a header that HTTP cannot carry, or two kinds of authorization at once.
    """

    def __init__(
        self,
        address: Address,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        auth: tuple[str, str] | None = None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._headers = dict(headers or {})
        for name, value in self._headers.items():
            if not name or any(c in name + value for c in "\r\n\0"):
                raise ValueError("headers: a name or value with a line break or nothing in it")
        if auth is None and address.user is not None:
            auth = (address.user, address.password or "")
        if token is not None and auth is not None:
            raise ValueError("give token= or auth=, not both")
        self._secrets = [*self._headers.values(), *secrets]
        if token is not None:
            if any(c in token for c in "\r\n\0"):
                raise ValueError("token: it has a line break in it")
            self._headers["Authorization"] = f"Bearer {token}"
            self._secrets.append(token)
        if auth is not None:
            encoded = base64.b64encode(f"{auth[0]}:{auth[1]}".encode()).decode()
            self._headers["Authorization"] = f"Basic {encoded}"
            self._secrets += [auth[1], encoded]
        self._query = address.query
        self._secrets += [value for _, value in self._query]
        self._home = (address.host.lower(), address.port, address.secure)

    def __repr__(self) -> str:
        return f"Credentials({HIDDEN})" if self._headers or self._query else "Credentials()"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not stored")

    @property
    def headers(self) -> Mapping[str, str]:
        """For the server itself only: see `belongs`."""
        return self._headers

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """For the server itself only."""
        return self._query

    def belongs(self, url: str) -> bool:
        """Does this absolute URL lead to the server the credentials are for? http to https on one host does."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        try:
            port = parts.port or (443 if secure else 80)
        except ValueError:
            return False
        host, home_port, home_secure = self._home
        if (parts.hostname or "").lower() != host or (home_secure and not secure):
            return False
        return port == home_port or (secure and not home_secure and port == 443)

    def hide(self, text: str) -> str:
        """The text with every secret in it replaced."""
        for secret in self._forms():
            text = text.replace(secret, HIDDEN)
        return text

    def shows(self, text: str) -> bool:
        """Is there a secret in it?"""
        return any(secret in text for secret in self._forms())

    def _forms(self) -> list[str]:
        forms: set[str] = set()
        for secret in self._secrets:
            if len(secret) >= _SHORTEST:
                forms |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
        return sorted(forms, key=len, reverse=True)
