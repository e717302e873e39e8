"""Take a workflow that ComfyUI exported, change it, and run it. The file here is written first, so that there is one."""

from __future__ import annotations

from pathlib import Path

from anywhere import run

from comfygraph import Graph
from comfygraph.nodes import CheckpointLoaderSimple, KSampler, LoraLoaderModelOnly
from comfygraph.presets import sdxl

file = Path("workflow_api.json")
file.write_text(sdxl(prompt="a red fox in snow", seed=1).graph.to_json(indent=2), encoding="utf-8")

graph = Graph.load(file)
sampler = graph.one(KSampler)
loader = graph.one(CheckpointLoaderSimple)
print(f"{file}: {len(graph)} nodes, sampled with {sampler.inputs['steps']} steps, model {loader.inputs['ckpt_name']}")

edited = graph.set(sampler, steps=30, seed=7)
edited = edited.splice(
    loader.MODEL, lambda model: LoraLoaderModelOnly(model=model, lora_name="pixel-art-xl.safetensors")
)
print(
    f"now {edited[sampler].inputs['steps']} steps; the graph that was loaded still says {graph[sampler].inputs['steps']}"
)
run(edited)
