"""Parts of a pipeline that come again: the same nodes linked the same way, which read better as one function.

A part is a node with everything that feeds nothing else. Linear: each node looks at no more than `MOST` others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Final, cast

from .. import kinds as k
from ..definition import InputDef
from ..expand import declared
from ..fields import UPLOAD_FLAGS
from ..naming import input_name, kind_name
from .python_names import PRIMITIVES, Names, plain_name
from .python_parameters import PYTHON, Places
from .python_roles import SIDES, words
from .python_steps import Step
from .python_values import takes

LEAST: Final = 3
"""Nodes that a function is worth."""

MOST: Final = 40
MOST_ARGUMENTS: Final = 12

_VERBS: Final[Mapping[str, str]] = {
    "decoded": "decode",
    "edited": "edit",
    "encoded": "encode",
    "generated": "generate",
    "model": "load_model",
    "resized": "prepare",
    "sampled": "sample",
    "save": "save_image",
    "save_audio": "make_audio",
    "save_video": "make_video",
    "video": "make_video",
}


@dataclass(frozen=True)
class Argument:
    """One argument of a helper function: its name, its type, and what stands for it: (node, input) in the first part."""

    name: str
    annotation: str
    places: tuple[tuple[str, str], ...]


@dataclass
class Repeat:
    """Parts of one shape.

    Attributes:
        parts: the nodes of each, in the order of the program, the last being what it gives.
        name: the function's name.
        arguments: what differs between the parts, or comes from outside.
        group: the name of the editor's subgraph that they are; empty for parts that merely look alike.
    """

    parts: list[list[str]]
    name: str = ""
    arguments: list[Argument] = field(default_factory=list)
    group: str = ""

    def results(self, part: int, steps: Mapping[str, Step]) -> list[str]:
        """What the function gives: the nodes that others take, and those that nothing follows from."""
        nodes = self.parts[part]
        inside = set(nodes)
        return [n for n in nodes if not steps[n].users or any(user not in inside for user, _, _ in steps[n].users)]

    def counterpart(self, part: int, node_id: str) -> str:
        """The node of a part that corresponds to one of the first."""
        return self.parts[part][self.parts[0].index(node_id)]


def find(steps: Mapping[str, Step], order: Sequence[str], taken: Set[str] = frozenset()) -> list[Repeat]:
    """The repeated parts, those that save most first; no node is in two of them, and none of `taken` is in any."""
    place = {node_id: i for i, node_id in enumerate(order)}
    groups: dict[Any, list[list[str]]] = {}
    for root in order:
        part = _part(steps, root, taken) if root not in taken else []
        if sum(_is_substantial(steps[node_id]) for node_id in part) >= LEAST:
            groups.setdefault(shape(steps, part), []).append(part)
    found: list[Repeat] = []
    used: set[str] = set()
    for parts in sorted(groups.values(), key=lambda parts: -(len(parts) - 1) * len(parts[0])):
        free = [part for part in parts if used.isdisjoint(part)]
        if len(free) < 2:
            continue
        # Corresponding nodes must stand in the same places, so all are put in the order of the first.
        by_place = sorted(range(len(free[0])), key=lambda i: place[free[0][i]])
        found.append(Repeat([[part[i] for i in by_place] for part in free]))
        used.update(node_id for part in free for node_id in part)
    return found


def _is_substantial(step: Step) -> bool:
    """Whether a node counts as a line: constants are written inside other calls, and a preview is no reason for a function."""
    return bool(step.inputs) and step.class_type not in PRIMITIVES and not step.class_type.startswith("Preview")


def _part(steps: Mapping[str, Step], root: str, taken: Set[str]) -> list[str]:
    """A node and what feeds it alone, the node first, in the order of its inputs; nothing if it cannot be a function's."""
    found: dict[str, None] = {root: None}
    pending = [root]
    while pending:
        node_id = pending.pop(0)
        step = steps[node_id]
        if step.typed is None:
            return []
        for _, source, _ in step.links():
            if source in found or source in taken or steps[source].typed is None:
                continue
            users = {user for user, _, _ in steps[source].users} if len(steps[source].users) <= MOST else {source}
            shown = [user for user in users if user not in found]
            if all(user not in taken and _only_shows(steps, user) for user in shown):
                found[source] = None
                pending.append(source)
                # In the order in which the node lists them, so that parts of one shape have theirs in the same places.
                found.update((user, None) for user, _, _ in steps[source].users if user in shown)
        if len(found) > MOST:
            return []
    return list(found)


def _only_shows(steps: Mapping[str, Step], node_id: str) -> bool:
    """Whether a node saves or previews what one other node gives, and is of no further use."""
    step = steps[node_id]
    return not step.users and step.typed is not None and len({source for _, source, _ in step.links()}) == 1


def shape(steps: Mapping[str, Step], part: Sequence[str]) -> tuple[Any, ...]:
    """What two parts have in common: classes, the links within, the kinds from outside, values that cannot be arguments."""
    number = {node_id: i for i, node_id in enumerate(part)}
    shape: list[Any] = []
    for node_id in part:
        step = steps[node_id]
        known = _known(step)
        shape.append(step.class_type)
        for wire, value in step.inputs.items():
            if type(value) is tuple:
                source, slot = cast("tuple[str, int]", value)
                inside = number.get(source)
                shape.append((wire, inside, slot) if inside is not None else (wire, _kind(steps, source, slot)))
            else:
                shape.append((wire, None if _variable(known.get(wire), value) else repr(value)))
    return tuple(shape)


def _known(step: Step) -> dict[str, InputDef]:
    if step.typed is None:
        return {}
    return {wire: item for wire, (item, _) in declared(step.typed.definition, step.inputs).items()}


def _variable(item: InputDef | None, value: Any) -> bool:
    """Whether a value can be an argument: its type has a plain name in Python."""
    if item is None or item.type not in PYTHON or not takes(item, value):
        return False
    return item.form != "combo" or not item.options or any(item.flags.get(flag) for flag in UPLOAD_FLAGS)


def _kind(steps: Mapping[str, Step], source: str, slot: int) -> str:
    kinds = steps[source].kinds
    return kinds[slot] if slot < len(kinds) else "*"


def complete(
    repeats: Sequence[Repeat],
    steps: Mapping[str, Step],
    places: Places,
    bases: Mapping[str, str],
    variables: Mapping[str, str],
    names: Names,
) -> list[Repeat]:
    """The repeats with names and arguments; those that would need too many arguments are left out."""
    found: list[Repeat] = []
    for repeat in repeats:
        once = len(repeat.parts) == 1
        arguments = _arguments(repeat, steps, places, bases, variables if once else {})
        if repeat.group or len(arguments) <= min(MOST_ARGUMENTS, 2 * len(repeat.parts[0])):
            repeat.arguments = arguments
            known = repeat.group and function_name(repeat.group)
            repeat.name = names.claim(known or _function_name({bases[part[-1]] for part in repeat.parts}))
            found.append(repeat)
    return found


def function_name(name: str) -> str:
    """A function for a subgraph's name: ``"Text to Image (Flux.1 Dev)"``: text_to_image."""
    found = words(name.partition("(")[0]) or words(name)
    text = "_".join(found[:4])[:32].strip("_")
    return text if text and not text[0].isdigit() else f"part_{text}".strip("_")


def _function_name(bases: set[str]) -> str:
    if any(base.rpartition("_")[2] in SIDES for base in bases):
        return "encode_prompt"
    base = min(bases)
    return _VERBS.get(base, f"make_{base}")


def _arguments(
    repeat: Repeat,
    steps: Mapping[str, Step],
    places: Places,
    bases: Mapping[str, str],
    variables: Mapping[str, str],
) -> list[Argument]:
    """The arguments; `variables` holds the names of the nodes within, where the function stands for a single part."""
    first = repeat.parts[0]
    inside = [set(part) for part in repeat.parts]
    merged: dict[Any, list[tuple[str, str, str]]] = {}
    for i, node_id in enumerate(first):
        known = _known(steps[node_id])
        for wire, value in steps[node_id].inputs.items():
            others = [part[i] for part in repeat.parts]
            values = [steps[other].inputs[wire] for other in others]
            if type(value) is tuple:
                if value[0] in inside[0]:
                    continue
                annotation = f"Link[{link_type(_kind(steps, value[0], value[1]))}]"
                key = ("link", annotation, tuple(values))
            else:
                given = [places.get((other, wire)) for other in others]
                if all(p is None for p in given) and len({repr(v) for v in values}) == 1:
                    continue
                parameter = next((p for p in given if p is not None), None)
                annotation = parameter.annotation if parameter is not None else PYTHON[known[wire].type]
                key = ("value", annotation, tuple(p.name if p else repr(v) for p, v in zip(given, values)))
            merged.setdefault(key, []).append((node_id, wire, annotation))
    own = Names(variables[node_id] for node_id in first if variables)

    def name(place: tuple[str, str, str]) -> str:
        parameter = places.get(place[:2]) if variables else None
        return parameter.name if parameter is not None else _name(bases[place[0]], *place[1:])

    return [
        Argument(
            own.claim(name(group[0])),
            group[0][2],
            tuple((node_id, wire) for node_id, wire, _ in group),
        )
        for group in merged.values()
    ]


def _name(base: str, wire: str, annotation: str) -> str:
    leaf = input_name(wire.rpartition(".")[2]).lower().strip("_")
    if annotation.startswith("Link"):
        return leaf or "link"
    if "Path" in annotation:
        return f"{base}_file"
    return plain_name(base) if leaf in ("", "value", "string") else "prompt" if leaf == "text" else leaf


def link_type(kind: str) -> str:
    """A socket type as a type argument."""
    return f"k.{kind_name(kind)}" if kind in k.BY_WIRE else "Any"


def hidden(repeats: Sequence[Repeat], steps: Mapping[str, Step]) -> Set[str]:
    """The nodes that stand in functions and have no name in ``build``."""
    return {node_id for repeat in repeats for part in repeat.parts for node_id in part[:-1] if steps[node_id].users}
