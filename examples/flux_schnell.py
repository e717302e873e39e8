"""A picture in four steps with Flux Schnell, and what happens to settings that it was not made for."""

from __future__ import annotations

from anywhere import run

from comfygraph import GraphError
from comfygraph.presets import flux_schnell

picture = flux_schnell(prompt="a lighthouse in a storm, waves breaking over the rocks", width=1216, height=832)
print(f"seed {picture.seed}; it needs these files on the server:")
for file in picture.models:
    print(f"  models/{file.folder}/{file.name} from {file.url}")
run(picture.graph)

try:
    picture.graph.set(picture.sampler, steps=20, cfg=3.5).to_api()
except GraphError as error:
    print(f"\nThe same graph with 20 steps and cfg 3.5 is refused:\n{error}")
