"""Start from a picture on this machine: it is uploaded with the job. The picture here is drawn first."""

from __future__ import annotations

from pathlib import Path

from anywhere import run
from PIL import Image, ImageDraw

from comfygraph.nodes import LoadImage
from comfygraph.presets import sdxl
from comfygraph.subgraphs import img2img

sketch = Path("sketch.png")
picture = Image.new("RGB", (768, 512), "#9fc4e8")
draw = ImageDraw.Draw(picture)
draw.polygon([(80, 400), (330, 110), (560, 400)], fill="#5b6472")
draw.rectangle([(0, 400), (768, 512)], fill="#3f6b3a")
draw.ellipse([(590, 60), (680, 150)], fill="#ffd75e")
picture.save(sketch)
print(f"drew {sketch}")

p = sdxl(prompt="a mountain above a green valley, oil painting", seed=5, filename_prefix="painted")
start = img2img(LoadImage(image=sketch).IMAGE, p.vae, megapixels=0.5)
graph = p.graph.set(p.sampler, latent_image=start, denoise=0.6).prune()  # without prune the empty latent stays, unused
run(graph)
