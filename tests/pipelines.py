"""Small graphs that several tests use."""

from __future__ import annotations

from typing import Any

from comfygraph import Graph
from comfygraph.nodes import (
    CheckpointLoaderSimple,
    CLIPTextEncode,
    EmptyImage,
    EmptyLatentImage,
    ImageInvert,
    KSampler,
    SaveImage,
    VAEDecode,
)

SDXL_JSON: dict[str, Any] = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"batch_size": 1, "height": 1024, "width": 1024}},
    "6": {
        "class_type": "CLIPTextEncode",
        "inputs": {"clip": ["4", 1], "text": "a photorealistic red fox in snow, golden hour lighting"},
    },
    "7": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "blurry, low quality, watermark, text"}},
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "cfg": 7.0,
            "denoise": 1.0,
            "latent_image": ["5", 0],
            "model": ["4", 0],
            "negative": ["7", 0],
            "positive": ["6", 0],
            "sampler_name": "euler",
            "scheduler": "normal",
            "seed": 42,
            "steps": 20,
        },
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "api_output", "images": ["8", 0]}},
}
"""The SDXL workflow in API format."""

BROKEN_FLUX_JSON: dict[str, Any] = {
    "1": {
        "class_type": "UNETLoader",
        "inputs": {"model_name": "flux1-schnell.safetensors", "weight_dtype": "fp8_e4m3fn"},
    },
    "2": {
        "class_type": "DualCLIPLoader",
        "inputs": {"clip_name1": "t5xxl_fp8_e4m3fn.safetensors", "clip_name2": "clip_l.safetensors", "type": "flux"},
    },
    "3": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["2", 0], "text": "a fox"}},
    "5": {
        "class_type": "KSampler",
        "inputs": {
            "cfg": 1.0,
            "denoise": 1.0,
            "latent_image": ["4", 0],
            "model": ["1", 0],
            "negative": ["7", 0],
            "positive": ["6", 0],
            "sampler_name": "euler",
            "scheduler": "simple",
            "seed": 42,
            "steps": 4,
        },
    },
}
"""A Flux workflow that circulates in tutorials, and cannot run."""


def sdxl() -> tuple[Graph, CheckpointLoaderSimple, KSampler, SaveImage]:
    """The SDXL graph built from nodes, with handles to three of them."""
    ckpt = CheckpointLoaderSimple(ckpt_name="sd_xl_base_1.0.safetensors")
    sampled = KSampler(
        model=ckpt.MODEL,
        positive=CLIPTextEncode(clip=ckpt.CLIP, text="a red fox in snow, golden hour"),
        negative=CLIPTextEncode(clip=ckpt.CLIP, text="blurry, watermark"),
        latent_image=EmptyLatentImage(width=1024, height=1024),
        seed=42,
        steps=20,
        cfg=7.0,
        sampler_name="euler",
        scheduler="normal",
    )
    save = SaveImage(images=VAEDecode(samples=sampled, vae=ckpt.VAE), filename_prefix="fox")
    return Graph(save), ckpt, sampled, save


def chain(length: int) -> SaveImage:
    """A picture inverted `length` times and saved."""
    image: EmptyImage | ImageInvert = EmptyImage(width=64, height=64)
    for _ in range(length):
        image = ImageInvert(image=image)
    return SaveImage(images=image)
