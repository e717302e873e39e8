"""Keep the outlines of one picture in another: its edges guide the sampling. The picture here is drawn first."""

from __future__ import annotations

from anywhere import run
from PIL import Image, ImageDraw

from comfygraph.nodes import Canny, LoadImage
from comfygraph.presets import sdxl
from comfygraph.subgraphs import controlnet

house = Image.new("RGB", (1024, 1024), "white")
draw = ImageDraw.Draw(house)
draw.rectangle([(260, 480), (760, 880)], outline="black", width=12)
draw.polygon([(220, 480), (510, 200), (800, 480)], outline="black", width=12)
draw.rectangle([(450, 640), (570, 880)], outline="black", width=12)

p = sdxl(prompt="a gingerbread house, studio light", seed=21, filename_prefix="gingerbread")
edges = Canny(image=LoadImage(image=house).IMAGE)  # a Pillow image is uploaded, as a file is
guided = controlnet(
    p.positive, p.negative, edges, control_net_name="diffusers_xl_canny_full.safetensors", strength=0.8, end_percent=0.7
)
run(p.graph.set(p.sampler, positive=guided.positive, negative=guided.negative))
