"""Nodes that change how a model works: here the change is noted, and the picture depends on the note."""

from __future__ import annotations

from typing import Any, Final

from ..context import Context, Function
from .loaders import model


def _patch(short: str, name: str = "model", kind: str = "MODEL") -> Function:
    """A node that gives one of its inputs, noted with its own settings."""

    def apply(context: Context, /, **inputs: Any) -> tuple[Any, ...]:
        if name not in inputs:
            raise TypeError(f"{context.class_type} missing 1 required argument: '{name}'")
        settings = [
            f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in sorted(inputs.items())
            if isinstance(value, (int, float, str))
        ]
        return (model(inputs[name], kind).noted(" ".join([short, *settings])),)

    return apply


def merge(context: Context, /, *, model1: Any, model2: Any, **more: Any) -> tuple[Any, ...]:
    """ModelMergeSimple and its kin."""
    first, second = model(model1), model(model2)
    return (first.noted(f"merged with {second.label} {' '.join(f'{value:g}' for value in more.values())}".rstrip()),)


def merge_clip(context: Context, /, *, clip1: Any, clip2: Any, **more: Any) -> tuple[Any, ...]:
    """CLIPMergeSimple and its kin."""
    first, second = model(clip1, "CLIP"), model(clip2, "CLIP")
    return (first.noted(f"merged with {second.label}"),)


# class -> what stands in the picture's caption
_MODEL_PATCHES: Final = {
    "APG": "apg",
    "CFGNorm": "cfg norm",
    "CFGZeroStar": "cfg zero*",
    "DifferentialDiffusion": "differential",
    "EasyCache": "easycache",
    "FreeU": "freeu",
    "FreeU_V2": "freeu2",
    "HyperTile": "hypertile",
    "LazyCache": "lazycache",
    "Mahiro": "mahiro",
    "ModelAttentionBackend": "attention",
    "ModelComputeDtype": "dtype",
    "ModelNoiseScale": "noise scale",
    "ModelSamplingAuraFlow": "auraflow",
    "ModelSamplingContinuousEDM": "edm",
    "ModelSamplingContinuousV": "v-pred",
    "ModelSamplingDiscrete": "sampling",
    "ModelSamplingFlux": "flux shift",
    "ModelSamplingLTXV": "ltxv shift",
    "ModelSamplingSD3": "sd3 shift",
    "ModelSamplingStableCascade": "cascade shift",
    "NAGuidance": "nag",
    "PatchModelAddDownscale": "downscale",
    "PerturbedAttentionGuidance": "pag",
    "RescaleCFG": "rescale cfg",
    "SelectModelDevice": "device",
    "SelfAttentionGuidance": "sag",
    "SkipLayerGuidanceDiT": "slg",
    "SkipLayerGuidanceSD3": "slg",
    "TCFG": "tcfg",
    "TomePatchModel": "tome",
    "TorchCompileModel": "compiled",
    "UNetSelfAttentionMultiply": "attention",
}

TABLE: Final[dict[str, Function]] = {
    "CLIPMergeSimple": merge_clip,
    "CLIPSetLastLayer": _patch("layer", "clip", "CLIP"),
    "ModelMergeAdd": merge,
    "ModelMergeSimple": merge,
    "ModelMergeSubtract": merge,
    "SelectCLIPDevice": _patch("device", "clip", "CLIP"),
    "SelectVAEDevice": _patch("device", "vae", "VAE"),
    "SetUnionControlNetType": _patch("union", "control_net", "CONTROL_NET"),
    **{class_type: _patch(short) for class_type, short in _MODEL_PATCHES.items()},
}
