"""``--set`` of a batch: one value, or the many that an item each shall have.

``0..9`` and ``0..1..0.25`` are ranges whose ends are in them, ``[1, 2]`` is a list, ``@prompts.txt`` has a value a line, and
for an input that loads a file ``@photos/*.png`` is a file an item. Everything else is one value.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ..batch.item import MOST_ITEMS
from . import settings as s
from .sources import Known, Source

_NUMBER: Final = r"-?\d{1,20}(?:\.\d{1,12})?"
_RANGE: Final = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?:\.\.({_NUMBER}))?")


def axes_of(source: Source, texts: Sequence[str]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The settings that are the same for every item, and those that differ, in the order they were given.

    Raises a usage error.
    """
    fixed: dict[str, Any] = {}
    axes: dict[str, list[Any]] = {}
    for given in s.parse(texts):
        known = source.setting(given.key)
        if known.key in fixed or known.key in axes:
            raise s.usage(f"{given.key}: {known.key} is set twice")
        values = many(given.key, given.text, known)
        if values is None:
            fixed[known.key] = known.read(given.text[1:] if given.text.startswith("@@") else given.text)
        else:
            axes[known.key] = values
    return fixed, axes


def many(key: str, text: str, known: Known) -> list[Any] | None:
    """The values of a text that stands for several; None when it is one. Raises a usage error."""
    if text.startswith("@@"):
        return None
    if text.startswith("@"):
        values = _files(text[1:]) if s.wants_file(known.definition) else _lines(text[1:], known)
        if not values:
            raise s.usage(f"{key}: {text} has no value")
        return values
    data = s.as_json(text) if text.lstrip().startswith("[") else None
    if isinstance(data, list):
        if not data:
            raise s.usage(f"{key}: an empty list")
        return list(data)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if known.is_text:
        return None
    if s.is_bare_list(text):
        raise s.usage(f"{key}: {s.bare_list_hint(key, text)}")
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        return None
    values = _range(key, *(Decimal(part) if part else None for part in found.groups()))
    odd = next((value for value in values if isinstance(value, float) and not value.is_integer()), None)
    if known.is_whole and odd is not None:
        raise s.usage(f"{key} takes whole numbers, and {text} has {odd:g}; give the range a whole start and step")
    return [int(value) for value in values] if known.is_whole else values


def _range(key: str, first: Decimal | None, last: Decimal | None, step: Decimal | None) -> list[Any]:
    assert first is not None
    assert last is not None
    down = last < first
    step = step if step is not None else Decimal(-1 if down else 1)
    if not step or ((step < 0) != down and first != last):
        raise s.usage(f"{key}: a range from {first} to {last} in steps of {step} has no end")
    count = int((last - first) / step) + 1
    if count > MOST_ITEMS:
        raise s.usage(f"{key}: {count} values; at most {MOST_ITEMS} make a batch")
    whole = all(part == part.to_integral_value() for part in (first, step))
    values = (first + step * i for i in range(count))
    return [int(value) if whole else float(value) for value in values]


def _lines(name: str, known: Known) -> list[Any]:
    return [known.read(line.strip()) for line in s.read_text(name).splitlines() if line.strip()]


def _files(pattern: str) -> list[Any]:
    place = Path(pattern).expanduser()
    if place.is_dir():
        return sorted(path for path in place.iterdir() if path.is_file() and not path.name.startswith("."))
    return [Path(name) for name in sorted(glob.glob(str(place)))]  # noqa: PTH207 (pathlib takes no absolute pattern)
