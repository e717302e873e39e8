"""How many workflows survive being written as Python, and how good the programs are.

``python -m benchmarks.python_roundtrip`` writes the official workflows as programs, runs each ``build()``, and compares what it
makes with what went in: without ids, and with ids and titles kept. Then it has ruff, mypy --strict and pyright strict look at all the
programs. With ``--templates`` the installed template package is converted from the editor's format and written too.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from comfygraph import Catalogue, Graph
from comfygraph.errors import FormatError
from comfygraph.formats.python import to_python
from comfygraph.formats.python_groups import names_in
from comfygraph.formats.workflow import is_workflow, to_api
from tests.corpus import prompts
from tests.formats.programs import canonical, run

ROOT = Path(__file__).parents[1]
Prompts = Mapping[str, Mapping[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures. 0 when every program makes the graph that it was written from, and passes every checker."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.python_roundtrip", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--templates", action="store_true", help="all templates of the installed package, converted")
    parser.add_argument("--out", type=Path, help="a folder to leave the programs in")
    options = parser.parse_args(arguments)
    named: dict[str, dict[str, str]] = {}
    given = templates(named) if options.templates else prompts()
    if not given:
        print("no templates: pip install comfyui-workflow-templates-json==0.1.47", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = options.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        failed = write(given, folder, named)
        passed = check(folder, len(given))
    return 0 if passed and not failed else 1


def write(given: Prompts, folder: Path, named: Mapping[str, Mapping[str, str]]) -> int:
    """Write the programs, run them, and print how many give the same graph. Returns how many do not.

    Args:
        given: the workflows.
        folder: where the programs go.
        named: the names of their subgraphs, where the editor's file is there to tell them.
    """
    same = kept = 0
    milliseconds: list[float] = []
    lines = 0
    for name, prompt in given.items():
        graph = Graph.from_api(prompt)
        start = time.perf_counter()
        source = to_python(graph, name=name, subgraphs=named.get(name))
        milliseconds.append(1000 * (time.perf_counter() - start))
        lines += source.count("\n")
        (folder / f"w_{re.sub(r'[^A-Za-z0-9]', '_', name)}.py").write_text(source, encoding="utf-8")
        ok = canonical(run(source).to_api(check=False)) == canonical(prompt)
        exact = run(to_python(graph, keep_ids=True)).to_api(check=False) == prompt
        same, kept = same + ok, kept + exact
        if not (ok and exact):
            print(f"  not the same: {name}")
    nodes = sum(map(len, given.values()))
    print(f"{len(given)} workflows, {nodes} nodes, {lines} lines of Python")
    print(f"the same graph again, ids aside: {same} of {len(given)}; ids and titles too (keep_ids): {kept}")
    print(
        f"milliseconds to write one: {mean(milliseconds):.1f} (median {median(milliseconds):.1f}, most {max(milliseconds):.1f})"
    )
    return 2 * len(given) - same - kept


def check(folder: Path, count: int) -> bool:
    """Have each checker look at all programs, and print how many pass. True when all do."""
    pyright = {"typeCheckingMode": "strict", "pythonVersion": "3.10", "extraPaths": [str(ROOT)]}
    (folder / "pyrightconfig.json").write_text(json.dumps(pyright))
    commands = {
        "ruff format": ["ruff", "format", "--check", "--line-length", "120", "--isolated", str(folder)],
        "ruff check": [
            "ruff",
            "check",
            "--config",
            str(ROOT / "pyproject.toml"),
            "--output-format",
            "concise",
            str(folder),
        ],
        "mypy --strict": ["mypy", "--strict", "--follow-imports=silent", "--config-file=", str(folder)],
        "pyright strict": ["pyright", "--pythonpath", sys.executable, "-p", str(folder)],
    }
    good = True
    for name, command in commands.items():
        done = subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, timeout=900, cwd=ROOT, check=False
        )
        text = done.stdout + done.stderr
        named = {found for found in re.findall(r"\bw_\w+\.py", text) if (folder / found).exists()}
        passed = count if done.returncode == 0 else count - len(named)
        print(f"{name}: {passed} of {count}")
        if done.returncode != 0:
            good = False
            print("\n".join(f"  {line}" for line in text.splitlines()[:5]))
    return good


def templates(named: dict[str, dict[str, str]]) -> dict[str, Mapping[str, Any]]:
    """The templates of the installed package, in API format; those of custom nodes that nobody has definitions of are left out.

    The names of their subgraphs are written into `named`.
    """
    from .conversion import installed

    folder = installed()
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted(folder.glob("*.json")) if folder is not None else ():
        data = json.loads(path.read_text(encoding="utf-8"))
        if is_workflow(data):
            try:
                found[path.stem] = to_api(data, Catalogue.bundled())
                named[path.stem] = names_in(data)
            except FormatError as error:
                print(f"  left out: {path.stem}: {str(error)[:100]}")
    return found


if __name__ == "__main__":
    sys.exit(main())
