"""Ctrl-C that is not lost.

A KeyboardInterrupt that hits inside a callback of the import system, or a validator written in C, is printed and forgotten
by Python. The handler here notes it as well, and what is about to begin something asks.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_noted = threading.Event()


@contextmanager
def noted() -> Iterator[None]:
    """Note Ctrl-C meanwhile. A process that ignores it (``nohup``), or has a handler of its own, goes on doing so."""
    _noted.clear()
    with _note_instead_of(signal.SIGINT, signal.default_int_handler):
        yield


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM (``kill``, a container that stops) is as Ctrl-C meanwhile, so that temporary files are cleaned up."""
    with _note_instead_of(signal.SIGTERM, signal.SIG_DFL):
        yield


@contextmanager
def _note_instead_of(number: signal.Signals, usual: Any) -> Iterator[None]:
    """Note a signal meanwhile, where its handler is the usual one and this is the thread that gets signals."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(number) != usual:
        yield
        return
    signal.signal(number, _note)
    try:
        yield
    finally:
        signal.signal(number, usual)


def _note(number: int, frame: FrameType | None) -> None:
    del number, frame
    _noted.set()
    raise KeyboardInterrupt


def interrupted() -> bool:
    """Whether Ctrl-C was hit."""
    return _noted.is_set()


def stop_if_interrupted() -> None:
    """Raise the KeyboardInterrupt that got lost; called before anything is sent."""
    if _noted.is_set():
        raise KeyboardInterrupt


def forget() -> None:
    """It was what the command waited for."""
    _noted.clear()
