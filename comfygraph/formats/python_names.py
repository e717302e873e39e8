"""Names for variables: what each node holds, told from its title, its role, its class, and what sets it apart from its like."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final

from .python_order import MODEL_KINDS
from .python_roles import filled, from_title, words
from .python_steps import Step
from .python_text import word_set

RESERVED: Final = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | {"build", "main", "client", "result", "path"}

LONGEST: Final = 32

CLASS_NOUNS: Final[Mapping[str, str]] = {
    "BasicGuider": "guider",
    "BatchImagesNode": "images",
    "BatchMasksNode": "masks",
    "Canny": "edges",
    "CFGNorm": "normed_model",
    "CFGZeroStar": "zero_star_model",
    "CheckpointLoaderSimple": "checkpoint",
    "CLIPVisionEncode": "vision",
    "ColorToRGBInt": "color",
    "ComfyMathExpression": "computed",
    "ComfyNumberConvert": "converted",
    "ConditioningZeroOut": "zeroed",
    "ControlNetApplyAdvanced": "controlled",
    "ControlNetLoader": "control_net",
    "CreateVideo": "video",
    "CustomCombo": "choice",
    "DifferentialDiffusion": "differential_model",
    "EmptyImage": "blank",
    "FluxGuidance": "guided",
    "FluxKontextMultiReferenceLatentMethod": "referenced",
    "GetImageSize": "size",
    "GetVideoComponents": "components",
    "GrowMask": "grown_mask",
    "ImageBlur": "blurred",
    "ImageCompare": "comparison",
    "ImageCompositeMasked": "composite",
    "ImageFromBatch": "frame",
    "ImageInvert": "inverted",
    "ImageOnlyCheckpointLoader": "checkpoint",
    "ImagePadForOutpaint": "padded",
    "ImageStitch": "stitched",
    "ImageToMask": "mask",
    "ImageUpscaleWithModel": "upscaled",
    "InpaintModelConditioning": "conditioned",
    "InvertMask": "inverted_mask",
    "JoinImageWithAlpha": "cutout",
    "JsonExtractString": "extracted",
    "KSampler": "sampled",
    "KSamplerAdvanced": "sampled",
    "LoadAudio": "input_audio",
    "LoadVideo": "input_video",
    "LoraLoader": "lora",
    "LoraLoaderModelOnly": "lora_model",
    "LTXVAudioVAELoader": "audio_vae",
    "LTXVConcatAVLatent": "av_latent",
    "LTXVSeparateAVLatent": "separated",
    "LTXVImgToVideoInplace": "latent_with_image",
    "LTXVLatentUpsampler": "upsampled",
    "LTXVCropGuides": "cropped",
    "LTXVPreprocess": "preprocessed",
    "LTXVAddGuide": "guided",
    "MaskComposite": "combined_mask",
    "MaskPreview": "mask_preview",
    "MaskToImage": "mask_image",
    "ModelSamplingAuraFlow": "shifted_model",
    "ModelSamplingFlux": "shifted_model",
    "ModelSamplingSD3": "shifted_model",
    "OpenAIChatConfig": "chat_config",
    "PreviewAny": "preview",
    "PreviewImage": "preview",
    "Preview3D": "preview",
    "ReferenceLatent": "referenced",
    "RegexExtract": "extracted",
    "RegexReplace": "rewritten",
    "RemoveBackground": "foreground",
    "RepeatImageBatch": "repeated",
    "ResizeAndPadImage": "padded",
    "ResolutionSelector": "resolution",
    "SamplerCustom": "sampled",
    "SamplerCustomAdvanced": "sampled",
    "SaveGLB": "save_model",
    "SaveText": "save_text",
    "SetLatentNoiseMask": "masked_latent",
    "SolidMask": "solid_mask",
    "StringCompare": "matches",
    "StringConcatenate": "joined",
    "StringReplace": "replaced",
    "StyleModelApply": "styled",
    "TextGenerate": "written",
    "TextGenerateLTX2Prompt": "written",
    "TrimAudioDuration": "trimmed_audio",
    "TrimVideoLatent": "trimmed_latent",
    "UNETLoader": "unet",
    "UpscaleModelLoader": "upscale_model",
    "VAEDecode": "decoded",
    "VAEDecodeAudio": "audio",
    "VAEDecodeAudioTiled": "audio",
    "VAEDecodeTiled": "decoded",
    "VAEEncode": "encoded",
    "VAEEncodeTiled": "encoded",
    "Video Slice": "video_slice",
    "WanFirstLastFrameToVideo": "conditioned",
}
"""What a node of a class holds, where neither its kind nor its class name says it well."""

KIND_NOUNS: Final[Mapping[str, str]] = {
    "AUDIO": "audio",
    "AUDIO_ENCODER_OUTPUT": "audio_features",
    "BOOLEAN": "switch",
    "CLIP_VISION_OUTPUT": "vision",
    "CONTROL_NET": "control_net",
    "FLOAT": "number",
    "IMAGE": "image",
    "INT": "number",
    "MASK": "mask",
    "STRING": "text",
    "VIDEO": "video",
    "LATENT_OPERATION": "operation",
    "LOAD3D_CAMERA": "camera",
    "LOAD3D_MODEL_INFO": "model_info",
}

PRIMITIVES: Final = frozenset(
    ("PrimitiveInt", "PrimitiveFloat", "PrimitiveString", "PrimitiveStringMultiline", "PrimitiveBoolean")
)
_PREFIXES: Final = {"ComfyMathExpression": "computed", "ComfySwitchNode": "chosen"}

_STEMS: Final = (
    (re.compile(r"Scale|Resize"), ("IMAGE",), "resized"),
    (re.compile(r"^Empty.*Latent|Latent.*Empty|^Empty.*(Audio|Video)"), ("LATENT",), "latent"),
    (re.compile(r"^Save(?:Animated)?(?:Image|Images|WEBP|PNG|SVG)"), (), "save"),
    (re.compile(r"^Save(?:Video|WEBM|Animated)"), (), "save_video"),
    (re.compile(r"^SaveAudio"), (), "save_audio"),
    (re.compile(r"^TextEncode|TextEncode"), ("CONDITIONING",), "encoded_text"),
    (re.compile(r"^VAEDecode"), (), "decoded"),
    (re.compile(r"Upscale"), ("IMAGE",), "upscaled"),
)
_GENERIC: Final = word_set(
    "image images image1 image_1 video audio mask samples pixels model clip vae text prompt source value input any a b c d string "
    "string_a string_b latent latent_image on_true on_false conditioning positive negative files mesh model_file texts switch "
    "string_1 string_2 mask1 destination image_a image_b noise sampler sigmas guider av_latent video_latent audio_latent "
    "reference_images reference_image input_image first second left right x y z w h i j k"
)
_VALUES: Final = frozenset(("INT", "FLOAT", "STRING", "BOOLEAN"))
_MEDIA: Final = frozenset(("IMAGE", "VIDEO", "AUDIO", "MASK"))
_FILE: Final = re.compile(r"\.(?:safetensors|sft|ckpt|pt|pth|gguf|bin)$", re.IGNORECASE)
_IGNORED: Final = word_set("safetensors fp8 fp16 bf16 fp32 scaled e4m3fn int8 nvfp4 the and for comfy repackaged")
# Words that say little without the next one.
_JOINED: Final = {"high": "noise", "low": "noise"}


class Names:
    """The names that a program has given away, so that no two things get the same."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*RESERVED, *taken}
        self._next: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._taken

    def claim(self, name: str) -> str:
        """`name`, or the first free of `name_2`, `name_3`, …"""
        found, number = name, self._next.get(name, 2)
        while found in self._taken:
            found = f"{name}_{number}"
            number += 1
        self._next[name] = number
        self._taken.add(found)
        return found


def identifier(parts: Iterable[str]) -> str:
    """Words as a name in small letters, as many as make a short one; never empty, never starting with a digit."""
    name = "_".join(part for part in parts if part)
    if len(name) > LONGEST:
        name = name[:LONGEST].rpartition("_")[0] or name[:LONGEST]
    return name if name and not name[0].isdigit() else f"node_{name}".rstrip("_")


def base_names(
    steps: Mapping[str, Step], order: Sequence[str], sides: Mapping[str, str], reserved: Set[str]
) -> dict[str, str]:
    """A name for each node by itself; several may get the same.

    Args:
        steps: the nodes.
        order: their ids.
        sides: what `python_roles.sides` found.
        reserved: names that the arguments of ``build`` are likely to need.
    """
    bases = {node_id: _base(steps, steps[node_id], sides.get(node_id)) for node_id in order}
    # A primitive's name is for the argument that sets it; what is made from it is called something else.
    reserved = reserved | {base for node_id, base in bases.items() if steps[node_id].class_type in PRIMITIVES}
    return {node_id: _clear(steps[node_id], base, reserved) for node_id, base in bases.items()}


def _clear(step: Step, base: str, reserved: Set[str]) -> str:
    """A name that leaves the plain one to the argument of ``build``."""
    if step.class_type in PRIMITIVES or (base in reserved and step.users):
        prefix = _PREFIXES.get(step.class_type)
        return f"{prefix}_{base}" if prefix else f"{base}_{'text' if step.kinds[:1] == ['STRING'] else 'value'}"
    return base


def plain_name(variable: str) -> str:
    """The name that a primitive's variable leaves to its argument."""
    return re.sub(r"_(?:value|text)(_\d+)?$", r"\1", variable)


def _base(steps: Mapping[str, Step], step: Step, side: str | None) -> str:
    kind = _used_kind(step)
    title = from_title(step)
    if kind == "CONDITIONING" and len(step.kinds) == 1:
        side = side or next((word for word in ("positive", "negative") if title and word in title), None)
        if side is not None:
            return _conditioning(steps, step, side)
    if title is not None and not (title == "model" and kind == "MODEL"):
        return title
    fills = filled(step)
    if fills is not None and kind in _VALUES | _MEDIA and not _computes(step):
        leaf = fills.rpartition(".")[2]
        if leaf not in _GENERIC and not re.fullmatch(r"\w*?_?\d+", leaf):
            return identifier(words(leaf))
        onward = _filled_onward(steps, step)
        if onward is not None:
            return onward
        makes = {other for user, _, _ in step.users for other in steps[user].kinds}
        if kind == "STRING" and (leaf == "prompt" or (leaf == "text" and "CONDITIONING" in makes)):
            return "prompt"
    if kind in MODEL_KINDS and kind == "MODEL" and len(step.kinds) == 1:
        return _model(steps, step)
    noun = CLASS_NOUNS.get(step.class_type)
    if not step.users and kind and step.definition is not None and not step.definition.output_node:
        return f"unused_{noun or KIND_NOUNS.get(kind) or identifier(words(kind))}"
    if noun is not None:
        return noun
    if step.class_type == "ComfySwitchNode":
        kind = kind.partition(",")[0]  # of several that may come through, the first
        return f"chosen_{KIND_NOUNS.get(kind, kind.lower())}"
    if len(step.kinds) > 1 and "CONDITIONING" in step.kinds:
        return "conditioned"
    for pattern, kinds, name in _STEMS:
        if pattern.search(step.class_type) and (not kinds or kind in kinds):
            return name
    if step.definition is not None and step.definition.api_node and kind == "STRING":
        return "reply" if len(step.kinds) == 1 else "model_3d"
    if step.definition is not None and step.definition.api_node and kind == "IMAGE":
        return (
            "edited"
            if any(steps[s].kinds[slot : slot + 1] == ["IMAGE"] for _, s, slot in step.links())
            else "generated"
        )
    if not step.users:
        return identifier(words(step.class_type.removesuffix("Node"))[:3])
    if kind.startswith("FILE_3D"):
        return "model_3d"
    if kind and kind != "*":
        return KIND_NOUNS.get(kind) or identifier(words(kind))
    return identifier(words(step.class_type.removesuffix("Node"))[:3])


def _filled_onward(steps: Mapping[str, Step], step: Step) -> str | None:
    """What the one node that takes this value fills with it, where that is a plain calculation or choice."""
    user = steps[step.users[0][0]]
    if user.class_type not in _PREFIXES or len({other for other, _, _ in step.users}) != 1:
        return None
    leaf = (filled(user) or "").rpartition(".")[2]
    return None if not leaf or leaf in _GENERIC or re.search(r"\d$", leaf) else identifier(words(leaf))


def _used_kind(step: Step) -> str:
    slots = sorted({slot for _, _, slot in step.users}) or [0]
    return step.kinds[slots[0]] if slots[0] < len(step.kinds) else ""


def _computes(step: Step) -> bool:
    """Whether a node makes its value from others: what it fills is then not what it is."""
    return bool(step.links()) and _used_kind(step) in _MEDIA


def _conditioning(steps: Mapping[str, Step], step: Step, side: str) -> str:
    if not any(_kind_of(steps, source, slot) == "CONDITIONING" for _, source, slot in step.links()):
        return side
    if step.class_type == "ConditioningZeroOut":
        return side
    noun = CLASS_NOUNS.get(step.class_type) or _PREFIXES.get(step.class_type)
    return f"{noun}_{side}" if noun else f"{side}_conditioning"


def _model(steps: Mapping[str, Step], step: Step) -> str:
    """The last of a chain of models is the model; the one that it starts from is the base."""
    onward = any("MODEL" in steps[user].kinds[:1] for user, _, _ in step.users)
    if not onward:
        return "model"
    if not any(_kind_of(steps, source, slot) == "MODEL" for _, source, slot in step.links()):
        return CLASS_NOUNS.get(step.class_type) or "base_model"
    prefix = _PREFIXES.get(step.class_type)
    return f"{prefix}_model" if prefix else CLASS_NOUNS.get(step.class_type) or "patched_model"


def _kind_of(steps: Mapping[str, Step], source: str, slot: int) -> str:
    kinds = steps[source].kinds
    return kinds[slot] if slot < len(kinds) else ""


def variables(
    steps: Mapping[str, Step],
    order: Sequence[str],
    bases: Mapping[str, str],
    names: Names,
    last: Set[str] = frozenset(),
) -> dict[str, str]:
    """A name for each node, unlike all others: by the model files that it goes back to where that tells them apart, else
    by number. Those of `last` are named when all others are.
    """
    groups: dict[str, list[str]] = {}
    for node_id in order:
        groups.setdefault(bases[node_id], []).append(node_id)
    marks = _marks(steps, order, groups)
    apart = {
        base
        for base, group in groups.items()
        if 1 < len(group) == len({marks[node_id] for node_id in group if node_id in marks})
    }
    found: dict[str, str] = {}
    for node_id in sorted(order, key=lambda node_id: node_id in last):
        base = bases[node_id]
        if base in apart:
            mark = marks[node_id]
            base = base if base.startswith(mark) else f"{mark}_{base}"
        found[node_id] = names.claim(base)
    return found


def _marks(steps: Mapping[str, Step], order: Sequence[str], groups: Mapping[str, list[str]]) -> dict[str, str]:
    """What the model files of nodes that would be called alike have apart, handed on to what is made from them."""
    marks: dict[str, str] = {}
    for group in groups.values():
        if 1 < len(group) <= 8:
            marks.update(_apart({node_id: _file_words(steps[node_id]) for node_id in group}))
    for node_id in order:
        if node_id not in marks:
            handed = next((marks[source] for _, source, _ in steps[node_id].links() if source in marks), None)
            if handed is not None:
                marks[node_id] = handed
    return marks


def _file_words(step: Step) -> list[str]:
    files = [v for v in step.inputs.values() if isinstance(v, str) and len(v) < 300 and _FILE.search(v)]
    return [w for f in files for w in words(f) if len(w) > 2 and not w.isdigit() and w not in _IGNORED]


def _apart(texts: Mapping[str, list[str]]) -> dict[str, str]:
    if not all(texts.values()):
        return {}
    shared = set.intersection(*(set(found) for found in texts.values()))
    marks: dict[str, str] = {}
    for node_id, found in texts.items():
        own = [word for word in found if word not in shared]
        if not own:
            return {}
        word = next((w for w in own if w in _JOINED), own[0])
        following = _JOINED.get(word)
        marks[node_id] = f"{word}_{following}" if following in found else word
    return marks if len(set(marks.values())) == len(marks) else {}
