"""Small words for messages: what a value looks like in one line, and which of the known names was meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

MAX_SHOWN: Final = 60  # characters of a value in a message
MAX_COMPARED: Final = 3_000  # names that one is compared with letter by letter
MAX_LISTED: Final = 12  # names in a hint


def shown(value: Any) -> str:
    """A value in one short line: its repr, cut in the middle when it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits; a value nested too deeply
        text = f"a {type(value).__name__} that is too large to show"
    if len(text) <= MAX_SHOWN:
        return text
    half = (MAX_SHOWN - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def listed(names: Iterable[Any], *, most: int = MAX_LISTED) -> str:
    """Names in one line, the first of them when there are many: ``"'a', 'b', … (44 in all)"``."""
    every = [shown(name) for name in names]
    return ", ".join(every) if len(every) <= most else f"{', '.join(every[:most])}, … ({len(every)} in all)"


def joined(names: Iterable[str], *, most: int = MAX_LISTED) -> str:
    """Names without quotes, the first of them when there are many: ``".MODEL, .CLIP, … (20 in all)"``."""
    every = list(names)
    return ", ".join(every[:most]) + (f", … ({len(every)} in all)" if len(every) > most else "")


def close(word: Any, names: Iterable[Any], *, most: int = 3) -> list[Any]:
    """The names that look like `word`, closest first: equal but for case or path separators, else similar, else
    containing it.
    """
    import difflib

    every = list(names)
    if not isinstance(word, str):
        return [name for name in every if str(name) == str(word)][:most]
    by_key: dict[str, Any] = {}
    for name in every:
        if isinstance(name, str):
            by_key.setdefault(_key(name), name)
    key = _key(word)
    if key in by_key:
        return [by_key[key]]
    if len(by_key) > MAX_COMPARED:
        return [name for other, name in by_key.items() if key in other][:most]
    # Of file names the stems are compared: one ending in common is no likeness.
    stem, dot, ending = key.rpartition(".")
    if dot and stem and any(other.endswith(f".{ending}") for other in by_key):
        stems = {other.rpartition(".")[0] or other: other for other in by_key}
        like = difflib.get_close_matches(stem, stems, n=most, cutoff=0.6)
        return [by_key[stems[match]] for match in like]
    matches = difflib.get_close_matches(key, by_key, n=most, cutoff=0.6)
    if matches:
        # A far better match than the others is what was meant; naming the others would only distract.
        ratios = [difflib.SequenceMatcher(None, match, key).ratio() for match in matches]
        return [by_key[match] for match, ratio in zip(matches, ratios) if ratio > ratios[0] - 0.1]
    return [name for other, name in by_key.items() if key in other][:most] if len(key) >= 3 else []


def did_you_mean(word: Any, names: Iterable[Any], *, what: str = "option") -> str:
    """A hint: the close names if there are any, else the names there are, else that there are none."""
    every = list(names)
    if not every:
        return f"there is no {what} at all"
    found = close(word, every)
    if found:
        return meant(found)
    return f"there {'is' if len(every) == 1 else 'are'}: {listed(every)}"


def meant(names: Iterable[Any]) -> str:
    """A hint: one of these, which `close` has found."""
    return f"did you mean {' or '.join(shown(name) for name in names)}?"


def _key(name: str) -> str:
    return name.replace("\\", "/").casefold()
