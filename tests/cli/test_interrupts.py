"""Ctrl-C that Python loses is seen all the same."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from comfygraph import Client, presets
from comfygraph.cli.interrupts import interrupted, noted, stop_if_interrupted, terminable

from .conftest import SMALL, Call

ROOT = Path(__file__).parents[2]


def _lost() -> None:
    with suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_it_is_noted_and_the_old_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with noted():
        stop_if_interrupted()
        _lost()
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            stop_if_interrupted()
    assert signal.getsignal(signal.SIGINT) is before


def test_one_who_ignores_it_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noted():
            signal.raise_signal(signal.SIGINT)
            assert not interrupted()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "arguments",
    [["run", "sdxl", *SMALL], ["run", "sdxl", *SMALL, "--no-progress"], ["batch", "sdxl", "--set", "seed=1..3"]],
)
def test_a_lost_one_sends_nothing(cg: Call, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    real = presets.names

    def names() -> tuple[str, ...]:
        _lost()
        return tuple(real())

    sent: list[object] = []
    monkeypatch.setattr(presets, "names", names)
    monkeypatch.setattr(Client, "submit", lambda *given, **_: sent.append(given))
    said = cg(*arguments)
    assert (said.code, said.out, sent) == (130, "", [])
    assert said.err.endswith("interrupted\n")
    assert not Path("batch_output").exists()


def test_a_lost_one_is_no_success(cg: Call, image_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = presets.names
    monkeypatch.setattr(presets, "names", lambda: (_lost(), real())[1])
    assert cg("check", image_file).code == 130


def test_sigterm_is_ctrl_c_where_files_are_to_be_cleaned_up() -> None:
    with pytest.raises(KeyboardInterrupt), terminable():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.skipif(sys.platform == "win32", reason="no shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(("arguments", "code"), [("check sdxl", 0), ("run nothing.json", 2), ("nodes KSampler", 0)])
def test_closed_streams(closed: str, arguments: str, code: int) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m comfygraph {arguments} {closed}', sys.executable],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    assert "unexpected" not in done.stderr
