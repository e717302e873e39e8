"""Ids of nodes that subgraphs made: ``"hires_fix:1"``, nested ``"portrait:hires_fix:1"``, a second call ``"hires_fix_2:1"``."""

# pyright: reportPrivateUsage=false
# Within one package, an underscore keeps a name from users, not from its neighbours.
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..errors import GraphError
from ..node import Node
from ..problems import Problem
from .decorator import Call, call_of

if TYPE_CHECKING:
    from ..graph import Entry


def part_ids(nodes: Iterable[Node], table: Mapping[str, Entry]) -> dict[int, str]:
    """Ids for those of these new nodes that subgraphs made, by identity of the node.

    Args:
        nodes: what is about to be written into the table, in order of creation.
        table: what is there; calls that have nodes in it keep their names.

    Raises:
        GraphError: two nodes of one call want the same name.
    """
    prefixes = prefixes_in(table)
    taken = set(table)
    for node_id in table:
        pieces = node_id.split(":")[:-1]
        taken.update(":".join(pieces[: i + 1]) for i in range(len(pieces)))
    following: dict[str, int] = {}
    found: dict[int, str] = {}
    for node in nodes:
        call = call_of(node)
        if call is None:
            continue
        prefix = _prefix(call, prefixes, taken)
        name = node._extra.name if node._extra is not None else None
        if name is None:
            number = following.get(prefix, 1)
            while f"{prefix}:{number}" in taken:
                number += 1
            following[prefix] = number + 1
            name = str(number)
        node_id = f"{prefix}:{name}"
        if node_id in taken:
            message = f"two nodes want the id {node_id!r}"
            hint = "give one of them another name"
            raise GraphError(
                [Problem("error", "duplicate_id", message, node_id, node.class_type, hint=hint, where=node.where)]
            )
        taken.add(node_id)
        found[id(node)] = node_id
    return found


def prefixes_in(table: Mapping[str, Entry]) -> dict[Call, str]:
    """What the ids of each call begin with in a table."""
    found: dict[Call, str] = {}
    for node_id, entry in table.items():
        call = call_of(entry.token)
        if call is None:
            continue
        name = entry.token._extra.name if isinstance(entry.token, Node) and entry.token._extra else None
        rest = node_id.removesuffix(f":{name}") if name is not None else node_id.rpartition(":")[0]
        for outer in reversed(call.chain):
            if rest in ("", node_id):
                break  # an id given anew, as by `merge`
            found.setdefault(outer, rest)
            rest = rest.rpartition(":")[0]
    return found


def _prefix(call: Call, prefixes: dict[Call, str], taken: set[str]) -> str:
    """What this call's ids begin with, found for it and those around it if it has none yet."""
    prefix = ""
    for outer in call.chain:
        known = prefixes.get(outer)
        if known is None:
            known = wanted = f"{prefix}:{outer.subgraph.name}" if prefix else outer.subgraph.name
            number = 2
            while known in taken:
                known = f"{wanted}_{number}"
                number += 1
            taken.add(known)
            prefixes[outer] = known
        prefix = known
    return prefix
