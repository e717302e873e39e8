"""What the simulator does for each node class, as one table per kind.

A class that is in no table is refused when it is to run, in words that say so: nothing is passed off as run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..context import Answer, Context, Fingerprint, LazyCheck

if TYPE_CHECKING:
    from ..context import Function
    from ..definitions import Definitions


class CannotRun(NotImplementedError):
    """A node class that the simulator has no stand-in for."""


# ComfyUI shows a failure's type as Python names it; this one is to read as what it is.
CannotRun.__module__ = "comfygraph.simulator"


class Library:
    """The implementations of one simulator.

    Args:
        definitions: the classes that there are, for messages.
        extra: implementations of further classes; they go before our own.
    """

    def __init__(self, definitions: Definitions, extra: Mapping[str, Function] | None = None) -> None:
        self._definitions = definitions
        self._extra = dict(extra or {})

    def function(self, class_type: str) -> Function:
        """The implementation of a class: always one that can be called."""
        found = self._extra.get(class_type) or _functions().get(class_type)
        return found if found is not None else self._refusal(class_type)

    def runs(self, class_type: str) -> bool:
        """Whether a class can be run here."""
        return class_type in self._extra or class_type in _functions()

    def lazy(self, class_type: str) -> LazyCheck | None:
        """How a class says which of its lazy inputs it wants."""
        from . import logic

        return logic.LAZY.get(class_type)

    def fingerprint(self, class_type: str) -> Fingerprint | None:
        """What makes a class run again although its inputs are the same."""
        from . import files

        return files.FINGERPRINTS.get(class_type)

    def stands_in(self, class_type: str) -> bool:
        """Whether a class draws what a model would make."""
        from . import sampling

        return class_type in sampling.STAND_INS

    def _refusal(self, class_type: str) -> Function:
        record = self._definitions.record(class_type) if class_type in self._definitions else {}
        reason = (
            "it is a partner node: it would call a paid service"
            if record.get("api_node")
            else "it has no stand-in for it"
        )

        def refuse(context: Context, /, **inputs: Any) -> tuple[Any, ...] | Answer:
            raise CannotRun(
                f"the comfygraph simulator cannot run {class_type}: {reason}. Run this graph on a real ComfyUI, "
                f"or give the simulator a function for it (Simulator(functions={{{class_type!r}: …}}))"
            )

        return refuse


_table: dict[str, Function] = {}


def _functions() -> Mapping[str, Function]:
    if not _table:
        from . import conditioning, effects, files, images, latents, loaders, logic, masks, patches, sampling, strings

        for module in (
            conditioning,
            effects,
            files,
            images,
            latents,
            loaders,
            logic,
            masks,
            patches,
            sampling,
            strings,
        ):
            _table.update(module.TABLE)
    return _table


__all__: Final = ["CannotRun", "Library"]
