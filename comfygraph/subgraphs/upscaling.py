"""Larger pictures: sampled again, or by an upscale model. Both take a picture and give one, so that they can be swapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .. import kinds as k
from ..links import Link
from ..nodes import (
    ImageScaleBy,
    ImageUpscaleWithModel,
    KSampler,
    UpscaleModelLoader,
    VAEDecode,
    VAEEncode,
)
from .decorator import subgraph

if TYPE_CHECKING:
    from ..nodes.options import SamplerName, SchedulerName

    Method = Literal["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]


@subgraph
def hires_fix(
    image: Link[k.Image],
    *,
    model: Link[k.Model],
    positive: Link[k.Conditioning],
    negative: Link[k.Conditioning],
    vae: Link[k.Vae],
    seed: int,
    scale: float = 1.5,
    denoise: float = 0.5,
    steps: int = 20,
    cfg: float = 7.0,
    sampler_name: SamplerName = "euler",
    scheduler: SchedulerName = "normal",
    upscale_method: Method = "lanczos",
) -> Link[k.Image]:
    """Enlarge a picture and sample it again, so that detail comes to the new pixels.

    Args:
        image: the picture.
        model, positive, negative, vae: as they made it.
        seed: 0 .. 2**64 - 1.
        scale: how much larger, 0.01 .. 8.0.
        denoise: how much is painted anew, 0.0 .. 1.0; above 0.6 the composition changes.
        steps, cfg, sampler_name, scheduler: of the second sampling. A Flux takes its own: ``cfg=1.0``.
        upscale_method: how it is enlarged before.

    Example:
        >>> g = p.graph.splice(p.image, lambda image: hires_fix(image, model=p.model, positive=p.positive,
        ...     negative=p.negative, vae=p.vae, seed=p.seed))                                     # doctest: +SKIP
    """
    larger = ImageScaleBy(image=image, upscale_method=upscale_method, scale_by=scale)
    again = KSampler(
        model=model,
        positive=positive,
        negative=negative,
        latent_image=VAEEncode(pixels=larger, vae=vae),
        seed=seed,
        steps=steps,
        cfg=cfg,
        sampler_name=sampler_name,
        scheduler=scheduler,
        denoise=denoise,
    )
    return VAEDecode(samples=again, vae=vae)


@subgraph
def upscale_model(
    image: Link[k.Image],
    *,
    model_name: str = "RealESRGAN_x4plus.safetensors",
    resize: float | None = None,
) -> Link[k.Image]:
    """Enlarge a picture with an upscale model, without sampling.

    Args:
        image: the picture.
        model_name: a file of the server's ``upscale_models``; the name often says by how much it enlarges.
        resize: a factor to scale the result by, so that a fourfold model with 0.5 doubles; None leaves it.

    Example:
        >>> g = p.graph.splice(p.image, upscale_model)          # doctest: +SKIP
    """
    larger = ImageUpscaleWithModel(upscale_model=UpscaleModelLoader(model_name=model_name), image=image)
    return larger if resize is None else ImageScaleBy(image=larger, upscale_method="lanczos", scale_by=resize)
