"""Where the examples run: on the server that COMFYGRAPH_SERVER names, else on the simulator that comes with comfygraph."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

from comfygraph import Client, Graph, Simulator


@contextmanager
def connected() -> Generator[Client, None, None]:
    """A client of a real server, or of a simulated one."""
    server = os.environ.get("COMFYGRAPH_SERVER")
    if server:
        with Client(server) as client:
            yield client
    else:
        print("No COMFYGRAPH_SERVER, so this runs on the simulator: its pictures are drawn, not generated.")
        with Simulator() as simulator, Client(simulator.url) as client:
            yield client


def run(*graphs: Graph, folder: str = "output") -> None:
    """Run graphs one after the other with a progress bar, save what they made, and say where it is."""
    with connected() as client:
        for graph in graphs:
            result = client.run(graph, progress=True)
            for path in result.save(folder):
                print(f"wrote {path}")
