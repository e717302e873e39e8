"""The server under test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from comfygraph.simulator import Simulator
from tests.simulator.talk import Talk

from .wire import Wire

SERVER = "COMFYGRAPH_SERVER"


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Its address."""
    named = os.environ.get(SERVER, "").rstrip("/")
    if named:
        yield named if "://" in named else f"http://{named}"
        return
    with Simulator() as sim:
        yield sim.url


@pytest.fixture
def server(url: str) -> Iterator[Talk]:
    """A session with it."""
    with Talk(url) as talk:
        yield talk


@pytest.fixture
def wire(url: str) -> Iterator[Wire]:
    """A WebSocket to it, under a client id of its own."""
    wire = Wire(url, str(uuid.uuid4()))
    try:
        yield wire
    finally:
        wire.close()


@pytest.fixture(scope="session")
def strict_ids(url: str) -> bool:
    """Whether the server insists on canonical prompt ids: releases since 0.33 do."""
    with Talk(url) as talk:
        version = talk.get("/system_stats").json()["system"]["comfyui_version"]
    return tuple(int(part) for part in version.split(".")[:2]) >= (0, 33)
