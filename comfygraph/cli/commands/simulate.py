"""``comfygraph simulate``."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..guard import USAGE, Failed
from ..interrupts import forget, stop_if_interrupted, terminable
from ..output import say, show

if TYPE_CHECKING:
    from ...simulator import Simulator


def command(
    host: Annotated[str, typer.Option(help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Its port; 0 picks a free one.")] = 8188,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep its input and output files here; else they are temporary.")
    ] = None,
    release: Annotated[str, typer.Option(metavar="VERSION", help="The ComfyUI release to be.")] = "0.33.0",
    any_model: Annotated[
        bool, typer.Option("--any-model", help="Take every model file name, not only well-known ones.")
    ] = False,
    latency: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="What one sampler step takes.")] = 0.05,
) -> None:
    """Run a simulated ComfyUI server: its API without a GPU, a model or ComfyUI. Ctrl-C ends it.

    Image nodes really run; what a diffusion model would make is drawn, and stamped as simulated.
    """
    from ...catalogue import RELEASES
    from ...simulator import serve

    if release not in RELEASES:
        raise Failed(f"--release: there are {', '.join(RELEASES)}", USAGE)

    def started(simulator: Simulator) -> None:
        stop_if_interrupted()
        show(simulator.url)
        say(f"a simulated ComfyUI {release} serves there; it runs no model. Ctrl-C ends it.")
        say(f"try: comfygraph run flux-schnell --server {simulator.url}")

    if folder is not None and folder.exists() and not folder.is_dir():
        raise Failed(f"--folder {folder}: a file is there", USAGE)
    with terminable():
        try:
            serve(
                host,
                port,
                on_start=started,
                release=release,
                folder=folder,
                latency=latency,
                models="any" if any_model else None,
            )
        except KeyboardInterrupt:
            pass  # that is how it is ended, also while it says where it serves
        except OSError as error:
            reason = "the port is taken" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
            raise Failed(f"cannot serve at {host}:{port}: {reason}") from None
        forget()
