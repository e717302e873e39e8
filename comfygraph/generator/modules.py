"""Which module a node class stands in: its category in the editor, merged into files of a readable size."""

from __future__ import annotations

import keyword
import re
from typing import Final

from ..definition import NodeDef
from ..errors import DefinitionError
from .names import RESERVED

MODULES: Final[dict[str, str]] = {
    "": "utilities",
    "3d": "three_d",
    "3d/splat": "three_d_splat",
    "advanced/debug": "utilities",
    "advanced/guidance": "guidance",
    "advanced/hooks": "hooks",
    "advanced/multigpu": "devices",
    "audio": "audio",
    "conditioning": "conditioning",
    "dataset": "training",
    "experimental": "experimental",
    "image": "image",
    "image/adjustments": "image_filters",
    "image/background removal": "image_detection",
    "image/batch": "image_batch",
    "image/color": "image_filters",
    "image/compositing": "image_filters",
    "image/detection": "image_detection",
    "image/filters": "image_filters",
    "image/geometry estimation": "image_detection",
    "image/mask": "mask",
    "image/post-processors": "image_filters",
    "image/pre-processors": "image_filters",
    "image/shader": "image_filters",
    "image/transform": "image_transform",
    "image/upscaling": "image_transform",
    "image/video": "video",
    "model/conditioning": "conditioning_models",
    "model/conditioning/controlnet": "conditioning",
    "model/conditioning/gligen": "conditioning",
    "model/conditioning/hunyuan 3d": "conditioning_video",
    "model/conditioning/hunyuan video": "conditioning_video",
    "model/conditioning/ltxv": "conditioning_video",
    "model/conditioning/cosmos": "conditioning_video",
    "model/conditioning/minimax": "conditioning_video",
    "model/conditioning/stable video": "conditioning_video",
    "model/conditioning/stable video 3d": "conditioning_video",
    "model/conditioning/transform": "conditioning",
    "model/conditioning/void": "conditioning_video",
    "model/conditioning/wan": "conditioning_wan",
    "model/latent": "latent_models",
    "model/latent/advanced": "latent",
    "model/latent/batch": "latent",
    "model/latent/transform": "latent",
    "model/loaders": "loaders",
    "model/merging": "merging",
    "model/merging/model specific": "merging_models",
    "model/patch": "patch",
    "model/sampling": "sampling",
    "model/sampling/guiders": "guidance",
    "model/sampling/samplers": "samplers",
    "model/sampling/schedulers": "schedulers",
    "model/sampling/sigmas": "schedulers",
    "model/training": "training",
    "model_patches": "patch",
    "text": "text",
    "utilities": "utilities",
    "video": "video",
}
"""Categories and the modules of `comfygraph.nodes` that hold them and, unless those have their own, the ones below."""

EXACT: Final[dict[str, str]] = {
    "model/conditioning": "conditioning",
    "model/latent": "latent",
}
"""… and of a category without those below it."""

PARTNER: Final = "partner/"
TAKEN: Final = RESERVED | {"other", "con", "aux", "nul", "prn"}
"""No names for modules: what the package's index has itself, and what Windows takes for devices."""


def module_of(node: NodeDef, *, strict: bool) -> str:
    """The module of a node: by its category, by its provider for partner nodes, by its pack for custom nodes.

    Raises:
        DefinitionError: strict, and the category is in no table.
    """
    parts = node.category.split("/")
    if node.category.startswith(PARTNER) and len(parts) > 2:
        return slug(f"partner_{parts[2]}")
    if not strict and node.module.startswith("custom_nodes."):
        return slug(node.module.removeprefix("custom_nodes."))
    if node.category in EXACT:
        return EXACT[node.category]
    for end in range(len(parts), 0, -1):
        module = MODULES.get("/".join(parts[:end]))
        if module is not None:
            return module
    if strict:
        raise DefinitionError(
            f"{node.class_type}: no module for category {node.category!r}; add it to generator.modules.MODULES"
        )
    return slug(parts[0])


def slug(text: str) -> str:
    """Any text as the name of a module.

    Example:
        >>> slug("partner_sync.so"), slug("ComfyUI-Impact Pack"), slug("3d"), slug("模型")
        ('partner_sync_so', 'comfyui_impact_pack', 'nodes_3d', 'nodes_other')
    """
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "other"
    if name[0].isdigit() or keyword.iskeyword(name) or name in TAKEN:
        name = f"nodes_{name}"
    return name[:60].rstrip("_")
