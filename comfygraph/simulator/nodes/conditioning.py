"""Conditionings: the texts are kept, and whatever guides besides them is noted; control pictures show in the result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from PIL import Image

from ..context import Context, Function
from ..values import Conditioning, Images, Latent
from .loaders import model
from .tools import pictures


def conditioning(value: Any) -> Conditioning:
    """The value as a conditioning. A plain value on the socket gets here as it is, and fails here."""
    if not isinstance(value, Conditioning):
        raise TypeError(f"'{type(value).__name__}' object is no CONDITIONING")
    return value


def encode(context: Context, /, *, clip: Any, text: str, **more: Any) -> tuple[Any, ...]:
    """CLIPTextEncode and its kin: `more` is what only a model would make use of."""
    return (_encoded(clip, text),)


def encode_flux(context: Context, /, *, clip: Any, clip_l: str, t5xxl: str, guidance: float) -> tuple[Any, ...]:
    """CLIPTextEncodeFlux."""
    return (replace(_encoded(clip, clip_l, t5xxl), guidance=guidance),)


def encode_sdxl(context: Context, /, *, clip: Any, text_g: str, text_l: str, **sizes: Any) -> tuple[Any, ...]:
    """CLIPTextEncodeSDXL."""
    return (_encoded(clip, text_g, text_l),)


def encode_sd3(context: Context, /, *, clip: Any, clip_l: str, clip_g: str, t5xxl: str, **more: Any) -> tuple[Any, ...]:
    """CLIPTextEncodeSD3."""
    return (_encoded(clip, clip_l, clip_g, t5xxl),)


def encode_hunyuan(context: Context, /, *, clip: Any, bert: str, mt5xl: str) -> tuple[Any, ...]:
    """CLIPTextEncodeHunyuanDiT."""
    return (_encoded(clip, bert, mt5xl),)


def encode_edit(context: Context, /, *, clip: Any, prompt: str, vae: Any = None, **images: Any) -> tuple[Any, ...]:
    """TextEncodeQwenImageEdit, TextEncodeQwenImageEditPlus: the pictures guide the edit."""
    given = tuple(pictures(value)[0] for key, value in sorted(images.items()) if value is not None)
    return (replace(_encoded(clip, prompt), images=given),)


def combine(context: Context, /, *, conditioning_1: Any, conditioning_2: Any) -> tuple[Any, ...]:
    """ConditioningCombine."""
    return (_joined(conditioning_1, conditioning_2),)


def concat(context: Context, /, *, conditioning_to: Any, conditioning_from: Any, **more: Any) -> tuple[Any, ...]:
    """ConditioningConcat."""
    return (_joined(conditioning_to, conditioning_from),)


def average(
    context: Context, /, *, conditioning_to: Any, conditioning_from: Any, conditioning_to_strength: float
) -> tuple[Any, ...]:
    """ConditioningAverage."""
    return (_joined(conditioning_to, conditioning_from).noted(f"average {conditioning_to_strength:g}"),)


def zero_out(context: Context, /, *, conditioning: Any) -> tuple[Any, ...]:
    """ConditioningZeroOut."""
    return (replace(_checked(conditioning), texts=()),)


def flux_guidance(context: Context, /, *, conditioning: Any, guidance: float) -> tuple[Any, ...]:
    """FluxGuidance."""
    return (replace(_checked(conditioning), guidance=guidance),)


def no_guidance(context: Context, /, *, conditioning: Any) -> tuple[Any, ...]:
    """FluxDisableGuidance."""
    return (replace(_checked(conditioning), guidance=None),)


def _noted(short: str, name: str = "conditioning") -> Function:
    """A node that gives a conditioning, noted with its settings."""

    def apply(context: Context, /, **inputs: Any) -> tuple[Any, ...]:
        if name not in inputs:
            raise TypeError(f"{context.class_type} missing 1 required argument: '{name}'")
        values = [
            f"{value:g}" if isinstance(value, float) else str(value)
            for key, value in sorted(inputs.items())
            if isinstance(value, (int, float, str))
        ]
        return (_checked(inputs[name]).noted(" ".join([short, *values])),)

    return apply


def reference_latent(context: Context, /, *, conditioning: Any, latent: Latent | None = None) -> tuple[Any, ...]:
    """ReferenceLatent: its first picture guides."""
    held = _checked(conditioning)
    if latent is None or latent.images is None:
        return (held,)
    return (held.noted("reference", images=(*held.images, latent.images[0])),)


def control(
    context: Context, /, *, conditioning: Any, control_net: Any, image: Images, strength: float
) -> tuple[Any, ...]:
    """ControlNetApply."""
    return (_controlled(conditioning, control_net, image, strength),)


def control_both(
    context: Context,
    /,
    *,
    positive: Any,
    negative: Any,
    control_net: Any,
    image: Images,
    strength: float,
    start_percent: float = 0.0,
    end_percent: float = 1.0,
    vae: Any = None,
    mask: Images | None = None,
) -> tuple[Any, ...]:
    """ControlNetApplyAdvanced and its kin."""
    share = strength * max(0.0, end_percent - start_percent)
    return _controlled(positive, control_net, image, share), _checked(negative)


def vision_encode(context: Context, /, *, clip_vision: Any, image: Images, crop: str = "center") -> tuple[Any, ...]:
    """CLIPVisionEncode: the picture itself is kept."""
    model(clip_vision, "CLIP_VISION")
    return (pictures(image),)


def style(
    context: Context,
    /,
    *,
    conditioning: Any,
    style_model: Any,
    clip_vision_output: Images,
    strength: float = 1.0,
    strength_type: str = "multiply",
) -> tuple[Any, ...]:
    """StyleModelApply."""
    return (_controlled(conditioning, style_model, clip_vision_output, strength * 0.5),)


def unclip(
    context: Context, /, *, conditioning: Any, clip_vision_output: Images, strength: float, noise_augmentation: float
) -> tuple[Any, ...]:
    """unCLIPConditioning."""
    held = _checked(conditioning)
    if strength == 0:
        return (held,)
    return (_guided(held, pictures(clip_vision_output)[0], strength * 0.5, "unclip"),)


def _checked(value: Any) -> Conditioning:
    return conditioning(value)


def _encoded(clip: Any, *texts: str) -> Conditioning:
    loaded = model(clip, "CLIP")
    notes = tuple(f"clip {note}" for note in loaded.notes)
    different = tuple(dict.fromkeys(str(text) for text in texts))
    return Conditioning(different, notes=notes, settings={"loras": loaded.loras})


def _joined(first: Any, second: Any) -> Conditioning:
    one, two = _checked(first), _checked(second)
    return replace(
        one, texts=(*one.texts, *two.texts), notes=(*one.notes, *two.notes), images=(*one.images, *two.images)
    )


def _controlled(value: Any, net: Any, image: Images, strength: float) -> Conditioning:
    held = _checked(value)
    if strength == 0:
        return held
    return _guided(held, pictures(image)[0], strength, f"{model(net, 'CONTROL_NET').label} {strength:g}")


def _guided(held: Conditioning, image: Image.Image, strength: float, note: str) -> Conditioning:
    settings = {**held.settings, "strength": max(strength, held.settings.get("strength", 0.0))}
    return replace(held, notes=(*held.notes, note), images=(*held.images, image), settings=settings)


TABLE: Final[dict[str, Function]] = {
    "CLIPTextEncode": encode,
    "CLIPTextEncodeFlux": encode_flux,
    "CLIPTextEncodeHunyuanDiT": encode_hunyuan,
    "CLIPTextEncodeSD3": encode_sd3,
    "CLIPTextEncodeSDXL": encode_sdxl,
    "CLIPTextEncodeSDXLRefiner": encode,
    "CLIPVisionEncode": vision_encode,
    "ConditioningAverage": average,
    "ConditioningCombine": combine,
    "ConditioningConcat": concat,
    "ConditioningSetArea": _noted("area"),
    "ConditioningSetAreaPercentage": _noted("area"),
    "ConditioningSetAreaStrength": _noted("area strength"),
    "ConditioningSetMask": _noted("masked"),
    "ConditioningSetTimestepRange": _noted("steps"),
    "ConditioningZeroOut": zero_out,
    "ControlNetApply": control,
    "ControlNetApplyAdvanced": control_both,
    "ControlNetApplySD3": control_both,
    "ControlNetInpaintingAliMamaApply": control_both,
    "FluxDisableGuidance": no_guidance,
    "FluxGuidance": flux_guidance,
    "FluxKontextMultiReferenceLatentMethod": _noted("reference"),
    "GLIGENTextBoxApply": _noted("box", "conditioning_to"),
    "ReferenceLatent": reference_latent,
    "StyleModelApply": style,
    "TextEncodeQwenImageEdit": encode_edit,
    "TextEncodeQwenImageEditPlus": encode_edit,
    "unCLIPConditioning": unclip,
}
