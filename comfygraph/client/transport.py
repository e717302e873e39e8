"""The seam between what the client knows and the network: everything above it can be tested without one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from .exchange import Answer, Failure, Request


class Closed(Exception):
    """The socket is closed, by whomever."""


class Download(Protocol):
    """An answer whose body is read piece by piece."""

    status: int
    length: int | None
    """What Content-Length says; None without one."""

    def chunks(self) -> Iterator[bytes]:
        """The body. Raises `Broken` when it ends early."""
        ...


class Broken(Exception):
    """A body that ended early. Holds the `Failure`."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Socket(Protocol):
    """One open WebSocket."""

    def receive(self, timeout: float) -> str | bytes | None:
        """The next frame: text as `str`, binary as `bytes`; None when none came in `timeout` seconds.

        Raises:
            Closed: it is closed.
        """
        ...

    def send_text(self, text: str) -> None:
        """Send a text frame. Raises `Closed`."""
        ...

    def ping(self) -> None:
        """Ask for a sign of life; whatever comes back counts. Raises `Closed`."""
        ...

    @property
    def alive_at(self) -> float:
        """When anything last came, in the clock of `time.monotonic`."""
        ...

    def abort(self) -> None:
        """Wake whoever reads it, who then finds it closed. May be called from any thread."""
        ...

    def close(self) -> bool:
        """Close it fully, within two seconds. True when the server agreed, so that it knows that this one is gone."""
        ...


class Transport(Protocol):
    """HTTP and WebSocket to one server. Usable from many threads."""

    def send(self, request: Request) -> Answer | Failure:
        """One exchange. Never raises for what a network or a server does, and is bounded in time."""
        ...

    def download(self, request: Request) -> AbstractContextManager[Download | Failure]:
        """One exchange whose body is not read at once."""
        ...

    def connect(self, client_id: str) -> Socket | Failure:
        """Open a socket under this id. Bounded in time."""
        ...

    def close(self) -> None:
        """Give all connections back."""
        ...
