"""A graph as the editor's own file, laid out: what ComfyUI opens as a drawing rather than as a program.

The other way round of `workflow.to_api`, and by the same tables and forms: that gives the same prompt back, ids aside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..definition import MISSING, NodeDef
from . import editor_tables as tables
from .editor_draft import Draft, draft, link_of
from .editor_file import mapping, sequence
from .editor_file import node_id as file_id
from .editor_graph import Node
from .editor_sizes import TITLE, output_port, port, size
from .editor_widgets import Socket, _without_dummies
from .layout import Group, Layout, arrange
from .layout_columns import Box, Wire

if TYPE_CHECKING:
    from ..graph import Graph

VERSION: Final = 0.4
"""The schema: links as lists. It is what the editor itself writes."""
OURS: Final = "comfygraph"
"""The property in which a node keeps what the editor's format has no place for: its id in the graph, and stray inputs."""

_CORE: Final = ("nodes", "comfy_extras.", "comfy_api_nodes.")


def to_workflow(
    graph: Graph, catalogue: Mapping[str, NodeDef] | None = None, *, uploaded: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A graph in the editor's format, laid out from left to right.

    Ids that are whole numbers stay; others (``"sampler"``, ``"375:4"``) get numbers of their own, and `with_original_ids` gives them
    back. Nodes whose ids share a prefix, as those of one subgraph do, are drawn as a group. A plain value on an input that the
    editor has no widget for (PreviewAny's ``source``) comes from a primitive node that is added, as a person would draw it.

    Args:
        graph: the graph; what is wrong in it is drawn as far as it can be, and nothing is raised.
        catalogue: the definitions of its nodes; the bundled ones by default. A node of another class is drawn from what the graph
            says of it.
        uploaded: names the server gave to uploads, by `Upload.name`.

    Returns:
        The decoded file (schema 0.4), ready for ``json.dumps``.

    Example:
        >>> to_workflow(graph)["nodes"][0]["type"]   # doctest: +SKIP
        'CheckpointLoaderSimple'
    """
    if catalogue is None:
        from ..catalogue import Catalogue

        catalogue = Catalogue.bundled()
    return _written(draft(graph.to_api(check=False, uploaded=uploaded), catalogue), catalogue)


def original_ids(workflow: Mapping[str, Any]) -> dict[str, str]:
    """The ids that the nodes of a `to_workflow` file had in their graph, by their ids in the file, where the two differ.

    Nodes that were copied in the editor share an id there; only the first of them has it here.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for item in sequence(workflow.get("nodes")):
        node = mapping(item) or {}
        kept = (mapping((mapping(node.get("properties")) or {}).get(OURS)) or {}).get("id")
        identifier = file_id(node.get("id"))
        if isinstance(kept, str) and kept and kept not in taken and identifier is not None:
            taken.add(kept)
            found[identifier] = kept
    return found


def with_original_ids(prompt: Mapping[str, Any], workflow: Mapping[str, Any]) -> dict[str, Any]:
    """The prompt of a `to_workflow` file with the ids that the nodes had in their graph; other nodes keep theirs.

    Args:
        prompt: what `workflow.to_api` made of the file.
        workflow: the decoded file, also after it was edited and saved in the editor.
    """
    new = original_ids(workflow)
    taken = {node_id for node_id in prompt if node_id not in new}
    new = {node_id: name for node_id, name in new.items() if node_id in prompt and name not in taken}
    found: dict[str, Any] = {}
    for node_id, entry in prompt.items():
        inputs = {
            name: [new.get(end[0], end[0]), end[1]] if (end := link_of(value)) is not None else value
            for name, value in entry["inputs"].items()
        }
        found[new.get(node_id, node_id)] = {**entry, "inputs": inputs}
    return found


def _written(drawn: Draft, catalogue: Mapping[str, NodeDef]) -> dict[str, Any]:
    sizes = {node_id: size(node) for node_id, node in drawn.nodes.items()}
    layout = _layout(drawn, sizes)
    release: object = getattr(catalogue, "release", None)
    turn = {node_id: place for place, node_id in enumerate(drawn.order)}
    leaving: dict[tuple[str, int], list[int]] = {}
    rows: list[list[Any]] = []
    for number, (source, slot, target, place) in enumerate(drawn.links, 1):
        leaving.setdefault((source, slot), []).append(number)
        kind = drawn.nodes[source].outputs[slot]
        rows.append([number, drawn.number[source], slot, drawn.number[target], place, kind])
    nodes = [
        _node(drawn, node_id, node, corner, sizes[node_id], turn[node_id], leaving, release)
        for (node_id, node), corner in zip(drawn.nodes.items(), layout.corners)
    ]
    return {
        "revision": 0,
        "last_node_id": max(drawn.number.values(), default=0),
        "last_link_id": len(rows),
        "nodes": nodes,
        "links": rows,
        "groups": [
            {"id": number, "title": _group_title(group), "bounding": list(rectangle), "color": "#3f789e", "flags": {}}
            for number, (group, rectangle) in enumerate(layout.groups.items(), 1)
        ],
        "config": {},
        "extra": {"workflowRendererVersion": "LG"},
        "version": VERSION,
    }


def _node(
    drawn: Draft,
    node_id: str,
    node: Node,
    corner: tuple[int, int],
    dimensions: tuple[int, int],
    turn: int,
    leaving: Mapping[tuple[str, int], list[int]],
    release: object,
) -> dict[str, Any]:
    definition = node.definition
    names = [output.name for output in definition.outputs] if definition is not None else []
    names += [f"output {slot}" for slot in range(len(names), len(node.outputs))]
    properties: dict[str, Any] = {"Node name for S&R": node.file.type}
    if definition is not None and definition.module.startswith(_CORE):
        properties["cnr_id"] = "comfy-core"
        if isinstance(release, str):
            properties["ver"] = release
    kept = str(drawn.number[node_id]) == node_id or node_id in drawn.added
    ours: dict[str, Any] = {} if kept else {"id": node_id}
    if node_id in drawn.stray:
        ours["inputs"] = drawn.stray[node_id]
    if ours:
        properties[OURS] = ours
    row: dict[str, Any] = {
        "id": drawn.number[node_id],
        "type": node.file.type,
        "pos": [corner[0], corner[1] + TITLE],
        "size": list(dimensions),
        "flags": {},
        "order": turn,
        "mode": 0,
        "inputs": [_socket(socket) for socket in node.form.sockets],
        "outputs": [
            {"name": name, "type": kind, "links": leaving.get((node_id, slot))}
            for slot, (name, kind) in enumerate(zip(names, node.outputs))
        ],
        "properties": properties,
        "widgets_values": _saved(node),
    }
    if node.file.title:
        row["title"] = node.file.title
    return row


def _socket(socket: Socket) -> dict[str, Any]:
    row: dict[str, Any] = {"name": socket.name, "type": socket.type}
    if socket.widget is not None:
        row["widget"] = {"name": socket.widget}
    row["link"] = socket.link
    return row


def _layout(drawn: Draft, sizes: Mapping[str, tuple[int, int]]) -> Layout:
    index = {node_id: place for place, node_id in enumerate(drawn.nodes)}
    boxes = [
        Box(width, height + TITLE, _loads(drawn.nodes[node_id].definition))
        for node_id, (width, height) in sizes.items()
    ]
    wires = [
        Wire(index[source], index[target], output_port(slot), port(drawn.nodes[target], place))
        for source, slot, target, place in drawn.links
    ]
    return arrange(boxes, wires, [_group(node_id) for node_id in drawn.nodes])


def _loads(definition: NodeDef | None) -> bool:
    """Whether a node loads models from files: loaders stand together at the left."""
    if definition is None:
        return False
    return any(item.folder is not None and not _is_upload(item.flags) for item in definition.inputs.values())


def _is_upload(flags: Mapping[str, Any]) -> bool:
    return any(flags.get(flag) is True for flag in (*tables.UPLOAD_FLAGS, "audio_upload"))


def _group(node_id: str) -> Group:
    """The subgraphs that a node is in, by its id: ``"375:4"`` is in 375."""
    return tuple(part for part in node_id.split(":")[:-1] if part)


def _group_title(group: Group) -> str:
    name = group[-1]
    return f"Subgraph {name}" if name.isdecimal() else name


def _saved(node: Node) -> list[Any]:
    """``widgets_values``: what the node's widgets hold, in their order."""
    values = [None if widget.value is MISSING else widget.value for widget in node.form.widgets if widget.saved]
    definition = node.definition
    if definition is not None and _without_dummies(node.form, definition, values) is not values:
        values.append(None)  # else it would pass for a file of an older editor, by its number of values
    return values
