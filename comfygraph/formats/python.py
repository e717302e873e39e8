"""A graph as Python source: typed, formatted, named, with what people change as arguments of ``build``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ..definition import NodeDef
from ..generator.package import member_order
from ..generator.text import docstring, prose
from ..graph import Graph
from . import python_groups
from . import python_layout as layout
from .python_calls import Writer
from .python_names import Names, base_names, variables
from .python_order import arrange
from .python_parameters import RESERVED, Parameter, parameters
from .python_repeats import Repeat, complete, find, hidden, link_type
from .python_roles import sides
from .python_steps import Step, kinds, read
from .python_text import constant

_OWN: Final = ("Any", "Client", "Graph", "Link", "OMITTED", "Path", "custom_node", "k", "raw", "subgraph")


def to_python(
    graph: Graph,
    *,
    keep_ids: bool = False,
    catalogue: Mapping[str, NodeDef] | None = None,
    packages: Sequence[str] = (),
    subgraphs: Mapping[str, str] | None = None,
    name: str = "",
) -> str:
    """Write a graph as a Python program: ``build(…) -> Graph`` makes it again, ``main()`` runs it.

    What a typed class would not take as it is comes out with `raw`, `OMITTED` and `Node.extra`; nodes without a typed class
    with `custom_node`. Of a node's ``_meta`` only the title is kept.

    Args:
        graph: the graph; it need not pass `Graph.check`.
        keep_ids: give every node its id and its title; without, ids are given anew and titles left out.
        catalogue: definitions of nodes that have no typed class, for names and order; they may be unknown.
        packages: generated packages of typed nodes besides ``comfygraph.nodes``, by module name.
        subgraphs: the names of the editor's subgraphs by the id that their nodes' ids begin with
            (`python_groups.names_in` finds them in a file); each becomes a `@subgraph` function, unless ids are kept.
        name: what the pipeline is called, for the docstring.

    Returns:
        The source, formatted to 120 columns. It passes ruff, mypy --strict and pyright strict.

    Raises:
        FormatError: the graph cannot be built by constructors: a cycle, a link to nothing, a node without a class.

    Example:
        >>> prompt = {"1": {"class_type": "EmptyImage", "inputs": {"width": 64}},
        ...           "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
        >>> print(to_python(Graph.from_api(prompt)).split("Graph:")[1].split("def main")[0])    # doctest: +SKIP
    """
    steps = read(graph, catalogue, packages)
    for step in steps.values():
        step.kinds = [o.type for o in step.definition.outputs] if step.definition is not None else []
    order, models = arrange(steps)
    kinds(steps, order)
    return _Program(steps, order, models, keep_ids, {} if keep_ids else subgraphs or {}, name).source()


class _Program:
    def __init__(
        self,
        steps: Mapping[str, Step],
        order: Sequence[str],
        models: int,
        keep_ids: bool,
        subgraphs: Mapping[str, str],
        name: str,
    ) -> None:
        groups = python_groups.find(steps, order, subgraphs) if subgraphs else []
        arranged = python_groups.together(steps, order, groups) if groups else None
        grouped: set[str] = set()
        if arranged is not None:
            grouped = {node_id for group in groups for part in group.parts for node_id in part}
            loading = set(order[:models]) - grouped
            order = arranged
            models = next((i for i, node_id in enumerate(order) if node_id not in loading), 0)
        else:
            groups = []
        self.steps = steps
        self.order = order
        self.models = models
        self.keep_ids = keep_ids
        self.name = name
        side_of = sides(steps, order)
        classes = {step.typed.name for step in steps.values() if step.typed is not None}
        self.module_names = {*_OWN, *classes}
        names = Names(self.module_names)
        self.parameters: list[Parameter] = []
        bases = base_names(steps, order, side_of, RESERVED)
        repeats = [] if keep_ids else [*groups, *find(steps, order, grouped)]
        drawn = variables(steps, order, bases, names, hidden(repeats, steps))
        self.parameters, places = parameters(steps, order, drawn, side_of, names)
        self.repeats = complete(repeats, steps, places, bases, drawn, names)
        self.bases = bases
        self.hidden = hidden(self.repeats, steps)
        parts = {node_id for repeat in self.repeats for part in repeat.parts for node_id in part}
        self.writer = Writer(steps, drawn, places, names, keep_ids=keep_ids, within=steps.keys() - parts)

    def source(self) -> str:
        body = self._body()
        functions = [line for repeat in self.repeats for line in [*self._function(repeat), "", ""]]
        texts = self.writer.texts
        signature = self._signature()
        parts: list[list[str]] = [
            self._docstring(),
            self._imports(),
            *(constant(name, text) for text, name in texts.items()),
        ]
        head = "\n\n".join("\n".join(part) for part in parts)
        build = [*signature, *self._arguments(), *body]
        return "\n".join([head, "", "", *functions, *build, "", "", *self._main(), ""])

    def _docstring(self) -> list[str]:
        steps = self.steps.values()
        named = prose(self.name[:80].strip().rstrip(". "))
        title = f"{named[:1].upper()}{named[1:]}." if named else "A ComfyUI pipeline."
        paid = sorted({s.class_type for s in steps if s.definition is not None and s.definition.api_node})
        facts = [
            f"{len(self.steps)} node{'s' if len(self.steps) != 1 else ''}. Run this file to make what it makes, or call "
            "`build` with other values for a graph of your own."
        ]
        if paid:
            listed = ", ".join(prose(name) for name in paid[:8]) + (", …" if len(paid) > 8 else "")
            facts.append(
                f"It has partner nodes ({listed}), which cost money: COMFYGRAPH_API_KEY holds the key of your account."
            )
        return docstring([[title], [facts[0]], facts[1:]], 0)

    def _imports(self) -> list[str]:
        used = self.writer.used
        found: list[str] = []
        if "Path" in used or any("Path" in p.annotation for p in self.parameters):
            found.append("from pathlib import Path")
        if "Any" in used:
            found.append("from typing import Any")
        if found:
            found.append("")
        found += _from("comfygraph", {"Client", "Graph"} | (used & {"OMITTED", "custom_node", "raw", "subgraph"}))
        if "k" in used:
            found.append("from comfygraph import kinds as k")
        if "Link" in used:
            found.append("from comfygraph.links import Link")
        modules: dict[str, set[str]] = {}
        for step in self.steps.values():
            if step.typed is not None:
                modules.setdefault(step.typed.module, set()).add(step.typed.name)
        own = [m for m in sorted(modules) if m.startswith("comfygraph.")]
        for module in own:
            found += _from(module, modules[module])
        others = [m for m in sorted(modules) if m not in own]
        for module in others:
            found += _from(module, modules[module])
        return found

    def _signature(self) -> list[str]:
        found: list[str] = []
        for p in self.parameters:
            found.append(f"{p.name}: {p.annotation} = {self.writer.plain(p.value, p.name)}")
        if not found:
            return ["def build() -> Graph:"]
        line = f"def build(*, {', '.join(found)}) -> Graph:"
        if len(found) <= 3 and len(line) <= layout.WIDTH:
            return [line]
        return ["def build(", "    *,", *(f"    {item}," for item in found), ") -> Graph:"]

    def _arguments(self) -> list[str]:
        if not self.parameters:
            return ['    """The pipeline as a graph."""']
        listed = ["Args:", *(f"    {p.name}: {prose(p.about)}." for p in self.parameters)]
        return docstring([["The pipeline as a graph."], listed], 4)

    def _body(self) -> list[str]:
        writer = self.writer
        found: list[str] = []
        calls = {part[-1]: (repeat, i) for repeat in self.repeats for i, part in enumerate(repeat.parts)}
        called = {node_id for repeat in self.repeats for part in repeat.parts for node_id in part[:-1]}
        paragraph: list[str] = []
        written_models = 0
        for i, node_id in enumerate(self.order):
            if node_id in called or (node_id in writer.inlined and node_id not in calls):
                continue
            statement = self._call(*calls[node_id]) if node_id in calls else writer.statement(node_id)
            if found and (i >= self.models > written_models or self._ends_paragraph(paragraph, i)):
                found.append("")
                paragraph.clear()
                written_models = self.models
            paragraph.append(node_id)
            found += statement
        ends = [("", layout.Atom(writer.variables[n])) for n in self.order if not self.steps[n].users]
        found += layout.lines(layout.call("Graph", ends), head="return ", indent=4)
        return found

    def _call(self, repeat: Repeat, part: int) -> list[str]:
        """The statement that calls a helper function."""
        targets = [self.writer.variables[node_id] for node_id in repeat.results(part, self.steps)]
        results = ", ".join(targets)
        given: list[tuple[str, layout.Expr]] = []
        for argument in repeat.arguments:
            node_id, wire = argument.places[0]
            given.append((f"{argument.name}=", self.writer.argument(repeat.counterpart(part, node_id), wire)))
        made = layout.call(repeat.name, given)
        if len(f"    {results} = {repeat.name}(") > layout.WIDTH:
            return ["    (", *(f"        {target}," for target in targets), *layout.lines(made, head=") = ", indent=4)]
        return layout.lines(made, head=f"{results} = ", indent=4)

    def _function(self, repeat: Repeat) -> list[str]:
        """A helper function: a part of the pipeline that comes again."""
        part = repeat.parts[0]
        own = Names({*(argument.name for argument in repeat.arguments), *self.module_names})
        once = len(repeat.parts) == 1
        variables = {n: self.writer.variables[n] if once else own.claim(self.bases[n]) for n in part}
        holes = {place: argument.name for argument in repeat.arguments for place in argument.places}
        results = repeat.results(0, self.steps)
        writer = self.writer.inside(set(part) - set(results), variables, holes)
        types = [_type(self.steps[node_id]) for node_id in results]
        for annotation in (*types, *(argument.annotation for argument in repeat.arguments)):
            self.writer.used |= {"Any", "Link", "k", "Path"} & set(re.findall(r"\w+", annotation))
        items = [f"{argument.name}: {argument.annotation}" for argument in repeat.arguments]
        gives = types[0] if len(types) == 1 else f"tuple[{', '.join(types)}]"
        line = f"def {repeat.name}(*, {', '.join(items)}) -> {gives}:"
        long = ["    *,", *(f"    {item}," for item in items)]
        last = [f") -> {gives}:"]
        if len(last[0]) > layout.WIDTH:
            last = [") -> tuple[", *(f"    {type_}," for type_ in types), "]:"]
        head = [line] if len(line) <= layout.WIDTH else [f"def {repeat.name}(", *long, *last]
        returned = results[0] if len(results) == 1 else None
        body = [
            line for node_id in part if node_id not in writer.inlined for line in writer.statement(node_id, returned)
        ]
        if returned is None:
            line = f"    return {', '.join(variables[node_id] for node_id in results)}"
            each = [f"        {variables[node_id]}," for node_id in results]
            body += [line] if len(line) <= layout.WIDTH else ["    return (", *each, "    )"]
        # A subgraph gives links; one that only saves is a plain function.
        links = [n for n in results if self.steps[n].single or (len(results) == 1 and self.steps[n].kinds)]
        marked = bool(repeat.group and links)
        if marked:
            self.writer.used.add("subgraph")
        return [*(["@subgraph"] if marked else []), *head, f'    """{self._what(repeat)}"""', *body]

    def _what(self, repeat: Repeat) -> str:
        if repeat.group:
            return f"The editor's subgraph '{prose(repeat.group[:60])}'."
        classes = [prose(self.steps[node_id].class_type) for node_id in repeat.parts[0]]
        text = f"{', '.join(classes[:-1])} and {classes[-1]}: the pipeline has this part {len(repeat.parts)} times."
        short = f"A part that the pipeline has {len(repeat.parts)} times, up to {classes[-1]}."
        return text if len(text) < 100 else short

    def _ends_paragraph(self, paragraph: Sequence[str], place: int) -> bool:
        """Whether a blank line reads well here: behind a sampler, or behind what saves and shows."""
        if len(paragraph) < 4 or len(self.order) - place < 2:
            return False
        last = self.steps[paragraph[-1]]
        if not last.users:
            return bool(self.steps[self.order[place]].users)
        return self.bases[last.id] == "sampled"

    def _main(self) -> list[str]:
        return [
            "def main() -> None:",
            '    """Run it on the server that COMFYGRAPH_SERVER names, and save what it makes in ./output."""',
            "    with Client() as client:",
            "        result = client.run(build(), progress=True)",
            '        for path in result.save("output"):',
            "            print(path)",
            "",
            "",
            'if __name__ == "__main__":',
            "    main()",
        ]


def _type(step: Step) -> str:
    """A node's class as an annotation."""
    typed = step.typed
    if typed is None:
        return "Any"
    templates = typed.definition.templates
    if not templates:
        return typed.name
    slot = next((i for i, out in enumerate(typed.definition.outputs) if out.template == templates[0]), None)
    kind = link_type(step.kinds[slot]) if slot is not None and len(templates) == 1 else "Any"
    return f"{typed.name}[{', '.join([kind] * len(templates))}]"


def _from(module: str, names: set[str]) -> list[str]:
    ordered = sorted(names, key=member_order)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= layout.WIDTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in ordered), ")"]
