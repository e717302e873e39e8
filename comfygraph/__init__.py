"""comfygraph: ComfyUI pipelines written as Python.

    >>> from comfygraph import Client, Graph
    >>> from comfygraph.nodes import KSampler

Everything here is loaded at first use, so that importing comfygraph costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # see links.py

if TYPE_CHECKING:
    from typing import Any

    from .batch import sweep as sweep
    from .catalogue import Catalogue as Catalogue
    from .client import AsyncClient as AsyncClient
    from .client import Client as Client
    from .client import Job as Job
    from .client import Result as Result
    from .errors import ComfyError as ComfyError
    from .errors import GraphError as GraphError
    from .graph import Graph as Graph
    from .problems import Problem as Problem
    from .raw_values import OMITTED as OMITTED
    from .raw_values import raw as raw
    from .simulator import Simulator as Simulator
    from .subgraphs import subgraph as subgraph
    from .untyped import custom_node as custom_node

__version__ = "0.1.0"

_HOMES = {
    "OMITTED": "raw_values",
    "AsyncClient": "client",
    "Catalogue": "catalogue",
    "Client": "client",
    "ComfyError": "errors",
    "Graph": "graph",
    "GraphError": "errors",
    "Job": "client",
    "Problem": "problems",
    "Result": "client",
    "Simulator": "simulator",
    "custom_node": "untyped",
    "raw": "raw_values",
    "subgraph": "subgraphs",
    "sweep": "batch",
}

__all__ = [
    "OMITTED",
    "AsyncClient",
    "Catalogue",
    "Client",
    "ComfyError",
    "Graph",
    "GraphError",
    "Job",
    "Problem",
    "Result",
    "Simulator",
    "custom_node",
    "raw",
    "subgraph",
    "sweep",
]


if not TYPE_CHECKING:  # a checker would take any name for one of ours

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
