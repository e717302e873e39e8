"""Where the model files of the presets and subgraphs are to be had.

The addresses are of the repositories that ComfyUI's own workflow templates name for these files.
"""

from __future__ import annotations

from typing import Final

from .result import ModelFile

_HUB: Final = "https://huggingface.co"
_URLS: Final[dict[tuple[str, str], str]] = {
    ("checkpoints", "sd_xl_base_1.0.safetensors"): "stabilityai/stable-diffusion-xl-base-1.0/resolve/main",
    ("checkpoints", "sd_xl_refiner_1.0.safetensors"): "stabilityai/stable-diffusion-xl-refiner-1.0/resolve/main",
    ("diffusion_models", "flux1-schnell.safetensors"): "Comfy-Org/flux1-schnell/resolve/main",
    ("diffusion_models", "flux1-dev.safetensors"): "Comfy-Org/flux1-dev/resolve/main",
    ("text_encoders", "clip_l.safetensors"): "comfyanonymous/flux_text_encoders/resolve/main",
    ("text_encoders", "t5xxl_fp16.safetensors"): "comfyanonymous/flux_text_encoders/resolve/main",
    ("text_encoders", "t5xxl_fp8_e4m3fn.safetensors"): "comfyanonymous/flux_text_encoders/resolve/main",
    ("text_encoders", "t5xxl_fp8_e4m3fn_scaled.safetensors"): "comfyanonymous/flux_text_encoders/resolve/main",
    ("vae", "ae.safetensors"): "Comfy-Org/Lumina_Image_2.0_Repackaged/resolve/main/split_files/vae",
    ("upscale_models", "RealESRGAN_x4plus.safetensors"): "Comfy-Org/Real-ESRGAN_repackaged/resolve/main",
}


def model_file(folder: str, name: str) -> ModelFile:
    """A model file with its address, if that is known.

    Args:
        folder: the folder below the server's ``models``.
        name: the file's name there.
    """
    place = _URLS.get((folder, name))
    return ModelFile(name=name, folder=folder, url=f"{_HUB}/{place}/{name}" if place else None)
