"""Stable Diffusion XL 1.0, text to image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .files import model_file
from .result import SdxlResult
from .seeds import drawn

if TYPE_CHECKING:
    from ..nodes.options import SamplerName, SchedulerName


def sdxl(
    *,
    prompt: str,
    negative: str = "",
    width: int = 1024,
    height: int = 1024,
    seed: int | None = None,
    steps: int = 20,
    cfg: float = 7.0,
    sampler_name: SamplerName = "euler",
    scheduler: SchedulerName = "normal",
    checkpoint: str = "sd_xl_base_1.0.safetensors",
    batch_size: int = 1,
    filename_prefix: str = "sdxl",
) -> SdxlResult:
    """A picture from a prompt with Stable Diffusion XL, or any checkpoint of its kind.

    Args:
        prompt: what the picture shows.
        negative: what it shall not show.
        width, height: pixels; the model was trained around 1024 × 1024.
        seed: 0 .. 2**64 - 1; None draws one, and the result says which.
        steps: sampling steps.
        cfg: how strongly the prompt guides, 0.0 .. 100.0; about 5 to 9 is usual.
        sampler_name, scheduler: as `KSampler` names them.
        checkpoint: a file of the server's ``checkpoints``.
        batch_size: pictures at once.
        filename_prefix: what the files' names begin with; ``/`` makes a folder.

    Raises:
        GraphError: a value that its node does not take.

    Example:
        >>> p = sdxl(prompt="a red fox in snow, golden hour", seed=42)
        >>> p.graph.set(p.sampler, steps=30)[p.sampler].inputs["steps"]
        30
    """
    from ..graph import Graph
    from ..nodes import (
        CheckpointLoaderSimple,
        CLIPTextEncode,
        EmptyLatentImage,
        KSampler,
        SaveImage,
        VAEDecode,
    )

    chosen = drawn(seed)
    loader = CheckpointLoaderSimple(ckpt_name=checkpoint)
    positive = CLIPTextEncode(clip=loader.CLIP, text=prompt)
    unwanted = CLIPTextEncode(clip=loader.CLIP, text=negative)
    latent = EmptyLatentImage(width=width, height=height, batch_size=batch_size)
    sampler = KSampler(
        model=loader.MODEL,
        positive=positive,
        negative=unwanted,
        latent_image=latent,
        seed=chosen,
        steps=steps,
        cfg=cfg,
        sampler_name=sampler_name,
        scheduler=scheduler,
    )
    image = VAEDecode(samples=sampler, vae=loader.VAE)
    save = SaveImage(images=image, filename_prefix=filename_prefix)
    return SdxlResult(
        graph=Graph(save),
        sampler=sampler,
        image=image,
        save=save,
        model=loader.MODEL,
        clip=loader.CLIP,
        vae=loader.VAE,
        positive=positive,
        negative=unwanted,
        latent=latent,
        checkpoint=loader,
        seed=chosen,
        models=(model_file("checkpoints", checkpoint),),
    )
