"""The command line as a whole: help, wrong calls, exit codes, and what it loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from comfygraph import __version__
from comfygraph.cli.app import COMMANDS
from comfygraph.cli.guard import Failed, guarded, set_debug
from comfygraph.errors import GraphError, PromptRefused, ServerUnreachable
from comfygraph.problems import Problem

from .conftest import Call

ROOT = Path(__file__).parents[2]
HEAVY = ("rich.progress", "requests", "PIL", "aiohttp", "networkx", "websocket")


def python(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """A process of its own, with this source tree."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, env=environment, **options
    )  # type: ignore[call-overload,no-any-return]


def test_version() -> None:
    said = python("-m", "comfygraph", "--version")
    assert (said.returncode, said.stdout, said.stderr) == (0, f"comfygraph {__version__}\n", "")


def test_help_names_every_command(cg: Call) -> None:
    said = cg("--help")
    assert said.code == 0
    assert said.err == ""
    for name, what in COMMANDS.items():
        assert f"  {name} " in said.out
        assert what in said.out


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(cg: Call, name: str) -> None:
    said = cg(name, "--help")
    assert said.code == 0
    assert f"Usage: comfygraph {name}" in said.out


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["nodes", "KSampler"]])
def test_help_and_search_load_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from comfygraph.cli import main; main(sys.argv[1:]); "
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    said = python("-c", code, *arguments)
    assert said.stderr.strip() == "[]"


def test_a_command_loads_no_other() -> None:
    code = (
        "import sys; from comfygraph.cli import main; main(['nodes', 'KSampler']); "
        "print([m for m in sys.modules if m.startswith('comfygraph.cli.commands.')], file=sys.stderr)"
    )
    assert python("-c", code).stderr.strip() == "['comfygraph.cli.commands.nodes']"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runn"], "No such command 'runn'"),
        (["run", "sdxl", "--bogus"], "No such option: --bogus"),
        (["run", "sdxl", "--timeout", "soon"], "Invalid value for '--timeout'"),
        (["run", "sdxl", "--timeout", "-1"], "Invalid value for '--timeout'"),
        (["run", "sdxl", "--set", "seed"], "--set: 'seed' is no name=value"),
        (["run", "sdxl", "--set", "=3"], "--set: '=3' is no name=value"),
        (["run", "sdxl", "--set", "seed=1", "--set", "seed=2"], "--set: seed is set twice"),
        (["check", "--release", "0.33.0"], "Missing argument"),
        (["check", "sdxl", "--release", "1.2"], "--release: there are 0.33.0, 0.23.0"),
        (["check", "sdxl", "--release", "0.33.0", "--server", "x"], "--server and --release: give one of them"),
        (["run", "sdxl", "--server", "ftp://me:sesame@host"], "--server: not a server address"),
        (["simulate", "--release", "1.2"], "--release: there are 0.33.0, 0.23.0"),
        (["generate", "--server", "x"], "--out names the package"),
        (["convert", "sdxl", "-o", "pipeline.txt"], "what shall it be?"),
        (["convert", "sdxl", "--to", "yaml"], "--to: there are python, api, editor"),
        (["batch", "sdxl"], "nothing differs"),
        (["batch", "--resume"], "there is no batch in it to resume"),
    ],
)
def test_a_wrong_call_is_one_line_and_2(cg: Call, arguments: list[str], said: str) -> None:
    result = cg(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert said in result.err
    assert result.err.count("\n") == 1
    assert "sesame" not in result.err


@pytest.mark.parametrize("arguments", [[], ["run"], ["check"]])
def test_no_arguments_is_help_and_2(cg: Call, arguments: list[str]) -> None:
    result = cg(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("Usage: ")


def _raising(error: BaseException) -> int:
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as stop:
        guarded(command)()
    return stop.value.exit_code


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Failed("no such thing", 2), 2, "error: no such thing\n"),
        (ServerUnreachable("nobody there"), 1, "error: nobody there\n"),
        (
            GraphError([Problem("error", "x", "it is wrong", "3", "KSampler", hint="mend it")]),
            1,
            "error[x]: it is wrong\n  at: node 3 (KSampler)\n  hint: mend it\n",
        ),
        (PermissionError(13, "Permission denied", "x.json"), 1, "error: x.json: Permission denied\n"),
        (
            PromptRefused("no, thanks\nreally", prompt_id="x", problems=[Problem("error", "y", "it is so", "3")]),
            1,
            "error: no, thanks\nerror[y]: it is so\n  at: node 3\n",
        ),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (MemoryError(), 1, "error: this machine has no memory left for it\n"),
        (RuntimeError("two\nlines"), 1, "error: unexpected RuntimeError: two lines (--debug shows where)\n"),
        (Failed("\x1b[31mred\x07 \u202eright to left"), 1, "error: [31mred right to left\n"),
    ],
)
def test_what_a_command_raises_is_told_in_a_line(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _raising(error) == code
    captured = capsys.readouterr()
    assert captured.err == said
    assert captured.out == ""


def test_debug_lets_the_traceback_through() -> None:
    def command() -> None:
        raise RuntimeError("what is this")

    set_debug(True)
    try:
        with pytest.raises(RuntimeError, match="what is this"):
            guarded(command)()
    finally:
        set_debug(False)


def test_debug_counts_at_the_end_of_the_line(tmp_path: Path) -> None:
    said = python("-m", "comfygraph", "check", "nothing.json", "--debug", cwd=tmp_path)
    assert said.returncode == 1
    assert "Traceback" in said.stderr
    assert "Traceback" not in python("-m", "comfygraph", "check", "nothing.json", cwd=tmp_path).stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        process = subprocess.run(
            [sys.executable, "-m", "comfygraph", "nodes"],
            stdout=writer,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert process.stderr == b""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "comfygraph", "nodes"], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, timeout=60
        )
    assert process.returncode == 1
    assert process.stderr == b"error: No space left on device\n"


def test_a_terminal_that_cannot_spell() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    process = subprocess.run(
        [sys.executable, "-m", "comfygraph", "nodes", "KSampler"], capture_output=True, env=environment, timeout=60
    )
    assert process.returncode == 0
    assert b"KSampler" in process.stdout
    assert process.stderr == b""
