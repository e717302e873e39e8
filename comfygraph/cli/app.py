"""The commands by name, and the call of one of them. Only the module of the command that is called is imported."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any, Final

import typer

from .guard import USAGE, guarded, set_debug
from .output import say

COMMANDS: Final = {
    "demo": "See it work: no server, no GPU, simulated pictures.",
    "run": "Run a preset or a workflow, and bring its files home.",
    "check": "Say all that is wrong with a workflow.",
    "batch": "Run many variants; go on where it was stopped.",
    "nodes": "Search the node library.",
    "convert": "Write a workflow as Python, API JSON or an editor file.",
    "diff": "Say what changed between two workflows.",
    "generate": "Write typed node classes for a server's nodes.",
    "simulate": "Serve a simulated ComfyUI.",
}
"""In the order of ``--help``: each is a module of `commands` with a function `command`."""

_SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


def application(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with these commands."""
    app = typer.Typer(
        name="comfygraph",
        help="ComfyUI pipelines as typed Python: check them, run them, bring the files home.",
        epilog="A server: --server URL, else COMFYGRAPH_SERVER, else 127.0.0.1:8188. Nothing at hand? comfygraph demo",
        context_settings=_SETTINGS,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for name in names:
        app.command(name, short_help=COMMANDS[name])(guarded(_module(name).command))
    return app


def run(arguments: Sequence[str]) -> int:
    """Call the command line. Returns the exit code."""
    given, debug = _without_debug(arguments)
    set_debug(debug)
    named = next((argument for argument in given if not argument.startswith("-")), None)
    known = named in COMMANDS
    command = typer.main.get_command(application([str(named)] if known else COMMANDS))
    if not given or (given == [named] and known and _needs_arguments(str(named))):
        # The help is no result here, and the call was no right one.
        with contextlib.redirect_stdout(sys.stderr):
            _call(command, [*given, "--help"])
        return USAGE
    return _call(command, given)


def _call(command: Any, given: list[str]) -> int:
    try:
        code: object = command.main(args=given, prog_name="comfygraph", standalone_mode=False)
    except SystemExit as stop:
        code = stop.code
    except Exception as error:
        code = _usage(error)
    return code if isinstance(code, int) else 0


def _usage(error: Exception) -> int:
    """A call that typer refuses, in one line. Its exceptions have no public names that are in every version."""
    told = getattr(error, "format_message", None)
    if told is None:
        raise error
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "comfygraph"
    say(f"{str(told()).rstrip('.')}; see {where} --help", error=True)
    return USAGE


def _module(name: str) -> ModuleType:
    return import_module(f"{__package__}.commands.{name}")


def _needs_arguments(name: str) -> bool:
    return getattr(_module(name), "NEEDS_ARGUMENTS", False)


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """``--debug`` counts wherever it stands: whoever sees an error puts it at the end of the line and tries again."""
    given = list(arguments)
    end = given.index("--") if "--" in given else len(given)
    kept = [argument for argument in given[:end] if argument != "--debug"]
    return [*kept, *given[end:]], len(kept) < end


def _options(
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback for an unexpected error.")] = False,
) -> None:
    del debug  # taken out before, see `_without_debug`; it stands here for the help
    if version:
        from .. import __version__

        typer.echo(f"comfygraph {__version__}")
        raise typer.Exit
