"""What a user gives to run, made ready: checked, and as API JSON with the way back to its nodes and lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union, cast

from ..errors import ComfyError, GraphError
from ..problems import Problem

if TYPE_CHECKING:
    from ..catalogue import Catalogue
    from ..graph import Graph
    from ..uploads import Upload

API_KEY_ENVIRONMENT = "COMFYGRAPH_API_KEY"

Runnable = Union["Graph", Mapping[str, Any], Any]
"""A `Graph`, an API-format dict, or anything with a ``.graph`` (a preset's result)."""


class PartnerNodeWarning(UserWarning):
    """A graph with paid nodes is sent without a key for them."""


@dataclass(frozen=True)
class Prepared:
    """A graph that is ready to be sent.

    Attributes:
        graph: as a `Graph`.
        uploads: the files it brings.
    """

    graph: Graph
    uploads: tuple[Upload, ...]

    def to_api(self, uploaded: Mapping[str, str]) -> dict[str, Any]:
        """The API-format prompt, with the names that the server gave to the uploads."""
        return cast("dict[str, Any]", self.graph.to_api(check=False, uploaded=uploaded))

    def where(self, node_id: str) -> str | None:
        """``file:line`` of the call that made a node, when that is known."""
        try:
            return self.graph[node_id].where
        except ComfyError:
            return None

    def workflow(self, catalogue: Catalogue | None) -> dict[str, Any] | None:
        """The graph as the editor draws it, for saved pictures; None for one that cannot be drawn."""
        try:
            return self.graph.to_workflow(catalogue)
        except ComfyError:
            # A picture without it opens in the editor all the same, laid out by the editor.
            return None

    @property
    def id_of(self) -> Callable[[Any], str]:
        """From a node's handle to its id."""
        return self.graph.id

    def targets(self, nodes: Any) -> list[str] | None:
        """Handles or ids as ids."""
        if nodes is None:
            return None
        listed: list[Any] = [nodes] if isinstance(nodes, str) or not hasattr(nodes, "__iter__") else list(nodes)
        return [self.graph.id(node) for node in listed]

    def outputs(self, catalogue: Mapping[str, Any]) -> set[str]:
        """The nodes that the server runs the graph for."""
        classes = {node_id: self.graph[node_id].class_type for node_id in self.graph.ids}
        return {node_id for node_id, name in classes.items() if name in catalogue and catalogue[name].output_node}


def prepare(given: Runnable) -> Prepared:
    """Make what was given a `Graph`. Raises TypeError for what cannot be one, FormatError for a dict that is no prompt."""
    from ..graph import Graph

    graph: Any = given
    if not isinstance(graph, Graph):
        inner = getattr(graph, "graph", None)
        if isinstance(inner, Graph):
            graph = inner
        elif isinstance(graph, Mapping):
            graph = Graph.from_api(cast("Mapping[str, Any]", graph))
        else:
            from ..node import Node

            name = type(given).__name__
            hint = "; wrap it: Graph(save)" if isinstance(given, Node) else ""
            raise TypeError(f"a Graph, an API-format dict or a preset's result is run, not {name}{hint}")
    return Prepared(graph, tuple(graph.uploads()))


class FittedWarning(UserWarning):
    """A graph was changed to fit the server at hand (see `Graph.fit`)."""


def check(prepared: Prepared, catalogue: Catalogue) -> Prepared:
    """The graph as this server needs it; what was changed is told by a `FittedWarning`.

    Raises:
        GraphError: this server would not run it.
    """
    graph, notes = prepared.graph.fit(catalogue)
    problems = graph.check(catalogue)
    if any(problem.severity == "error" for problem in problems):
        raise GraphError(problems)
    if not notes:
        return prepared
    import warnings

    for note in notes:
        warnings.warn(f"node {note.node_id} ({note.class_type}): {note.message}", FittedWarning, stacklevel=6)
    return Prepared(graph, prepared.uploads)


def partner_data(prepared: Prepared, catalogue: Mapping[str, Any] | None, api_key: str | None) -> dict[str, str]:
    """What partner (paid) nodes need in ``extra_data``: the key, only when the graph has such nodes.

    The key is the argument's, then the environment's ``COMFYGRAPH_API_KEY``. A graph with such nodes and no key is told by
    a `PartnerNodeWarning`: the server takes it and those nodes fail.
    """
    nodes = prepared.graph.partner_nodes(catalogue)
    if not nodes:
        return {}
    key = api_key or os.environ.get(API_KEY_ENVIRONMENT)
    named = ", ".join(f"{node} ({prepared.graph[node].class_type})" for node in nodes[:5])
    if key:
        import logging

        logging.getLogger("comfygraph").info("the graph has paid partner nodes: %s", named)
        return {"api_key_comfy_org": key}
    import warnings

    warnings.warn(
        f"the graph has paid partner nodes and no key for them: {named}; give api_key= or set {API_KEY_ENVIRONMENT}",
        PartnerNodeWarning,
        stacklevel=4,
    )
    return {}


def unlisted_outputs(prepared: Prepared, catalogue: Mapping[str, Any], taken: tuple[str, ...]) -> list[Problem]:
    """The output nodes that the server left out, when it took a prompt and its reply was lost."""
    return [
        Problem(
            "error",
            "output_not_taken",
            "the server took the prompt without this output; why was in a reply that was lost",
            node,
            prepared.graph[node].class_type,
            where=prepared.where(node),
        )
        for node in sorted(prepared.outputs(catalogue) - set(taken))
    ]
