"""How strongly the prompt guides Flux Dev: it takes guidance as an input of the model, and cfg stays 1.0."""

from __future__ import annotations

from anywhere import connected

from comfygraph.presets import flux_dev
from comfygraph.subgraphs import flux_guidance

p = flux_dev(prompt="a tea house in a bamboo forest, mist", seed=2, width=832, height=832, filename_prefix="tea_house")
values = [2.0, 3.5, 6.0]
with connected() as client:
    graphs = (p.graph.replace(p.guidance, flux_guidance(p.positive, guidance=value)) for value in values)
    for value, result in zip(values, client.map(graphs)):
        print(f"guidance {value}: wrote {result.save('output')[0]}")
