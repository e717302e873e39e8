"""Another text encoder for Flux: the large T5 in 8 bits instead of 16, half the memory."""

from __future__ import annotations

from anywhere import run

from comfygraph.presets import flux_schnell
from comfygraph.subgraphs import text_encoders

p = flux_schnell(prompt="a heron at a pond, woodcut", seed=9, filename_prefix="heron")
small = text_encoders("clip_l.safetensors", "t5xxl_fp8_e4m3fn_scaled.safetensors", type="flux")
graph = p.graph.replace(p.clip, small)  # both prompts are encoded by it now, and the old loader is gone
print(graph.part(text_encoders))
run(graph)
