"""Scrub a server's ``object_info`` down to facts: what the files in ``nodes/`` hold, and how they were captured.

Kept are names, types, defaults, bounds, option lists, output names and flags. Descriptions, tooltips, search words and
price formulas are their authors' texts and stay out, and so does what says something of the machine: options that are
files or devices.

    python -m comfygraph.generator.capture object_info.json.gz nodes/comfyui-0.33.0.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..catalogue import Catalogue
from ..formats.editor_order import orders
from ..server_facts import FILE_INPUTS, MACHINE_INPUTS

_RECORD_KEYS: Final = (
    "input",
    "input_order",
    "output",
    "output_name",
    "output_is_list",
    "output_matchtypes",
    "display_name",
    "category",
    "python_module",
    "output_node",
    "is_input_list",
    "has_intermediate_output",
    "deprecated",
    "experimental",
    "api_node",
)
_PROSE: Final = frozenset({"tooltip", "placeholder", "label_on", "label_off"})


def scrub(class_type: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """One record without prose; fields that are empty or false are left out (`records.node_def` reads them as such)."""
    kept = {key: record[key] for key in sorted(_RECORD_KEYS) if record.get(key) not in (None, False, [], "")}
    if not any(kept.get("output_is_list", ())):
        kept.pop("output_is_list", None)
    if kept.get("output_name") == kept.get("output"):
        kept.pop("output_name", None)
    ordered = record.get("input_order") or {}
    kept["input"] = {
        section: {
            name: _spec(f"{class_type}.{name}", inputs[name])
            for name in dict.fromkeys([*(n for n in ordered.get(section) or () if n in inputs), *inputs])
        }
        if section != "hidden"
        else inputs
        for section, inputs in ((section, record["input"][section] or {}) for section in sorted(record["input"]))
    }
    return kept


def _spec(place: str, spec: Any) -> list[Any]:
    kind, more = spec[0], dict(spec[1]) if len(spec) > 1 and spec[1] else {}
    if place in FILE_INPUTS or place in MACHINE_INPUTS:
        if isinstance(kind, list):
            kind = []
        more.pop("default", None)
        if "options" in more:
            more["options"] = []
    if isinstance(more.get("default"), str) and "\n" in more["default"]:
        del more["default"]  # a text of several lines (a system prompt, a shader) is somebody's work, not a setting
    for key in _PROSE:
        more.pop(key, None)
    if kind == "COMFY_DYNAMICCOMBO_V3":
        more["options"] = [{**option, "inputs": _sections(option["inputs"])} for option in more["options"]]
    if isinstance(more.get("template"), dict) and "input" in more["template"]:
        more["template"] = {**more["template"], "input": _sections(more["template"]["input"])}
    return [kind, {key: more[key] for key in sorted(more)}] if more else [kind]


def _sections(sections: Mapping[str, Any]) -> dict[str, Any]:
    # Nested inputs have no place in the tables of server facts, which go by top-level names. An answer that was saved with its
    # keys sorted has lost their order: the table gives it back.
    places = orders().get(frozenset(name for inputs in sections.values() for name in inputs), {})
    return {
        section: {name: _spec("", inputs[name]) for name in sorted(inputs, key=lambda name: places.get(name, 0))}
        for section, inputs in sorted(sections.items())
    }


def write_records(records: Mapping[str, Any]) -> str:
    """The text of a captured file: a JSON object with one record a line, sorted, so that releases can be compared."""
    lines = (f"{json.dumps(name)}: {json.dumps(records[name])}" for name in sorted(records))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(source: str, target: str) -> None:
    """Read an ``object_info`` answer, write a captured file."""
    catalogue = Catalogue.from_file(source)
    records = {name: scrub(name, catalogue.record(name)) for name in catalogue}
    Path(target).write_text(write_records(records), encoding="utf-8")
    print(f"{target}: {len(records)} nodes")


if __name__ == "__main__":
    main(*sys.argv[1:])
