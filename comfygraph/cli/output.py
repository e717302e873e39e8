"""What is printed: results to standard output, all else to standard error, colours only where a person looks.

Texts from files and servers are shown without control characters: a title cannot move the cursor or colour the terminal.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO

from ..problems import Problem, count, render

if TYPE_CHECKING:
    from rich.console import Console


_FOR_PROGRAMS = re.compile(r";[^;()]*: client\.\w+\([\w.]*(?:\(\))?\)")


def plain(text: str) -> str:
    """The text without control and direction characters; line breaks stay, tabs become a space."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else " " if c == "\t" else ""
        for c in text
    )


def one_line(text: str, most: int = 0) -> str:
    """The text in one line, cut to `most` characters (0: not at all)."""
    line = " ".join(plain(text).split())
    return line if not most or len(line) <= most else f"{line[: most - 1]}…"


def advice_free(text: str) -> str:
    """A message without its advice for programs, which nobody can follow on a command line."""
    return _FOR_PROGRAMS.sub("", text)


def show(text: str) -> None:
    """A result, to standard output."""
    _write(sys.stdout, plain(text))


def put(text: str) -> None:
    """A result for another program, to standard output, as it is: a path, a source."""
    _write(sys.stdout, text)


def say(text: str, *, error: bool = False) -> None:
    """A remark, to standard error; an error begins with ``error:``."""
    text = plain(text)
    if not error:
        _write(sys.stderr, text)
    elif coloured(sys.stderr):
        _write(sys.stderr, f"\033[1;31merror:\033[0m {text}")
    else:
        _write(sys.stderr, f"error: {text}")


def print_problems(problems: Sequence[Problem], *, to_stderr: bool = False) -> None:
    """Problems as a person reads them, their severity coloured in a terminal."""
    stream = sys.stderr if to_stderr else sys.stdout
    text = plain(render(problems))
    if coloured(stream):
        for severity, colour in (("error", "1;31"), ("warning", "1;33")):
            text = "\n".join(
                f"\033[{colour}m{head}]\033[0m{rest}" if line.startswith(f"{severity}[") and end else line
                for line in text.split("\n")
                for head, end, rest in [line.partition("]")]
            )
        text = text.replace("\n  hint:", "\n  \033[36mhint:\033[0m")
    _write(stream, text)


def tally(problems: Sequence[Problem]) -> str:
    """``"2 errors, 1 warning"``."""
    return count(problems)


def coloured(stream: TextIO | None) -> bool:
    """Whether escape codes belong there: a terminal that has them, and nobody said NO_COLOR."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at it."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


@lru_cache(maxsize=1)
def console() -> Console:
    """Rich's console on standard error, for progress."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed by whoever called us
        return
    try:
        stream.write(text + "\n")
        stream.flush()
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        stream.flush()
