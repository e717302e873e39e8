"""What an input accepts and what it is when nothing is given, as Python source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from .. import definition as d
from ..definition import MISSING, InputDef
from ..fields import UPLOAD_FLAGS, default_of
from ..values import judge
from .kinds import CHOICE
from .text import literal

PLAIN: Final = ("str", "float", "bool", "Mapping[str, Any]")
"""What a wildcard input takes besides links: any JSON value but a list, which the server reads as a link."""

MAX_LITERAL: Final = 500
"""Options that a `Literal` may have; a longer list is a `str` (it is checked when the node is made)."""

_NUMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "INT": ("int",),
    "FLOAT": ("float",),
    "STRING": ("str",),
    "BOOLEAN": ("bool",),
}
# Values that the editor has a widget of its own for.
_DATA: Final[Mapping[str, tuple[str, ...]]] = {
    "COLOR": ("str",),
    "FLOATS": ("Sequence[float]",),
    "WEBCAM": ("str",),
    "AUDIO_RECORD": ("str",),
    "BOUNDING_BOX": ("Mapping[str, Any]", "Sequence[Any]"),
    "CURVE": ("Mapping[str, Any]",),
    "COMPOSITOR": ("Mapping[str, Any]",),
}
_ANY_DATA: Final = ("str", "float", "bool", "Mapping[str, Any]", "Sequence[Any]")


@dataclass(frozen=True)
class Names:
    """How the definitions' own names are written in the module at hand.

    Attributes:
        kinds: socket types -> classes of the module `k`.
        lists: option lists -> their alias in ``options.py``.
        templates: a match-type's template -> its type variable, for the node at hand.
        options: a dynamic combo's keys -> option classes, for the scope at hand.
    """

    kinds: Mapping[str, str]
    lists: Mapping[tuple[Any, ...], str]
    templates: Mapping[str, str]
    options: Mapping[tuple[str, str], str]


def kind(type_: str, names: Names) -> str:
    """A socket type as a type argument: ``k.Image | k.Mask``, or ``Any``."""
    wires = [m.strip() for m in type_.split(",") if m.strip()]
    if not wires or any(wire not in names.kinds for wire in wires):
        return "Any"
    return " | ".join(dict.fromkeys(f"k.{names.kinds[wire]}" for wire in wires))


def link(item: InputDef, names: Names) -> str:
    """The links that an input takes."""
    if item.legacy:
        return f"Link[k.{CHOICE}]"
    if item.type == d.MATCH_TYPE:
        return f"Link[{names.templates.get(item.template or '', 'Any')}]"
    return f"Link[{kind(item.type, names)}]"


def accepted(item: InputDef, names: Names) -> list[str]:
    """The members of an input's type, None not among them."""
    return _BY_FORM[item.form](item, names)


def _socket(item: InputDef, names: Names) -> list[str]:
    if item.type == d.ANY:
        return [*PLAIN, "Link[Any]"]
    return [link(item, names)]


def _widget(item: InputDef, names: Names) -> list[str]:
    return [*_NUMBERS[item.type], link(item, names)]


def _combo(item: InputDef, names: Names) -> list[str]:
    if any(item.flags.get(flag) for flag in UPLOAD_FLAGS):
        return ["Uploadable", link(item, names)]
    return [*_choices(item, names), link(item, names)]


def _choices(item: InputDef, names: Names) -> list[str]:
    options = item.options
    if not options or item.self_checked or len(options) > MAX_LITERAL:
        return ["str"]
    plain = literals(options)
    found = [names.lists.get(plain) or f"Literal[{', '.join(literal(o) for o in plain)}]"] if plain else []
    if len(plain) < len(options) and not all(isinstance(o, (str, int)) for o in options):
        # A Literal holds no float, list or object.
        found.append("float" if all(isinstance(o, (str, int, float)) for o in options) else "Any")
    if item.flags.get("multiselect"):
        found.append("Mapping[str, Any]")
    return found


def literals(options: Sequence[Any]) -> tuple[Any, ...]:
    """The options that a `Literal` can hold, each once (True and 1 are two)."""
    return tuple({(type(o), o): o for o in options if isinstance(o, (str, int))}.values())


def _data(item: InputDef, names: Names) -> list[str]:
    wires = [m.strip() for m in item.type.split(",")]
    if len(wires) > 1:
        plain = [name for wire in wires for name in _NUMBERS.get(wire, ())]
        if "float" in plain:  # which takes ints too
            plain = [name for name in plain if name != "int"]
    else:
        plain = list(_DATA.get(item.type, _ANY_DATA))
    return [*dict.fromkeys(plain), link(item, names)]


def _dynamic(item: InputDef, names: Names) -> list[str]:
    return [names.options[item.name, key] for key in item.choices or {}] or ["Option"]


def _grow(item: InputDef, names: Names) -> list[str]:
    grow = item.grow
    assert grow is not None
    if grow.item.form in ("dynamic_combo", "autogrow"):
        return ["Any"]
    inner = " | ".join(accepted(grow.item, names))
    return [f"Sequence[{inner}]", f"Mapping[str, {inner}]"]


_BY_FORM: Final[dict[str, Callable[[InputDef, Names], list[str]]]] = {
    "socket": _socket,
    "number": _widget,
    "text": _widget,
    "switch": _widget,
    "combo": _combo,
    "data": _data,
    "dynamic_combo": _dynamic,
    "autogrow": _grow,
}


def default(item: InputDef) -> Any:
    """What a call that does not name the input gives it: a value, None (left out), or MISSING (the call must name it).

    A default that the server would refuse is none; one that it would coerce is written as what it becomes.
    """
    value = default_of(item)
    if value is MISSING or value == () or value is None:
        return MISSING if value is None and item.required else value
    # A list is sent wrapped, so it is judged so: bare it would be a link.
    verdict = judge(item, {"__value__": value} if isinstance(value, list) else value)
    if verdict is None:
        return value
    if verdict.severity == "warning" and item.type in _COERCED:
        return _COERCED[item.type](value)
    return MISSING if item.required else None


_COERCED: Final[Mapping[str, Callable[[Any], Any]]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


@dataclass(frozen=True)
class Parameter:
    """One keyword argument of a constructor.

    Attributes:
        name: the keyword.
        accepts: the members of its annotation.
        default: the expression after ``=``, or None when there is none.
        fresh: the value to use where the signature says None: one that callers could change (a dict, a list).
    """

    name: str
    accepts: tuple[str, ...]
    default: str | None
    fresh: str | None


def parameter(name: str, item: InputDef, names: Names) -> Parameter:
    """The keyword argument of an input."""
    accepts = accepted(item, names)
    value = default(item)
    if value is MISSING:
        return Parameter(name, tuple(accepts), None, None)
    if isinstance(value, (dict, list)) and value != []:
        return Parameter(name, (*accepts, "None"), "None", literal(cast("Any", value)))
    if value is None:
        return Parameter(name, (*accepts, "None"), "None", None)
    return Parameter(name, tuple(accepts), "()" if value in ((), []) else literal(value), None)
