"""Which server: ``--server``, else ``COMFYGRAPH_SERVER``, else ComfyUI's own address if it answers there."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Annotated, Final

import typer

from .guard import USAGE, Failed

if TYPE_CHECKING:
    from ..client import Client

TOKEN: Final = "COMFYGRAPH_TOKEN"
PROBE_SECONDS: Final = 2.0

ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="URL", help="The ComfyUI server; default: COMFYGRAPH_SERVER, else 127.0.0.1:8188."
    ),
]


def connect(server: str | None) -> Client:
    """A client for the server that is meant. ``COMFYGRAPH_TOKEN``, if it is set, goes along as a bearer token.

    Raises:
        Failed: no server was named, and none answers at the default address.
        Failed: or the address cannot be one. It is not shown: there may be a password in it.
    """
    from ..client import Client
    from ..client.address import DEFAULT, ENVIRONMENT, parse

    named = server if server is not None else os.environ.get(ENVIRONMENT, "").strip() or None
    hint = "--server" if server is not None else ENVIRONMENT
    try:
        address = parse(named or DEFAULT)
        token = os.environ.get(TOKEN, "").strip() or None
        client = Client(named or DEFAULT, token=token if address.user is None else None)
    except ValueError as error:
        raise Failed(f"{hint}: {error}", USAGE) from None
    if named is None and not _answers(address.host, address.port):
        raise Failed(
            f"no ComfyUI answers at {DEFAULT}: start one, or name one with --server URL or {ENVIRONMENT}; "
            "without any, try `comfygraph demo` or `comfygraph simulate`"
        )
    return client


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=PROBE_SECONDS).close()
    except OSError:
        return False
    return True
