"""A part of one's own: a function from links to links, with another part inside."""

from __future__ import annotations

from anywhere import run

from comfygraph import kinds as k
from comfygraph.links import Link
from comfygraph.nodes import ImageBlend, ImageBlur, ImageInvert
from comfygraph.presets import flux_schnell
from comfygraph.subgraphs import subgraph


@subgraph
def glow(image: Link[k.Image], *, radius: int = 12, strength: float = 0.5) -> Link[k.Image]:
    """Let bright places shine."""
    soft = ImageBlur(image=image, blur_radius=radius, sigma=radius / 2)
    return ImageBlend(image1=image, image2=soft, blend_factor=strength, blend_mode="screen")


@subgraph
def negative_film(image: Link[k.Image]) -> Link[k.Image]:
    """The picture as its own negative, glowing."""
    return glow(ImageInvert(image=image), strength=0.3)


p = flux_schnell(
    prompt="a city at night, neon signs in the rain", width=832, height=576, seed=4, filename_prefix="city"
)
graph = p.graph.splice(p.image, glow)

inverted = graph.swap(glow, negative_film)
print("parts:", ", ".join(part.id for part in inverted.parts()))
print("ids:", ", ".join(inverted.part(negative_film).ids))
run(graph, inverted)
