"""How far a whole graph is, from what is heard of its nodes: one number that never goes back.

Each node of the submitted graph has a weight; a node that samples weighs as many as its steps. What is cached counts as
done, what is expanded counts for the node it came from, and a node that is not heard of at all costs nothing: the number
is 1.0 exactly when the job has succeeded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .messages import NodeState

LOADER_WEIGHT = 2.0
"""A node that reads a model from disk, against 1.0 for a plain one."""
SAMPLER_WEIGHT = 20.0
"""A node that samples and does not hold its own number of steps (it gets its sigmas through a link)."""
MOST_STEPS = 1000.0
ALMOST = 0.999
"""The most it says before the job has succeeded."""


class Fraction:
    """The part of one prompt that is done.

    Args:
        prompt: the API-format prompt; an empty mapping when it is not known (a job that was taken up by its id).

    Example:
        >>> fraction = Fraction({"1": {"class_type": "EmptyImage"}, "2": {"class_type": "SaveImage"}})
        >>> fraction.done("1")
        >>> fraction.value
        0.5
    """

    def __init__(self, prompt: Mapping[str, Any]) -> None:
        self._weights = {node: _weight(record) for node, record in prompt.items()}
        self._total = sum(self._weights.values()) or 1.0
        self._parts: dict[str, float] = {}
        self._sum = 0.0
        self._most = 0.0
        self._children: dict[str, set[str]] = {}
        self._children_done: dict[str, set[str]] = {}

    @property
    def value(self) -> float:
        """0.0 to 1.0; never less than it was."""
        self._most = max(self._most, min(self._sum / self._total, ALMOST))
        return self._most

    def finish(self) -> None:
        """The job has succeeded."""
        self._most = 1.0

    def cached(self, nodes: Iterable[str]) -> None:
        """These need not run."""
        for node in nodes:
            self._set(node, 1.0)

    def done(self, node: str) -> None:
        """This one has run."""
        self._set(node, 1.0)

    def step(self, node: str, display: str, value: float, most: float) -> None:
        """`node`, shown as `display`, is at `value` of `most` steps. A node at its last step is not yet done."""
        if node != display or most <= 0:
            return
        self._set(node, min(max(value / most, 0.0), 1.0) * 0.99)

    def states(self, nodes: Iterable[NodeState]) -> None:
        """What a ``progress_state`` message tells of all nodes that have begun."""
        for state in nodes:
            if state.node == state.display_node:
                # A node that expands is called finished when its inner nodes have run.
                if state.state == "finished":
                    self._set(state.node, 1.0)
                elif state.max > 0:
                    self.step(state.node, state.display_node, state.value, state.max)
                continue
            self._children.setdefault(state.display_node, set()).add(state.node)
            if state.state == "finished":
                self._children_done.setdefault(state.display_node, set()).add(state.node)
        for display, children in self._children.items():
            # How many inner nodes there will be is not known before they begin: one more is always expected.
            self._set(display, len(self._children_done.get(display, ())) / (len(children) + 1))

    def _set(self, node: str, part: float) -> None:
        weight = self._weights.get(node)
        if weight is None:
            return
        before = self._parts.get(node, 0.0)
        if part > before:
            self._parts[node] = part
            self._sum += (part - before) * weight


def _weight(record: Any) -> float:
    if not isinstance(record, Mapping):
        return 1.0
    class_type = str(record.get("class_type", ""))
    inputs: Any = record.get("inputs")
    steps: Any = inputs.get("steps") if isinstance(inputs, Mapping) else None
    sampler = "Sampler" in class_type and "Select" not in class_type
    if sampler and isinstance(steps, (int, float)) and not isinstance(steps, bool) and steps == steps:
        return float(min(max(steps, 1.0), MOST_STEPS))
    if sampler and "noise" in (inputs or {}):
        return SAMPLER_WEIGHT
    return LOADER_WEIGHT if "Loader" in class_type else 1.0
