"""One pipeline, many seeds: the next are on the server while one is downloaded."""

from __future__ import annotations

from anywhere import connected

from comfygraph.presets import flux_schnell

p = flux_schnell(prompt="a paper crane on a desk", seed=0, width=512, height=512, filename_prefix="crane")
with connected() as client:
    graphs = (p.graph.set(p.sampler, seed=seed) for seed in range(4))
    for seed, result in enumerate(client.map(graphs, save_to="output")):
        print(f"seed {seed}: wrote {result.saved[0]}")
