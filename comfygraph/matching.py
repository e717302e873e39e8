"""Match-types: inputs that take one kind together, and outputs that have the kind of what went in.

The server never compares them (validate_node_input lets a match-type pass everywhere); the editor does, and a kind that
cannot fit fails the run. `ResizeImageMaskNode`, `ComfySwitchNode` and `CreateList` are ComfyUI 0.33.0's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .definition import ANY, MATCH_TYPE, InputDef, NodeDef
from .links import Link, fits
from .values import Verdict


def kind_of(value: Any) -> str | None:
    """The socket type of a link; None for anything else."""
    return value._kind if isinstance(value, Link) else None


KindOf = Callable[[Any], "str | None"]


def members_of(
    definition: NodeDef, inputs: Mapping[str, Any], kind_of: KindOf = kind_of
) -> Iterator[tuple[str, InputDef, str]]:
    """The linked match-type inputs: name, definition, and the kind that is linked there, as `kind_of` tells it of a
    value.
    """
    for d in definition.inputs.values():
        if d.type == MATCH_TYPE:
            kind = kind_of(inputs.get(d.name))
            if kind is not None:
                yield d.name, d, kind
        elif d.grow is not None and d.grow.item.type == MATCH_TYPE:
            for slot in d.grow.slots:
                name = f"{d.name}.{slot}"
                kind = kind_of(inputs.get(name))
                if kind is not None:
                    yield name, d.grow.item, kind


def verdicts(definition: NodeDef, inputs: Mapping[str, Any], kind_of: KindOf = kind_of) -> list[tuple[str, Verdict]]:
    """What is wrong with the match-type inputs of a node: by name, what and why."""
    found: list[tuple[str, Verdict]] = []
    first: dict[str, tuple[str, str]] = {}
    for name, d, kind in members_of(definition, inputs, kind_of):
        template = d.template or ""
        if not fits(kind, d.allowed):
            message = f"{name} takes {' or '.join(d.allowed.split(','))}, and is given {kind}"
            found.append(
                (name, Verdict("error", "return_type_mismatch", message, f"give it a link of kind {d.allowed}"))
            )
            continue
        if kind in (ANY, MATCH_TYPE):
            continue
        other, settled = first.setdefault(template, (name, kind))
        if not fits(kind, settled):
            message = f"{name} and {other} take one kind together: {other} is given {settled}, {name} {kind}"
            found.append(
                (name, Verdict("error", "return_type_mismatch", message, f"give {name} a link of kind {settled}"))
            )
    return found


def settle(
    node_id: str, settled: dict[str, list[str]], row: Callable[[str], tuple[NodeDef | None, Mapping[str, Any]]]
) -> list[str]:
    """The kinds of a node's outputs in a table, where links are ``(id, slot)``; `settled` remembers them by id.

    Args:
        node_id: the node.
        settled: what is known already; written to.
        row: the definition and the inputs of a node; None and nothing for one that is not there.
    """

    def kind_of(value: Any) -> str | None:
        if type(value) is not tuple:
            return None
        kinds = settled.get(value[0], [])
        return kinds[value[1]] if 0 <= value[1] < len(kinds) else ANY

    pending = [node_id]
    opened: set[str] = set()
    while pending:
        current = pending[-1]
        definition, inputs = row(current)
        if definition is not None and definition.templates and current not in opened and current not in settled:
            # What goes in comes first; a node that is open already lies on a cycle, and its kind is nobody's guess.
            opened.add(current)
            pending += [
                v[0] for v in inputs.values() if type(v) is tuple and v[0] not in settled and v[0] not in opened
            ]
            continue
        pending.pop()
        if current not in settled:
            settled[current] = [] if definition is None else output_kinds(definition, inputs, kind_of)
    return settled[node_id]


def output_kinds(definition: NodeDef, inputs: Mapping[str, Any], kind_of: KindOf = kind_of) -> list[str]:
    """The socket types of a node's outputs, match-types replaced by what goes in (``*`` when nothing does)."""
    if not any(o.template for o in definition.outputs):
        return [o.type for o in definition.outputs]
    settled: dict[str, str] = {}
    for _, d, kind in members_of(definition, inputs, kind_of):
        if kind not in (ANY, MATCH_TYPE):
            settled.setdefault(d.template or "", kind)
    return [settled.get(o.template, ANY) if o.template else o.type for o in definition.outputs]
