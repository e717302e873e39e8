"""Many variants of one graph: `sweep` makes them, `run` brings their files home whole, `Manifest` says what came of each.

    for result in client.map(sweep(graph, {(sampler, "seed"): range(100)}), save_to="output"):
        ...

``comfygraph batch`` is the same on the command line, and goes on where it was killed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .item import Item, items
    from .manifest import Manifest, Row
    from .runner import Report, run
    from .sheet import contact_sheet
    from .variants import Variant, sweep
    from .watch import Watch

__all__ = ["Item", "Manifest", "Report", "Row", "Variant", "Watch", "contact_sheet", "items", "run", "sweep"]

_HOMES = {
    "Item": "item",
    "Manifest": "manifest",
    "Report": "runner",
    "Row": "manifest",
    "Variant": "variants",
    "Watch": "watch",
    "contact_sheet": "sheet",
    "items": "item",
    "run": "runner",
    "sweep": "variants",
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
