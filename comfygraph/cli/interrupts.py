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

_noted = threading.Event()


@contextmanager
def noted() -> Iterator[None]:
    """Note Ctrl-C meanwhile. A process that ignores it (``nohup``), or has a handler of its own, goes on doing so."""
    _noted.clear()
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM (``kill``, a container that stops) is as Ctrl-C meanwhile, so that temporary files are cleaned up."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _note)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
