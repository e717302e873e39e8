"""Text in programs: not a character changed, whatever it holds, and the source stays what the formatter would write."""

from __future__ import annotations

import ast
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfygraph import Graph
from comfygraph.formats.python import to_python
from comfygraph.formats.python_text import constant, width
from tests.corpus import prompts

from .programs import canonical, run

NASTY = [
    '"""\nimport os; os.system("echo")\n"""',
    "'''",
    "\\",
    "ends\\\n",
    "right\u202eto\u2066left",
    "\x00\x01",
    "\r\nx\r",
    "tab\there",
    "trailing   \nblanks \n\n  lead",
    "'\"",
    "lone \ud800",
    "\u2028\u2029",
    "{x} %s # noqa",
    "é" * 200,
    "漢字" * 100,
    '"' * 7,
    "x" * 500,
    'a "quoted" \\" text',
    "\\N{DASH}",
    'several\nlines "end"',
    'several\nlines end"""',
    "\n",
    " ",
    '__import__("os").system("echo")',
    "word " * 30 + "w" * 300 + ' and "more" ' + '"' * 100,
    "\f\v\x85",
    "it's\nx'''y",
    "👩\u200d👧 family",
    "",
]


def everywhere(text: str) -> dict[str, Any]:
    """A graph that has a text in every place that can hold one."""
    return {
        f"{text}1": {
            "class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": text},
            "_meta": {"title": text},
        },
        "2": {
            "class_type": "CLIPTextEncode",
            "inputs": {"text": text, "clip": [f"{text}1", 1]},
            "_meta": {"title": text},
        },
        "3": {"class_type": "PrimitiveString", "inputs": {"value": text}, "_meta": {"title": text[::-1]}},
        "4": {
            "class_type": "PreviewAny",
            "inputs": {"source": ["3", 0], f"x {text}": text, f"{text}y": [1, {text: text}]},
        },
        "5": {
            "class_type": f"Custom {text}",
            "inputs": {"a": ["2", 0], f"{text}x": text, "class": 1, "self": 2, "n": None},
        },
        "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 3], "filename_prefix": text}},
        "7": {"class_type": "ResizeImageMaskNode", "inputs": {"input": ["6", 0], "resize_type": text}},
        "8": {"class_type": "LoadImage", "inputs": {"image": text}},
    }


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("keep_ids", [False, True])
def test_text_stays_text(text: str, keep_ids: bool) -> None:
    prompt = everywhere(text)
    source = to_python(Graph.from_api(prompt), name=text, keep_ids=keep_ids)
    assert all(c == "\n" or c.isprintable() for c in source)
    again = run(source).to_api(check=False)
    assert canonical(again) == canonical(prompt)
    if keep_ids:
        # A title that is not there and one that is empty are two things; both come back as they were.
        assert again == prompt
    calls = {n.func.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not calls & {"__import__", "eval", "exec", "system", "open"}


@given(st.text(st.characters(codec=None), max_size=400))
def test_constants_are_exact(text: str) -> None:
    lines = constant("TEXT", text)
    scope: dict[str, Any] = {}
    exec("\n".join(lines), scope)
    assert scope["TEXT"] == text
    assert all("\n" not in line and line == line.rstrip() for line in lines)


@given(st.lists(st.sampled_from(["word ", "\n", '"', "\\", "'", "verylongword" * 12, "漢字", "  ", "\t"]), max_size=80))
def test_constants_fit_the_page(words: list[str]) -> None:
    assert all(width(line) <= 120 for line in constant("TEXT", "".join(words)))


def test_width_counts_columns() -> None:
    assert (width("fox"), width("漢"), width("e\u0301")) == (3, 2, 1)
    assert unicodedata.east_asian_width("漢") == "W"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All official workflows and the nasty texts as programs."""
    folder = tmp_path_factory.mktemp("programs")
    for name, prompt in prompts().items():
        source = to_python(Graph.from_api(prompt), name=name)
        (folder / f"w_{name.replace('-', '_').replace('.', '_')}.py").write_text(source, encoding="utf-8")
    for i, text in enumerate(NASTY):
        for keep_ids in (False, True):
            source = to_python(Graph.from_api(everywhere(text)), name=text, keep_ids=keep_ids)
            (folder / f"text_{i}_{keep_ids}.py".lower()).write_text(source, encoding="utf-8")
    return folder


def checked(*command: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command, str(folder)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@pytest.mark.slow
def test_programs_are_formatted(programs: Path) -> None:
    checked("ruff", "format", "--check", "--line-length", "120", "--isolated", folder=programs)


@pytest.mark.slow
def test_programs_pass_the_linter(programs: Path) -> None:
    config = str(Path(__file__).parents[2] / "pyproject.toml")
    checked("ruff", "check", "--config", config, "--config", "lint.ignore=['E501']", folder=programs)


@pytest.mark.slow
def test_programs_pass_mypy(programs: Path) -> None:
    checked("mypy", "--strict", "--follow-imports=silent", "--config-file=", folder=programs)


@pytest.mark.slow
def test_programs_pass_pyright(programs: Path) -> None:
    root = Path(__file__).parents[2]
    (programs / "pyrightconfig.json").write_text(
        f'{{"typeCheckingMode": "strict", "pythonVersion": "3.10", "extraPaths": ["{root.as_posix()}"]}}'
    )
    checked("pyright", "--pythonpath", sys.executable, "-p", folder=programs)
