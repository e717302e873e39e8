"""The rules: is this a graph that the server takes, and that then runs as written?

`check` answers with all problems at once. The judge is the real server: execution.py ``validate_prompt`` and
``validate_inputs`` of ComfyUI 0.33.0, and what a run then did (the traces). networkx answers what is a question of the
graph: order, cycles, depth and what feeds an output.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from .catalogue import RELEASES, Catalogue
from .definition import ANY, MATCH_TYPE, InputDef, NodeDef
from .edits import definition_of
from .expand import chosen, declared
from .fields import judge_data
from .links import fits
from .matching import fits_through, output_kinds, verdicts
from .naming import output_name
from .node import Node, whence
from .problems import Problem, Severity
from .raw_values import Raw
from .self_checks import self_check
from .server_facts import ALL, SELF_CHECKED, SELF_COMPARED
from .text import close, did_you_mean, joined, listed, meant, shown
from .uploads import Upload
from .values import MAX_DEPTH, WRAPPER, Verdict, is_wrapped_link, judge, reads_as_link, too_deep

if TYPE_CHECKING:
    import networkx as nx

    from .graph import Entry, Graph

DEEP: Final = 300
"""Links in a row that a real server is known to manage; 1,000 break its recursion (ComfyUI 0.33.0, default
settings).
"""

MANY_NAMED: Final = 6
"""Outputs or nodes that a message names before it only counts them."""

MANY: Final = 200
"""Nodes from which on a wrong id is no longer compared with each of them."""

EDITOR_ONLY: Final = frozenset({("Preview3D", "image"), ("SaveGLB", "image")})
"""Undeclared inputs that ComfyUI's own editor sends along; nothing reads them."""


def check(graph: Graph, catalogue: Catalogue | None = None) -> list[Problem]:
    """All problems of `graph` by these definitions (the bundled ones without any), errors first; see `Graph.check`."""
    known = definitions_or_bundled(catalogue)
    cached = graph._checked.get(id(known))
    if cached is None:
        problems = _Check(graph, known).problems()
        for rule in graph.rules:
            problems += rule(graph)
        if len(problems) > 1:
            problems.sort(key=_by_severity)
        cached = graph._checked[id(known)] = (known, problems)
    return list(cached[1])


def definitions_or_bundled(catalogue: Any) -> Any:
    """The given definitions, or those of the newest bundled release."""
    return _bundled() if catalogue is None else catalogue


@lru_cache(maxsize=1)
def _bundled() -> Catalogue:
    return Catalogue.bundled()


def _by_severity(problem: Problem) -> bool:
    return problem.severity != "error"


class _Check:
    """One look at one graph."""

    def __init__(self, graph: Graph, known: Catalogue) -> None:
        self.graph = graph
        self.table = graph._table
        self.known = known
        self.definitions: dict[str, NodeDef] = {}
        self.kinds: dict[str, list[str]] = {}  # output kinds of nodes with match-types, which depend on what goes in
        self.matched: set[str] = set()
        self.hints: dict[str, str] = {}
        self.templated = False

    def problems(self) -> list[Problem]:
        """Everything: classes, outputs, shape, then each node that no constructor has checked against these
        definitions.
        """
        table, known, definitions = self.table, self.known, self.definitions
        found: list[Problem] = []
        outputs: set[str] = set()
        pending: list[str] = []
        paid: list[str] = []
        for node_id, entry in table.items():
            definition = known.find(entry.class_type)
            if definition is None and known.open_files and isinstance(entry.token, Node):
                # A custom node's own class brings its definition along; whether a server has it, only that server can say.
                definition = entry.token._definition_or_none()
            if definition is None:
                found.append(self._unknown_class(node_id, entry))
                continue
            definitions[node_id] = definition
            if definition.output_node:
                outputs.add(node_id)
            if definition.api_node:
                paid.append(node_id)
            if definition.templates:
                self.templated = True
            if entry.proof is not definition and (entry.proof is None or not known.agrees(entry.proof)):
                pending.append(node_id)
        reached = self._shape(outputs, found)
        if pending or len(definitions) < len(table):
            pending = self._unproven(pending)
        for node_id in pending:
            if node_id in definitions:
                found += self._node(node_id, "error" if node_id in reached else "warning")
        if len(reached) < len(table):
            found += (self._unused(node_id) for node_id in definitions if node_id not in reached)
        paid = [node_id for node_id in paid if node_id in reached]
        if paid:
            found.append(self._partners(paid))
        return found

    def _unproven(self, pending: list[str]) -> list[str]:
        """The nodes to look at: those that no constructor checked, and those whose links come from a node that gives
        something else than their constructor saw.
        """
        unproven = dict.fromkeys(pending)
        changed = {node_id for node_id in self.table if node_id not in self.definitions}
        for node_id in pending:
            definition = self.definitions[node_id]
            seen = definition_of(self.table[node_id])
            if seen is None or seen.outputs != definition.outputs or definition.templates:
                changed.add(node_id)
        following: dict[str, list[str]] = {}
        for source, node_id in self.graph._links() if changed else ():
            following.setdefault(source, []).append(node_id)
        queue = list(changed)
        while queue:
            for node_id in following.get(queue.pop(), ()):
                if node_id in self.definitions and node_id not in unproven:
                    unproven[node_id] = None
                    if self.definitions[node_id].templates:
                        queue.append(node_id)  # what it gives follows what it is given
        return list(unproven)

    def _shape(self, outputs: set[str], found: list[Problem]) -> Collection[str]:
        """The questions of the graph: cycles, depth, what the outputs need. Returns the nodes that they need."""
        table = self.table
        if not outputs and not any(
            entry.class_type in self.known.faults for entry in table.values() if type(entry.class_type) is str
        ):
            found.append(self._no_outputs())
        order: Collection[str] = table.keys()
        looped: set[str] = set()
        if not self.graph._constructed:
            order, looped, depth = self._order()
        else:
            # A constructor can only be given nodes that exist already: no cycle, and ids in order of creation. networkx would
            # take 15 µs to say so for a small graph, and 90 ms to import.
            depth = len(table) - 1 if len(table) <= DEEP else _depth(self.graph._links())
        if depth > DEEP:
            message = f"a chain of {depth} links: the server validates by recursion, and a chain this deep may exceed its limit"
            hint = f"{DEEP} links are known to pass; split the graph, or raise the server's limit"
            found.append(Problem("warning", "deep_chain", message, hint=hint))
        reached = self._reached(outputs, looped)
        if looped:
            found += (self._cycle(node_id, looped) for node_id in table if node_id in looped and node_id in reached)
        elif self.templated:
            self._settle_kinds(order)
        return reached

    def _order(self) -> tuple[Collection[str], set[str], int]:
        """The nodes in topological order, those of them that lie on cycles, and the longest chain in links."""
        import networkx as nx

        shape = self._digraph()
        order: list[str] = []
        depth = -1
        try:
            for layer in nx.topological_generations(shape):
                order += layer
                depth += 1
        except nx.NetworkXUnfeasible:
            parts = nx.strongly_connected_components(shape)
            return self.table.keys(), {n for part in parts for n in part if len(part) > 1 or shape.has_edge(n, n)}, -1
        return order, set(), depth

    def _digraph(self) -> nx.DiGraph[Any]:
        import networkx as nx

        shape: nx.DiGraph[Any] = nx.DiGraph()
        shape.add_edges_from(self.graph._links())
        if len(shape) < len(self.table):
            shape.add_nodes_from(self.table)
        return shape

    def _reached(self, outputs: set[str], looped: set[str]) -> Collection[str]:
        """The nodes that the outputs need, themselves included; all of them where there is no output."""
        everything = self.table.keys()
        if not outputs:
            return everything
        if not looped and everything - {source for source, _ in self.graph._links()} <= outputs:
            return everything  # without a cycle, everything flows into an end, and every end is an output
        import networkx as nx

        shape = self._digraph()
        sink = object()
        shape.add_edges_from((node_id, sink) for node_id in outputs)
        reached: set[str] = nx.ancestors(shape, sink)
        return reached

    def _settle_kinds(self, order: Iterable[str]) -> None:
        """The kinds of outputs that follow what goes in, upstream first."""
        for node_id in order:
            definition = self.definitions.get(node_id)
            if definition is not None and definition.templates:
                self.kinds[node_id] = output_kinds(definition, self.table[node_id].inputs or {}, self._kind_of)
                self.matched.add(node_id)

    # -- one node -----------------------------------------------------------------------------------------------------

    def _node(self, node_id: str, severity: Severity) -> Iterator[Problem]:
        entry, definition = self.table[node_id], self.definitions[node_id]

        def problem(verdict: Verdict, name: str | None) -> Problem:
            worst: Severity = severity if verdict.severity == "error" else "warning"
            return self._problem(worst, verdict.code, verdict.message, node_id, name, verdict.hint)

        if definition.deprecated:
            yield self._problem("warning", "deprecated_node", f"{definition.class_type} is deprecated", node_id)
        if entry.inputs is None:
            yield problem(
                Verdict(
                    "error",
                    "required_input_missing",
                    "the node has no inputs at all",
                    "give it an inputs object, if only an empty one",
                ),
                None,
            )
            return
        inputs = entry.inputs
        names = declared(definition, inputs)
        for name, (d, needed) in names.items():
            if name in inputs:
                for verdict in self._value(definition, name, d, inputs[name]):
                    yield problem(verdict, name)
            elif needed:
                yield problem(self._missing(definition, name, d, inputs, names), name)
        for name, value in inputs.items():
            if name not in names:
                for verdict in self._undeclared(definition, name, value, names):
                    yield problem(verdict, name)
        if node_id in self.matched:
            for name, verdict in verdicts(definition, inputs, self._kind_of):
                yield problem(verdict, name)

    def _value(self, definition: NodeDef, name: str, d: InputDef, value: Any) -> Iterator[Verdict]:
        kind = type(value)
        if kind is tuple:
            yield from self._link(definition, name, d, value)
        elif kind is Raw:
            if not self.known.open_files or is_wrapped_link(value.value):
                yield from self._value(definition, name, d, value.value)
        elif kind is Upload:
            return
        elif kind is list:
            yield self._bad_link(name, value)
        elif d.form == "dynamic_combo":
            if chosen(d, value) is None:
                yield Verdict(
                    "error",
                    "unknown_option",
                    f"{name} has no option {shown(value)}",
                    did_you_mean(value, d.choices or (), what="option"),
                )
        elif is_wrapped_link(value):
            yield judge(d, value) or Verdict("error", "bad_linked_input", f"{name} holds a wrapped link")
        elif type(value) is dict and too_deep(value):
            yield Verdict(
                "error",
                "value_too_deep",
                f"{name} holds a value nested more than {MAX_DEPTH} deep, which can stop a real server",
                "",
            )
        elif value is None and not d.required:
            return  # the node gets None, which is what its own default is
        elif d.form == "socket" and ANY not in (d.type, d.allowed if d.type == MATCH_TYPE else ""):
            message = (
                f"{name} takes a link of kind {d.type}, not {shown(value)}: the server takes it, and the run fails"
            )
            yield Verdict("error", "link_expected", message, self._givers(d.type))
        else:
            verdict = (judge_data(d, value) if d.form == "data" else None) or judge(d, value)
            if d.self_checked and (verdict is None or verdict.severity != "error"):
                verdict = self_check(definition.class_type, d, value, self.known) or verdict
            if verdict is not None:
                yield verdict if name == d.name else _renamed(verdict, d.name, name)

    def _link(self, owner: NodeDef, name: str, d: InputDef, link: tuple[str, int]) -> Iterator[Verdict]:
        source, slot = link
        if d.form == "dynamic_combo":
            keys = listed(d.choices or ())
            yield Verdict(
                "error",
                "unknown_option",
                f"{name} chooses which inputs the node has, so it cannot be a link",
                f"give it one of: {keys}",
            )
            return
        if source not in self.table:
            yield self._no_such_node(name, source)
            return
        definition = self.definitions.get(source)
        if definition is None:
            return
        kinds = self._output_kinds(source)
        if not 0 <= slot < len(kinds):
            yield self._no_such_output(name, source, slot, definition)
            if not -len(kinds) <= slot < 0:
                return  # a negative index the server takes, counting from the end, so that its kind matters too
        given = kinds[slot]
        if (owner.class_type, name) in SELF_COMPARED:
            declared_kind = definition.outputs[slot].type
            if declared_kind not in d.type.split(","):
                message = f"{name} takes {d.type}, and {self._called(source)} gives {declared_kind}; the node compares them itself"
                yield Verdict("error", "custom_validation_failed", message, self._givers(d.type))
            return
        if given != ANY and d.legacy:
            message = f"{name} is a choice from a list, and the server lets no {given} link into it"
            yield Verdict(
                "error",
                "return_type_mismatch",
                message,
                f"one of: {listed(d.options)}" if d.options else "give it a value",
            )
        elif not (fits_through if definition.outputs[slot].template else fits)(given, d.type):
            fitting = [
                f"{output_name(o.name)} (output {i})"
                for i, (o, k) in enumerate(zip(definition.outputs, kinds))
                if fits(k, d.type)
            ]
            hint = f"of its outputs, {joined(fitting, most=MANY_NAMED)} fits" if fitting else self._givers(d.type)
            message = f"{name} takes {d.type}, and {self._called(source)}.{output_name(definition.outputs[slot].name)} gives {given}"
            yield Verdict("error", "return_type_mismatch", message, hint)

    def _undeclared(self, definition: NodeDef, name: str, value: Any, names: Mapping[str, Any]) -> Iterator[Verdict]:
        if type(value) is Raw:
            value = value.value
        link = tuple(value) if reads_as_link(value) else value if type(value) is tuple else None
        if link is not None and link[0] not in self.table:
            # Traces worker_killed_by_dangling_link_in_undeclared_input: the server accepts this prompt and never runs
            # anything again.
            message = (
                f"{definition.class_type} has no input {name!r}, and it holds a link to node {shown(link[0])}, which does not "
                "exist: this stops a real server's only worker for good"
            )
            yield Verdict("error", "linked_node_missing", message, did_you_mean(name, names, what="input"))
            return
        source = self.definitions.get(link[0]) if link is not None else None
        if link is not None and source is not None and not 0 <= link[1] < len(source.outputs):
            # Seen on a real 0.33.0: with the source node in its cache, the worker dies of this too.
            yield self._no_such_output(name, link[0], link[1], source)
            return
        if ALL in SELF_CHECKED.get(definition.class_type, ()) or (definition.class_type, name) in EDITOR_ONLY:
            return
        hint = did_you_mean(name, names, what="input")
        if link is not None:
            # Seen on a real 0.33.0, with nodes of the old and of the new kind: "got an unexpected keyword argument".
            message = f"{definition.class_type} has no input {name!r}: the server hands it the link all the same, and the node fails on it"
            yield Verdict("error", "unknown_input", message, hint)
        else:
            yield Verdict(
                "warning",
                "unknown_input",
                f"{definition.class_type} has no input {name!r}: the server ignores it",
                hint,
            )

    def _missing(
        self, definition: NodeDef, name: str, d: InputDef, inputs: Mapping[str, Any], names: Mapping[str, Any]
    ) -> Verdict:
        unknown = [other for other in inputs if other not in names]
        near = close(name, unknown)
        if near:
            hint = f"{shown(near[0])} is no input of {definition.class_type}: is {shown(name)} meant?"
        elif d.form == "socket":
            hint = self._givers(d.type)
        elif d.options:
            hint = f"one of: {listed(d.options)}"
        elif d.form == "dynamic_combo":
            hint = f"one of: {listed(d.choices or ())}"
        else:
            from .definition import MISSING

            hint = f"its default is {shown(d.default)}" if d.default is not MISSING else f"give it a {d.type}"
        return Verdict(
            "error",
            "required_input_missing",
            f"{definition.class_type} needs {name} ({d.type}), and it is not there",
            hint,
        )

    # -- words --------------------------------------------------------------------------------------------------------

    def _no_such_node(self, name: str, source: str) -> Verdict:
        return Verdict(
            "error",
            "linked_node_missing",
            f"{name} is linked to node {shown(source)}, which does not exist",
            did_you_mean(source, self.table, what="node") if len(self.table) <= MANY else "",
        )

    def _no_such_output(self, name: str, source: str, slot: int, definition: NodeDef) -> Verdict:
        outs = [f"{i} {output_name(o.name)}" for i, o in enumerate(definition.outputs)]
        has = f"its outputs are {joined(outs, most=MANY_NAMED)}" if outs else "it has no outputs"
        return Verdict(
            "error",
            "output_index_out_of_range",
            f"{name} is linked to output {slot} of {self._called(source)}, which does not exist",
            has,
        )

    def _bad_link(self, name: str, value: list[Any]) -> Verdict:
        message = f"{name} holds {shown(value)}: a list is read as a link, and a link is [node id, output index]"
        return Verdict("error", "bad_linked_input", message, f'a list that is a value goes into {{"{WRAPPER}": [...]}}')

    def _givers(self, kind: str) -> str:
        """The nodes of this graph that give what is wanted, as a hint."""
        hint = self.hints.get(kind)
        if hint is None:
            hint = self.hints[kind] = self._look_for_givers(kind)
        return hint

    def _look_for_givers(self, kind: str) -> str:
        found = [
            f"{self._called(node_id)}.{output_name(o.name)}"
            for node_id, definition in self.definitions.items()
            for o, given in zip(definition.outputs, self._output_kinds(node_id))
            if given != ANY and fits(given, kind)
        ]
        return (
            f"in this graph, {joined(found, most=MANY_NAMED)} would fit"
            if found
            else f"no node of this graph gives {kind}"
        )

    def _unknown_class(self, node_id: str, entry: Entry) -> Problem:
        class_type = entry.class_type
        if class_type is None:
            return self._problem("error", "missing_node_type", "the node has no class_type", node_id)
        fault = self.known.faults.get(class_type) if type(class_type) is str else None
        if fault is not None:
            return self._problem(
                "warning",
                "unreadable_definition",
                f"the definition of {class_type} cannot be read, so the node is not checked: {fault}",
                node_id,
            )
        return self._problem(
            "error",
            "missing_node_type",
            f"there is no node class {shown(class_type)} {_whose(self.known)}",
            node_id,
            hint=self._whereabouts(class_type) if isinstance(class_type, str) else "class_type is a text",
        )

    def _whereabouts(self, class_type: str) -> str:
        """Where a class that these definitions lack may be had, as a hint."""
        key = f"class {class_type}"
        hint = self.hints.get(key)
        if hint is None:
            hint = self.hints[key] = self._look_for_class(class_type)
        return hint

    def _look_for_class(self, class_type: str) -> str:
        near = close(class_type, self.known)
        if near:
            return meant(near)
        for release in RELEASES:
            if release != self.known.release and class_type in Catalogue.bundled(release):
                return f"ComfyUI {release} has it: the server is of another release"
        if self.known.open_files:
            return "a custom node is checked against a server that has it: check(Catalogue.from_server(client))"
        return "it is of a custom node pack that this server lacks: install the pack there, or use another node"

    def _no_outputs(self) -> Problem:
        kinds = {o.type for definition in self.definitions.values() for o in definition.outputs}
        hint = (
            "add a SaveImage or a PreviewImage"
            if not kinds or kinds & {"IMAGE", "LATENT"}
            else "add a node that saves or previews the result"
        )
        return Problem(
            "error", "prompt_no_outputs", "the graph has no output node, so the server has nothing to run", hint=hint
        )

    def _cycle(self, node_id: str, looped: set[str]) -> Problem:
        inputs = self.table[node_id].inputs or {}
        name, source = next((name, v[0]) for name, v in inputs.items() if type(v) is tuple and v[0] in looped)
        message = f"{self._called(node_id)} needs its own result: {name} comes from {self._called(source)}, which is in a cycle with it"
        return self._problem("error", "dependency_cycle", message, node_id, None, "take one of the links out")

    def _unused(self, node_id: str) -> Problem:
        return self._problem(
            "warning",
            "unused_node",
            f"{self._called(node_id)} feeds no output node, so the server will not run it",
            node_id,
            hint="link it to an output, or leave it out",
        )

    def _partners(self, paid: Iterable[str]) -> Problem:
        names = joined((self._called(node_id) for node_id in paid), most=MANY_NAMED)
        return Problem(
            "warning",
            "partner_node",
            f"{names}: run by a partner for credits of a Comfy account",
            hint="the client needs api_key=…",
        )

    def _called(self, node_id: str) -> str:
        return f"{node_id} ({self.table[node_id].class_type})"

    def _problem(
        self, severity: Severity, code: str, message: str, node_id: str, name: str | None = None, hint: str = ""
    ) -> Problem:
        entry = self.table[node_id]
        class_type = entry.class_type if isinstance(entry.class_type, str) else None
        return Problem(severity, code, message, node_id, class_type, name, hint, **whence(entry.token))

    # -- kinds --------------------------------------------------------------------------------------------------------

    def _output_kinds(self, node_id: str) -> list[str]:
        kinds = self.kinds.get(node_id)
        if kinds is None:
            kinds = self.kinds[node_id] = [
                o.type if o.template is None else ANY for o in self.definitions[node_id].outputs
            ]
        return kinds

    def _kind_of(self, value: Any) -> str | None:
        if type(value) is not tuple:
            return None
        source, slot = value
        if source not in self.definitions:
            return ANY
        kinds = self._output_kinds(source)
        return kinds[slot] if 0 <= slot < len(kinds) else ANY


def _depth(links: Iterable[tuple[str, str]]) -> int:
    """The longest chain, of links whose sources come before what they feed."""
    depth: dict[str, int] = {}
    for source, node_id in links:
        below = depth.get(source, 0) + 1
        if below > depth.get(node_id, 0):
            depth[node_id] = below
    return max(depth.values(), default=0)


def _renamed(verdict: Verdict, short: str, full: str) -> Verdict:
    """A verdict on a nested input, with its full name."""
    message = full + verdict.message[len(short) :] if verdict.message.startswith(short) else verdict.message
    return Verdict(verdict.severity, verdict.code, message, verdict.hint)


def _whose(known: Catalogue) -> str:
    return f"in ComfyUI {known.release}" if known.release else "on this server"
