"""Recorded data: 100 official workflows, a real ComfyUI 0.33.0's verdicts on them and on 2,167 mutations, and the files it had.

The catalogue is the captured release with the server's lists of files put back in.
"""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from comfygraph.catalogue import Catalogue

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Row:
    """One prompt that the server was given, and what it said: `errors` as {(node, input, type)}; clean when there is none."""

    template: str
    mutation: str
    prompt: dict[str, Any]
    clean: bool
    errors: frozenset[tuple[str, str | None, str]]
    ops: tuple[Any, ...]

    @property
    def fails_when_run(self) -> bool:
        """Accepted by the server though it cannot run as written: there an error of ours is right too."""
        op: tuple[Any, ...] = tuple(self.ops[0]) if self.ops else ()
        linked = len(op) == 4 and isinstance(op[3], list)
        selector = self.mutation == "drop_input" and self.clean
        return (
            self.mutation in {"value_for_link", "dyn_bad_key", "negative_index"}
            or selector
            or (self.mutation in {"extra_input", "relink"} and linked)
        )


@cache
def prompts() -> dict[str, dict[str, Any]]:
    """The official workflows in API format, by template."""
    found: dict[str, dict[str, Any]] = _json("official_prompts.json.gz")
    return found


@cache
def catalogue() -> Catalogue:
    """What the server that gave the verdicts had: the release's nodes, and its files."""
    bundled = Catalogue.bundled("0.33.0")
    records = copy.deepcopy(bundled.object_info())
    for place, options in _json("server_files.json.gz").items():
        class_type, name = place.split(".")
        for section in ("required", "optional"):
            spec = records[class_type]["input"].get(section, {}).get(name)
            if spec is not None and isinstance(spec[0], list):
                spec[0] = options
            elif spec is not None:
                spec[1:] = [{**(spec[1] if len(spec) > 1 else {}), "options": options}]
    return Catalogue.from_object_info(records)


def rows() -> Iterator[Row]:
    """All verdicts: those on the originals first."""
    for template, verdict in _json("official_verdicts.json.gz").items():
        yield _row(template, "original", (), verdict)
    for line in gzip.decompress((DATA / "verdicts.jsonl.gz").read_bytes()).splitlines():
        row = json.loads(line)
        yield _row(row["template"], row["mutation"], row["ops"], row["server"])


def _row(template: str, mutation: str, ops: Any, verdict: dict[str, Any]) -> Row:
    errors = {(node, name, kind) for node, found in verdict["node_errors"].items() for kind, name in found}
    clean = verdict["ok"] and not errors
    return Row(template, mutation, _mutated(prompts()[template], ops), clean, frozenset(errors), tuple(ops))


def _mutated(prompt: dict[str, Any], ops: Any) -> dict[str, Any]:
    prompt = copy.deepcopy(prompt)
    for kind, node, *rest in ops:
        if kind == "set":
            prompt[node]["inputs"][rest[0]] = rest[1]
        elif kind == "del":
            del prompt[node]["inputs"][rest[0]]
        elif kind == "class":
            prompt[node]["class_type"] = rest[0]
        elif kind == "noclass":
            del prompt[node]["class_type"]
        elif kind == "delnode":
            del prompt[node]
    return prompt


def _json(name: str) -> Any:
    return json.loads(gzip.decompress((DATA / name).read_bytes()))
