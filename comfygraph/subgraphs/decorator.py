"""`@subgraph`: a function from links and values to links, whose nodes belong together in every graph that they get into.

A call runs the function and then walks back from what it returned: the nodes that were made meanwhile are its part. Each
keeps a note of the call, from which ids and titles, `Graph.parts` and `Graph.swap` follow.
"""

# pyright: reportPrivateUsage=false
# Within one package, an underscore keeps a name from users, not from its neighbours.
from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeGuard, TypeVar, cast, overload

from ..edits import here
from ..errors import GraphError
from ..links import Link, Output
from ..node import Extra, Node, _serials
from ..problems import Problem
from ..text import shown

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
_LINK = re.compile(r"(?:\w+\.)*Link\[(?:\w+\.)*([^\[\]]+)\]")


class Call:
    """One call of a subgraph: what it was given, what it gave.

    Attributes:
        subgraph: what was called.
        parent: the call that it was made in, when subgraphs are nested.
        arguments: what it was given, defaults included, by parameter.
        outputs: the links that it returned, by name; a single one under ``""``.
        entries: where each linked parameter goes in: its nodes and their inputs.
        successors: what swaps of parts nested in it have put in the place of their outputs, in whatever graph.
    """

    __slots__ = ("arguments", "entries", "outputs", "parent", "subgraph", "successors")

    def __init__(self, subgraph: Subgraph[..., Any], parent: Call | None, arguments: dict[str, Any]) -> None:
        self.subgraph = subgraph
        self.parent = parent
        self.arguments = arguments
        self.outputs: dict[str, Link[Any]] = {}
        self.entries: dict[str, list[tuple[Node, str]]] = {}
        self.successors: dict[Output[Any], list[Link[Any]]] = {}

    @property
    def chain(self) -> list[Call]:
        """This call and those around it, outermost first."""
        found: list[Call] = []
        call: Call | None = self
        while call is not None:
            found.append(call)
            call = call.parent
        return found[::-1]


class PartExtra(Extra):
    """What a node made by a subgraph has besides: the innermost call that it was made in."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.call = call


_current: ContextVar[Call | None] = ContextVar("comfygraph_subgraph", default=None)


class Subgraph(Generic[P, R_co]):
    """A function that `subgraph` has named. Calling it gives what the function gives.

    Attributes:
        name: what ids and titles of its nodes begin with.
        function: the function itself.
    """

    __name__: str
    __wrapped__: Callable[..., Any]

    def __init__(self, function: Callable[P, R_co], name: str | None = None) -> None:
        update_wrapper(cast("Any", self), function)
        self.function = function
        self.name = _checked(name if name is not None else getattr(function, "__name__", "part"))
        self._signature = inspect.signature(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        return self.called(_current.get(), *args, **kwargs)[0]

    def called(self, parent: Call | None, /, *args: P.args, **kwargs: P.kwargs) -> tuple[R_co, Call]:
        """What a call within `parent` gives, and the call itself."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        call = Call(cast("Any", self), parent, dict(bound.arguments))
        before = next(_serials)
        token = _current.set(call)
        try:
            result = self.function(*args, **kwargs)
        finally:
            _current.reset(token)
        call.outputs = outputs_of(self.name, result)
        _claim(call, call.outputs.values(), before)
        if parent is not _current.get():  # a swap within the parent, which has returned long ago
            for outer in reversed(call.chain[:-1]):
                _claim(outer, call.outputs.values(), before)
        return result, call

    @property
    def surface(self) -> str:
        """What it takes and gives, in one line: links and what must be given; ``…`` stands for the rest."""
        listed: list[str] = []
        parameters = self._signature.parameters.values()
        for p in parameters:
            if "Link[" in str(p.annotation) or p.default is p.empty:
                name = f"*{p.name}" if p.kind is p.VAR_POSITIONAL else p.name
                kind = _kind_of(p.annotation)
                optional = "" if p.default is p.empty else " if given"
                listed.append(f"{name}: {kind}{optional}" if kind else name)
        rest = ["…"] if len(listed) < len(parameters) else []
        gives = _kind_of(self._signature.return_annotation)
        return f"{self.name}({', '.join([*listed, *rest])}) -> {gives or '?'}"

    def __repr__(self) -> str:
        return f"<subgraph {self.surface}>"

    def __reduce__(self) -> str:
        # As a function does: by its place in its module.
        return getattr(self, "__qualname__", self.name)


@overload
def subgraph(function: Callable[P, R], /) -> Subgraph[P, R]: ...
@overload
def subgraph(*, name: str) -> Callable[[Callable[P, R]], Subgraph[P, R]]: ...
def subgraph(function: Callable[..., Any] | None = None, /, *, name: str | None = None) -> Any:
    """Make a function from links and values to links a part that can be found, shown and replaced as one.

    Its nodes get ids such as ``"hires_fix:1"`` and titles such as ``"hires_fix / KSampler"``; a second call in one graph is
    ``"hires_fix_2"``. Type checkers see the function's own signature. It may call other subgraphs.

    Args:
        function: returns a link, a node, or a tuple, named tuple, dataclass or mapping of links.
        name: another name than the function's.

    Raises:
        GraphError: when called: it returned no link.
        ValueError: a name that cannot begin an id.

    Example:
        >>> @subgraph
        ... def sharpen(image: Link[k.Image], *, amount: float = 1.0) -> Link[k.Image]:     # doctest: +SKIP
        ...     return ImageSharpen(image=image, sharpen_radius=1, sigma=1.0, alpha=amount)
    """
    if function is not None:
        return Subgraph(function)

    def named(function: Callable[..., Any]) -> Subgraph[..., Any]:
        return Subgraph(function, name)

    return named


def is_link(value: object) -> TypeGuard[Link[Any]]:
    """Whether a value is a link: an output, or a node with one output."""
    return isinstance(value, Link)


def _is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def as_output(link: Link[Any]) -> Output[Any]:
    """A link as one that compares by node and slot: a node that is a link compares as a node."""
    return Output(link._node, link._slot, link._kind)


def outputs_of(name: str, result: Any) -> dict[str, Link[Any]]:
    """The links in what a subgraph returned, by name. Raises GraphError where there is none."""
    found = {key: value for key, value in _named(result) if is_link(value)}
    if not found:
        hint = "return a link, a node, or a tuple, named tuple, dataclass or mapping of links"
        message = f"{name} returned {shown(result)}, and a subgraph returns links"
        raise GraphError([Problem("error", "subgraph_without_link", message, hint=hint, where=here())])
    return found


def _named(result: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(result, Link):
        yield "", result
    elif isinstance(result, Node):
        for slot, (name, kind) in enumerate(result.outputs_by_name.items()):
            yield name.lower(), Output(result, slot, kind)
    elif _is_mapping(result):
        for name, value in result.items():
            yield str(name), value
    elif is_dataclass(result) and not isinstance(result, type):
        for field in fields(result):
            yield field.name, getattr(result, field.name)
    elif isinstance(result, (tuple, list)):
        names: Any = getattr(cast("Any", result), "_fields", None)
        for at, value in enumerate(cast("tuple[Any, ...]", result)):
            yield (str(names[at]) if names else str(at)), value


def _claim(call: Call, links: Iterable[Link[Any]], before: int) -> None:
    """Note the call at the nodes that were made for it: what lies between these links and what is older than it."""
    given = {(id(v._node._token), v._slot): name for name, v in reversed(call.arguments.items()) if is_link(v)}
    seen: set[int] = set()
    pending = [link._node for link in links]
    while pending:
        node = pending.pop()
        if id(node) in seen or node._serial < before or (node._extra is not None and node._extra.graph is not None):
            continue
        seen.add(id(node))
        _mark(node, call)
        for wire, link in node._links:
            name = given.get((id(link._node._token), link._slot))
            if name is not None:
                call.entries.setdefault(name, []).append((node, wire))
            pending.append(link._node)


def _mark(node: Node, call: Call) -> None:
    extra = node._extra
    if not isinstance(extra, PartExtra):
        title = extra.title if extra is not None else None
        node._extra = part = PartExtra(call)
        part.name = extra.name if extra is not None else None
        part.title = title or _display_name(node)
        extra = part
    extra.title = f"{call.subgraph.name} / {extra.title}"


def _display_name(node: Node) -> str:
    definition = node._definition_or_none()
    return (definition.display_name if definition is not None else "") or node.class_type


def call_of(node: object) -> Call | None:
    """The innermost call that made a node; None for one that no subgraph made."""
    extra = node._extra if isinstance(node, Node) else None
    return extra.call if isinstance(extra, PartExtra) else None


def _kind_of(annotation: Any) -> str:
    """An annotation as a surface shows it: ``Link[k.Image]`` is ``Image``."""
    if annotation is inspect.Signature.empty:
        return ""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return _LINK.sub(r"\1", text).removesuffix(" | None")


def _checked(name: str) -> str:
    name = "part" if name == "<lambda>" else name
    if not name or ":" in name or not name.isprintable():
        raise ValueError(
            f"a subgraph's name begins the ids of its nodes: {name!r} cannot, as it is empty or has a colon in it"
        )
    return name
