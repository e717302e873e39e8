"""``comfygraph demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from ..output import say

SHOWN: Final = {
    "flux-schnell": {"prompt": "a lighthouse in a storm, dramatic light", "seed": 7},
    "sdxl": {"prompt": "a red fox in snow, golden hour", "negative": "blurry, watermark", "seed": 42},
}


def command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the pictures go.")] = Path("output"),
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show no progress bar.")] = False,
) -> None:
    """See it work: two presets, run on a simulated server. Needs no ComfyUI, no GPU and no model.

    The pictures are drawn by the simulator, and no model made them. Their names go to standard output.
    """
    from ...client import Client
    from ...presets import build
    from ...simulator import Simulator
    from .run import check_folder, run, save

    check_folder(out)
    say("Running Flux Schnell and SDXL on a simulated ComfyUI: no server, no GPU, no model.")
    with Simulator(latency=0.05) as simulator, Client(simulator.url, token=None) as client:
        for name, settings in SHOWN.items():
            result = run(client, build(name, settings).graph, name, timeout=120.0, progress=not no_progress)
            save(result, out, previews=False)
    say("These pictures are simulated: drawn from prompt, seed and settings. No model made them.")
    say("With a ComfyUI of yours: comfygraph run flux-schnell --set prompt='a red fox' --server http://127.0.0.1:8188")
