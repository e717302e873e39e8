"""What ComfyUI's editor adds to the node definitions of its server: facts, as data.

The editor (frontend 1.48.7) draws a widget for some socket types, puts widgets on some nodes that no definition names,
rewrites some texts when it queues, and has nodes that no server knows. Each table says which. A widget has a place in a
file's ``widgets_values`` (``saved``), an entry in the prompt (``sent``), or both; the two are independent.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

CONTROL: Final = "control_after_generate"
CONTROL_FILTER: Final = "control_filter_list"
SEED_NAMES: Final = frozenset({"seed", "noise_seed"})
"""INT inputs that get a control widget without asking for one."""

WIDGET_DEFAULTS: Final[dict[str, Any]] = {
    "INT": 0,
    "FLOAT": 0,
    "BOOLEAN": False,
    "STRING": "",
    "COMBO": None,
    "COMFY_DYNAMICCOMBO_V3": None,
    "MARKDOWN": "",
    "TEXTAREA": "",
    "COLOR": "#000000",
    "COLORS": [],
    "CURVE": {"points": [[0, 0], [1, 1]], "interpolation": "monotone_cubic"},
    "RANGE": {"min": 0.0, "max": 1.0},
    "BOUNDING_BOX": {"x": 0, "y": 0, "width": 512, "height": 512},
    "BOUNDING_BOXES": [],
    "PAINTER": "",
    "COMPOSITOR": {},
    "CHART": {},
    "GALLERIA": [],
    "IMAGECOMPARE": ["", ""],
    "WEBCAM": "",
    "AUDIO_RECORD": "",
    "LOAD_3D": "",
    "LOAD_3D_ADVANCED": "",
    "PREVIEW_3D": "",
    "AUDIO_UI": "",
    "IMAGEUPLOAD": "image",
    "AUDIOUPLOAD": "",
}
"""Socket types that the editor draws a widget for, and its value where the definition has no default."""

NOT_SAVED: Final = frozenset({"IMAGECOMPARE", "AUDIO_UI"})
NOT_SENT: Final = frozenset({"AUDIO_UI", "IMAGEUPLOAD", "AUDIOUPLOAD"})

BOX_FIELDS: Final = ("x", "y", "width", "height")
"""A BOUNDING_BOX widget brings one number widget for each; they are saved and not sent."""

UPLOAD_FLAGS: Final = ("image_upload", "video_upload", "animated_image_upload")
"""A required option list with one of these gets an upload button (``upload``) at the end of its node."""


class Extra(NamedTuple):
    """A widget that the editor puts on a node at the end: its name, its type, and when it is there."""

    name: str
    type: str


EXTRA_WIDGETS: Final[dict[str, tuple[Extra, ...]]] = {
    # A viewer of the last result; the editor sends its (empty) value along.
    "SaveGLB": (Extra("image", "PREVIEW_3D"),),
    "Preview3D": (Extra("image", "PREVIEW_3D"),),
    # A player for the audio.
    **{
        name: (Extra("audioUI", "AUDIO_UI"),)
        for name in ("LoadAudio", "SaveAudio", "PreviewAudio", "SaveAudioMP3", "SaveAudioOpus", "SaveAudioAdvanced")
    },
}

MODEL_BUTTONS: Final = (
    ("upload 3d model", "upload3dmodel"),
    ("upload extra resources", "uploadExtraResources"),
    ("clear", "clear"),
)
"""Buttons before a LOAD_3D widget on a node that has ``model_file``: saved and sent, with these values."""

FILENAME_NODES: Final = frozenset(
    {
        "SaveImage",
        "SaveImageAdvanced",
        "SaveSVGNode",
        "SaveVideo",
        "SaveAnimatedWEBP",
        "SaveWEBM",
        "SaveAudio",
        "SaveAudioMP3",
        "SaveAudioOpus",
        "SaveAudioAdvanced",
        "SaveGLB",
        "Save3DAdvanced",
        "SaveGaussianSplat",
        "SavePointCloud",
        "SaveAnimatedPNG",
        "CLIPSave",
        "VAESave",
        "ModelSave",
        "LoraSave",
        "SaveLatent",
    }
)
"""Nodes in whose ``filename_prefix`` the editor replaces ``%Node.widget%`` and ``%date:…%``."""

SAMPLER_NODES: Final = frozenset({"KSampler", "KSamplerAdvanced"})
"""Nodes whose ``sampler_name`` the editor mends on loading (very old files have ``sample_euler``)."""

REROUTE: Final = "Reroute"
PRIMITIVE: Final = "PrimitiveNode"
NOTES: Final[dict[str, str]] = {"Note": "Note", "MarkdownNote": "Markdown Note"}

TITLES: Final[dict[str, str]] = {
    "ByteDance2FirstLastFrameNode": "ByteDance Seedance 2.0 First-Last-Frame to Video",
    "ByteDance2ReferenceNode": "ByteDance Seedance 2.0 Reference to Video",
    "ByteDance2TextToVideoNode": "ByteDance Seedance 2.0 Text to Video",
    "LTXVConcatAVLatent": "LTXVConcatAVLatent",
    "LTXVSeparateAVLatent": "LTXVSeparateAVLatent",
    "MinimaxHailuoVideoNode": "MiniMax Hailuo Video",
    "RecraftImageToImageNode": "Recraft Image to Image",
    "RecraftTextToImageNode": "Recraft Text to Image",
    "RecraftTextToVectorNode": "Recraft Text to Vector",
    "TopazImageEnhance": "Topaz Image Enhance",
}
"""Classes that the editor's own list of English names calls otherwise than the server does (release 0.33.0)."""

PACK_REROUTES: Final = frozenset({"Reroute (rgthree)"})
"""Reroutes of well-known custom packs; like the editor's own, they exist in the browser only."""

PACK_NOTES: Final = frozenset(
    {
        "Label (rgthree)",
        "Bookmark (rgthree)",
        "Fast Groups Muter (rgthree)",
        "Fast Groups Bypasser (rgthree)",
        "Fast Muter (rgthree)",
        "Fast Bypasser (rgthree)",
        "Fast Actions Button (rgthree)",
        "Mute / Bypass Repeater (rgthree)",
        "Mute / Bypass Relay (rgthree)",
        "Node Collector (rgthree)",
        "Random Unmuter (rgthree)",
    }
)
"""Nodes of well-known custom packs that only draw or click: nothing of them reaches a prompt."""

SET_NODE: Final = "SetNode"
GET_NODE: Final = "GetNode"
"""A wire by name (ComfyUI-KJNodes): a GetNode gives what the SetNode of the same name takes. In the browser only."""

MODE_MUTED: Final = 2
MODE_BYPASSED: Final = 4

SUBGRAPH_INPUT: Final = "-10"
SUBGRAPH_OUTPUT: Final = "-20"
"""The ids that links inside a subgraph use for its own inputs and outputs."""
