"""What changed between two graphs, by node and input: `diff`, and how it reads in a terminal: `render`.

Ids that are numbers are the editor's affair and change with every export; so nodes are told by what they are. Names that somebody
gave (``"sampler"``) are not numbers, and a change of one is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from ..definition import MISSING, NodeDef
from . import editor_tables as tables
from .diff_match import Matcher, Row, Side, key, side
from .editor_widgets import build

if TYPE_CHECKING:
    from ..graph import Graph

Kind = Literal["added", "removed", "changed", "rewired", "renamed", "retitled"]
_SHORT: Final = 48  # characters of a value that stands in the line itself
_LONG: Final = 160  # of one that has a line of its own
_AROUND: Final = 24  # of what stays the same on both sides of a change in a text
_MARKS: Final[dict[Kind, str]] = {"added": "+", "removed": "-"}


@dataclass(frozen=True)
class End:
    """Where a link comes from: a node, and which of its outputs; `name` is the output's, or its number."""

    node_id: str
    class_type: str
    slot: int
    name: str

    def __str__(self) -> str:
        return _safe(f"{self.node_id} {self.class_type}.{self.name}")


@dataclass(frozen=True)
class Difference:
    """One difference between two graphs.

    Attributes:
        kind: ``added`` and ``removed``: a node. ``changed``: a value. ``rewired``: a link, or a link where there was a value.
            ``renamed``: an id that is a name. ``retitled``: a title.
        node_id: the node in the first graph; None when it was added.
        other_id: the node in the second graph; None when it was removed.
        class_type: its class.
        input: the input, for ``changed`` and ``rewired``.
        before, after: the value, `End`, id or title in the first graph and in the second, MISSING where there is none; of a node
            that was added or removed all its inputs by name.
        title: the node's own title, if it has one.
    """

    kind: Kind
    node_id: str | None
    other_id: str | None
    class_type: str
    input: str | None = None
    before: Any = MISSING
    after: Any = MISSING
    title: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The difference as plain data, for JSON; ``before`` and ``after`` are left out where there is none."""
        plain: dict[str, Any] = {
            "kind": self.kind,
            "node_id": self.node_id,
            "other_id": self.other_id,
            "class_type": self.class_type,
        }
        more = {"input": self.input, "title": self.title}
        plain.update({name: value for name, value in more.items() if value is not None})
        for name, value in (("before", self.before), ("after", self.after)):
            if value is not MISSING:
                plain[name] = _plain(value)
        return plain

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def diff(a: Graph, b: Graph, catalogue: Mapping[str, NodeDef] | None = None) -> list[Difference]:
    """What changed from graph `a` to graph `b`.

    Nodes are the same if they have one id and class, or else one place in the graph; of the two ways to tell, the one that
    finds less to say is taken. So a graph whose ids were numbered anew does not differ.

    Args:
        catalogue: where the titles that nodes have by themselves, and the names of outputs, are looked up; the bundled
            definitions by default.

    Returns:
        The differences in the order of `a`, then the nodes that were added in the order of `b`.

    Example:
        >>> print(render(diff(graph, graph.set("3", steps=8))))   # doctest: +SKIP
        ~ 3 KSampler.steps: 20 -> 8
        1 input changed
    """
    if catalogue is None:
        from ..catalogue import Catalogue

        catalogue = Catalogue.bundled()
    known = catalogue

    def own_title(kind: str, title: str) -> bool:
        definition = known.get(kind)
        return title not in (kind, tables.TITLES.get(kind), definition.display_name if definition is not None else "")

    one, other = (side(graph.to_api(check=False), own_title) for graph in (a, b))
    matcher = Matcher(one, other)
    best = list(_Comparison(one, other, matcher.match(by_id=True), known).differences())
    if best:
        second = list(_Comparison(one, other, matcher.match(by_id=False), known).differences())
        best = second if len(second) < len(best) else best
    return best


def render(differences: Sequence[Difference]) -> str:
    """Differences as text for a person, a line or block for each and a count below; ``no differences`` if there are none."""
    if not differences:
        return "no differences"
    return "\n".join([*(str(difference) for difference in differences), count(differences)])


def count(differences: Sequence[Difference]) -> str:
    """``"2 nodes added, 1 input changed"``."""
    tally = {kind: sum(d.kind == kind for d in differences) for kind in ("added", "removed", "renamed", "retitled")}
    parts = [f"{_some(n, 'node')} {kind}" for kind, n in tally.items() if n]
    for kind in ("changed", "rewired"):
        n = sum(d.kind == kind for d in differences)
        parts += [f"{_some(n, 'input')} {kind}"] if n else []
    return ", ".join(parts) or "no differences"


def _some(n: int, what: str) -> str:
    return f"{n} {what}{'s' if n != 1 else ''}"


class _Comparison:
    """Two graphs and which of their nodes are the same."""

    def __init__(self, a: Side, b: Side, pairs: Mapping[str, str], catalogue: Mapping[str, NodeDef]) -> None:
        self._a, self._b, self._pairs, self._catalogue = a, b, pairs, catalogue

    def differences(self) -> Iterator[Difference]:
        for node_id, row in self._a.rows.items():
            other_id = self._pairs.get(node_id)
            if other_id is None:
                before = self._inputs(self._a, row)
                yield Difference("removed", node_id, None, row.kind, before=before, title=row.title)
            else:
                yield from self._node(node_id, row, other_id, self._b.rows[other_id])
        matched = set(self._pairs.values())
        for other_id, row in self._b.rows.items():
            if other_id not in matched:
                after = self._inputs(self._b, row)
                yield Difference("added", None, other_id, row.kind, after=after, title=row.title)

    def _node(self, node_id: str, one: Row, other_id: str, other: Row) -> Iterator[Difference]:
        title = one.title if one.title is not None else other.title
        if node_id != other_id and not _is_number(node_id) and not _is_number(other_id):
            yield Difference("renamed", node_id, other_id, one.kind, None, node_id, other_id, title)
        if one.title != other.title:
            before, after = (MISSING if row.title is None else row.title for row in (one, other))
            yield Difference("retitled", node_id, other_id, one.kind, None, before, after)
        for name in dict.fromkeys([*one.values, *one.links, *other.values, *other.links]):
            if name in one.links or name in other.links:
                if not self._same_link(one.links.get(name), other.links.get(name)):
                    ends = self._input(self._a, one, name), self._input(self._b, other, name)
                    yield Difference("rewired", node_id, other_id, one.kind, name, *ends, title)
            elif one.keys.get(name, MISSING) != other.keys.get(name, MISSING):
                values = one.values.get(name, MISSING), other.values.get(name, MISSING)
                if MISSING in values and self._is_default(one.kind, name, values[values[0] is MISSING]):
                    continue  # the editor writes out what a graph may leave to the node
                yield Difference("changed", node_id, other_id, one.kind, name, *values, title)

    def _same_link(self, one: tuple[str, int] | None, other: tuple[str, int] | None) -> bool:
        if one is None or other is None:
            return one is other
        # A link to a node that is not there is the same if it is to the same id.
        source = self._pairs.get(one[0]) if one[0] in self._a.rows else one[0]
        return (source, one[1]) == other

    def _is_default(self, kind: str, name: str, value: Any) -> bool:
        """Whether an input need not be given, and a node does the same with this value as without it."""
        definition = self._catalogue.get(kind)
        item = definition.inputs.get(name) if definition is not None else None
        if definition is None or item is None or item.required:
            return False
        widget = build(definition).widget(name)
        return widget is not None and key(widget.value) == key(value)

    def _inputs(self, graph: Side, row: Row) -> dict[str, Any]:
        return {name: self._input(graph, row, name) for name in (*row.values, *row.links)}

    def _input(self, graph: Side, row: Row, name: str) -> Any:
        if name not in row.links:
            return row.values.get(name, MISSING)
        source, slot = row.links[name]
        kind = graph.rows[source].kind if source in graph.rows else "(missing)"
        definition = self._catalogue.get(kind)
        outputs = definition.outputs if definition is not None else ()
        return End(source, kind, slot, outputs[slot].name if 0 <= slot < len(outputs) else str(slot))


def _is_number(node_id: str) -> bool:
    """Whether an id is a number, or numbers of nodes in subgraphs (``"375:4"``), and so no name that somebody gave."""
    return node_id.replace(":", "").isdecimal()


# -- as text and as data ----------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    if isinstance(value, End):
        return {"node_id": value.node_id, "class_type": value.class_type, "slot": value.slot, "name": value.name}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def _lines(difference: Difference) -> Iterator[str]:
    d = difference
    node = d.node_id if d.node_id is not None else d.other_id
    number = f"{node} (now {d.other_id})" if d.node_id and d.other_id and d.node_id != d.other_id else f"{node}"
    what = _safe(f"{number} {d.class_type}")
    title = f"  ({_safe(d.title)})" if d.title is not None else ""
    head = f"{_MARKS.get(d.kind, '~')} {what}"
    if d.kind in ("added", "removed"):
        yield f"{head}{title}"
        for name, value in (d.after if d.kind == "added" else d.before).items():
            yield f"    {_safe(name)}: {_value(value, _LONG)}"
    elif d.kind == "renamed":
        yield f"~ {_safe(f'{d.node_id} {d.class_type}')}: now called {_safe(str(d.other_id))}{title}"
    elif d.kind == "retitled":
        yield f"{head}, title: {_value(d.before, _LONG)} -> {_value(d.after, _LONG)}"
    else:
        place = f"{head}.{_safe(d.input or '')}"
        before, after = _value(d.before, _LONG), _value(d.after, _LONG)
        if isinstance(d.before, str) and isinstance(d.after, str):
            before, after = _apart(d.before, d.after)
        if len(before) <= _SHORT and len(after) <= _SHORT:
            yield f"{place}: {before} -> {after}{title}"
        else:
            yield f"{place}:{title}"
            yield f"    - {before}"
            yield f"    + {after}"


def _value(value: Any, most: int) -> str:
    if value is MISSING:
        return "(none)"
    text = str(value) if isinstance(value, End) else repr(value)
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 + 1 :]}"


def _apart(before: str, after: str) -> tuple[str, str]:
    """Two texts, shortened to where they differ when they are long."""
    if max(len(before), len(after)) <= _LONG // 2:
        return repr(before), repr(after)
    shorter = min(len(before), len(after))
    start = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    end = next((i for i in range(shorter - start) if before[-1 - i] != after[-1 - i]), shorter - start)
    head, tail = before[:start], before[len(before) - end :]
    if len(head) > _AROUND:
        head = f"…{head[-_AROUND:].partition(' ')[2] or head[-_AROUND:]}"
    if len(tail) > _AROUND:
        tail = f"{tail[:_AROUND].rpartition(' ')[0] or tail[:_AROUND]}…"
    cut = [repr(f"{head}{text[start : len(text) - end]}{tail}") for text in (before, after)]
    short = [text if len(text) <= 2 * _LONG else f"{text[:_LONG]}…{text[-_LONG:]}" for text in cut]
    return short[0], short[1]


def _safe(text: str) -> str:
    """A name from a file, without what a terminal would act on."""
    return text if text.isprintable() else repr(text)[1:-1]
