"""SDXL as it was published: the base begins, the refiner finishes."""

from __future__ import annotations

from anywhere import run

from comfygraph.presets import sdxl
from comfygraph.subgraphs import base_and_refiner

prompt = "a glass bottle with a galaxy in it, evening sun"
p = sdxl(prompt=prompt, negative="text, watermark", seed=14, filename_prefix="galaxy")
both = base_and_refiner(
    p.model, p.positive, p.negative, p.latent, prompt=prompt, negative_prompt="text, watermark", seed=p.seed, steps=25
)
run(p.graph.replace(p.sampler, both))
