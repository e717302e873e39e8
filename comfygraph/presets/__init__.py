"""Presets: whole pipelines as plain functions, with every value a parameter.

    p = flux_schnell(prompt="a lighthouse in a storm", seed=7)
    client.run(p.graph)

Each returns a `PresetResult`: the graph and typed handles to go on building from. `settings` and `build` are for programs
that get a preset's name and its settings from outside, such as a command line.
"""

from __future__ import annotations

from .flux import flux_dev, flux_schnell
from .result import FluxDevResult, FluxResult, ModelFile, PresetResult, SdxlResult
from .sdxl import sdxl
from .settings import Setting, build, names, settings

__all__ = [
    "FluxDevResult",
    "FluxResult",
    "ModelFile",
    "PresetResult",
    "SdxlResult",
    "Setting",
    "build",
    "flux_dev",
    "flux_schnell",
    "names",
    "sdxl",
    "settings",
]
