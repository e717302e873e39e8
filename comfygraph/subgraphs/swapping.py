"""`Graph.swap`: another subgraph in the place of a part."""

# pyright: reportPrivateUsage=false
# Within one package, an underscore keeps a name from users, not from its neighbours.
from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from ..adopt import source_id
from ..edits import _consumers, _dropped, _rewire, adopt, definition_of, downstream_ids, label, upstream_ids
from ..errors import EditError, GraphError
from ..links import Link, fits
from ..wires import slots
from .decorator import Subgraph, as_output, is_link
from .parts import Part, one_part

if TYPE_CHECKING:
    from ..graph import Graph

Place = tuple[str, str]
"""A node's id and one of its inputs."""
Wire = tuple[Link[Any], Link[Any], list[Place]]
"""An output of the part, what takes its place, and what takes it."""


def swap(
    graph: Graph, old: Subgraph[..., Any] | Part | str, new: Callable[..., Any], given: Mapping[str, Any]
) -> Graph:
    """The graph with what `new` makes in the place of a part.

    `new` gets the links that go into the part, by name and as they stand in the graph, and what is `given`; the consumers of
    the part's outputs get its outputs, by name or, where one is returned, the one. The part goes, with what only it needed.

    Raises:
        EditError: no such part or several; surfaces that do not fit each other, both listed; a node outside uses a node in
            the middle of the part; the result would be a cycle.
        GraphError: a value that a node of `new` does not take.
    """
    from ..graph import Graph

    part = one_part(graph, old)
    made = cast("Subgraph[..., Any]", new) if isinstance(new, Subgraph) else Subgraph(new)
    wiring = _wiring(part, made, _called(part, made, given))
    gone = set(part.ids) | _hanging(part, made, wiring)
    for _, link, _ in wiring:
        if link._node in graph and graph.id(link._node) in gone:
            raise EditError(f"{made.name} returns {link!r}, a node of the part {part.id!r} that it is to replace")
    # The part is out before the new one comes in, so that its ids are free.
    table = {node_id: entry for node_id, entry in graph._table.items() if node_id not in gone}
    ids = adopt(graph, table, [link for _, link, _ in wiring])
    for _, link, consumers in wiring:
        target = (source_id(ids, link), link._slot)
        _rewire(graph, table, consumers, target, link._kind)
        if {node_id for node_id, _ in consumers} & upstream_ids(table, [target[0]]):
            raise EditError(f"{made.name} in the place of {part.id!r} would close a cycle: it needs its own result")
    before = {source for node_id in gone for _, (source, _) in slots(graph._table[node_id]) if source in table}
    for node_id in _dropped(table, before, keep=set()):
        del table[node_id]
    _succeed(part, wiring)
    return Graph._of(table, graph.rules)


def _called(part: Part, new: Subgraph[..., Any], given: Mapping[str, Any]) -> dict[str, Link[Any]]:
    """What `new` returns for the part's links and what is given."""
    parameters = new._signature.parameters
    unknown = [name for name in given if name not in parameters and not _takes_any(parameters)]
    if unknown:
        raise _mismatch(part, new, f"{new.name} has no parameter {', '.join(map(repr, unknown))}")
    links = _links(part, {name for name in parameters if name not in given})
    arguments: dict[str, Any] = {**{name: link for name, link in links.items() if name in parameters}, **given}
    missing = [
        p.name
        for p in parameters.values()
        if p.default is p.empty and p.name not in arguments and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if missing:
        needs = ", ".join(missing)
        raise _mismatch(part, new, f"it needs {needs}, which {part.id!r} has no link for: give it as {missing[0]}=…")
    positional = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_ONLY and p.name in arguments]
    keywords = {name: value for name, value in arguments.items() if name not in positional}
    try:
        _, call = new.called(part.call.parent, *(arguments[name] for name in positional), **keywords)
        return call.outputs
    except GraphError as error:
        if any(problem.code == "return_type_mismatch" for problem in error.problems):
            raise _mismatch(part, new, error.problems[0].message) from error
        raise


def _links(part: Part, wanted: set[str]) -> dict[str, Link[Any]]:
    """The part's links that `new` takes; the others may have become ambiguous, which is no matter then."""
    found: dict[str, Link[Any]] = {}
    for name, value in part.call.arguments.items():
        if name in wanted and is_link(value):
            link = part._entering(name, value)
            if link is not None:
                found[name] = link
    return found


def _wiring(part: Part, new: Subgraph[..., Any], gives: Mapping[str, Link[Any]]) -> list[Wire]:
    """For each output of the part that is used outside: the link, what takes its place, and its consumers."""
    graph, inside = part.graph, set(part.ids)
    found: list[Wire] = []
    single = len(gives) == 1 and len(part.call.outputs) == 1
    for name, link in part.outputs.items():
        users = _consumers(graph._table, (graph.id(link._node), link._slot))
        consumers = [(node_id, wire) for node_id, wire in users if node_id not in inside]
        other = next(iter(gives.values())) if single else gives.get(name)
        if not consumers or other == link:
            continue
        if other is None:
            used = ", ".join(f"{label(graph, node_id)}.{wire}" for node_id, wire in consumers)
            raise _mismatch(part, new, f"{new.name} returns no {name or 'single link'}, which {used} takes")
        if not fits(other._kind, link._kind):
            as_name = f" as {name}" if name else ""
            raise _mismatch(part, new, f"{new.name} returns {other._kind}{as_name} where {link._kind} is needed")
        found.append((link, other, consumers))
    return found


def _hanging(part: Part, new: Subgraph[..., Any], wiring: list[Wire]) -> set[str]:
    """The nodes outside that only served the part: spliced into it, or hanging from it and feeding no output."""
    graph, inside = part.graph, set(part.ids)
    table = dict(graph._table)
    for _, _, consumers in wiring:
        for node_id, wire in consumers:
            table[node_id] = table[node_id].but({n: v for n, v in (table[node_id].inputs or {}).items() if n != wire})
    outputs = [i for i, entry in table.items() if (d := definition_of(entry)) is None or d.output_node]
    needed = upstream_ids(table, [node_id for node_id in outputs if node_id not in inside])
    for node_id in needed - inside:
        for wire, (source, _) in slots(table[node_id]):
            if source in inside:
                user, used = f"{label(graph, node_id)}.{wire}", label(graph, source)
                raise EditError(
                    f"{new.name} cannot take the place of {part.id!r}: {user} uses {used}, which is inside it"
                )
    return downstream_ids(table, inside) - inside - needed


def _succeed(part: Part, wiring: list[Wire]) -> None:
    """Tell the parts around a nested one what has taken the place of its outputs."""
    for outer in part.call.chain[:-1]:
        for old, new, _ in wiring:
            outer.successors.setdefault(as_output(old), []).append(new)


def _takes_any(parameters: Mapping[str, inspect.Parameter]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _mismatch(part: Part, new: Subgraph[..., Any], why: str) -> EditError:
    """The refusal of a swap, with both surfaces."""
    return EditError(f"{new.name} cannot take the place of {part.id!r}: {why}\n  {part.surface}\n  {new.surface}")
