"""Small editor workflows, drawn by hand for the tests."""

from __future__ import annotations

from typing import Any


class Drawing:
    """A workflow, or the inside of a subgraph, that is drawn node by node.

    `node` gives a node its sockets from what is joined later; `join` makes a link. Ids count from `first`.
    """

    def __init__(self, first: int = 1) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.links: list[list[Any]] = []
        self.inputs: list[dict[str, Any]] = []
        self.outputs: list[dict[str, Any]] = []
        self._next = first

    def node(self, kind: str, *values: Any, outputs: tuple[str, ...] = (), **more: Any) -> int:
        """Add a node with its widget values; `outputs` are the types of its outputs."""
        number = self._next
        self._next += 1
        node: dict[str, Any] = {"id": number, "type": kind, "pos": [0, 0], "mode": 0, "flags": {}, "order": number}
        node |= {"inputs": [], "outputs": [{"name": t, "type": t, "links": []} for t in outputs], "properties": {}}
        if values:
            node["widgets_values"] = list(values)
        node |= more
        self.nodes.append(node)
        return number

    def socket(self, number: int, name: str, kind: str = "*", *, widget: bool = False) -> int:
        """The place of an input of a node, added if need be."""
        inputs = next(node for node in self.nodes if node["id"] == number)["inputs"]
        for place, slot in enumerate(inputs):
            if slot["name"] == name:
                return place
        inputs.append({"name": name, "type": kind, "link": None, **({"widget": {"name": name}} if widget else {})})
        return len(inputs) - 1

    def join(self, source: int, slot: int, target: int, name: str, kind: str = "*", *, widget: bool = False) -> int:
        """Join an output to an input."""
        place = self.socket(target, name, kind, widget=widget)
        number = len(self.links) + 100 + 1000 * self.nodes[0]["id"]
        self.links.append([number, source, slot, target, place, kind])
        next(node for node in self.nodes if node["id"] == target)["inputs"][place]["link"] = number
        for node in self.nodes:
            if node["id"] == source and slot < len(node["outputs"]):
                node["outputs"][slot]["links"].append(number)
        return number

    def takes(self, name: str, kind: str, *ends: tuple[int, str], widget: bool = False) -> None:
        """Add an input of the subgraph, joined to inputs inside."""
        place = len(self.inputs)
        links = [self.join(-10, place, number, slot, kind, widget=widget) for number, slot in ends]
        self.inputs.append({"id": f"in-{name}", "name": name, "type": kind, "linkIds": links})

    def gives(self, name: str, kind: str, source: int, slot: int = 0) -> None:
        """Add an output of the subgraph, joined to an output inside."""
        number = len(self.links) + 100 + 1000 * self.nodes[0]["id"]
        self.links.append([number, source, slot, -20, len(self.outputs), kind])
        self.outputs.append({"id": f"out-{name}", "name": name, "type": kind, "linkIds": [number]})

    def definition(self, identifier: str, name: str = "Part") -> dict[str, Any]:
        """As a subgraph definition."""
        keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        return {
            "id": identifier,
            "name": name,
            "version": 1,
            "nodes": self.nodes,
            "links": [dict(zip(keys, link, strict=True)) for link in self.links],
            "inputs": self.inputs,
            "outputs": self.outputs,
        }

    def file(self, *subgraphs: dict[str, Any], **extra: Any) -> dict[str, Any]:
        """As a workflow file of schema 0.4."""
        return {
            "id": "drawn",
            "last_node_id": max((node["id"] for node in self.nodes), default=0),
            "last_link_id": 9999,
            "nodes": self.nodes,
            "links": self.links,
            "groups": [],
            "definitions": {"subgraphs": list(subgraphs)},
            "extra": extra,
            "version": 0.4,
        }
