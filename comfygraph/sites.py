"""Where in the user's files a call stands: ``file:line``, found only when somebody asks."""

from __future__ import annotations

import os
from functools import lru_cache
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


def variable(code: CodeType, lasti: int) -> str | None:
    """The variable that the call's result is assigned to; None where it goes elsewhere, or the source cannot be had."""
    return _assigned(code.co_filename).get(line_of(code, lasti))


@lru_cache(maxsize=64)
def _assigned(path: str) -> dict[int, str | None]:
    """The names that calls are assigned to, by the line where the call starts; None for a line with several."""
    import ast
    import linecache

    try:
        tree = ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[int, str | None] = {}
    for item in ast.walk(tree):
        targets = item.targets if isinstance(item, ast.Assign) else [getattr(item, "target", None)]
        value = getattr(item, "value", None)
        if isinstance(value, ast.Call) and len(targets) == 1 and isinstance(targets[0], ast.Name):
            found[value.lineno] = None if value.lineno in found else targets[0].id
    return found


def short(path: str) -> str:
    """A path relative to the working directory when it lies below it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if relative.startswith("..") or path.startswith("<") else relative
