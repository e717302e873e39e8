"""Ids that nobody else has: random UUIDs, drawn from the system many at a time.

A call of the system for each would cost half a millisecond where system calls are watched (containers, sandboxes), which is a
good part of what a small job takes.
"""

from __future__ import annotations

import os
import threading
import uuid
from typing import Final

_EACH: Final = 16
_AT_ONCE: Final = 256

_lock = threading.Lock()
_pool = bytearray()


def new_id() -> str:
    """A random UUID (version 4) in canonical form, which is what ComfyUI 0.33.0 takes for a prompt."""
    with _lock:
        if not _pool:
            _pool.extend(os.urandom(_EACH * _AT_ONCE))
        drawn = bytes(_pool[-_EACH:])
        del _pool[-_EACH:]
    return str(uuid.UUID(bytes=drawn, version=4))


def _forget() -> None:
    """A forked process must not draw what its parent draws."""
    global _lock
    _lock = threading.Lock()
    _pool.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
