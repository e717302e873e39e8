"""Where in the user's files a call stands: ``file:line``, found only when somebody asks."""

from __future__ import annotations

import os
from types import CodeType


def line_of(code: CodeType, lasti: int) -> int:
    """The line of the instruction at `lasti`."""
    import dis

    line = code.co_firstlineno
    for offset, start in dis.findlinestarts(code):
        if offset > lasti:
            break
        line = start or line
    return line


def place(code: CodeType, lasti: int) -> str:
    """``file:line``, the file as a path below the working directory where it is one."""
    return f"{short(code.co_filename)}:{line_of(code, lasti)}"


def short(path: str) -> str:
    """A path relative to the working directory when it lies below it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if relative.startswith("..") or path.startswith("<") else relative
