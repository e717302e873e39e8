"""Two LoRAs, one behind the other, between the checkpoint and everything that uses it."""

from __future__ import annotations

from anywhere import run

from comfygraph.presets import sdxl
from comfygraph.subgraphs import lora_chain

p = sdxl(prompt="a castle on a hill, pixel art", width=768, height=768, seed=3, filename_prefix="castle")
patched = lora_chain(
    p.model, p.clip, loras=["pixel-art-xl.safetensors", ("sd_xl_offset_example-lora_1.0.safetensors", 0.4)]
)
graph = p.graph.replace(p.model, patched.model).replace(p.clip, patched.clip)
print(graph.part(lora_chain))

# The chain is one part: here is the same picture with another one.
single = graph.swap(lora_chain, lora_chain, loras=[("pixel-art-xl.safetensors", 0.7)])
run(graph, single)
