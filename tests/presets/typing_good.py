"""What type checkers must see of presets and subgraphs. Run by test_typing.py; not collected by pytest."""

from __future__ import annotations

from typing_extensions import assert_type

from comfygraph import Graph
from comfygraph import kinds as k
from comfygraph.links import Link
from comfygraph.nodes import (
    CheckpointLoaderSimple,
    CLIPTextEncode,
    DualCLIPLoader,
    EmptyLatentImage,
    EmptySD3LatentImage,
    FluxGuidance,
    ImageInvert,
    KSampler,
    SaveImage,
    UNETLoader,
    VAEDecode,
)
from comfygraph.presets import FluxDevResult, FluxResult, SdxlResult, flux_dev, flux_schnell, sdxl
from comfygraph.subgraphs import Part, hires_fix, lora_chain, subgraph, upscale_model

p = sdxl(prompt="a fox")
assert_type(p, SdxlResult)
assert_type(p.graph, Graph)
assert_type(p.sampler, KSampler)
assert_type(p.image, VAEDecode)
assert_type(p.save, SaveImage)
assert_type(p.positive, CLIPTextEncode)
assert_type(p.model, Link[k.Model])
assert_type(p.clip, Link[k.Clip])
assert_type(p.vae, Link[k.Vae])
assert_type(p.latent, EmptyLatentImage)
assert_type(p.checkpoint, CheckpointLoaderSimple)
assert_type(p.seed, int)
assert_type(p.models[0].url, "str | None")

q = flux_schnell(prompt="a fox", steps=3)
assert_type(q, FluxResult)
assert_type(q.latent, EmptySD3LatentImage)
assert_type(q.unet, UNETLoader)
assert_type(q.text_encoders, DualCLIPLoader)

r = flux_dev(prompt="a fox", guidance=2.0)
assert_type(r, FluxDevResult)
assert_type(r.guidance, FluxGuidance)

assert_type(p.graph.set(p.sampler, steps=3), Graph)
assert_type(p.graph[p.sampler], KSampler)


@subgraph
def inverted(image: Link[k.Image], *, twice: bool = False) -> Link[k.Image]:
    once = ImageInvert(image=image)
    return ImageInvert(image=once) if twice else once


@subgraph(name="other")
def named(image: Link[k.Image], count: int) -> ImageInvert:
    return ImageInvert(image=image)


assert_type(inverted(p.image, twice=True), Link[k.Image])
assert_type(named(p.image, 3), ImageInvert)
assert_type(lora_chain(p.model, p.clip, loras=["a", ("b", 0.5)]).model, Link[k.Model])
g = p.graph.splice(p.image, inverted)
assert_type(g.swap(inverted, upscale_model, resize=0.5), Graph)
assert_type(g.part(inverted), Part)
assert_type(g.parts(), "list[Part]")
graph = Graph(
    SaveImage(images=hires_fix(p.image, model=p.model, positive=p.positive, negative=p.negative, vae=p.vae, seed=1))
)
