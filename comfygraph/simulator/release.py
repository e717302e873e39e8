"""What differs between the ComfyUI releases that the simulator can be, as data.

Seen on both releases: the traces of the same name differ in nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

MAX_UPLOAD: Final = 100 * 2**20  # bytes of a request, as `GET /features` says


@dataclass(frozen=True)
class Release:
    """One ComfyUI release, as far as its protocol goes.

    Attributes:
        name: its version.
        strict_ids: a prompt_id that is no canonical UUID is refused; otherwise anything is taken as ``str(value)``.
        cancel_routes: it has ``POST /api/jobs/cancel`` and ``/api/jobs/{id}/cancel``.
        usage_source: the header ``Comfy-Usage-Source`` goes into the prompt's extra data.
        previewable_counts: jobs say how many of their outputs can be shown.
        nosniff: ``GET /view`` forbids guessing content types, and makes active ones a download.
        deploy_environment: ``GET /system_stats`` has that key.
        features: the answer of ``GET /features``, and to a client's feature flags.
        stats: the version keys of ``GET /system_stats``.
    """

    name: str
    strict_ids: bool
    cancel_routes: bool
    usage_source: bool
    previewable_counts: bool
    nosniff: bool
    deploy_environment: bool
    features: dict[str, Any]
    stats: dict[str, Any]


_NEW: Final = Release(
    name="0.33.0",
    strict_ids=True,
    cancel_routes=True,
    usage_source=True,
    previewable_counts=True,
    nosniff=True,
    deploy_environment=True,
    features={
        "supports_preview_metadata": True,
        "supports_model_type_tags": True,
        "max_upload_size": MAX_UPLOAD,
        "extension": {"manager": {"supports_v4": True}},
        "node_replacements": True,
        "assets": False,
    },
    stats={
        "required_frontend_version": "1.48.7",
        "installed_templates_version": "0.11.41",
        "required_templates_version": "0.11.41",
    },
)

_OLD: Final = Release(
    name="0.23.0",
    strict_ids=False,
    cancel_routes=False,
    usage_source=False,
    previewable_counts=False,
    nosniff=False,
    deploy_environment=False,
    features={key: value for key, value in _NEW.features.items() if key != "supports_model_type_tags"},
    stats={
        "required_frontend_version": "1.44.19",
        "installed_templates_version": "0.11.41",
        "required_templates_version": "0.9.92",
    },
)

RELEASES: Final[dict[str, Release]] = {release.name: release for release in (_NEW, _OLD)}

FOLDERS: Final = (
    "checkpoints",
    "configs",
    "loras",
    "vae",
    "text_encoders",
    "diffusion_models",
    "clip_vision",
    "style_models",
    "embeddings",
    "diffusers",
    "vae_approx",
    "controlnet",
    "gligen",
    "upscale_models",
    "latent_upscale_models",
    "custom_nodes",
    "datasets",
    "hypernetworks",
    "photomaker",
    "classifiers",
    "model_patches",
    "audio_encoders",
    "background_removal",
    "frame_interpolation",
    "geometry_estimation",
    "optical_flow",
    "detection",
)
"""The model folders, in the order that ``GET /models`` names them."""

REPLACED: Final[dict[str, dict[str, Any]]] = {
    "ImageBatch": {
        "new": "BatchImagesNode",
        "inputs": {"images.image0": "image1", "images.image1": "image2"},
        "set": {},
    },
    "ImageScaleBy": {
        "new": "ResizeImageMaskNode",
        "inputs": {"input": "image", "resize_type.multiplier": "scale_by", "scale_method": "upscale_method"},
        "set": {"resize_type": "scale by multiplier"},
    },
    "ResizeImagesByLongerEdge": {
        "new": "ImageScaleToMaxDimension",
        "inputs": {"image": "images", "largest_size": "longer_edge"},
        "set": {"upscale_method": "lanczos"},
    },
    "T2IAdapterLoader": {"new": "ControlNetLoader", "inputs": {"control_net_name": "t2i_adapter_name"}, "set": {}},
    "SDV_img2vid_Conditioning": {"new": "SVD_img2vid_Conditioning", "inputs": None, "set": {}},
    "ConditioningAverage ": {"new": "ConditioningAverage", "inputs": None, "set": {}},
    "Load3DAnimation": {"new": "Load3D", "inputs": None, "set": {}},
    "Preview3DAnimation": {"new": "Preview3D", "inputs": None, "set": {}},
}
"""Retired class names that the server rewrites before it validates a prompt: the new class, and new input -> old input (None:
the inputs are dropped) or a fixed value. A name that is still a class is left alone."""
