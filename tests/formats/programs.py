"""What tests and benchmarks of written programs share: running one, and graphs as a form that does not depend on ids."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from comfygraph import Graph


def run(source: str, **arguments: Any) -> Graph:
    """What a program's ``build`` makes."""
    module: dict[str, Any] = {"__name__": "pipeline"}
    exec(compile(source, "pipeline.py", "exec"), module)
    graph = module["build"](**arguments)
    assert isinstance(graph, Graph)
    return graph


def canonical(prompt: Mapping[str, Any]) -> Counter[str]:
    """A graph without its ids: each node by its class, its values and, for its links, what is behind them. 1 is 1.0, not True."""
    names: dict[str, str] = {}
    pending = list(prompt)
    while pending:
        node_id = pending[-1]
        inputs = prompt[node_id]["inputs"]
        missing = [v[0] for v in inputs.values() if is_link(v, prompt) and v[0] not in names]
        if node_id in names or missing:
            pending = pending[:-1] if node_id in names else pending + missing
            continue
        parts = [
            f"{name!r}=<{names[value[0]]} {value[1]}>" if is_link(value, prompt) else f"{name!r}={plain(value)}"
            for name, value in sorted(inputs.items())
        ]
        text = f"{prompt[node_id]['class_type']!r} {' '.join(parts)}"
        names[node_id] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        pending.pop()
    return Counter(names.values())


def is_link(value: Any, prompt: Mapping[str, Any]) -> bool:
    """Whether a value is a link to a node that is there."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and value[0] in prompt


def plain(value: Any) -> str:
    """A value as a text that is the same for equal values."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {plain(item)}' for key, item in sorted(value.items()))}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(plain, value))}]"
    return repr(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)
