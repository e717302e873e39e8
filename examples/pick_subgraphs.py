"""Put a pipeline together from command-line flags: model family, LoRAs, a picture to start from, hires pass, upscaler.

python pick_subgraphs.py "a fox in snow" --model flux-schnell --hires
python pick_subgraphs.py "a fox in snow" --lora pixel-art-xl.safetensors:0.8 --start sketch.png --upscale
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from anywhere import run

from comfygraph import Graph
from comfygraph import kinds as k
from comfygraph.links import Link
from comfygraph.nodes import LoadImage
from comfygraph.presets import PresetResult, flux_dev, flux_schnell, sdxl
from comfygraph.subgraphs import hires_fix, img2img, lora_chain, upscale_model

FAMILIES: dict[str, Callable[..., PresetResult]] = {"sdxl": sdxl, "flux-schnell": flux_schnell, "flux-dev": flux_dev}


def build(wanted: argparse.Namespace) -> Graph:
    """The pipeline that the flags describe."""
    p = FAMILIES[wanted.model](prompt=wanted.prompt, seed=wanted.seed, filename_prefix=wanted.model)
    graph, model, clip = p.graph, p.model, p.clip
    image: Link[k.Image] = p.image

    if wanted.lora:
        model, clip = lora_chain(model, clip, loras=wanted.lora)
        graph = graph.replace(p.model, model).replace(p.clip, clip)

    if wanted.start:
        start = img2img(LoadImage(image=wanted.start).IMAGE, p.vae)
        graph = graph.set(p.sampler, latent_image=start, denoise=wanted.denoise)

    if wanted.hires:
        first = graph[p.sampler].inputs  # the second pass samples as the first one does: each family has its own way
        image = hires_fix(
            image,
            model=model,
            positive=first["positive"],
            negative=first["negative"],
            vae=p.vae,
            seed=p.seed,
            steps=first["steps"],
            cfg=first["cfg"],
            sampler_name=first["sampler_name"],
            scheduler=first["scheduler"],
        )

    if wanted.upscale:
        image = upscale_model(image, resize=0.5)

    return graph.set(p.save, images=image).prune()


def lora(text: str) -> tuple[str, float]:
    """``NAME`` or ``NAME:STRENGTH``."""
    name, _, strength = text.partition(":")
    return name, float(strength or 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Generate a picture.")
    parser.add_argument("prompt", nargs="?", default="a red fox in snow, golden hour")
    parser.add_argument("--model", choices=FAMILIES, default="sdxl")
    parser.add_argument(
        "--lora", type=lora, action="append", metavar="NAME[:STRENGTH]", help="may be given several times"
    )
    parser.add_argument("--start", type=Path, metavar="PICTURE", help="start from this picture")
    parser.add_argument("--denoise", type=float, default=0.6, help="how much of the picture to paint anew, 0 to 1")
    parser.add_argument("--hires", action="store_true", help="enlarge by half and sample again")
    parser.add_argument("--upscale", action="store_true", help="double the size with an upscale model")
    parser.add_argument("--seed", type=int)
    wanted = parser.parse_args()

    graph = build(wanted)
    print(f"{len(graph)} nodes; parts: {', '.join(part.id for part in graph.parts()) or 'none'}")
    run(graph)


if __name__ == "__main__":
    main()
