"""Names on the wire -> names in Python. One rule each for inputs, outputs and classes, and the exceptions as data.

The generator stops when a name does not fit its rule, or when two names of one scope come out alike; the tables are then where the
exception goes. `Node` uses the same rules for nodes that nobody generated.
"""

from __future__ import annotations

import keyword
import re
from functools import lru_cache
from typing import Final

INPUT_NAMES: Final[dict[str, str]] = {"self": "self_"}
"""Wire names of inputs that the rule would not name well."""

OUTPUT_NAMES: Final[dict[str, str]] = {
    "3D Model Path": "MODEL_PATH_3D",
}
"""Wire names of outputs that the rule would not name well."""

CLASS_NAMES: Final[dict[str, str]] = {
    "EmptyAceStep1.5LatentAudio": "EmptyAceStep15LatentAudio",
    "TextEncodeAceStepAudio1.5": "TextEncodeAceStepAudio15",
}
"""Class names that the rule would not name well."""

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
    parts = [part for part in re.split(r"[\W_]+", words, flags=re.ASCII) if part]
    return _identifier("".join(part[0].upper() + part[1:] for part in parts) or "Unnamed", "N")


@lru_cache(maxsize=8192)
def kind_name(wire: str) -> str:
    """The phantom class for a socket type.

    Example:
        >>> kind_name("CLIP_VISION_OUTPUT"), kind_name("LOAD3D_CAMERA")
        ('ClipVisionOutput', 'Load3dCamera')
    """
    parts = [part for part in re.split(r"[\W_]+", wire, flags=re.ASCII) if part]
    return _identifier("".join(part.capitalize() for part in parts) or "Unnamed", "N")


def _plain(word: str) -> bool:
    return word.isascii() and word.isidentifier() and not keyword.iskeyword(word) and not word.startswith("__")


def _identifier(word: str, prefix: str = "_") -> str:
    if word[0].isdigit():
        word = prefix + word
    return word + "_" if keyword.iskeyword(word) else word
