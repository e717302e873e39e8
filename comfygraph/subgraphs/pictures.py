"""Sampling that starts from a picture: all of it, or the masked part."""

from __future__ import annotations

from typing import NamedTuple

from .. import kinds as k
from ..links import Link
from ..nodes import ImageScaleToTotalPixels, InpaintModelConditioning, VAEEncode
from .decorator import subgraph


class Inpainting(NamedTuple):
    """What a sampler needs to paint the masked part of a picture."""

    positive: Link[k.Conditioning]
    negative: Link[k.Conditioning]
    latent: Link[k.Latent]


@subgraph
def img2img(image: Link[k.Image], vae: Link[k.Vae], *, megapixels: float | None = 1.0) -> Link[k.Latent]:
    """A picture as the latent to start from, in place of an empty one. The sampler's `denoise` says how much of it goes.

    Args:
        image: the picture.
        vae: the model's.
        megapixels: the size to scale it to, sides in proportion and multiples of 8; None leaves it as it is.

    Example:
        >>> start = img2img(LoadImage(image=Path("sketch.png")).IMAGE, p.vae)      # doctest: +SKIP
        >>> g = p.graph.set(p.sampler, latent_image=start, denoise=0.6).prune()    # doctest: +SKIP
    """
    if megapixels is not None:
        image = ImageScaleToTotalPixels(
            image=image, upscale_method="lanczos", megapixels=megapixels, resolution_steps=8
        )
    return VAEEncode(pixels=image, vae=vae)


@subgraph
def inpaint(
    image: Link[k.Image],
    mask: Link[k.Mask],
    *,
    positive: Link[k.Conditioning],
    negative: Link[k.Conditioning],
    vae: Link[k.Vae],
) -> Inpainting:
    """Paint the masked part of a picture anew, and leave the rest. Inpainting models see the picture, others only its mask.

    Args:
        image: the picture.
        mask: white where to paint; ``LoadImage(…).MASK`` is what is transparent in a picture.
        positive, negative: the encoded prompts.
        vae: the model's.

    Example:
        >>> loaded = LoadImage(image=Path("room.png"))                                                          # doctest: +SKIP
        >>> i = inpaint(loaded.IMAGE, loaded.MASK, positive=p.positive, negative=p.negative, vae=p.vae)         # doctest: +SKIP
        >>> g = g.set(p.sampler, positive=i.positive, negative=i.negative, latent_image=i.latent).prune()       # doctest: +SKIP
    """
    conditioned = InpaintModelConditioning(positive=positive, negative=negative, vae=vae, pixels=image, mask=mask)
    return Inpainting(conditioned.POSITIVE, conditioned.NEGATIVE, conditioned.LATENT)
