"""Names on the wire -> names in Python. One rule each for inputs, outputs and classes, and the exceptions as data.

The generator stops when a name does not fit its rule, or when two names of one scope come out alike; the tables are
then where the exception goes. `Node` uses the same rules for nodes that nobody generated.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

INPUT_NAMES: Final[dict[str, str]] = {"self": "self_"}
"""Wire names of inputs that the rule would not name well."""

OUTPUT_NAMES: Final[dict[str, str]] = {
    "3D Model Path": "MODEL_PATH_3D",
    "GEMINI_INPUT_FILES": "FILES",  # the node has an input of that name
    "OPENAI_INPUT_FILES": "FILES",
}
"""Wire names of outputs that the rule would not name well."""

CLASS_NAMES: Final[dict[str, str]] = {
    "EmptyAceStep1.5LatentAudio": "EmptyAceStep15LatentAudio",
    "TextEncodeAceStepAudio1.5": "TextEncodeAceStepAudio15",
}
"""Class names that the rule would not name well."""

KIND_NAMES: Final[dict[str, str]] = {}
"""Socket types that the rule would not name well."""

OPTION_NAMES: Final[dict[tuple[str, str, str], str]] = {}
"""Option classes of dynamic combos that the rule would not name well, by node class, input and key."""

LIST_NAMES: Final[dict[str, str]] = {
    "BasicScheduler.scheduler": "SchedulerName",
    "KSampler.sampler_name": "SamplerName",
}
"""Option lists that get a type alias, by the first input that uses them (``"Class.input"``), where the rule would
not name them well.
"""

_NOT_WORD: Final = re.compile(r"\W+", re.ASCII)


@lru_cache(maxsize=8192)
def input_name(wire: str) -> str:
    """The keyword argument for an input: itself where it is an identifier, else its words joined by ``_``.

    Example:
        >>> input_name("seed"), input_name("input_blocks.0.")
        ('seed', 'input_blocks_0')
    """
    if wire in INPUT_NAMES:
        return INPUT_NAMES[wire]
    return wire if _plain(wire) else _identifier(_NOT_WORD.sub("_", wire).strip("_") or "input")


@lru_cache(maxsize=8192)
def output_name(wire: str) -> str:
    """The property for an output: UPPERCASE, its words joined by ``_``.

    Example:
        >>> output_name("LATENT"), output_name("Audio VAE"), output_name("images")
        ('LATENT', 'AUDIO_VAE', 'IMAGES')
    """
    if wire in OUTPUT_NAMES:
        return OUTPUT_NAMES[wire]
    return _identifier(_NOT_WORD.sub("_", wire).strip("_").upper() or "OUTPUT")


def output_names(wires: Iterable[str]) -> list[str]:
    """The properties for a node's outputs, in order; a name that comes again is numbered.

    Example:
        >>> output_names(["IMAGE", "mask", "IMAGE"])
        ['IMAGE', 'MASK', 'IMAGE_2']
    """
    names: list[str] = []
    for wire in wires:
        name = output_name(wire)
        number = 2
        while name in names:
            name = f"{output_name(wire)}_{number}"
            number += 1
        names.append(name)
    return names


@lru_cache(maxsize=8192)
def class_name(wire: str) -> str:
    """The Python class for a node class: itself where it is an identifier, else its words in CamelCase.

    Example:
        >>> class_name("KSampler"), class_name("Epsilon Scaling")
        ('KSampler', 'EpsilonScaling')
    """
    if wire in CLASS_NAMES:
        return CLASS_NAMES[wire]
    return wire if _plain(wire) and not wire.startswith("_") else camel(wire)


@lru_cache(maxsize=8192)
def camel(words: str) -> str:
    """Any text in CamelCase: each word's first letter raised, the rest as it is.

    Example:
        >>> camel("scale dimensions"), camel("anthropic/claude-opus-4.8"), camel("CLIP_VISION")
        ('ScaleDimensions', 'AnthropicClaudeOpus48', 'CLIPVISION')
    """
    return _identifier("".join(_words(words)) or "Unnamed", "N")


def _words(text: str) -> list[str]:
    return [part[0].upper() + part[1:] for part in re.split(r"[\W_]+", text, flags=re.ASCII) if part]


def option_names(class_type: str, choices: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], str]:
    """The option classes of one scope (a node, or an option with dynamic combos of its own), by input and key.

    An option is called by its key in CamelCase. The input's name goes in front where the key alone names no class (it
    starts with a digit, is a Python keyword, or has no letters), and where two of the scope would be called alike.

    Args:
        class_type: the node class, for `OPTION_NAMES`.
        choices: the keys of each dynamic combo of the scope.

    Example:
        >>> option_names("X", {"resize": ["scale width", "off"], "ratio": ["16:9"], "blur": ["off"]})
        ... # doctest: +NORMALIZE_WHITESPACE
        {('resize', 'scale width'): 'ScaleWidth', ('resize', 'off'): 'ResizeOff', ('ratio', '16:9'): 'Ratio169',
         ('blur', 'off'): 'BlurOff'}
    """
    every = [(name, key) for name, keys in choices.items() for key in keys]
    bare = {place: "".join(_words(place[1])) for place in every}
    names: dict[tuple[str, str], str] = {}
    for place in every:
        name = bare[place]
        alone = name and not name[0].isdigit() and not keyword.iskeyword(name)
        if not alone or list(bare.values()).count(name) > 1:
            name = camel(place[0]) + name
        names[place] = OPTION_NAMES.get((class_type, *place), name)
    return names


@lru_cache(maxsize=8192)
def kind_name(wire: str) -> str:
    """The phantom class for a socket type.

    Example:
        >>> kind_name("CLIP_VISION_OUTPUT"), kind_name("LOAD3D_CAMERA")
        ('ClipVisionOutput', 'Load3dCamera')
    """
    if wire in KIND_NAMES:
        return KIND_NAMES[wire]
    parts = [part for part in re.split(r"[\W_]+", wire, flags=re.ASCII) if part]
    return _identifier("".join(part.capitalize() for part in parts) or "Unnamed", "N")


def _plain(word: str) -> bool:
    return word.isascii() and word.isidentifier() and not keyword.iskeyword(word) and not word.startswith("__")


def _identifier(word: str, prefix: str = "_") -> str:
    if word[0].isdigit():
        word = prefix + word
    return word + "_" if keyword.iskeyword(word) else word
