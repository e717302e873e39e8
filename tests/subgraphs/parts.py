"""Subgraphs that several tests use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from comfygraph import kinds as k
from comfygraph.links import Link
from comfygraph.nodes import ImageBlur, ImageInvert, ImageScaleBy, ImageSharpen, InvertMask, LoadImage
from comfygraph.subgraphs import subgraph


class Two(NamedTuple):
    image: Link[k.Image]
    mask: Link[k.Mask]


@dataclass
class Pair:
    image: Link[k.Image]
    mask: Link[k.Mask]
    note: str = ""


@subgraph
def soften(image: Link[k.Image], *, radius: int = 3) -> Link[k.Image]:
    """Blur a picture."""
    return ImageBlur(image=image, blur_radius=radius, sigma=1.0)


@subgraph
def sharpen(image: Link[k.Image], *, amount: float = 1.0) -> Link[k.Image]:
    """Sharpen a picture, in two nodes."""
    return ImageSharpen(image=ImageInvert(image=image).titled("first"), sharpen_radius=1, sigma=1.0, alpha=amount)


@subgraph
def outer(image: Link[k.Image], *, scale: float = 2.0) -> Link[k.Image]:
    """Two parts with a node between them."""
    return sharpen(ImageScaleBy(image=soften(image), upscale_method="area", scale_by=scale))


@subgraph
def both(image: Link[k.Image], mask: Link[k.Mask]) -> Two:
    return Two(ImageInvert(image=image), InvertMask(mask=mask))


@subgraph
def both_softly(image: Link[k.Image], mask: Link[k.Mask]) -> Pair:
    return Pair(soften(image), mask, "the mask goes through")


@subgraph(name="source")
def load(name: str) -> LoadImage:
    """A node with two outputs as what is returned."""
    return LoadImage(image=name)
