"""How exactly, and how fast, the editor's format converts.

``python -m benchmarks.conversion`` converts the official templates and compares each with what ComfyUI's own editor exports for
it: ids, classes, inputs and values, and the titles apart. The templates are those of the package
``comfyui-workflow-templates-json`` 0.1.47, unless a folder is given.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any, Final

from comfygraph.catalogue import Catalogue
from comfygraph.errors import FormatError
from comfygraph.formats.workflow import is_workflow, to_api

EXPORTS: Final = Path(__file__).parents[1] / "tests" / "data" / "official_prompts.json.gz"
ROUNDS: Final = 3  # the best of them counts

Prompt = Mapping[str, Mapping[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures. 0 when every template converts to what the editor exports."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.conversion", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--templates", type=Path, help="folder of the templates (TEMPLATE.json)")
    parser.add_argument(
        "--exports", type=Path, default=EXPORTS, help="the editor's exports: {template: prompt}, plain or gzip"
    )
    parser.add_argument("--object-info", type=Path, help="definitions to convert with; the bundled ones otherwise")
    options = parser.parse_args(arguments)
    folder: Path | None = options.templates or installed()
    if folder is None:
        print("no templates: pip install comfyui-workflow-templates-json==0.1.47, or --templates DIR", file=sys.stderr)
        return 2
    catalogue = Catalogue.from_file(options.object_info) if options.object_info else Catalogue.bundled()
    exports = read(options.exports)
    report(folder, exports, catalogue)
    return 0 if compare(folder, exports, catalogue) else 1


def installed() -> Path | None:
    """The templates of the installed package, if there is one."""
    from importlib.util import find_spec

    spec = find_spec("comfyui_workflow_templates_json")
    return Path(spec.origin).parent / "templates" if spec is not None and spec.origin else None


def read(path: Path) -> Any:
    """A JSON file, plain or gzip."""
    content = path.read_bytes()
    return json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)


def compare(folder: Path, exports: Mapping[str, Prompt], catalogue: Catalogue) -> bool:
    """Print how many templates convert to what the editor exports, and what is different in the others."""
    same = titled = 0
    for name, wanted in sorted(exports.items()):
        try:
            got = to_api(read(folder / f"{name}.json"), catalogue)
        except (FormatError, OSError) as error:
            print(f"  {name}: {error}")
            continue
        differences = [*_differences(wanted, got)]
        same += not differences
        titled += not differences and all(wanted[key].get("_meta") == got[key]["_meta"] for key in wanted)
        for line in differences[:5]:
            print(f"  {name}: {line}")
    print(f"identical to the editor's export: {same} of {len(exports)} (titles too: {titled})")
    return same == len(exports)


def _differences(wanted: Prompt, got: Prompt) -> list[str]:
    found = [f"node {key} is missing" for key in wanted if key not in got]
    found += [f"node {key} is too much" for key in got if key not in wanted]
    for key in (key for key in wanted if key in got):
        left, right = wanted[key], got[key]
        if left["class_type"] != right["class_type"]:
            found.append(f"node {key}: {left['class_type']}, not {right['class_type']}")
        names = [*left["inputs"], *(name for name in right["inputs"] if name not in left["inputs"])]
        for name in names:
            ours, theirs = (json.dumps(side["inputs"].get(name, "(none)"))[:60] for side in (right, left))
            if ours != theirs or (name in left["inputs"]) != (name in right["inputs"]):
                found.append(f"node {key}.{name}: {theirs}, not {ours}")
    return found


def report(folder: Path, exports: Mapping[str, Prompt], catalogue: Catalogue) -> None:
    """Print what became of every template in the folder, and the time for one."""
    converted = refused = 0
    seconds: list[float] = []
    slowest = ""
    for path in sorted(folder.glob("*.json")):
        data = read(path)
        if not is_workflow(data):
            continue
        try:
            best = min(_timed(data, catalogue) for _ in range(ROUNDS))
        except FormatError as error:
            refused += 1
            print(f"  {path.stem}: {error}")
            continue
        converted += 1
        slowest = path.stem if not seconds or best > max(seconds) else slowest
        seconds.append(best)
    print(f"templates: {converted} convert, {refused} use classes that the catalogue does not have")
    if seconds:
        ms = [1000 * value for value in seconds]
        print(f"time for one: median {median(ms):.2f} ms, mean {mean(ms):.2f} ms, longest {max(ms):.2f} ms ({slowest})")


def _timed(data: object, catalogue: Catalogue) -> float:
    started = time.perf_counter()
    to_api(data, catalogue)
    return time.perf_counter() - started


if __name__ == "__main__":
    raise SystemExit(main())
