"""Both type checkers accept `good.py` whole, and refuse exactly the marked lines of `bad.py`; so does Python when they run."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 300
MARK = re.compile(r"# error(?P<types>, for types only)?$")

Lines = dict[str, set[int]]


def marked(*, types_only: bool = True) -> set[int]:
    """The lines of `bad.py` that are to be refused; `types_only`: those too that would run."""
    lines = (HERE / "bad.py").read_text(encoding="utf-8").splitlines()
    found = ((number, MARK.search(line)) for number, line in enumerate(lines, 1))
    return {number for number, match in found if match and (types_only or not match["types"])}


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False
    )


@pytest.fixture(scope="module")
def mypy(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """The lines that mypy --strict refuses, by file."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("mypy")
    (folder / "mypy.ini").write_text(
        f"[mypy]\nstrict = True\npython_version = 3.10\nmypy_path = {ROOT}\ncache_dir = {folder / 'cache'}\n"
        # What is wrong in the library itself is for the library's own run to say.
        "[mypy-comfygraph.*]\nfollow_imports = silent\n",
        encoding="utf-8",
    )
    files = [str(HERE / name) for name in ("good.py", "bad.py")]
    answer = run("mypy", "--config-file", str(folder / "mypy.ini"), "--no-error-summary", *files, cwd=folder)
    assert answer.returncode in (0, 1), answer.stdout + answer.stderr
    found: Lines = {"good.py": set(), "bad.py": set()}
    for line in answer.stdout.splitlines():
        match = re.match(r".*?(good\.py|bad\.py):(\d+): error: ", line)
        if match:
            found[match[1]].add(int(match[2]))
        else:
            assert ": note: " in line, line
    return found


@pytest.fixture(scope="module")
def pyright(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """The lines that pyright refuses in strict mode, by file."""
    pytest.importorskip("pyright")
    folder = tmp_path_factory.mktemp("pyright")
    config = {
        "include": ["good.py", "bad.py"],
        "extraPaths": [str(ROOT)],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.10",
    }
    for name in ("good.py", "bad.py"):  # pyright looks at nothing outside of its folder
        shutil.copy(HERE / name, folder)
    (folder / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    answer = run("pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(folder), cwd=folder)
    try:
        report: dict[str, Any] = json.loads(answer.stdout)
    except ValueError:
        pytest.skip(f"pyright cannot run here: {(answer.stderr or answer.stdout).strip()[:200]}")
    assert report["summary"]["filesAnalyzed"] == 2, answer.stdout
    found: Lines = {"good.py": set(), "bad.py": set()}
    for item in report["generalDiagnostics"]:
        if item["severity"] == "error":
            found[Path(item["file"]).name].add(item["range"]["start"]["line"] + 1)
    return found


def test_there_is_enough_to_refuse() -> None:
    assert len(marked()) >= 50
    assert len(marked(types_only=False)) >= 45


@pytest.mark.slow
def test_mypy_refuses_the_marked_lines_and_no_other(mypy: Lines) -> None:
    assert sorted(mypy["good.py"]) == []
    assert sorted(mypy["bad.py"]) == sorted(marked())


@pytest.mark.slow
def test_pyright_refuses_the_marked_lines_and_no_other(pyright: Lines) -> None:
    assert sorted(pyright["good.py"]) == []
    assert sorted(pyright["bad.py"]) == sorted(marked())


def test_what_is_good_runs() -> None:
    assert "save" in runpy.run_path(str(HERE / "good.py"))


def pieces() -> tuple[str, list[Any]]:
    """The unmarked lines of `bad.py`, which run, and each marked line that must not."""
    lines = (HERE / "bad.py").read_text(encoding="utf-8").splitlines()
    end = next(number for number, line in enumerate(lines) if line.startswith("# Names that are not there"))
    refused = [pytest.param(lines[number - 1], id=f"line {number}") for number in sorted(marked(types_only=False))]
    return "\n".join(lines[:end]), refused


@pytest.fixture(scope="module")
def execute() -> Callable[[str], None]:
    names: dict[str, Any] = {"__name__": "bad"}
    exec(pieces()[0], names)

    def line(source: str) -> None:
        exec(source, names)

    return line


@pytest.mark.parametrize("source", pieces()[1])
def test_python_refuses_them_too(execute: Callable[[str], None], source: str) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError, ImportError)):
        execute(source)
