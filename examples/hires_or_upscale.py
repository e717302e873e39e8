"""Enlarge a picture by sampling it again, then swap that part for an upscale model."""

from __future__ import annotations

from anywhere import run

from comfygraph.presets import sdxl
from comfygraph.subgraphs import hires_fix, upscale_model

p = sdxl(prompt="a harbour at dawn, fishing boats", width=768, height=512, seed=8, filename_prefix="harbour")
larger = p.graph.splice(
    p.image,
    lambda image: hires_fix(
        image, model=p.model, positive=p.positive, negative=p.negative, vae=p.vae, seed=p.seed, scale=1.5, steps=12
    ),
)
print(larger.part(hires_fix))

quick = larger.swap(hires_fix, upscale_model, resize=0.5)  # a fourfold model, so twice as large
print(quick.part(upscale_model))
run(larger, quick)
