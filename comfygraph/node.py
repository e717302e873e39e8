"""Nodes: the base classes of every typed node class, and what a construction does.

A node is built from keyword arguments, checks them against its definition at once, and is from then on an immutable
handle: a token of identity that graphs know it by. `Graph` gives it an id; `graph[node]` is the node as it stands in
that graph.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import count
from operator import attrgetter
from types import CodeType, FrameType, MappingProxyType

from .links import TYPE_CHECKING, K_co, Link, Output

if TYPE_CHECKING:
    from typing import Any, ClassVar, TypeVar

    from .definition import InputDef, NodeDef
    from .fields import Field
    from .graph import Graph

    N = TypeVar("N", bound="Node")

_serials = count(1)
_PACKAGE = __name__.rpartition(".")[0]
# The packages of ours whose functions make nodes for a caller: the place to report is the caller's.
_OWN = frozenset({_PACKAGE, f"{_PACKAGE}.presets", f"{_PACKAGE}.subgraphs", f"{_PACKAGE}.formats"})


class Plan:
    """What a class needs to know to build an instance: its definition, digested once at its first construction."""

    __slots__ = ("definition", "fields", "kind", "proof", "templates")

    definition: NodeDef
    fields: tuple[Field, ...]

    def __init__(self, definition: NodeDef, owner: str) -> None:
        from .fields import fields_of

        self.definition = definition
        self.fields = fields_of(definition, owner)
        self.templates = definition.templates
        # With several outputs a node is no link itself.
        self.kind = definition.outputs[0].type if len(definition.outputs) == 1 else ""
        # What a constructor accepted needs no second look against the same definition, unless there is a warning to
        # give.
        self.proof = None if definition.deprecated else definition


class Extra:
    """What only some nodes have: a name, a title, and, for a node as it stands in a graph, that graph."""

    __slots__ = ("graph", "id", "name", "title", "token")

    def __init__(self) -> None:
        self.name: str | None = None
        self.title: str | None = None
        self.token: object | None = None
        self.graph: Graph | None = None
        self.id = ""


class _Called(type):
    """The type of node and option classes: a call with wrong argument names says which are meant."""

    if not TYPE_CHECKING:

        def __call__(cls, *args: Any, **inputs: Any) -> Any:
            try:
                return super().__call__(*args, **inputs)
            except TypeError as error:
                if error.__traceback__.tb_next is not None:
                    raise  # it comes from inside
                from .untyped import argument_error

                raise argument_error(cls, args, inputs) or error from None


class Node(metaclass=_Called):
    """The base of all node classes. Generated classes add the constructor and the outputs.

    Attributes:
        class_type: the node's name on the wire.
        inputs: what it was given, read-only, by name on the wire; links are `Link`s.
        where: ``file:line`` of the call that made it, or None.
    """

    __slots__ = ("_extra", "_inputs", "_kind", "_links", "_proof", "_serial", "_site")

    class_type: ClassVar[str]
    _definition: ClassVar[NodeDef | None] = None
    _plan: ClassVar[Plan | None] = None
    _is_node: ClassVar[bool] = True

    _extra: Extra | None
    _inputs: dict[str, Any]
    _links: list[tuple[str, Link[Any]]]
    _proof: NodeDef | None
    _site: tuple[CodeType, int] | str | None

    if not TYPE_CHECKING:

        def __init__(self, /, **inputs: Any) -> None:
            """An untyped node (`Catalogue.node`): inputs by keyword or wire name, checked like those of a typed one."""
            from .untyped import arguments

            self._bind(*arguments(_plan_of(type(self)), type(self).__name__, inputs))

        def __getattr__(self, name: str) -> Any:
            from .untyped import no_attribute

            raise no_attribute(self, name)

    def _bind(self, *values: Any) -> None:
        """Take the constructor's arguments, in the order of the definition."""
        plan = self._plan or _plan_of(type(self))
        self._extra = None
        self._serial = next(_serials)
        frame = sys._getframe(3)  # the user's: behind this one stand __init__ and _Called.__call__
        self._site = (frame.f_code, frame.f_lasti)
        if frame.f_globals.get("__package__") in _OWN:
            self._site = _outside(frame)
        self._inputs = inputs = {}
        self._links = links = []
        try:
            for field, value in zip(plan.fields, values):
                if value is not None or not field.optional:
                    inputs[field.name] = value = field.accept(value)
                    if field.socket:
                        links.append((field.name, value))
            self._proof = plan.proof
        except Exception as error:
            _bind_slowly(self, plan, values, error)
        if plan.kind:
            self._kind = _output_kinds(self, plan.definition)[0] if plan.templates else plan.kind

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What the node was given, or, for a node of a graph (``graph[node]``), what it has there."""
        extra = self._extra
        if extra is not None and extra.graph is not None:
            return extra.graph._inputs_of(extra.id)
        return MappingProxyType(self._inputs)

    @property
    def id(self) -> str | None:
        """Its id in the graph that gave this handle (``graph[node].id``), or the name it wants; None when it has
        neither.
        """
        extra = self._extra
        return None if extra is None else extra.id or extra.name

    @property
    def title(self) -> str | None:
        """The title that the editor and progress messages show, if it was given one."""
        extra = self._extra
        if extra is None:
            return None
        return extra.title if extra.graph is None else extra.graph._title_of(extra.id)

    @property
    def where(self) -> str | None:
        """``file:line`` of the call that made the node; None for a node that was loaded."""
        site = self._site
        return _place(*site) if isinstance(site, tuple) else site

    @property
    def variable(self) -> str | None:
        """The variable that the call was assigned to, when it can be had."""
        site = self._site
        if not isinstance(site, tuple):
            return None
        from .sites import variable

        return variable(*site)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of its outputs, as the properties are called: ``("MODEL", "CLIP", "VAE")``."""
        return tuple(self.outputs_by_name)

    @property
    def outputs_by_name(self) -> dict[str, str]:
        """Output names with their socket types."""
        from .naming import output_names

        definition = self._definition_or_none()
        if definition is None:
            return {}
        kinds = _output_kinds(self, definition)
        return dict(zip(output_names(o.name for o in definition.outputs), kinds))

    def named(self: N, name: str) -> N:
        """Give the node the id that it shall have in graphs, such as ``"sampler"``; returns the node.

        Raises:
            ValueError: `name` is empty.
        """
        if not name:
            raise ValueError("a node's name cannot be empty")
        self._own().name = name
        return self

    def titled(self: N, title: str) -> N:
        """Give the node a title, which the editor and progress messages show; returns the node."""
        self._own().title = title
        return self

    def extra(self: N, /, **inputs: object) -> N:
        """Give the node inputs that its class does not declare, or that it would not take; returns the node.

        They are sent as they are: what the editor keeps for itself, what a newer release of the node has. `Graph.check` says
        what it makes of them.

        Args:
            inputs: links or JSON values by name on the wire (``**{"a.b": 1}`` where that is no identifier).

        Raises:
            EditError: the node is a handle of a graph, which is immutable.

        Example:
            >>> CustomCombo(choice="red").extra(option1="red", option2="green")     # doctest: +SKIP
        """
        from .untyped import give

        give(self, inputs)
        return self

    def output(self, which: int | str) -> Output[Any]:
        """An output by index or name, for nodes whose class is not typed.

        Raises:
            EditError: there is no such output; the message lists those there are.
        """
        from .errors import EditError

        names = list(self.outputs_by_name)
        if isinstance(which, int) and (0 <= which < len(names) or (self._definition_or_none() is None and which >= 0)):
            return self._output(which)
        if isinstance(which, str) and which.upper() in names:
            return self._output(names.index(which.upper()))
        raise EditError(f"{self.class_type} has no output {which!r}; it has: {', '.join(names) or 'none'}")

    def _output(self, slot: int) -> Output[Any]:
        plan = self._plan
        if plan is not None and not plan.templates and self._extra is None:
            return Output(self, slot, plan.definition.outputs[slot].type)
        definition = self._definition_or_none()
        kind = "*" if definition is None else _output_kinds(self, definition)[slot]
        return Output(self, slot, kind)

    def _own(self) -> Extra:
        extra = self._more()
        if extra.graph is not None:
            from .errors import EditError

            raise EditError(
                f"{self!r} is a handle of a graph, and graphs do not change: name a node before it is in one"
            )
        return extra

    def _more(self) -> Extra:
        if self._extra is None:
            self._extra = Extra()
        return self._extra

    @property
    def _token(self) -> object:
        extra = self._extra
        return self if extra is None or extra.token is None else extra.token

    @classmethod
    def _definition_or_none(cls) -> NodeDef | None:
        try:
            return _plan_of(cls).definition
        except LookupError:
            return None

    def __reduce__(self) -> tuple[Any, ...]:
        # By way of a graph, whose pickle is a flat table: a chain of nodes would be pickled by recursion.
        from .adopt import handle
        from .graph import Graph

        extra = self._extra
        graph = Graph(self) if extra is None or extra.graph is None else extra.graph
        return handle, (graph, graph.id(self))

    def __deepcopy__(self, memo: object) -> Node:
        return self  # a token of identity

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Node) and self._token is other._token)

    def __hash__(self) -> int:
        return id(self._token)

    def __repr__(self) -> str:
        name = self.id or self.title
        place = self.where
        return f"<{self.class_type}{f' {name!r}' if name else ''}{f' made at {place}' if place else ''}>"


class Node1(Node, Link[K_co]):
    """A node with exactly one output, of kind `K_co`: it is a link itself."""

    __slots__ = ()

    if not TYPE_CHECKING:
        _slot = 0

        @property
        def _node(self) -> Node:
            return self


class Option(metaclass=_Called):
    """The base of the option classes of dynamic combos, such as ``ResizeImageMaskNode.ScaleWidth(width=512)``.

    Attributes:
        key: the option on the wire.
        inputs: what it was given, read-only, by name on the wire without the parent's.
        definitions: the inputs that the option has.
        noticed: it holds a value that `check` has something to say of.
    """

    __slots__ = ("_inputs", "noticed")

    noticed: bool

    key: ClassVar[str]
    _at: ClassVar[tuple[str, ...]]
    _cached: ClassVar[tuple[tuple[InputDef, ...], tuple[Field, ...]] | None] = None
    _is_option: ClassVar[bool] = True

    def _bind(self, *values: Any) -> None:
        from .fields import Misfit, Notice

        self._inputs: dict[str, Any] = {}
        self.noticed = False
        for field, value in zip(self._read()[1], values):
            if value is not None or not field.optional:
                try:
                    field.put(self._inputs, value)
                except Notice as notice:
                    self.noticed = self.noticed or not notice.trusted
                    if notice.value is not None:
                        self._inputs[field.name] = notice.value
                except Misfit as misfit:
                    _refuse_option(self, misfit)

    @property
    def inputs(self) -> Mapping[str, Any]:
        return MappingProxyType(self._inputs)

    @property
    def definitions(self) -> tuple[InputDef, ...]:
        return self._read()[0]

    @classmethod
    def _read(cls) -> tuple[tuple[InputDef, ...], tuple[Field, ...]]:
        if cls._cached is None:
            from .fields import field

            definition = _catalogue_of(cls)[cls._at[0]]
            found = definition.inputs[cls._at[1]]
            for i in range(2, len(cls._at), 2):
                choice = (found.choices or {})[cls._at[i]]
                if i + 1 < len(cls._at):
                    found = next(d for d in choice if d.name == cls._at[i + 1])
            definitions = (found.choices or {})[cls._at[-1]]
            cls._cached = definitions, tuple(field(d, cls.__qualname__) for d in definitions)
        return cls._cached

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self._inputs.items())
        return f"{type(self).__qualname__}({given})"


def _plan_of(cls: type[Node]) -> Plan:
    """The class's plan, made at first use. Raises LookupError for a class that no definition is known of."""
    plan = cls.__dict__.get("_plan")
    if plan is None:
        definition = cls._definition
        if definition is None:
            definition = _catalogue_of(cls)[cls.class_type]
        plan = cls._plan = Plan(definition, cls.__name__)
    return plan


def _catalogue_of(cls: type) -> Mapping[str, NodeDef]:
    """The definitions that the class was generated from: its package has a function `definitions`."""
    for base in cls.__mro__:
        package = sys.modules.get(base.__module__.rpartition(".")[0])
        definitions = getattr(package, "definitions", None)
        if definitions is not None:
            found: Mapping[str, NodeDef] = definitions()
            return found
    raise LookupError(cls.__qualname__)


def _output_kinds(node: Node, definition: NodeDef) -> list[str]:
    extra = node._extra
    if extra is not None and extra.graph is not None:
        return extra.graph._kinds_of(extra.id)
    from .matching import output_kinds

    return output_kinds(definition, node._inputs)


def _bind_slowly(node: Node, plan: Plan, values: tuple[Any, ...], error: Exception) -> None:
    """Take every argument on its own, to name all that is wrong with the call and not only the first thing."""
    from .errors import GraphError
    from .fields import Misfit, Notice
    from .problems import Problem

    if not isinstance(error, (Misfit, Notice)):
        raise error
    node._inputs.clear()
    node._links.clear()
    node._proof = plan.proof
    found: list[Problem] = []
    for field, value in zip(plan.fields, values):
        if value is None and field.optional:
            continue
        try:
            field.put(node._inputs, value)
        except Notice as notice:
            if notice.value is not None:
                node._inputs[field.name] = notice.value
            if not notice.trusted:
                node._proof = None
        except Misfit as misfit:
            v = misfit.verdict
            message = f"{node.class_type}: {v.message}"
            found.append(
                Problem(
                    v.severity,
                    v.code,
                    message,
                    class_type=node.class_type,
                    input=misfit.name,
                    hint=v.hint,
                    **whence(node),
                )
            )
    if found:
        raise GraphError(found) from None
    node._links.extend(item for item in node._inputs.items() if isinstance(item[1], Link))


def _refuse_option(option: Option, error: Any) -> None:
    from .errors import GraphError
    from .problems import Problem

    site = _outside(sys._getframe(3))
    where = _place(*site) if isinstance(site, tuple) else site
    v = error.verdict
    message = f"{type(option).__qualname__}: {v.message}"
    raise GraphError(
        [Problem(v.severity, v.code, message, class_type=option._at[0], input=error.name, hint=v.hint, where=where)]
    ) from None


def whence(node: object) -> dict[str, Any]:
    """Where a node was made, as arguments of a `Problem`; nothing for a node that was loaded."""
    return {"where": node.where, "variable": node.variable} if isinstance(node, Node) else {}


def _outside(frame: FrameType | None) -> tuple[CodeType, int] | str | None:
    """The first frame that is not comfygraph's own: the user's call."""
    while frame is not None and _internal(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return None if frame is None else (frame.f_code, frame.f_lasti)


def _internal(module: str) -> bool:
    return module == _PACKAGE or module.startswith(_PACKAGE + ".")


def _place(code: CodeType, lasti: int) -> str:
    from .sites import place

    return place(code, lasti)


def walk(nodes: Iterator[Any]) -> list[Node]:
    """These nodes and everything upstream of them, each once, in order of creation. No recursion: chains may be
    long.
    """
    seen: dict[int, Node] = {}
    # An output stands for its node: `Graph(save.IMAGES)` is the graph for `save`.
    pending: list[Any] = [item._node if type(item) is Output else item for item in nodes]
    for node in pending:
        if not isinstance(node, Node):
            raise TypeError(
                f"a Graph is made of nodes, and {node!r} is none: write Graph(save), or Graph(*nodes) for several"
            )
    while pending:
        node = pending.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            for _, link in node._links:
                # A plain node as a link is its own source: asking its property would cost more than the whole step.
                pending.append(link._node if type(link) is Output else link)
    return sorted(seen.values(), key=_by_serial)


_by_serial = attrgetter("_serial")
