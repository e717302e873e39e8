"""Constructed nodes -> rows of a graph's table, in the cases that are not the plain one: names, titles, handles of
another graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import EditError, GraphError
from .graph import Entry, Graph, Token
from .node import Node, whence
from .problems import Problem

if TYPE_CHECKING:
    from .links import Link


def number(nodes: list[Node]) -> tuple[dict[str, Entry], dict[int, str]]:
    """A table of these nodes, which are in order of creation, with ids by identity.

    Handles of a loaded graph bring along everything upstream of them there, ids kept.
    """
    table: dict[str, Entry] = {}
    for node in nodes:
        graph = node._extra.graph if node._extra is not None else None
        if graph is not None and node._extra is not None:
            _bring(table, graph, str(node._extra.id))
    insert(table, [node for node in nodes if node._extra is None or node._extra.graph is None])
    return table, {id(entry.token): node_id for node_id, entry in table.items()}


def rules_of(nodes: Iterable[Node], rules: tuple[Any, ...]) -> tuple[Any, ...]:
    """These rules, and those of the graphs that the nodes are handles of."""
    graphs = (node._extra.graph for node in nodes if node._extra is not None)
    return tuple(dict.fromkeys([*rules, *(rule for graph in graphs if graph is not None for rule in graph.rules)]))


def insert(table: dict[str, Entry], nodes: Iterable[Node]) -> dict[int, str]:
    """Write constructed nodes into `table`, after what is there; returns the ids of all, by identity of the node.

    Raises:
        GraphError: two nodes want one id.
        EditError: a node is linked to one that is neither in the table nor among `nodes`.
    """
    ids = {id(entry.token): node_id for node_id, entry in table.items()}
    fresh = [node for node in nodes if id(node._token) not in ids]
    taken = set(table)
    if any(hasattr(node._extra, "call") for node in fresh):
        from .subgraphs.ids import part_ids

        named = part_ids(fresh, table)
        ids.update(named)
        taken.update(named.values())
    for node in fresh:
        name = node._extra.name if node._extra is not None else None
        if name is not None and id(node) not in ids:
            if name in taken:
                raise GraphError(
                    [
                        Problem(
                            "error",
                            "duplicate_id",
                            f"two nodes want the id {name!r}",
                            name,
                            node.class_type,
                            hint="give one of them another name",
                            **whence(node),
                        )
                    ]
                )
            taken.add(name)
            ids[id(node)] = name
    following = largest(table) + 1
    for node in fresh:
        if id(node) not in ids:
            while str(following) in taken:
                following += 1
            ids[id(node)] = str(following)
            following += 1
    for node in fresh:
        inputs = dict(node._inputs)
        for name, link in node._links:
            inputs[name] = (source_id(ids, link), link._slot)
        title = node._extra.title if node._extra is not None else None
        rest = {"_meta": {"title": title}} if title is not None else None
        table[ids[id(node)]] = Entry(node.class_type, inputs, node, rest, node._proof)
    return ids


def source_id(ids: Mapping[int, str], link: Link[Any]) -> str:
    """The id of the node that a link comes from. Raises EditError when it has none."""
    node_id = ids.get(id(link._node._token))
    if node_id is None:
        raise EditError(f"{link!r} is of a node that is not in this graph")
    return node_id


def largest(table: Mapping[str, Any]) -> int:
    """The largest whole number among the ids, 0 when there is none."""
    return max(
        (int(node_id) for node_id in table if node_id.isascii() and node_id.isdigit() and len(node_id) < 16), default=0
    )


def _bring(table: dict[str, Entry], graph: Graph, node_id: str) -> None:
    """Write a node of another graph, and all that it needs, into `table`."""
    from .edits import upstream_ids

    needed = upstream_ids(graph._table, [node_id])
    for current, entry in graph._table.items():
        if current in needed and table.setdefault(current, entry) is not entry:
            raise EditError(
                f"the nodes come from two graphs, and both have a node {current!r}: build from the nodes of one, or merge them"
            )


def frozen(graph: Graph) -> list[tuple[Any, ...]]:
    """The rows of a graph as plain data, for pickling: no handle is kept, so that no chain of nodes is walked."""
    return [(node_id, e.class_type, e.inputs, e.rest) for node_id, e in graph._table.items()]


def handle(graph: Graph, node_id: str) -> Node:
    """The handle of a node, for unpickling."""
    return graph[node_id]


def thaw(rows: list[tuple[Any, ...]], rules: tuple[Any, ...]) -> Graph:
    """A graph from `frozen` rows."""
    return Graph._of({row[0]: Entry(row[1], row[2], Token(), row[3]) for row in rows}, rules)
