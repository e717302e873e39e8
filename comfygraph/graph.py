"""`Graph`: nodes with ids, immutable, ready to be checked and sent.

Inside it is a table of entries by id, links as ``(id, slot)``; an edit copies the table and not what is in it. Data
flows one way: nodes -> `Graph` -> `checks` -> API JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, overload

from .errors import EditError, GraphError
from .links import Link, Output
from .matching import settle
from .node import Extra, Node, Node1, walk
from .raw_values import Raw
from .uploads import Upload

if TYPE_CHECKING:
    from .catalogue import Catalogue
    from .definition import NodeDef
    from .problems import Problem
    from .subgraphs.decorator import Subgraph
    from .subgraphs.parts import Part

N = TypeVar("N", bound=Node)
K = TypeVar("K")
Rule = Callable[["Graph"], "Sequence[Problem]"]
_ATOMS: Final = frozenset({str, int, float, bool, type(None)})


class Token:
    """The identity of a node that was loaded, and the class that it is seen by, once somebody has asked."""

    __slots__ = ("cls",)

    def __init__(self) -> None:
        self.cls: type[Node] | None = None


class Entry:
    """One row of the table. Immutable: an edit makes another one.

    `inputs` is None where a loaded node has none; `rest` is what else a loaded node holds (``_meta``); `proof` is the
    definition that a constructor has already checked the inputs against.
    """

    __slots__ = ("class_type", "inputs", "proof", "rest", "token")

    def __init__(
        self,
        class_type: Any,
        inputs: dict[str, Any] | None,
        token: Node | Token,
        rest: dict[str, Any] | None = None,
        proof: NodeDef | None = None,
    ) -> None:
        self.class_type = class_type
        self.inputs = inputs
        self.token = token
        self.rest = rest
        self.proof = proof

    def but(self, inputs: dict[str, Any]) -> Entry:
        """The same node with other inputs, which nobody has checked yet."""
        return Entry(self.class_type, inputs, self.token, self.rest)

    @property
    def title(self) -> str | None:
        meta = self.rest.get("_meta") if self.rest else None
        title = cast("dict[str, Any]", meta).get("title") if isinstance(meta, dict) else None
        return title if isinstance(title, str) else None


class Graph:
    """An immutable graph: the given nodes and everything upstream of them.

    Ids are ``"1"``, ``"2"``, … in order of creation, or what `Node.named` says; a loaded graph keeps its own.

    Args:
        nodes: the nodes that the graph is for, usually the ones that save or preview.
        rules: functions from the graph to problems, which `check` runs too and edits keep.

    Raises:
        GraphError: two nodes want the same id.

    Example:
        >>> graph = Graph(SaveImage(images=VAEDecode(samples=sampled, vae=ckpt.VAE)))   # doctest: +SKIP
        >>> graph.to_api()["1"]["class_type"]                                           # doctest: +SKIP
        'CheckpointLoaderSimple'
    """

    __slots__ = ("_checked", "_constructed", "_edges", "_ids", "_kinds", "_table", "rules")

    _table: dict[str, Entry]
    _ids: dict[int, str] | None  # ids by identity of the node, made when somebody asks
    _checked: dict[int, tuple[Catalogue, list[Problem]]]
    _constructed: bool  # straight from constructors: neither loaded nor edited
    _kinds: dict[str, list[str]]
    _edges: list[tuple[str, str]] | None
    rules: tuple[Rule, ...]

    def __init__(self, *nodes: Node, rules: Sequence[Rule] = ()) -> None:
        found = walk(iter(nodes))
        self.rules = tuple(rules)
        self._checked = {}
        self._kinds = {}
        for node in found:
            if node._extra is not None:
                from .adopt import number, rules_of

                self.rules = rules_of(found, self.rules)
                self._table, self._ids = number(found)
                self._edges = None
                self._constructed = False
                return
        self._constructed = True
        self._ids = ids = {id(node): str(i) for i, node in enumerate(found, 1)}
        self._table = table = {}
        self._edges = edges = []
        for node in found:
            node_id = ids[id(node)]
            inputs = node._inputs
            if node._links:
                inputs = inputs.copy()
                for name, link in node._links:
                    source = ids[id(link._node if type(link) is Output else link)]
                    inputs[name] = (source, link._slot)
                    edges.append((source, node_id))
            table[node_id] = Entry(node.class_type, inputs, node, None, node._proof)

    @classmethod
    def _of(cls, table: dict[str, Entry], rules: tuple[Rule, ...] = ()) -> Graph:
        graph = cls.__new__(cls)
        graph._table = table
        graph._ids = None
        graph._edges = None
        graph._constructed = False
        graph._checked = {}
        graph._kinds = {}
        graph.rules = rules
        return graph

    @classmethod
    def from_api(cls, prompt: Mapping[str, Any]) -> Graph:
        """A graph from an API-format dict, as it is: what is wrong in it is `check`'s to say.

        ``Graph.from_api(x).to_api(check=False) == x``.

        Raises:
            FormatError: `prompt` is no API-format workflow; an editor-format one is named as such.
        """
        from .formats.api import read

        return cls._of(read(prompt))

    @classmethod
    def load(cls, path: str | Path, catalogue: Mapping[str, NodeDef] | None = None) -> Graph:
        """A graph from a file: API JSON, the editor's JSON, or a picture that carries either.

        Args:
            path: the file; its content tells what it is.
            catalogue: the definitions to read an editor-format workflow by; the bundled ones by default.

        Raises:
            FormatError: the file cannot be read, or is no workflow; one line that says why.
        """
        from .formats.files import load

        return cls._of(load(Path(path), catalogue))

    # -- looking ------------------------------------------------------------------------------------------------------

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all nodes."""
        return tuple(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Node]:
        """The nodes as they stand in this graph."""
        return (self[node_id] for node_id in self._table)

    def __contains__(self, key: object) -> bool:
        return (
            key in self._table
            if isinstance(key, str)
            else isinstance(key, Node) and id(key._token) in self._by_identity()
        )

    def id(self, node: Node | str) -> str:
        """The id of a node in this graph.

        Raises:
            EditError: it is not in the graph, or is no node at all.
        """
        if not isinstance(node, (str, Node)):
            meant = f'graph["{node}"]' if isinstance(node, int) else "a node or its id"
            raise EditError(f"{node!r} is no node and no id; give {meant}")
        if isinstance(node, str):
            if node in self._table:
                return node
            from .text import did_you_mean

            raise EditError(f"the graph has no node {node!r}; {did_you_mean(node, self._table, what='node')}")
        node_id = self._by_identity().get(id(node._token))
        if node_id is None:
            raise EditError(f"{node!r} is not in the graph")
        return node_id

    @overload
    def __getitem__(self, key: N) -> N: ...
    @overload
    def __getitem__(self, key: str) -> Node: ...
    def __getitem__(self, key: Node | str) -> Node:
        """The node as it stands in this graph, by id or by any handle to it.

        Raises:
            EditError: it is not in the graph.
        """
        return self._view(self.id(key))

    @overload
    def find(self, kind: type[N], *, title: str | None = None) -> list[N]: ...
    @overload
    def find(self, kind: str | None = None, *, title: str | None = None) -> list[Node]: ...
    def find(self, kind: type[Node] | str | None = None, *, title: str | None = None) -> list[Any]:
        """All nodes of a class, or with a title, or both.

        Args:
            kind: a node class, or its name on the wire; None for any.
            title: the exact title; None for any.
        """
        wanted = kind.class_type if isinstance(kind, type) else kind
        cls = kind if isinstance(kind, type) else None
        return [
            self._view(node_id, cls)
            for node_id, entry in self._table.items()
            if (wanted is None or entry.class_type == wanted) and (title is None or entry.title == title)
        ]

    @overload
    def one(self, kind: type[N], *, title: str | None = None) -> N: ...
    @overload
    def one(self, kind: str | None = None, *, title: str | None = None) -> Node: ...
    def one(self, kind: type[Node] | str | None = None, *, title: str | None = None) -> Any:
        """The only node of a class, or with a title, or both.

        Raises:
            EditError: there is none, or several; the message lists them.
        """
        found: list[Node] = self.find(kind, title=title)
        if len(found) == 1:
            return found[0]
        wanted = (kind.class_type if isinstance(kind, type) else kind) or "node"
        what = f"{wanted}{f' titled {title!r}' if title is not None else ''}"
        if found:
            several = ", ".join(f"{node.id!r}{f' ({node.title})' if node.title else ''}" for node in found[:12])
            raise EditError(f"the graph has {len(found)} {what}: {several}; say which by graph[id] or title=")
        from .text import did_you_mean

        if title is not None:
            titles = [e.title for e in self._table.values() if e.title and (kind is None or e.class_type == wanted)]
            raise EditError(f"the graph has no {what}; {did_you_mean(title, titles, what=f'titled {wanted} in it')}")
        classes = sorted({str(entry.class_type) for entry in self._table.values()})
        raise EditError(f"the graph has no {what}; {did_you_mean(wanted, classes, what='node in it')}")

    # -- checking and serialising -------------------------------------------------------------------------------------

    def check(self, catalogue: Catalogue | None = None) -> list[Problem]:
        """All that is wrong with the graph; empty when the server would run it.

        Args:
            catalogue: the definitions to check against, a server's or another release's. Without one the bundled
            release's,
                and then no file name is checked.
        """
        from .checks import check

        return check(self, catalogue)

    def fit(self, catalogue: Catalogue) -> tuple[Graph, list[Problem]]:
        """The graph as a server with these definitions needs it, and a warning for everything that was changed.

        A file name that differs from exactly one file there only in ``\\``, ``/``, letter case or folder is taken to mean
        that file; an input that is needed there and was not in the release the graph was made for gets its default. What
        else is wrong is left for `check`.
        """
        from .fitting import fit

        return fit(self, catalogue)

    def to_api(self, check: bool = True, *, uploaded: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
        """The API-format dict, the caller's own copy.

        Args:
            check: refuse while an error stands (against the bundled definitions).
            uploaded: names the server gave to uploads, by `Upload.name`.

        Raises:
            GraphError: an error stands.
        """
        if check:
            self._refuse_errors()
        return {node_id: _wire(entry, uploaded) for node_id, entry in self._table.items()}

    def to_json(self, check: bool = True, *, indent: int | None = None) -> str:
        """The API-format JSON text. Arguments and errors as for `to_api`; `indent` as for ``json.dumps``."""
        if check:
            self._refuse_errors()
        if indent is None:
            try:
                return json.dumps({node_id: _plain(entry) for node_id, entry in self._table.items()})
            except TypeError:
                pass  # an upload or a raw value in it, which `to_api` resolves
        return json.dumps(self.to_api(check=False), indent=indent)

    def to_python(
        self,
        *,
        keep_ids: bool = False,
        catalogue: Mapping[str, NodeDef] | None = None,
        packages: Sequence[str] = (),
        subgraphs: Mapping[str, str] | None = None,
        name: str = "",
    ) -> str:
        """The graph as a typed Python program: ``build(…) -> Graph`` makes it again, ``main()`` runs it.

        Args:
            keep_ids: give every node its id and its title; without, ids are given anew.
            catalogue: definitions of nodes that have no typed class.
            packages: generated packages of typed nodes besides ``comfygraph.nodes``, by module name.
            subgraphs: names of parts, by the prefix of their nodes' ids (``{"88": "Upscale"}``); each becomes a
                ``@subgraph`` function. `formats.files.subgraph_names` reads them from an editor file.
            name: what the pipeline is called, for the docstring.

        Raises:
            FormatError: constructors cannot build it: a cycle, a link to nothing, a node without a class.
        """
        from .formats.python import to_python

        return to_python(
            self, keep_ids=keep_ids, catalogue=catalogue, packages=packages, subgraphs=subgraphs, name=name
        )

    def to_workflow(self, catalogue: Mapping[str, NodeDef] | None = None) -> dict[str, Any]:
        """The graph in the editor's own format, laid out from left to right, for "open in ComfyUI".

        Args:
            catalogue: the definitions of its nodes; the bundled ones by default.
        """
        from .formats.editor import to_workflow

        return to_workflow(self, catalogue)

    def _refuse_errors(self) -> None:
        problems = self.check()
        if problems and problems[0].severity == "error":
            raise GraphError([problem for problem in problems if problem.severity == "error"])

    def uploads(self) -> list[Upload]:
        """The files to send before the graph, each once."""
        found = (
            v for entry in self._table.values() if entry.inputs for v in entry.inputs.values() if type(v) is Upload
        )
        return list(dict.fromkeys(found))

    def partner_nodes(self, catalogue: Mapping[str, NodeDef] | None = None) -> list[str]:
        """The ids of partner nodes: they cost money and need an account key."""
        from .checks import definitions_or_bundled

        known = definitions_or_bundled(catalogue)
        return [
            node_id
            for node_id, entry in self._table.items()
            if isinstance(entry.class_type, str) and entry.class_type in known and known[entry.class_type].api_node
        ]

    # -- editing ------------------------------------------------------------------------------------------------------

    def set(self, node: Node | str, /, **inputs: Any) -> Graph:
        """The graph with other inputs at one node, checked like its constructor.

        Args:
            node: a handle or an id.
            inputs: values or links by keyword, or by name on the wire. None takes an optional input out.

        Raises:
            EditError: the node is not in the graph, or a link would close a cycle.
            GraphError: what the constructor would refuse.
        """
        from .edits import set_inputs

        return set_inputs(self, self.id(node), inputs)

    def replace(self, old: Link[K], new: Link[K]) -> Graph:
        """The graph with every consumer of `old` linked to `new` instead; what nothing needs any more is dropped.

        Consumers that `new` is itself made from keep `old`.

        Raises:
            EditError: `old` is not in the graph, or only `new` itself uses it.
            GraphError: `new` is of a kind that a consumer does not take.
        """
        from .edits import replace

        return replace(self, old, new)

    def splice(self, link: Link[K], function: Callable[[Output[K]], Link[K]]) -> Graph:
        """The graph with something put behind an output: every consumer of `link` is linked to what `function` makes of it.

        Args:
            link: the output to put it behind.
            function: takes that output, returns the link that the consumers get.

        Raises:
            EditError: `link` is not in the graph, or the result would be a cycle.
            GraphError: the result is of a kind that a consumer does not take.

        Example:
            >>> g.splice(ckpt.MODEL, lambda m: LoraLoaderModelOnly(model=m, lora_name="x.safetensors"))   # doctest: +SKIP
        """
        from .edits import splice

        return splice(self, link, function)

    def bypass(self, node: Node | str) -> Graph:
        """The graph without a node, its inputs passed through to its outputs of the same kind, as the editor's bypass does.

        Raises:
            EditError: an output that is used has no input of its kind.
        """
        from .edits import bypass

        return bypass(self, self.id(node))

    def without(self, *nodes: Node | str) -> Graph:
        """The graph without these nodes.

        Raises:
            EditError: another node needs one of them.
        """
        from .edits import without

        return without(self, [self.id(node) for node in nodes])

    def prune(self, *keep: Node | str) -> Graph:
        """The graph without what feeds no output node and none of `keep`."""
        from .edits import prune

        return prune(self, [self.id(node) for node in keep])

    def merge(self, other: Graph) -> Graph:
        """Both graphs in one: this one's ids stay, those of `other` that are taken are given anew; handles of both are valid.

        Raises:
            EditError: both have the same node, edited differently.
        """
        from .edits import merge

        return merge(self, other)

    def extract(self, *ends: Link[Any] | Node | str, starts: Sequence[Link[Any]] = ()) -> Graph:
        """The part of the graph that `ends` need, without what lies before `starts`.

        Inputs that were linked to `starts` are left open, for `set` or another graph to fill.
        """
        from .edits import extract, find_link

        roots = [self.id(end) if isinstance(end, (str, Node)) else find_link(self, end)[0] for end in ends]
        return extract(self, roots, [find_link(self, start) for start in starts])

    def parts(self, which: Subgraph[..., Any] | str | None = None) -> list[Part]:
        """What `@subgraph` functions made of this graph, outer parts before those nested in them.

        Args:
            which: the subgraph, or a part's id or name; None for all.
        """
        from .subgraphs.parts import find_parts

        return find_parts(self, which)

    def part(self, which: Subgraph[..., Any] | Part | str) -> Part:
        """The only part that a `@subgraph` function made, or the one with this id.

        Raises:
            EditError: there is none, or several; the message lists them.
        """
        from .subgraphs.parts import one_part

        return one_part(self, which)

    def swap(self, old: Subgraph[..., Any] | Part | str, new: Callable[..., Any], /, **given: Any) -> Graph:
        """The graph with another subgraph in the place of a part.

        Args:
            old: the `@subgraph` function that made the part, or the part, or its id.
            new: a function from links to links. It gets those that go into the part, by name; values are not carried over.
            given: further arguments of `new`.

        Raises:
            EditError: no such part, or several; surfaces that do not fit, both listed; a cycle.
            GraphError: what a constructor in `new` refuses.

        Example:
            >>> g.swap(hires_fix, upscale_model)                # doctest: +SKIP
        """
        from .subgraphs.swapping import swap

        return swap(self, old, new, given)

    def upstream(self, node: Node | str) -> list[Node]:
        """What a node needs, itself not included, in the graph's order."""
        from .edits import upstream_ids

        node_id = self.id(node)
        found = upstream_ids(self._table, [node_id])
        return [self._view(other) for other in self._table if other in found and other != node_id]

    def downstream(self, node: Node | str) -> list[Node]:
        """What needs a node, itself not included, in the graph's order."""
        from .edits import downstream_ids

        node_id = self.id(node)
        found = downstream_ids(self._table, [node_id])
        return [self._view(other) for other in self._table if other in found and other != node_id]

    def paths(self, start: Node | str, end: Node | str, *, most: int = 100) -> list[list[Node]]:
        """The ways from one node to another, shortest first, at most `most` of them."""
        from .edits import paths

        return [
            [self._view(node_id) for node_id in path] for path in paths(self._table, self.id(start), self.id(end), most)
        ]

    def with_rules(self, *rules: Rule) -> Graph:
        """The graph with more rules: module-level functions from a graph to problems."""
        return Graph._of(self._table, (*self.rules, *rules))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _links(self) -> list[tuple[str, str]]:
        """Every link between nodes that exist, as (from, to), undeclared inputs' too."""
        if self._edges is None:
            table = self._table
            self._edges = [
                (value[0], node_id)
                for node_id, entry in table.items()
                for value in (entry.inputs or {}).values()
                if type(value) is tuple and value[0] in table
            ]
        return self._edges

    def _by_identity(self) -> dict[int, str]:
        if self._ids is None:
            self._ids = {id(entry.token): node_id for node_id, entry in self._table.items()}
        return self._ids

    def _view(self, node_id: str, wanted: type[Node] | None = None) -> Node:
        entry = self._table[node_id]
        token = entry.token
        if not isinstance(token, Token):
            cls = type(token)
        else:
            # A class that was asked for by name is remembered: it may know a custom node that comfygraph does not.
            token.cls = cls = wanted or token.cls or class_of(entry.class_type)
        view = cls.__new__(cls)
        view._extra = extra = Extra()
        extra.graph, extra.id, extra.token = self, node_id, token
        view._inputs = {}
        view._links = []
        view._proof = None
        view._serial = 0
        view._site = token._site if isinstance(token, Node) else None
        if isinstance(view, Node1):
            kinds = self._kinds_of(node_id)
            view._kind = kinds[0] if kinds else "*"
        return view

    def _inputs_of(self, node_id: str) -> Mapping[str, Any]:
        inputs = self._table[node_id].inputs or {}
        from copy import deepcopy

        # What could be changed is the caller's own copy.
        shown = {
            name: self._link(v) if type(v) is tuple else deepcopy(v) if isinstance(v, (dict, list)) else v
            for name, v in inputs.items()
        }
        return MappingProxyType(shown)

    def _link(self, link: tuple[str, int]) -> Any:
        source, slot = link
        if source not in self._table:
            return [source, slot]
        return self._output(source, slot)

    def _output(self, node_id: str, slot: int) -> Output[Any]:
        view = self._view(node_id)
        kinds = self._kinds_of(node_id)
        kind = kinds[slot] if -len(kinds) <= slot < len(kinds) else "*"
        return Output(view, slot, kind)

    def _kinds_of(self, node_id: str) -> list[str]:
        """The socket types of a node's outputs here; none for a class that nobody knows."""
        kinds = self._kinds.get(node_id)
        return settle(node_id, self._kinds, self._row) if kinds is None else kinds

    def _row(self, node_id: str) -> tuple[NodeDef | None, Mapping[str, Any]]:
        from .edits import definition_of

        entry = self._table.get(node_id)
        return (None, {}) if entry is None else (definition_of(entry), entry.inputs or {})

    def _title_of(self, node_id: str) -> str | None:
        return self._table[node_id].title

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self.to_api(check=False) == other.to_api(check=False)

    def __hash__(self) -> int:
        return hash(frozenset(self._table))

    def __copy__(self) -> Graph:
        return self

    def __deepcopy__(self, memo: object) -> Graph:
        return self  # immutable: a copy would only lose its handles

    def __reduce__(self) -> tuple[Any, ...]:
        from .adopt import frozen, thaw

        return thaw, (frozen(self), self.rules)

    def __repr__(self) -> str:
        return f"<Graph: {len(self)} node{'s' if len(self) != 1 else ''}>"


def class_of(class_type: Any) -> type[Node]:
    """The typed class of a node class; an untyped one for a class that nobody generated."""
    from .untyped import known_class

    return known_class(class_type)


def _plain(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {"class_type": entry.class_type, "inputs": entry.inputs}
    return _whole(entry, row) if entry.rest is not None or entry.inputs is None or entry.class_type is None else row


def _wire(entry: Entry, uploaded: Mapping[str, str] | None) -> dict[str, Any]:
    inputs = {
        name: value if type(value) in _ATOMS else _value(value, uploaded)
        for name, value in (entry.inputs or {}).items()
    }
    row: dict[str, Any] = {"class_type": entry.class_type, "inputs": inputs}
    return _whole(entry, row) if entry.rest is not None or entry.inputs is None or entry.class_type is None else row


def _whole(entry: Entry, row: dict[str, Any]) -> dict[str, Any]:
    """A row with what else a loaded node holds, and without what it lacks."""
    from copy import deepcopy

    if entry.inputs is None:
        del row["inputs"]
    if entry.class_type is None and "class_type" not in (entry.rest or {}):
        del row["class_type"]
    return {**row, **deepcopy(entry.rest or {})}


def _value(value: Any, uploaded: Mapping[str, str] | None) -> Any:
    kind = type(value)
    if kind is tuple:
        return list(value)
    if kind is Upload:
        return (uploaded or {}).get(value.name, value.name)
    if kind is Raw:
        value = value.value
    from copy import deepcopy

    return deepcopy(value)
