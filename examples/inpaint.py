"""Paint one part of a picture anew: what is transparent in it is the mask. The picture here is drawn first."""

from __future__ import annotations

from pathlib import Path

from anywhere import run
from PIL import Image, ImageDraw

from comfygraph.nodes import LoadImage
from comfygraph.presets import sdxl
from comfygraph.subgraphs import inpaint

room = Image.new("RGBA", (768, 512), "#d8cbb5")
draw = ImageDraw.Draw(room)
draw.rectangle([(0, 380), (768, 512)], fill="#8a6242")
draw.rectangle([(90, 90), (300, 260)], fill="#7fb2d9", outline="#ffffff", width=10)
draw.ellipse([(420, 200), (680, 460)], fill=(0, 0, 0, 0))  # the hole: there something new shall be
room.save("room.png")
print("drew room.png")

p = sdxl(prompt="an armchair in a bright room", seed=11, filename_prefix="armchair")
loaded = LoadImage(image=Path("room.png"))
part = inpaint(loaded.IMAGE, loaded.MASK, positive=p.positive, negative=p.negative, vae=p.vae)
graph = p.graph.set(p.sampler, positive=part.positive, negative=part.negative, latent_image=part.latent).prune()
run(graph)
