"""The links in one row of a graph's table, typed: a table holds them as tuples among plain values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from .graph import Entry

Slot = tuple[str, int]
"""A node's id and the number of one of its outputs."""


def is_slot(value: Any) -> TypeGuard[Slot]:
    """Whether a table's value is a link: links are the only tuples there."""
    return type(value) is tuple


def slots(entry: Entry) -> Iterator[tuple[str, Slot]]:
    """The links of a node: input name, and where each comes from."""
    for name, value in (entry.inputs or {}).items():
        if is_slot(value):
            yield name, value
