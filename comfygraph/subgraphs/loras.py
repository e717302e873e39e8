"""LoRAs, one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .. import kinds as k
from ..links import Link
from ..nodes import LoraLoader, LoraLoaderModelOnly
from .decorator import subgraph

Loras = Sequence["str | tuple[str, float]"]
"""File names of the server's ``loras``, each alone or with its strength."""


class ModelAndClip(NamedTuple):
    """A model and its text encoder, both patched."""

    model: Link[k.Model]
    clip: Link[k.Clip]


@subgraph
def lora_chain(model: Link[k.Model], clip: Link[k.Clip], *, loras: Loras) -> ModelAndClip:
    """LoRAs on a model and its text encoder, in order.

    Args:
        model, clip: what they patch.
        loras: file names, each alone or as ``(name, strength)``; strength -100.0 .. 100.0, 1.0 by default.

    Returns:
        The patched model and text encoder; with no LoRA the ones that were given.

    Example:
        >>> patched = lora_chain(ckpt.MODEL, ckpt.CLIP, loras=["a.safetensors", ("b.safetensors", 0.6)])  # doctest: +SKIP
        >>> g = g.replace(ckpt.MODEL, patched.model).replace(ckpt.CLIP, patched.clip)                     # doctest: +SKIP
    """
    for name, strength in map(_with_strength, loras):
        loaded = LoraLoader(model=model, clip=clip, lora_name=name, strength_model=strength, strength_clip=strength)
        model, clip = loaded.MODEL, loaded.CLIP
    return ModelAndClip(model, clip)


@subgraph
def lora_model_chain(model: Link[k.Model], *, loras: Loras) -> Link[k.Model]:
    """LoRAs on a model alone, in order: for those that do not train the text encoder, as most for Flux.

    Args:
        model: what they patch.
        loras: file names, each alone or as ``(name, strength)``.

    Example:
        >>> g = g.splice(p.model, lambda m: lora_model_chain(m, loras=["a.safetensors"]))      # doctest: +SKIP
    """
    for name, strength in map(_with_strength, loras):
        model = LoraLoaderModelOnly(model=model, lora_name=name, strength_model=strength)
    return model


def _with_strength(lora: str | tuple[str, float]) -> tuple[str, float]:
    return (lora, 1.0) if isinstance(lora, str) else lora
