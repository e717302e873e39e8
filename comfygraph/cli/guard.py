"""What a command may raise, as one clear line and an exit code. No traceback reaches a user who did not ask for one."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, Final, TypeVar

import typer

from ..errors import ComfyError, ExecutionError, GraphError, PromptRefused
from .interrupts import interrupted
from .output import advice_free, print_problems, say

F = TypeVar("F", bound=Callable[..., Any])
PROBLEMS: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

_debug = False


def set_debug(debug: bool) -> None:
    """Show tracebacks, or do not."""
    global _debug
    _debug = debug


class Failed(Exception):
    """A command ends with this line and this exit code."""

    def __init__(self, message: str, code: int = PROBLEMS) -> None:
        super().__init__(message)
        self.code = code


def guarded(command: F) -> F:
    """The command with every exception told in one line."""

    @functools.wraps(command)
    def call(*args: Any, **kwargs: Any) -> None:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            try:
                command(*args, **kwargs)
                if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison]
                    sys.stdout.flush()
            except BrokenPipeError:
                _quiet()
                raise typer.Exit(PROBLEMS) from None
            except KeyboardInterrupt:
                say("interrupted")
                raise typer.Exit(INTERRUPTED) from None
            except (ComfyError, Failed, OSError, MemoryError) as error:
                _tell(error)
                if _debug:
                    raise
                raise typer.Exit(error.code if isinstance(error, Failed) else PROBLEMS) from None
            except Exception as error:
                # typer's own exceptions (a usage error, an exit) have an exit code and go on.
                if _debug or hasattr(error, "exit_code"):
                    raise
                if interrupted():  # what a KeyboardInterrupt was made into on its way
                    say("interrupted")
                    raise typer.Exit(INTERRUPTED) from None
                text = " ".join(str(error).split())
                say(f"unexpected {type(error).__name__}{f': {text}' if text else ''} (--debug shows where)", error=True)
                raise typer.Exit(PROBLEMS) from None

    return call  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def _tell(error: BaseException) -> None:
    if isinstance(error, GraphError):
        print_problems(error.problems, to_stderr=True)
    elif isinstance(error, PromptRefused) and error.problems:
        say(str(error).partition("\n")[0], error=True)
        print_problems(error.problems, to_stderr=True)
    elif isinstance(error, ExecutionError):
        say(str(error), error=True)
        if _debug and error.traceback:
            say("the server's traceback:\n" + "".join(error.traceback))
    elif isinstance(error, OSError) and not isinstance(error, ComfyError):
        named = f"{error.filename}: " if error.filename else ""
        say(f"{named}{error.strerror or error}", error=True)
    elif isinstance(error, MemoryError):
        say(str(error) or "this machine has no memory left for it", error=True)
    else:
        say(advice_free(str(error)), error=True)


def _warn(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if not issubclass(category, (DeprecationWarning, ResourceWarning)):
        say(f"warning: {message}")


def _quiet() -> None:
    """The reader of our output has gone (``| head``): nothing more can be said, also not at the interpreter's end."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        for stream in (sys.stdout, sys.stderr):
            try:
                os.dup2(nowhere.fileno(), stream.fileno())
            except (OSError, ValueError, AttributeError):  # closed, or none at all
                continue
