"""What a typed class would take as it is: everything else is written with ``raw``, ``OMITTED`` or ``.extra``."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final, cast

from ..definition import ANY, MISSING, InputDef
from ..fields import UPLOAD_FLAGS, judge_data
from ..generator.annotations import MAX_LITERAL, Names, accepted, default, literals
from ..links import fits
from ..values import WRAPPER, is_wrapped_link, judge

_NO_NAMES: Final = Names({}, {}, {}, {})


def default_of(item: InputDef) -> Any:
    """What a call that does not name the input gives it, as it is sent: MISSING where the call must name it, None where
    nothing is sent.
    """
    value = _default(item)
    if isinstance(value, (list, tuple)):
        return () if item.form == "autogrow" else {WRAPPER: list(cast("list[Any]", value))}
    return value


_defaults: dict[int, tuple[InputDef, Any]] = {}


def _default(item: InputDef) -> Any:
    # By identity: definitions hold dicts, so they have no hash; the definition is kept, so that no other gets its id.
    known = _defaults.get(id(item))
    if known is None or known[0] is not item:
        if len(_defaults) > 50_000:
            _defaults.clear()
        known = _defaults[id(item)] = (item, default(item))
    return known[1]


def same(value: Any, other: Any) -> bool:
    """Whether two JSON values are the same; True is not 1, and 1 is 1.0."""
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    if isinstance(value, (dict, list)) or isinstance(other, (dict, list)):
        return repr(value) == repr(other)
    return bool(value == other)


def takes(item: InputDef, value: Any) -> bool:
    """Whether the input's type and its constructor take a plain value as it is, and send it as it is."""
    check = _BY_FORM.get(item.form)
    return check is not None and check(item, value)


def takes_link(item: InputDef, kind: str) -> bool:
    """Whether the input takes a link of this socket type."""
    if item.form in ("dynamic_combo", "autogrow"):
        return False
    return fits(kind, item.type) and (not item.legacy or kind == ANY)


def _number(item: InputDef, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if item.type == "INT" else (int, float)):
        return False
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if item.self_checked:
        return True
    return (item.min is None or value >= item.min) and (item.max is None or value <= item.max)


def _text(item: InputDef, value: Any) -> bool:
    return isinstance(value, str)


def _switch(item: InputDef, value: Any) -> bool:
    return isinstance(value, bool)


def _combo(item: InputDef, value: Any) -> bool:
    if any(item.flags.get(flag) for flag in UPLOAD_FLAGS) or not item.options or item.self_checked:
        return isinstance(value, str) and (item.self_checked or not item.options or value in item.options)
    if len(item.options) > MAX_LITERAL:
        return isinstance(value, str) and value in item.options
    if isinstance(value, dict):
        return bool(item.flags.get("multiselect")) and judge(item, value) is None
    return any(type(option) is type(value) and option == value for option in literals(item.options))


def _data(item: InputDef, value: Any) -> bool:
    plain = as_list(item, value)
    if plain is not None:
        return not is_wrapped_link(value) and judge_data(item, value) is None
    names = accepts(item)
    if isinstance(value, dict):
        return "Mapping[str, Any]" in names and not is_wrapped_link(value) and judge_data(item, value) is None
    return (_named(names, value) or False) and judge_data(item, value) is None


def _named(names: tuple[str, ...], value: Any) -> bool:
    if isinstance(value, bool):
        return "bool" in names
    if isinstance(value, str):
        return "str" in names
    if isinstance(value, int):
        return "int" in names or "float" in names
    return isinstance(value, float) and math.isfinite(value) and "float" in names


def _socket(item: InputDef, value: Any) -> bool:
    if item.type != ANY:
        return False
    if isinstance(value, dict):
        return judge(item, value) is None
    return _named(("str", "float", "bool"), value)


_BY_FORM: Final = {
    "number": _number,
    "text": _text,
    "switch": _switch,
    "combo": _combo,
    "data": _data,
    "socket": _socket,
}


def as_list(item: InputDef, value: Any) -> list[Any] | None:
    """The list in a wrapper ``{"__value__": […]}``, where the input takes the list itself and wraps it; else None."""
    if item.form != "data" or not isinstance(value, dict) or value.keys() != {WRAPPER}:
        return None
    inner: Any = value[WRAPPER]
    if not isinstance(inner, list):
        return None
    names = accepts(item)
    plain: list[Any] = inner
    if "Sequence[Any]" in names:
        return plain
    numbers = all(isinstance(i, (int, float)) and not isinstance(i, bool) for i in plain)
    return plain if "Sequence[float]" in names and numbers else None


def accepts(item: InputDef) -> tuple[str, ...]:
    """The members of a data input's annotation, links aside."""
    return _accepts(item.type)


@lru_cache(maxsize=1024)
def _accepts(kind: str) -> tuple[str, ...]:
    return tuple(accepted(InputDef("", kind, "data", True), _NO_NAMES)[:-1])


__all__ = ["MISSING", "as_list", "default_of", "same", "takes", "takes_link"]
