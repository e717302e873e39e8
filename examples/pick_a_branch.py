"""Choose with a plain `if`: a quick draft by default, the careful version with ``--careful``."""

from __future__ import annotations

import sys

from anywhere import run

from comfygraph.nodes import ImageScaleBy, KSampler
from comfygraph.presets import flux_dev, flux_schnell

prompt = "a wooden sailing ship in a bottle"

if "--careful" in sys.argv[1:]:
    graph = flux_dev(prompt=prompt, seed=6, steps=28, filename_prefix="ship").graph
else:
    draft = flux_schnell(prompt=prompt, seed=6, width=640, height=640, filename_prefix="ship_draft")
    graph = draft.graph.splice(
        draft.image, lambda image: ImageScaleBy(image=image, upscale_method="lanczos", scale_by=1.6)
    )

print(f"{len(graph)} nodes, {graph.one(KSampler).inputs['steps']} steps")
run(graph)
