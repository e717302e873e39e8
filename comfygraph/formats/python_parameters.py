"""What people change in a pipeline: texts, seeds, sizes, steps, model files, pictures. These become arguments of ``build``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..definition import InputDef
from ..expand import declared
from ..fields import UPLOAD_FLAGS
from ..naming import input_name
from ..values import span
from .python_names import PRIMITIVES, Names, plain_name
from .python_roles import from_title
from .python_steps import Step
from .python_text import word_set
from .python_values import takes

_SIZES: Final = word_set("width height length batch_size seconds duration fps frame_rate megapixels num_frames frames")
_STEPS: Final = frozenset(("steps", "cfg", "guidance", "denoise"))
_SEEDS: Final = frozenset(("seed", "noise_seed"))
_PROMPTS: Final = word_set(
    "text prompt negative_prompt text_g text_l positive_prompt tags lyrics caption system_prompt user_prompt clip_l t5xxl clip_g "
    "llama string value instructions"
)
RESERVED: Final = frozenset({"prompt", "negative_prompt", "system_prompt", "lyrics", "tags", "seed"}) | _STEPS | _SIZES
"""Names that arguments are likely to need, so that variables stay clear of them."""

PYTHON: Final[Mapping[str, str]] = {"INT": "int", "FLOAT": "float", "STRING": "str", "BOOLEAN": "bool", "COMBO": "str"}
"""How the values of a socket type are annotated; those of a combo where its list is open."""

_PLAIN: Final = frozenset(("positive", "negative", "encoded", "text", "latent", "sampled", "sigmas", "guider"))
"""Words of variables that say nothing more of an argument."""

_RANKS: Final[Mapping[str, int]] = {
    name: i
    for i, name in enumerate(("prompt", "negative_prompt", "width", "height", "length", "steps", "cfg", "guidance"))
}
_ROLES: Final = ("prompt", "file", "seed", "size", "step")


@dataclass(frozen=True)
class Parameter:
    """One keyword argument of ``build``.

    Attributes:
        name: the keyword.
        annotation: its type.
        value: the workflow's value.
        about: what it is, for the docstring.
    """

    name: str
    annotation: str
    value: Any
    about: str


@dataclass(frozen=True)
class _Wanted:
    step: str
    wire: str
    base: str
    role: str
    item: InputDef
    value: Any


Places = dict[tuple[str, str], Parameter]
"""Which input (node id, name on the wire) is given which parameter."""


def parameters(
    steps: Mapping[str, Step],
    order: Sequence[str],
    variables: Mapping[str, str],
    sides: Mapping[str, str],
    names: Names,
) -> tuple[list[Parameter], Places]:
    """The arguments of ``build``, and the inputs that they go to. Inputs of one role and one value share an argument."""
    shared: dict[tuple[str, str, str, str], list[_Wanted]] = {}
    for node_id in order:
        for wanted in _wanted(steps[node_id], variables[node_id], sides.get(node_id)):
            shared.setdefault((wanted.role, wanted.base, wanted.item.type, repr(wanted.value)), []).append(wanted)
    alike: dict[str, int] = {}
    for _, base, _, _ in shared:
        alike[base] = alike.get(base, 0) + 1
    seeds = sum(role == "seed" for role, _, _, _ in shared)
    found: list[tuple[int, Parameter]] = []
    places: Places = {}
    for (role, base, kind, _), group in shared.items():
        first = group[0]
        name = _told_apart(variables[first.step], base) if alike[base] > 1 and role != "seed" else base
        if role == "seed" and seeds == 1:
            name = "seed"
        upload = any(first.item.flags.get(flag) for flag in UPLOAD_FLAGS)
        annotation = "str | Path" if upload else PYTHON[kind]
        parameter = Parameter(names.claim(name), annotation, first.value, _about(steps, group, name))
        found.append((_ROLES.index(role), parameter))
        for wanted in group:
            places[wanted.step, wanted.wire] = parameter
    found.sort(key=lambda pair: (pair[0], _RANKS.get(pair[1].name, len(_RANKS)), "negative" in pair[1].name))
    return [parameter for _, parameter in found], places


def _wanted(step: Step, variable: str, side: str | None) -> Iterator[_Wanted]:
    if step.typed is None:
        return
    known = declared(step.typed.definition, step.inputs)
    for wire, value in step.inputs.items():
        if wire not in known or isinstance(value, tuple):
            continue
        item = known[wire][0]
        if item.type not in PYTHON or not takes(item, value):
            continue
        found = _role(step, wire, item, value, variable, side)
        if found is not None:
            yield _Wanted(step.id, wire, found[1], found[0], item, value)


def _role(step: Step, wire: str, item: InputDef, value: Any, variable: str, side: str | None) -> tuple[str, str] | None:
    leaf = wire.rpartition(".")[2]
    if step.class_type in PRIMITIVES:
        base = plain_name(variable)
        role = "prompt" if item.type == "STRING" else "size" if leaf != "seed" else "seed"
        return (role, base) if isinstance(value, (str, int, float)) else None
    if item.type == "COMBO":
        if any(item.flags.get(flag) for flag in UPLOAD_FLAGS):
            return "file", _suffixed(variable, "file")
        if item.folder in (None, "input", "output"):
            return None
        return "file", _suffixed(variable, "name") if leaf in ("name", "model_name", "model") else input_name(leaf)
    if item.type == "INT" and leaf in _SEEDS:
        # A sampler that adds no noise does nothing with its seed.
        if step.inputs.get("add_noise", True) in (False, "disable"):
            return None
        return "seed", "seed" if {"LATENT", "NOISE"} & set(step.kinds) else _suffixed(variable, "seed")
    if item.type in ("INT", "FLOAT"):
        if leaf in _STEPS and (leaf != "denoise" or value != 1):
            return "step", leaf
        makes = {"LATENT", "CONDITIONING"} & set(step.kinds)
        paid = step.typed is not None and step.typed.definition.api_node
        return ("size", leaf) if leaf in _SIZES and (makes or paid) else None
    if item.type == "STRING" and leaf in _PROMPTS and (item.flags.get("multiline") or leaf.endswith("prompt")):
        return _prompt(step, leaf, value, side)
    return None


def _prompt(step: Step, leaf: str, value: str, side: str | None) -> tuple[str, str] | None:
    if "CONDITIONING" in step.kinds and leaf in ("text", "prompt"):
        return "prompt", "negative_prompt" if side == "negative" else "prompt"
    if not value and not leaf.endswith("prompt"):
        return None
    if step.kinds[:1] == ["STRING"] and not (step.definition is not None and step.definition.api_node):
        return None  # a step of text processing, not what somebody asks for
    return "prompt", "prompt" if leaf in ("text", "positive_prompt") else leaf


def _suffixed(variable: str, word: str) -> str:
    """``image_2`` and ``file``: image_file_2."""
    stem, _, number = variable.rpartition("_")
    return f"{stem}_{word}_{number}" if stem and number.isdigit() else f"{variable}_{word}"


def _told_apart(variable: str, base: str) -> str:
    """The variable's words and the base's, the ones they share once: high_noise_lora, lora_name: high_noise_lora_name."""
    head, tail = [word for word in variable.split("_") if word not in _PLAIN], base.split("_")
    number = [head.pop()] if head and head[-1].isdigit() else []
    if not head or head[0].isdigit() or (head[0] == tail[0] and not set(tail) <= set(head)):
        return base
    if set(tail) <= set(head):
        return variable
    while head and (head[-1] in tail or (head[-1] == "model" and tail[-1] == "name")):
        head.pop()
    return "_".join([*head, *tail, *number]) if head else base


def _about(steps: Mapping[str, Step], group: Sequence[_Wanted], name: str) -> str:
    first = group[0]
    item = first.item
    places = list(dict.fromkeys(f"{steps[wanted.step].class_type}.{wanted.wire}" for wanted in group))
    where = f"{places[0]}{f' and {len(places) - 1} more' if len(places) > 1 else ''}"
    if any(item.flags.get(flag) for flag in UPLOAD_FLAGS):
        return f"{where}: a file name on the server, or a path here to upload"
    if item.folder is not None:
        return f"{where}: a file in the server's {item.folder} folder"
    wide = item.max is not None and item.max >= 2**53
    titled = from_title(steps[first.step])
    if titled is not None and titled not in name and "CONDITIONING" not in steps[first.step].kinds:
        where = f"{where}, titled {_quoted(str(steps[first.step].title))}"
    extent = "" if wide else span(item).removeprefix("range ")
    return f"{where}, {extent}" if extent and item.type in ("INT", "FLOAT") and first.role != "seed" else where


def _quoted(title: str) -> str:
    most = 60 if title.isascii() else 30  # other letters may be wide
    return f"'{title[:most]}{'…' if len(title) > most else ''}'"
