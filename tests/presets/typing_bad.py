"""Lines that type checkers must refuse, each marked. Run by test_typing.py; not collected by pytest."""

from __future__ import annotations

from comfygraph import kinds as k
from comfygraph.links import Link
from comfygraph.nodes import ImageInvert
from comfygraph.presets import flux_schnell, sdxl
from comfygraph.subgraphs import hires_fix, lora_chain, subgraph, upscale_model


@subgraph
def inverted(image: Link[k.Image], *, twice: bool = False) -> Link[k.Image]:
    return ImageInvert(image=image)


p = sdxl(prompt="a fox")
sdxl("a fox")  # error
sdxl(prompt="a fox", steps="20")  # error
sdxl(prompt="a fox", sampler_name="eulr")  # error
flux_schnell(prompt="a fox", checkpoint="a")  # error
p.seed = 5  # error
print(p.guidance)  # error
inverted(p.model)  # error
inverted(p.image, twice="yes")  # error
inverted(p.image, thrice=True)  # error
upscale_model(p.latent)  # error
lora_chain(p.clip, p.model, loras=[])  # error
lora_chain(p.model, p.clip, loras=[("a", "strong")])  # error
hires_fix(p.image, model=p.model, positive=p.positive, negative=p.negative, vae=p.vae)  # error
ImageInvert(image=lora_chain(p.model, p.clip, loras=[]).model)  # error
