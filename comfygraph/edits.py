"""Edits: functions from a graph to another graph. The methods of `Graph` are their names.

An edit copies the table, never the nodes below it; ids and handles of untouched nodes stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, cast

from .adopt import insert, source_id
from .definition import MATCH_TYPE, InputDef, NodeDef
from .errors import EditError, GraphError
from .expand import declared
from .fields import Field, Misfit, Notice, field
from .graph import Entry, Graph, Token
from .links import Link, fits
from .matching import fits_through
from .naming import class_name, input_name
from .node import Node, _outside, _place
from .problems import Problem
from .raw_values import OMITTED, Raw
from .text import did_you_mean
from .untyped import json_copy
from .uploads import Upload

Table = dict[str, Entry]
LinkFn = Callable[[Any], Any]


def set_inputs(graph: Graph, node_id: str, given: Mapping[str, Any]) -> Graph:
    """`Graph.set`."""
    table = dict(graph._table)
    entry = table[node_id]
    inputs = dict(entry.inputs or {})
    definition = definition_of(entry)
    found: list[Problem] = []
    links: list[tuple[str, Link[Any]]] = []
    for name, value in given.items():
        try:
            _put(inputs, links, definition, entry, name, value)
        except Misfit as misfit:
            v = misfit.verdict
            message = f"{entry.class_type}: {v.message}"
            found.append(Problem(v.severity, v.code, message, node_id, entry.class_type, misfit.name, v.hint, here()))
    if found:
        raise GraphError(found)
    if links:
        ids = adopt(graph, table, [link for _, link in links])
        for name, link in links:
            inputs[name] = (source_id(ids, link), link._slot)
    table[node_id] = entry.but(inputs)
    if links and node_id in upstream_ids(table, [inputs[name][0] for name, _ in links]):
        raise EditError(
            f"setting {', '.join(given)} of {label(graph, node_id)} would close a cycle: the node would need its own result"
        )
    return Graph._of(table, graph.rules)


def _put(
    inputs: dict[str, Any],
    links: list[tuple[str, Link[Any]]],
    definition: NodeDef | None,
    entry: Entry,
    name: str,
    value: Any,
) -> None:
    """Write one input of a `set`, by keyword or by name on the wire."""
    if definition is None:
        _clear(inputs, name)
        if isinstance(value, Link):
            links.append((name, value))
        elif value is not None and value is not OMITTED:
            inputs[name] = value if isinstance(value, (Raw, Upload)) else json_copy(name, value)
        return
    target = _field(definition, entry, inputs, name)
    if value is None and target.optional:
        _clear(inputs, target.name)
        return
    scratch: dict[str, Any] = {}
    try:
        target.put(scratch, value)
    except Notice as notice:
        if notice.value is not None:
            scratch[target.name] = notice.value
    _clear(inputs, target.name)
    for wire, kept in scratch.items():
        if isinstance(kept, Link):
            links.append((wire, kept))
            inputs[wire] = None  # its place in the order; the link is written when its node has an id
        else:
            inputs[wire] = kept


def _field(definition: NodeDef, entry: Entry, inputs: Mapping[str, Any], name: str) -> Field:
    owner = class_name(definition.class_type)
    for d in definition.inputs.values():
        if name == d.name or name == input_name(d.name):
            return field(d, owner)
    nested = declared(definition, inputs)
    if name in nested:
        d, needed = nested[name]
        return field(_renamed(d, name, needed), owner)
    keywords = [input_name(d.name) for d in definition.inputs.values()]
    raise Misfit(_unknown(owner, name, [*keywords, *(n for n in nested if "." in n)]), name)


def _renamed(d: InputDef, name: str, needed: bool) -> InputDef:
    from dataclasses import replace

    return replace(d, name=name, required=needed)


def _unknown(owner: str, name: str, known: Iterable[str]) -> Any:
    from .values import Verdict

    return Verdict("error", "unknown_input", f"there is no input {name!r}", did_you_mean(name, known, what="input"))


def _clear(inputs: dict[str, Any], name: str) -> None:
    """Take an input out, with what a dynamic input has below it."""
    for known in [known for known in inputs if known == name or known.startswith(f"{name}.")]:
        del inputs[known]


def replace(graph: Graph, old: Link[Any], new: Link[Any]) -> Graph:
    """`Graph.replace`."""
    source, slot = find_link(graph, old)
    table = dict(graph._table)
    ids = adopt(graph, table, [new])
    target = (source_id(ids, new), new._slot)
    if target == (source, slot):
        return Graph._of(table, graph.rules)
    above = upstream_ids(table, [target[0]])
    consumers = [(node_id, name) for node_id, name in _consumers(graph._table, (source, slot)) if node_id not in above]
    in_new = [node_id for node_id, _ in _consumers(graph._table, (source, slot)) if node_id in above]
    if not consumers and in_new:
        raise EditError(f"{new!r} is made from {old!r}, and nothing else uses that: use splice to put a node behind it")
    _rewire(graph, table, consumers, target, new._kind)
    removed = _dropped(table, [source], keep={target[0]})
    for node_id in removed:
        del table[node_id]
    return Graph._of(table, graph.rules)


def splice(graph: Graph, link: Link[Any], function: LinkFn) -> Graph:
    """`Graph.splice`."""
    source, slot = find_link(graph, link)
    given = graph._output(source, slot)
    made = function(given)
    if not isinstance(made, Link):
        raise EditError(f"the function given to splice takes a link and returns one, not {made!r}")
    new: Link[Any] = made
    table = dict(graph._table)
    ids = adopt(graph, table, [new])
    target = (source_id(ids, new), new._slot)
    if target != (source, slot):
        consumers = _consumers(graph._table, (source, slot))
        _rewire(graph, table, consumers, target, new._kind)
        above = upstream_ids(table, [target[0]])
        if any(node_id in above for node_id, _ in consumers):
            raise EditError(
                f"splicing {new!r} in after {link!r} would close a cycle: it is made from something that needs {link!r}"
            )
    return Graph._of(table, graph.rules)


def bypass(graph: Graph, node_id: str) -> Graph:
    """`Graph.bypass`."""
    entry = graph._table[node_id]
    definition = definition_of(entry)
    if definition is None:
        raise EditError(
            f"{label(graph, node_id)} cannot be bypassed: its class is not known, so its inputs and outputs cannot be matched"
        )
    table = dict(graph._table)
    inputs = entry.inputs or {}
    # By the order of the definition, as the editor counts; a table may hold the inputs in any.
    names = [name for name, (d, _) in declared(definition, inputs).items() if d.form == "socket" or name in inputs]
    places = [inputs.get(name) for name in names]
    incoming = [v if type(v) is tuple and v[0] in table else None for v in places]
    kinds = graph._kinds_of(node_id)
    for slot, kind in enumerate(kinds):
        consumers = _consumers(table, (node_id, slot))
        if not consumers:
            continue
        # The editor's rule: the input of the same number if its kind fits, else the first that fits.
        order = [*incoming[slot : slot + 1], *incoming]
        through = next((v for v in order if v is not None and fits(kind_of(graph, v), kind)), None)
        if through is None:
            users = ", ".join(f"{label(graph, user)}.{name}" for user, name in consumers)
            raise EditError(
                f"{label(graph, node_id)} cannot be bypassed: none of its inputs is a {kind}, which {users} needs"
            )
        _rewire(graph, table, consumers, through, kind_of(graph, through))
    del table[node_id]
    return Graph._of(table, graph.rules)


def without(graph: Graph, node_ids: Iterable[str]) -> Graph:
    """`Graph.without`."""
    gone = set(node_ids)
    for node_id, entry in graph._table.items():
        if node_id not in gone:
            for name, value in (entry.inputs or {}).items():
                if type(value) is tuple and value[0] in gone:
                    raise EditError(
                        f"{label(graph, value[0])} cannot be taken out: {label(graph, node_id)}.{name} needs it; "
                        "bypass it, or replace its output first"
                    )
    return Graph._of({node_id: entry for node_id, entry in graph._table.items() if node_id not in gone}, graph.rules)


def prune(graph: Graph, keep: Iterable[str]) -> Graph:
    """`Graph.prune`: what the outputs, and the nodes in `keep`, do not need goes."""
    roots = set(keep)
    for node_id, entry in graph._table.items():
        definition = definition_of(entry)
        if definition is None or definition.output_node:
            roots.add(node_id)
    kept = upstream_ids(graph._table, roots)
    return Graph._of({node_id: entry for node_id, entry in graph._table.items() if node_id in kept}, graph.rules)


def merge(graph: Graph, other: Graph) -> Graph:
    """`Graph.merge`: ids of `other` that are taken are given anew."""
    from .adopt import largest

    table = dict(graph._table)
    known = {id(entry.token): node_id for node_id, entry in table.items()}
    ids: dict[str, str] = {}
    following = largest({**table, **other._table}) + 1
    # Names that links of `other` give to nodes it does not have must not come to mean nodes of this graph.
    dangling = {v[0] for e in other._table.values() for v in (e.inputs or {}).values() if type(v) is tuple}
    taken = {*table, *other._table}
    for node_id in dict.fromkeys([*other._table, *sorted(dangling)]):
        entry = other._table.get(node_id)
        same = known.get(id(entry.token)) if entry is not None else None
        if same is None and node_id in table:
            while str(following) in taken:
                following += 1
            taken.add(str(following))
            same = str(following)
        ids[node_id] = same or node_id
    for node_id, entry in other._table.items():
        inputs = (
            None
            if entry.inputs is None
            else {
                name: (ids[value[0]], value[1]) if type(value) is tuple else value
                for name, value in entry.inputs.items()
            }
        )
        if id(entry.token) in known:
            there = graph._table[ids[node_id]]
            if (there.class_type, there.inputs, there.rest) != (entry.class_type, inputs, entry.rest):
                raise EditError(
                    f"both graphs have {label(other, node_id)}, edited differently: merge takes graphs of different nodes"
                )
            continue
        table[ids[node_id]] = Entry(entry.class_type, inputs, entry.token, entry.rest, entry.proof)
    return Graph._of(table, (*graph.rules, *(rule for rule in other.rules if rule not in graph.rules)))


def extract(graph: Graph, ends: Iterable[str], starts: Iterable[tuple[str, int]] = ()) -> Graph:
    """`Graph.extract`: what `ends` need, down from the outputs `starts`, whose nodes stay out."""
    borders = set(starts)
    kept: set[str] = set()
    pending = list(ends)
    while pending:
        node_id = pending.pop()
        if node_id in kept or node_id not in graph._table:
            continue
        kept.add(node_id)
        pending += [
            v[0] for v in (graph._table[node_id].inputs or {}).values() if type(v) is tuple and v not in borders
        ]
    table: Table = {}
    for node_id, entry in graph._table.items():
        if node_id in kept:
            inputs = entry.inputs
            cut = {n for n, v in (inputs or {}).items() if type(v) is tuple and (v in borders or v[0] not in kept)}
            if inputs is not None and cut:
                entry = entry.but({name: v for name, v in inputs.items() if name not in cut})
            table[node_id] = entry
    return Graph._of(table, graph.rules)


# -- shared -----------------------------------------------------------------------------------------------------------


def adopt(graph: Graph, table: Table, links: Iterable[Link[Any]]) -> dict[int, str]:
    """Write the nodes that these links come from, and all that is new upstream of them, into `table`; ids by
    identity.
    """
    sources = [link._node for link in links]
    for node in sources:
        other = node._extra.graph if node._extra is not None else None
        if other is not None and node not in graph:
            raise EditError(f"{node!r} is of another graph: merge the graphs first")
    # What is in the table stands there as edited: what it was once made from is not asked for again.
    known = {id(entry.token) for entry in table.values()}
    fresh: dict[int, Node] = {}
    pending = list(sources)
    while pending:
        node = pending.pop()
        if (
            id(node._token) not in known
            and id(node) not in fresh
            and (node._extra is None or node._extra.graph is None)
        ):
            fresh[id(node)] = node
            pending += [link._node for _, link in node._links]
    return insert(table, sorted(fresh.values(), key=attrgetter("_serial")))


def find_link(graph: Graph, link: Link[Any] | Node) -> tuple[str, int]:
    """The id and slot of a link in a graph. Raises EditError for a node with several outputs, or of another graph."""
    if isinstance(link, Link):
        return graph.id(link._node), link._slot
    if not isinstance(link, Node):
        raise EditError(f"{link!r} is no output; give a node's output, such as node.MODEL")
    names = ", ".join(f".{name}" for name in link.output_names)
    raise EditError(f"{link!r} has {len(link.output_names)} outputs: say which of {names}")


def _consumers(table: Mapping[str, Entry], link: tuple[str, int]) -> list[tuple[str, str]]:
    return [
        (node_id, name)
        for node_id, entry in table.items()
        for name, value in (entry.inputs or {}).items()
        if value == link and type(value) is tuple
    ]


def _rewire(
    graph: Graph, table: Table, consumers: Iterable[tuple[str, str]], target: tuple[str, int], kind: str
) -> None:
    """Point inputs at another output, kinds checked as by a constructor."""
    found: list[Problem] = []
    changed: dict[str, dict[str, Any]] = {}
    source = definition_of(table[target[0]])
    through = source is not None and target[1] < len(source.outputs) and source.outputs[target[1]].template is not None
    for node_id, name in consumers:
        entry = table[node_id]
        definition = definition_of(entry)
        d = None if definition is None else declared(definition, entry.inputs or {}).get(name)
        wanted = "*" if d is None else d[0].allowed if d[0].type == MATCH_TYPE else d[0].type
        if not (fits_through if through else fits)(kind, wanted):
            message = f"{label(graph, node_id)}.{name} takes {wanted}, and would be given {kind}"
            found.append(
                Problem(
                    "error",
                    "return_type_mismatch",
                    message,
                    node_id,
                    entry.class_type,
                    name,
                    f"give a link of kind {wanted}",
                    here(),
                )
            )
        changed.setdefault(node_id, dict(entry.inputs or {}))[name] = target
    if found:
        raise GraphError(found)
    for node_id, inputs in changed.items():
        table[node_id] = table[node_id].but(inputs)


def _dropped(table: Table, candidates: Iterable[str], keep: set[str]) -> set[str]:
    """The nodes among `candidates` and upstream of them that nothing uses any more. Output nodes are used by being
    there.
    """
    users: dict[str, int] = dict.fromkeys(table, 0)
    for entry in table.values():
        for value in (entry.inputs or {}).values():
            if type(value) is tuple and value[0] in users:
                users[value[0]] += 1
    gone: set[str] = set()
    pending = list(candidates)
    while pending:
        node_id = pending.pop()
        if node_id in gone or node_id in keep or users.get(node_id, 1) > 0:
            continue
        definition = definition_of(table[node_id])
        if definition is None or definition.output_node:
            continue
        gone.add(node_id)
        for value in (table[node_id].inputs or {}).values():
            if type(value) is tuple and value[0] in users:
                users[value[0]] -= 1
                pending.append(value[0])
    return gone


def upstream_ids(table: Mapping[str, Entry], roots: Iterable[str]) -> set[str]:
    """These nodes and all that they need."""
    seen: set[str] = set()
    pending = list(roots)
    while pending:
        node_id = pending.pop()
        if node_id not in seen and node_id in table:
            seen.add(node_id)
            pending += [value[0] for value in (table[node_id].inputs or {}).values() if type(value) is tuple]
    return seen


def downstream_ids(table: Mapping[str, Entry], roots: Iterable[str]) -> set[str]:
    """These nodes and all that need them."""
    users: dict[str, list[str]] = {}
    for node_id, entry in table.items():
        for value in (entry.inputs or {}).values():
            if type(value) is tuple:
                users.setdefault(value[0], []).append(node_id)
    seen: set[str] = set()
    pending = list(roots)
    while pending:
        node_id = pending.pop()
        if node_id not in seen:
            seen.add(node_id)
            pending += users.get(node_id, ())
    return seen


def paths(table: Mapping[str, Entry], start: str, end: str, most: int) -> list[list[str]]:
    """The simple paths from one node to another along the links, shortest first."""
    from itertools import islice

    import networkx as nx

    shape: nx.DiGraph[str] = nx.DiGraph()
    shape.add_nodes_from(table)
    shape.add_edges_from(
        (v[0], n) for n, e in table.items() for v in (e.inputs or {}).values() if type(v) is tuple and v[0] in table
    )
    if end not in nx.descendants(shape, start):
        return []
    return list(islice(nx.shortest_simple_paths(shape, start, end), most))


def kind_of(graph: Graph, link: tuple[str, int]) -> str:
    """The socket type of a link of a graph."""
    kinds = graph._kinds_of(link[0])
    return kinds[link[1]] if 0 <= link[1] < len(kinds) else "*"


def definition_of(entry: Entry) -> NodeDef | None:
    """The definition that a node was made by: its typed class's, or the bundled release's."""
    if entry.proof is not None:
        return entry.proof
    if not isinstance(entry.token, Token):
        return type(entry.token)._definition_or_none()
    if entry.token.cls is not None:
        return entry.token.cls._definition_or_none()
    from .checks import definitions_or_bundled

    return cast("NodeDef | None", definitions_or_bundled(None).find(entry.class_type))


def label(graph: Graph, node_id: str) -> str:
    """A node in a message: ``3 (KSampler)``."""
    return f"{node_id} ({graph._table[node_id].class_type})"


def here() -> str | None:
    """The user's line that asked for the edit."""
    import sys

    site = _outside(sys._getframe(1))
    return _place(*site) if isinstance(site, tuple) else site
