"""Node ids that are used twice: the editor gives a subgraph's node a new one where the workflow, or a subgraph before, has its id.

So it is this, and not the file, that decides which ids a prompt has.
"""

from __future__ import annotations

from typing import Any

from .editor_file import EditorFile, FileGraph, sequence


def tell_apart(file: EditorFile) -> None:
    """Give every node of the subgraph definitions an id that nothing else has, as the editor does on loading."""
    used = {node for node in file.root.nodes if _whole(node) is not None}
    last = file.last_node_id
    renamed: dict[str, dict[str, str]] = {}
    for graph in file.subgraphs.values():
        new: dict[str, str] = {}
        for node in graph.nodes:
            number = _whole(node)
            if node not in used:
                used.add(node)
                last = max(last, number) if number is not None else last
                continue
            last += 1
            while str(last) in used:
                last += 1
            new[node] = str(last)
            used.add(str(last))
        if new:
            renamed[graph.id] = new
            _rename(graph, new)
    for graph in (file.root, *file.subgraphs.values()) if renamed else ():
        for item in graph.nodes.values():
            rows = sequence(item.properties.get("proxyWidgets"))
            if item.type in renamed and rows:
                item.properties = {**item.properties, "proxyWidgets": [_row(row, renamed[item.type]) for row in rows]}


def _whole(node: str) -> int | None:
    number = int(node) if node.isascii() and node.lstrip("-").isdecimal() and len(node) < 16 else None
    return number if number is not None and str(number) == node else None


def _rename(graph: FileGraph, new: dict[str, str]) -> None:
    for node in graph.nodes.values():
        node.id = new.get(node.id, node.id)
    graph.nodes = {node.id: node for node in graph.nodes.values()}
    for link in graph.links.values():
        link.origin = new.get(link.origin, link.origin)
        link.target = new.get(link.target, link.target)


def _row(row: Any, new: dict[str, str]) -> Any:
    cells = sequence(row)
    return [new.get(str(cells[0]), cells[0]), *cells[1:]] if cells else row
