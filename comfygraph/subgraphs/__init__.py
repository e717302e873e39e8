"""Subgraphs: `@subgraph` for your own, and a library of those that people need.

    from comfygraph.subgraphs import hires_fix, subgraph, upscale_model

    picture = hires_fix(decoded, model=m, positive=p, negative=n, vae=v, seed=7)
    graph = Graph(SaveImage(images=picture))
    graph = graph.swap(hires_fix, upscale_model)

Each is a function from links and values to links, built of typed nodes only, and loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .control import ControlledPrompts as ControlledPrompts
    from .control import controlnet as controlnet
    from .decorator import Subgraph as Subgraph
    from .decorator import subgraph as subgraph
    from .guidance import flux_guidance as flux_guidance
    from .loras import ModelAndClip as ModelAndClip
    from .loras import lora_chain as lora_chain
    from .loras import lora_model_chain as lora_model_chain
    from .parts import Part as Part
    from .pictures import Inpainting as Inpainting
    from .pictures import img2img as img2img
    from .pictures import inpaint as inpaint
    from .refining import base_and_refiner as base_and_refiner
    from .texts import text_encoders as text_encoders
    from .upscaling import hires_fix as hires_fix
    from .upscaling import upscale_model as upscale_model

__all__ = [
    "ControlledPrompts",
    "Inpainting",
    "ModelAndClip",
    "Part",
    "Subgraph",
    "base_and_refiner",
    "controlnet",
    "flux_guidance",
    "hires_fix",
    "img2img",
    "inpaint",
    "lora_chain",
    "lora_model_chain",
    "subgraph",
    "text_encoders",
    "upscale_model",
]

_HOMES: Final = {
    "ControlledPrompts": "control",
    "Inpainting": "pictures",
    "ModelAndClip": "loras",
    "Part": "parts",
    "Subgraph": "decorator",
    "base_and_refiner": "refining",
    "controlnet": "control",
    "flux_guidance": "guidance",
    "hires_fix": "upscaling",
    "img2img": "pictures",
    "inpaint": "pictures",
    "lora_chain": "loras",
    "lora_model_chain": "loras",
    "subgraph": "decorator",
    "text_encoders": "texts",
    "upscale_model": "upscaling",
}

if not TYPE_CHECKING:  # a checker would take any name for one of ours

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
