"""The command line: ``comfygraph``, or ``python -m comfygraph``.

One module per command, imported when the command is called. Results go to standard output, all else to standard error.
"""

from __future__ import annotations

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
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        from .. import __version__

        print(f"comfygraph {__version__}")
        return 0
    try:
        from .app import run

        return run(given)
    except KeyboardInterrupt:  # before a command was under way; `guard` sees it afterwards
        print("interrupted", file=sys.stderr)
        return 130
