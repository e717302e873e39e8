"""The command line: ``comfygraph``, or ``python -m comfygraph``.

One module per command, imported when the command is called. Results go to standard output, all else to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0, 1 for problems (a graph that would not run, a job that failed), 2 for a wrong call, 130 after
        Ctrl-C.
    """
    from .interrupts import interrupted, noted

    _open_streams()
    with noted():
        try:
            code = _main(list(sys.argv[1:] if arguments is None else arguments))
            if code or not interrupted():
                return code
        except KeyboardInterrupt:  # before a command was under way; `guard` sees it afterwards
            pass
        print("interrupted", file=sys.stderr)
        return 130


def _main(given: list[str]) -> int:
    if given == ["--version"]:
        from .. import __version__

        print(f"comfygraph {__version__}")
        return 0
    from .app import run

    return run(given)


def _open_streams() -> None:
    """Streams that were closed (``2>&-``) lead nowhere: else the next file or socket would get their number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (for the whole process)
