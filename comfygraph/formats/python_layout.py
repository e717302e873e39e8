"""Expressions as formatted source: on one line where they fit, else one item a line, as the formatter would have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .python_text import width

WIDTH: Final = 120


@dataclass(frozen=True)
class Atom:
    """An expression that is never broken: a name, a number, a short text."""

    text: str


@dataclass(frozen=True)
class Group:
    """An expression in brackets.

    Attributes:
        opening: what stands before the items, bracket included: ``KSampler(``.
        items: each with what stands before it: ``steps=``, a key and a colon, or nothing.
        closing: the closing bracket.
    """

    opening: str
    items: tuple[tuple[str, Expr], ...]
    closing: str


Expr = Atom | Group


def call(head: str, items: Sequence[tuple[str, Expr]]) -> Group:
    """A call; an item's name ends in ``=``, or is empty for a positional argument."""
    return Group(f"{head}(", tuple(items), ")")


def listing(items: Sequence[Expr]) -> Group:
    """A list."""
    return Group("[", tuple(("", item) for item in items), "]")


def mapping(items: Sequence[tuple[str, Expr]]) -> Group:
    """A dict; the keys are source."""
    return Group("{", tuple((f"{key}: ", item) for key, item in items), "}")


def one_line(expr: Expr, most: int) -> str | None:
    """The expression on one line; None when that takes more than `most` columns."""
    parts: list[str] = []
    room = most
    pending: list[str | Expr] = [expr]
    while pending:
        part = pending.pop()
        if isinstance(part, Group):
            pending.append(part.closing)
            for i in range(len(part.items) - 1, -1, -1):
                prefix, item = part.items[i]
                pending += (item, f"{', ' if i else ''}{prefix}")
            part = part.opening
        text = part.text if isinstance(part, Atom) else part
        room -= width(text)
        if room < 0:
            return None
        parts.append(text)
    return "".join(parts)


def lines(expr: Expr, *, head: str = "", tail: str = "", indent: int = 0) -> list[str]:
    """The lines of ``head expr tail``.

    Args:
        expr: the expression.
        head: what stands before it, such as ``"sampled = "``.
        tail: what follows, such as ``","``.
        indent: columns before the first line.
    """
    found: list[str] = []
    pending: list[tuple[int, str, Expr, str] | str] = [(indent, head, expr, tail)]
    while pending:
        entry = pending.pop()
        if isinstance(entry, str):
            found.append(entry)
            continue
        column, before, part, after = entry
        margin = " " * column
        whole = one_line(part, WIDTH - column - width(before) - width(after))
        if whole is not None or isinstance(part, Atom) or not part.items:
            text = whole if whole is not None else part.text if isinstance(part, Atom) else part.opening + part.closing
            found.append(f"{margin}{before}{text}{after}")
            continue
        found.append(f"{margin}{before}{part.opening}")
        pending.append(f"{margin}{part.closing}{after}")
        pending += [(column + 4, prefix, item, ",") for prefix, item in reversed(part.items)]
    return found
