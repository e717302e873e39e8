"""SDXL in two models: the base begins, the refiner finishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import kinds as k
from ..links import Link
from ..nodes import CheckpointLoaderSimple, CLIPTextEncode, KSamplerAdvanced
from .decorator import subgraph

if TYPE_CHECKING:
    from ..nodes.options import SamplerName, SchedulerName


@subgraph
def base_and_refiner(
    model: Link[k.Model],
    positive: Link[k.Conditioning],
    negative: Link[k.Conditioning],
    latent_image: Link[k.Latent],
    *,
    prompt: str,
    negative_prompt: str = "",
    seed: int,
    refiner: str = "sd_xl_refiner_1.0.safetensors",
    steps: int = 25,
    refine_from: float = 0.8,
    cfg: float = 7.0,
    sampler_name: SamplerName = "euler",
    scheduler: SchedulerName = "normal",
) -> Link[k.Latent]:
    """Sample with SDXL's base to a point, and with its refiner from there. It takes the place of one sampler.

    Args:
        model, positive, negative, latent_image: the base's model, prompts and start, as a sampler takes them.
        prompt, negative_prompt: the same prompts as text, for the refiner has a text encoder of its own.
        seed: 0 .. 2**64 - 1.
        refiner: a file of the server's ``checkpoints``.
        steps: of both together, 2 or more.
        refine_from: the part of the steps that the base takes, 0.0 .. 1.0; each model takes at least one.
        cfg, sampler_name, scheduler: of both.

    Returns:
        The finished latent; the base's VAE decodes it.

    Example:
        >>> both = base_and_refiner(p.model, p.positive, p.negative, p.latent, prompt="a fox", seed=7)      # doctest: +SKIP
        >>> g = p.graph.replace(p.sampler, both)                                                            # doctest: +SKIP
    """
    switch = max(1, min(steps - 1, round(steps * refine_from)))
    begun = KSamplerAdvanced(
        model=model,
        positive=positive,
        negative=negative,
        latent_image=latent_image,
        add_noise="enable",
        noise_seed=seed,
        steps=steps,
        cfg=cfg,
        sampler_name=sampler_name,
        scheduler=scheduler,
        start_at_step=0,
        end_at_step=switch,
        return_with_leftover_noise="enable",
    ).titled("base")
    loader = CheckpointLoaderSimple(ckpt_name=refiner)
    return KSamplerAdvanced(
        model=loader.MODEL,
        positive=CLIPTextEncode(clip=loader.CLIP, text=prompt),
        negative=CLIPTextEncode(clip=loader.CLIP, text=negative_prompt),
        latent_image=begun,
        add_noise="disable",
        noise_seed=seed,
        steps=steps,
        cfg=cfg,
        sampler_name=sampler_name,
        scheduler=scheduler,
        start_at_step=switch,
        end_at_step=10000,
        return_with_leftover_noise="disable",
    ).titled("refiner")
