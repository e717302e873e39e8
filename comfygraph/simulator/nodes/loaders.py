"""Loaders: they load nothing. What they give is a note of which file was asked for, so that the picture can depend on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from ..context import Context, Function
from ..values import Model


def model(value: Any, kind: str = "MODEL") -> Model:
    """The value as a model. A plain value on the socket gets here as it is, and fails here."""
    if not isinstance(value, Model):
        raise AttributeError(f"'{type(value).__name__}' object is no {kind}")
    return value


def _loader(*kinds: str) -> Function:
    """A loader whose file names are all the inputs that end in ``name`` (or a digit), and which gives these kinds."""

    def load(context: Context, /, **inputs: Any) -> tuple[Any, ...]:
        names = tuple(str(value) for key, value in sorted(inputs.items()) if key.rstrip("1234").endswith("name"))
        return tuple(Model(kind, names) for kind in kinds)

    return load


def vae_loader(context: Context, /, *, vae_name: str) -> tuple[Any, ...]:
    """VAELoader."""
    return (Model("VAE", (vae_name,)),)


def model_patch_loader(context: Context, /, *, name: str, **more: Any) -> tuple[Any, ...]:
    """ModelPatchLoader: its input is called ``name`` only."""
    return (Model("MODEL_PATCH", (name,)),)


def lora(
    context: Context, /, *, model: Any, clip: Any, lora_name: str, strength_model: float, strength_clip: float
) -> tuple[Any, ...]:
    """LoraLoader, LoraLoaderBypass: with strength 0 nothing is changed, as on the server."""
    return _with_lora(model, lora_name, strength_model, "MODEL"), _with_lora(clip, lora_name, strength_clip, "CLIP")


def lora_model_only(context: Context, /, *, model: Any, lora_name: str, strength_model: float) -> tuple[Any, ...]:
    """LoraLoaderModelOnly, LoraLoaderBypassModelOnly."""
    return (_with_lora(model, lora_name, strength_model, "MODEL"),)


def hypernetwork(context: Context, /, *, model: Any, hypernetwork_name: str, strength: float) -> tuple[Any, ...]:
    """HypernetworkLoader."""
    return (_with_lora(model, hypernetwork_name, strength, "MODEL"),)


def _with_lora(value: Any, name: str, strength: float, kind: str) -> Model:
    loaded = model(value, kind)
    return loaded if strength == 0 else replace(loaded, loras=(*loaded.loras, (name, strength)))


TABLE: Final[dict[str, Function]] = {
    "CLIPLoader": _loader("CLIP"),
    "CLIPVisionLoader": _loader("CLIP_VISION"),
    "CheckpointLoader": _loader("MODEL", "CLIP", "VAE"),
    "CheckpointLoaderSimple": _loader("MODEL", "CLIP", "VAE"),
    "ControlNetLoader": _loader("CONTROL_NET"),
    "DiffControlNetLoader": _loader("CONTROL_NET"),
    "DualCLIPLoader": _loader("CLIP"),
    "GLIGENLoader": _loader("GLIGEN"),
    "HypernetworkLoader": hypernetwork,
    "ImageOnlyCheckpointLoader": _loader("MODEL", "CLIP_VISION", "VAE"),
    "LoraLoader": lora,
    "LoraLoaderBypass": lora,
    "LoraLoaderBypassModelOnly": lora_model_only,
    "LoraLoaderModelOnly": lora_model_only,
    "ModelPatchLoader": model_patch_loader,
    "PhotoMakerLoader": _loader("PHOTOMAKER"),
    "QuadrupleCLIPLoader": _loader("CLIP"),
    "StyleModelLoader": _loader("STYLE_MODEL"),
    "TripleCLIPLoader": _loader("CLIP"),
    "UNETLoader": _loader("MODEL"),
    "UpscaleModelLoader": _loader("UPSCALE_MODEL"),
    "VAELoader": vae_loader,
    "unCLIPCheckpointLoader": _loader("MODEL", "CLIP", "VAE", "CLIP_VISION"),
}
