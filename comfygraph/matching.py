"""Match-types: inputs that follow one another in kind, and outputs that have the kind of what went in.

The server never compares them (validate_node_input lets a match-type pass everywhere), so a kind that cannot fit what it
reaches is only found out when the run fails. `ResizeImageMaskNode`, `ComfySwitchNode` and `CreateList` are ComfyUI 0.33.0's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from .definition import ANY, MATCH_TYPE, InputDef, NodeDef
from .links import Link, fits
from .values import Verdict


def kind_of(value: Any) -> str | None:
    """The socket type of a link; None for anything else."""
    return value._kind if isinstance(value, Link) else None


KindOf = Callable[[Any], "str | None"]


PASSES: Final[dict[str, str]] = {"INT": "INT,FLOAT,BOOLEAN", "BOOLEAN": "BOOLEAN,INT,FLOAT"}
"""What a plain value of a type does for, once no type is compared any more: a run takes 5 for 5.0."""


def fits_through(given: str, wanted: str) -> bool:
    """Whether what comes out of a match-type output, of kind `given`, does for an input of kind `wanted` when it runs."""
    return any(fits(PASSES.get(kind, kind), wanted) for kind in given.split(","))


SWITCHES: Final[dict[str, tuple[str, str, str]]] = {"ComfySwitchNode": ("switch", "on_true", "on_false")}
"""Node class -> its switch, and what goes through where that is true and where it is false. The other side is not run."""


def members_of(
    definition: NodeDef, inputs: Mapping[str, Any], kind_of: KindOf = kind_of
) -> Iterator[tuple[str, InputDef, str]]:
    """The match-type inputs that are given: name, definition, and the kind that is linked there, as `kind_of` tells it of
    a value; ``*`` for a plain value.
    """
    for d in definition.inputs.values():
        if d.type == MATCH_TYPE and d.name in inputs:
            yield d.name, d, kind_of(inputs[d.name]) or ANY
        elif d.grow is not None and d.grow.item.type == MATCH_TYPE:
            for slot in d.grow.slots:
                name = f"{d.name}.{slot}"
                if name in inputs:
                    yield name, d.grow.item, kind_of(inputs[name]) or ANY


def verdicts(definition: NodeDef, inputs: Mapping[str, Any], kind_of: KindOf = kind_of) -> list[tuple[str, Verdict]]:
    """What is wrong with the match-type inputs of a node, by name: kinds that the node does not allow."""
    return [
        (
            name,
            Verdict(
                "error",
                "return_type_mismatch",
                f"{name} takes {' or '.join(d.allowed.split(','))}, and is given {kind}",
                f"give it a link of kind {d.allowed}",
            ),
        )
        for name, d, kind in members_of(definition, inputs, kind_of)
        if not fits(kind, d.allowed)
    ]


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
    """The socket types of a node's outputs, match-types replaced by what goes in.

    Several kinds that may come through are a comma list, of which one must fit; ``*`` when nothing is known.
    """
    if not any(o.template for o in definition.outputs):
        return [o.type for o in definition.outputs]
    switch, on_true, on_false = SWITCHES.get(definition.class_type, ("", "", ""))
    chosen = inputs.get(switch)
    idle = (on_false if chosen else on_true) if isinstance(chosen, bool) else None
    given: dict[str, list[str]] = {}
    for name, d, kind in members_of(definition, inputs, kind_of):
        if name != idle:
            given.setdefault(d.template or "", []).append(kind)
    return [_together(given.get(o.template, [])) if o.template else o.type for o in definition.outputs]


def _together(kinds: list[str]) -> str:
    if not kinds or any(kind in (ANY, MATCH_TYPE) for kind in kinds):
        return ANY
    return ",".join(dict.fromkeys(kinds))
