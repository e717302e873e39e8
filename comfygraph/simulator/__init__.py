"""A ComfyUI-compatible server in this process: no GPU, no model, no second program.

    with Simulator() as sim, Client(sim.url) as client:
        result = client.run(graph)

It is what ``comfygraph demo`` runs on, and a test double for pipelines: `Simulator.faults` makes it fail in every way that a
real server was seen to fail. `comfygraph.testing` has a pytest fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .context import Answer, Context, NodeFailure
    from .faults import Faults
    from .server import Simulator, serve

__all__ = ["Answer", "Context", "Faults", "NodeFailure", "Simulator", "serve"]

_HOMES = {
    "Answer": "context",
    "Context": "context",
    "Faults": "faults",
    "NodeFailure": "context",
    "Simulator": "server",
    "serve": "server",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
