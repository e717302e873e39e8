"""The editor's subgraphs as functions: the nodes whose ids begin alike (``"88:3"``, ``"88:5"``), under the name that the file gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from .editor_file import mapping, sequence
from .python_repeats import LEAST, Repeat, shape
from .python_steps import Step

MOST_RESULTS: Final = 6
"""A function that gives more is harder to read than what is in it."""


def names_in(workflow: object) -> dict[str, str]:
    """The names of the subgraphs in an editor-format workflow, by the id that the ids of their nodes begin with.

    Args:
        workflow: the decoded file; whatever else it is, there are no names in it.

    Example:
        >>> names_in({"nodes": [{"id": 88, "type": "a1b2"}], "definitions": {"subgraphs": [{"id": "a1b2", "name": "Upscale"}]}})
        {'88': 'Upscale'}
    """
    data = mapping(workflow) or {}
    definitions = (mapping(d) or {} for d in sequence((mapping(data.get("definitions")) or {}).get("subgraphs")))
    known = {str(d.get("id")): d.get("name") for d in definitions}
    found: dict[str, str] = {}
    for node in sequence(data.get("nodes")):
        row = mapping(node) or {}
        name = known.get(str(row.get("type")))
        if isinstance(name, str):
            found[str(row.get("id"))] = name
    return found


def find(steps: Mapping[str, Step], order: Sequence[str], names: Mapping[str, str]) -> list[Repeat]:
    """The subgraphs that are worth a function; two of one name and shape are one function."""
    members: dict[str, list[str]] = {}
    for node_id in order:
        prefix, colon, _ = node_id.partition(":")
        if colon and prefix in names:
            members.setdefault(prefix, []).append(node_id)
    found: dict[Any, Repeat] = {}
    for prefix, nodes in members.items():
        if len(nodes) < LEAST or any(steps[node_id].typed is None for node_id in nodes):
            continue
        local = sorted(nodes, key=lambda node_id: node_id.partition(":")[2])
        key = (names[prefix], tuple(n.partition(":")[2] for n in local), shape(steps, local))
        repeat = found.get(key)
        if repeat is None:
            found[key] = Repeat([nodes], group=names[prefix])
        else:
            first = {n.partition(":")[2]: i for i, n in enumerate(repeat.parts[0])}
            repeat.parts.append(sorted(nodes, key=lambda n: first[n.partition(":")[2]]))
    return [repeat for repeat in found.values() if 0 < len(repeat.results(0, steps)) <= MOST_RESULTS]


def together(steps: Mapping[str, Step], order: Sequence[str], groups: Sequence[Repeat]) -> list[str] | None:
    """The order with the nodes of each part side by side; None where what is outside stands between them."""
    block: dict[str, str] = {node_id: node_id for node_id in order}
    for repeat in groups:
        for part in repeat.parts:
            block.update((node_id, part[-1]) for node_id in part)
    content: dict[str, list[str]] = {}
    place: dict[str, int] = {}
    for i, node_id in enumerate(order):
        content.setdefault(block[node_id], []).append(node_id)
        place[block[node_id]] = i
    for repeat in groups:
        for part in repeat.parts:
            content[part[-1]] = part
    import networkx as nx

    flow: nx.DiGraph[str] = nx.DiGraph()
    flow.add_nodes_from(content)
    flow.add_edges_from((block[s], b) for b, nodes in content.items() for n in nodes for _, s, _ in steps[n].links())
    flow.remove_edges_from(list(nx.selfloop_edges(flow)))
    try:
        return [
            node_id for b in nx.lexicographical_topological_sort(flow, key=place.__getitem__) for node_id in content[b]
        ]
    except nx.NetworkXUnfeasible:
        return None
