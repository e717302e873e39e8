"""A picture from a prompt with SDXL: the preset as it comes."""

from __future__ import annotations

from anywhere import run

from comfygraph.presets import sdxl

picture = sdxl(prompt="a red fox in snow, golden hour", negative="blurry, watermark", seed=42)
run(picture.graph)
