"""mypy --strict and pyright strict see presets and subgraphs whole: `typing_good.py` passes, each marked line of `typing_bad.py` fails."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOOD, BAD = HERE / "typing_good.py", HERE / "typing_bad.py"
SECONDS = 300

pytestmark = pytest.mark.slow


def marked() -> set[int]:
    lines = BAD.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# error")}


def run(*command: str, cwd: Path) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert answer.returncode in (0, 1), answer.stdout + answer.stderr
    return answer.stdout


def test_mypy(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "mypy.ini").write_text(
        f"[mypy]\nstrict = True\npython_version = 3.10\nmypy_path = {ROOT}\ncache_dir = {tmp_path / 'cache'}\n"
        "[mypy-comfygraph.*]\nfollow_imports = silent\n",
        encoding="utf-8",
    )
    output = run("mypy", "--config-file", "mypy.ini", "--no-error-summary", str(GOOD), str(BAD), cwd=tmp_path)
    assert "typing_good.py" not in output, output
    found = {int(number) for number in re.findall(r"typing_bad\.py:(\d+): error: ", output)}
    assert found == marked(), output


def test_pyright(tmp_path: Path) -> None:
    pytest.importorskip("pyright")
    for file in (GOOD, BAD):
        shutil.copy(file, tmp_path)
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps(
            {
                "typeCheckingMode": "strict",
                "pythonVersion": "3.10",
                "extraPaths": [str(ROOT)],
                "reportUnusedExpression": False,
            }
        ),
        encoding="utf-8",
    )
    output = run("pyright", "--outputjson", "--pythonpath", sys.executable, cwd=tmp_path)
    found: dict[str, set[int]] = {GOOD.name: set(), BAD.name: set()}
    for problem in json.loads(output)["generalDiagnostics"]:
        if problem["severity"] == "error":
            found[Path(problem["file"]).name].add(problem["range"]["start"]["line"] + 1)
    assert found[GOOD.name] == set(), output
    assert found[BAD.name] == marked(), output
