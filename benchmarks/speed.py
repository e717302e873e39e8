"""What building, checking and serialising cost, as ratios to a literal dict through ``json.dumps`` in the same run.

python -m benchmarks.speed
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from functools import partial
from typing import Any

from comfygraph import Graph
from comfygraph.nodes import (
    CheckpointLoaderSimple,
    CLIPTextEncode,
    EmptyLatentImage,
    ImageInvert,
    KSampler,
    SaveImage,
    VAEDecode,
)
from tests.corpus import catalogue, prompts
from tests.pipelines import chain


def best(work: Callable[[], object], number: int, repeat: int = 9) -> float:
    """Seconds a call takes, the best of several rounds: the others measure the machine's other work."""
    return min(timeit.repeat(work, number=number, repeat=repeat)) / number


def build() -> SaveImage:
    """The seven nodes of the SDXL graph."""
    ckpt = CheckpointLoaderSimple(ckpt_name="sd_xl_base_1.0.safetensors")
    sampled = KSampler(
        model=ckpt.MODEL,
        positive=CLIPTextEncode(clip=ckpt.CLIP, text="a photorealistic red fox in snow, golden hour lighting"),
        negative=CLIPTextEncode(clip=ckpt.CLIP, text="blurry, low quality, watermark, text"),
        latent_image=EmptyLatentImage(width=1024, height=1024),
        seed=42,
        steps=20,
        cfg=7.0,
        sampler_name="euler",
        scheduler="normal",
    )
    return SaveImage(images=VAEDecode(samples=sampled, vae=ckpt.VAE), filename_prefix="api_output")


def literal() -> str:
    """The same graph as people write it by hand."""
    return json.dumps(
        {
            "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
            "5": {"class_type": "EmptyLatentImage", "inputs": {"batch_size": 1, "height": 1024, "width": 1024}},
            "6": {
                "class_type": "CLIPTextEncode",
                "inputs": {"clip": ["4", 1], "text": "a photorealistic red fox in snow, golden hour lighting"},
            },
            "7": {
                "class_type": "CLIPTextEncode",
                "inputs": {"clip": ["4", 1], "text": "blurry, low quality, watermark, text"},
            },
            "3": {
                "class_type": "KSampler",
                "inputs": {
                    "cfg": 7.0,
                    "denoise": 1.0,
                    "latent_image": ["5", 0],
                    "model": ["4", 0],
                    "negative": ["7", 0],
                    "positive": ["6", 0],
                    "sampler_name": "euler",
                    "scheduler": "normal",
                    "seed": 42,
                    "steps": 20,
                },
            },
            "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
            "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "api_output", "images": ["8", 0]}},
        }
    )


def serialised_chain(length: int) -> str:
    """A picture inverted `length` times: built, checked, serialised."""
    return Graph(chain(length)).to_json()


def literal_chain(length: int) -> Callable[[], str]:
    """The same chain as a literal dict."""

    def work() -> str:
        size = {"width": 64, "height": 64, "batch_size": 1, "color": 0}
        nodes: dict[str, Any] = {"1": {"class_type": "EmptyImage", "inputs": size}}
        for i in range(length):
            nodes[str(i + 2)] = {"class_type": "ImageInvert", "inputs": {"image": [str(i + 1), 0]}}
        last = {"images": [str(length + 1), 0], "filename_prefix": "ComfyUI"}
        nodes[str(length + 2)] = {"class_type": "SaveImage", "inputs": last}
        return json.dumps(nodes)

    return work


def imports() -> None:
    """Seconds from start to end of an interpreter that imports seven node classes, above one that does nothing."""
    names = "CheckpointLoaderSimple, CLIPTextEncode, EmptyLatentImage, KSampler, VAEDecode, SaveImage, LoadImage"
    codes = {"bare": "pass", "ours": f"import comfygraph; from comfygraph.nodes import {names}"}
    found: dict[str, list[float]] = {name: [] for name in codes}
    with tempfile.TemporaryDirectory() as compiled:
        # Compiled modules, as an installation has them, whatever the environment says.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(21):  # by turns, so that a busy moment of the machine hits both
            for name, code in codes.items():
                start = time.perf_counter()
                subprocess.run([sys.executable, "-c", code], check=True, env=environment)
                found[name].append(time.perf_counter() - start)
    bare, ours = min(found["bare"]), min(found["ours"])
    print(
        f"import comfygraph and 7 nodes      {(ours - bare) * 1e3:6.1f} ms above a bare interpreter of {bare * 1e3:.0f} ms"
    )


def large_prompt() -> None:
    """Check an official workflow of about 60 nodes, and all 100 of them."""
    known = catalogue()
    template, prompt = min(prompts().items(), key=lambda item: abs(len(item[1]) - 60))
    graph = Graph.from_api(prompt)

    def check() -> object:
        graph._checked.clear()
        return graph.check(known)

    def everything() -> str:
        loaded = Graph.from_api(prompt)
        loaded.check(known)
        return loaded.to_json(check=False)

    checked, whole = best(check, 50), best(everything, 50)
    print(f"{template}, {len(graph)} nodes")
    print(
        f"  check with a server's catalogue  {checked * 1e6:6.0f} µs, {checked / whole:.0%} of load + check + serialise"
    )
    start = time.perf_counter()
    for other in prompts().values():
        Graph.from_api(other).check(known)
    print(f"check of {len(prompts())} official prompts     {time.perf_counter() - start:6.3f} s")


def edits() -> None:
    """Edits of a graph of 1,000 nodes."""
    graph = Graph.from_api(Graph(chain(998)).to_api(check=False))
    node = graph["500"]
    print(f"edit of a 1,000-node graph: set    {best(lambda: graph.set('1', width=65), 50) * 1e6:6.0f} µs")
    spliced = best(lambda: graph.splice(node.output(0), lambda link: ImageInvert(image=link)), 50)
    print(f"edit of a 1,000-node graph: splice {spliced * 1e6:6.0f} µs")


def main() -> None:
    """Print every figure."""
    Graph(build()).to_json()  # definitions are read at first use
    floor = best(literal, 4000)
    ours = best(lambda: Graph(build()).to_json(), 4000)
    node = build()
    graph = Graph(node)

    def check() -> object:
        graph._checked.clear()
        return graph.check()

    print(f"literal dict through json.dumps    {floor * 1e6:6.1f} µs")
    print(f"built, checked, serialised         {ours * 1e6:6.1f} µs, {ours / floor:.1f} times that (at most 5)")
    print(f"  seven constructors               {best(build, 4000) * 1e6:6.1f} µs")
    print(f"  Graph(save)                      {best(lambda: Graph(node), 4000) * 1e6:6.1f} µs")
    print(f"  check()                          {best(check, 4000) * 1e6:6.1f} µs")
    print(f"  to_json(check=False)             {best(lambda: graph.to_json(check=False), 4000) * 1e6:6.1f} µs")
    fresh = catalogue()

    def against_fresh() -> object:
        built = Graph(build())
        built.check(fresh)
        return built.to_json(check=False)

    against_fresh()
    loaded = best(against_fresh, 2000)
    print(
        f"the same against a loaded catalogue{loaded * 1e6:6.1f} µs, {loaded / floor:.1f} times the literal dict (at most 5)"
    )
    for length in (1_000, 10_000):
        ratio = best(partial(serialised_chain, length), 1, 5) / best(literal_chain(length), 1, 5)
        print(f"chain of {length:6,} nodes             {ratio:6.1f} times its literal dict (at most 6)")
    large_prompt()
    edits()
    imports()


if __name__ == "__main__":
    main()
