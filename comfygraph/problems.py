"""What is wrong with a graph: `Problem`, and how a list of them reads in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a graph, or that its owner should know.

    Attributes:
        severity: ``"error"``: the server would refuse it, fail on it or run something else. ``"warning"``: it runs.
        code: what kind of problem; the server's own `type` string where it has one, such as ``"value_not_in_list"``.
        message: what is wrong, one line.
        node_id: the node's id in the graph; None for a problem of the whole graph, or a node not yet in one.
        class_type: the node's class.
        input: the input's name as the server knows it (dotted inside dynamic inputs).
        hint: what would fit, or what to do; one line; may be empty.
        where: ``file:line`` of the user's own call that made the node, when it was made in Python.
        variable: the variable that the call was assigned to, when it can be had.
    """

    severity: Severity
    code: str
    message: str
    node_id: str | None = None
    class_type: str | None = None
    input: str | None = None
    hint: str = ""
    where: str | None = None
    variable: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The problem as plain data, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return render([self])


def render(problems: Sequence[Problem]) -> str:
    """The problems as text for a person: one block each, and a count when there are several.

    Example:
        >>> print(render([Problem("error", "prompt_no_outputs", "the graph has no output node", hint="add a SaveImage")]))
        error[prompt_no_outputs]: the graph has no output node
          hint: add a SaveImage
    """
    blocks: list[str] = []
    for problem in problems:
        lines = [f"{problem.severity}[{problem.code}]: {problem.message}"]
        place = _place(problem)
        if place:
            lines.append(f"  at: {place}")
        if problem.hint:
            lines.append(f"  hint: {problem.hint}")
        blocks.append("\n".join(lines))
    if len(problems) > 1:
        blocks.append(count(problems))
    return "\n".join(blocks)


def count(problems: Sequence[Problem]) -> str:
    """``"2 errors, 1 warning"``."""
    tally = [(sum(p.severity == s for p in problems), s) for s in ("error", "warning")]
    return ", ".join(f"{n} {s}{'s' if n != 1 else ''}" for n, s in tally if n) or "no problems"


def _place(problem: Problem) -> str:
    parts: list[str] = []
    if problem.node_id is not None:
        node = f"node {problem.node_id}"
        parts.append(f"{node} ({problem.class_type})" if problem.class_type else node)
    elif problem.class_type:
        parts.append(problem.class_type)
    if problem.where:
        parts.append(f"{problem.variable} = … in {problem.where}" if problem.variable else problem.where)
    return ", ".join(parts)
