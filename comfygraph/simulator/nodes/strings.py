"""Texts, really run."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from ..context import Context, Function

MAX_PATTERN: Final = 1000  # characters of a regular expression
MAX_TEXT: Final = 100_000  # characters that one is let loose on


def concatenate(context: Context, /, *, string_a: str, string_b: str, delimiter: str = "") -> tuple[Any, ...]:
    """StringConcatenate."""
    return (delimiter.join((string_a, string_b)),)


def substring(context: Context, /, *, string: str, start: int, end: int) -> tuple[Any, ...]:
    """StringSubstring."""
    return (string[start:end],)


def length(context: Context, /, *, string: str) -> tuple[Any, ...]:
    """StringLength."""
    return (len(string),)


def case(context: Context, /, *, string: str, mode: str) -> tuple[Any, ...]:
    """CaseConverter."""
    modes = {"UPPERCASE": str.upper, "lowercase": str.lower, "Capitalize": str.capitalize, "Title Case": str.title}
    return (modes[mode](string) if mode in modes else string,)


def trim(context: Context, /, *, string: str, mode: str) -> tuple[Any, ...]:
    """StringTrim."""
    modes = {"Both": str.strip, "Left": str.lstrip, "Right": str.rstrip}
    return (modes[mode](string) if mode in modes else string,)


def replace(context: Context, /, *, string: str, find: str, replace: str) -> tuple[Any, ...]:
    """StringReplace."""
    return (string.replace(find, replace),)


def contains(context: Context, /, *, string: str, substring: str, case_sensitive: bool = True) -> tuple[Any, ...]:
    """StringContains."""
    return (substring in string if case_sensitive else substring.lower() in string.lower(),)


def compare(
    context: Context, /, *, string_a: str, string_b: str, mode: str, case_sensitive: bool = True
) -> tuple[Any, ...]:
    """StringCompare."""
    first, second = (string_a, string_b) if case_sensitive else (string_a.lower(), string_b.lower())
    if mode == "Equal":
        return (first == second,)
    return (first.startswith(second) if mode == "Starts With" else first.endswith(second),)


def regex_match(context: Context, /, *, string: str, regex_pattern: str, **options: bool) -> tuple[Any, ...]:
    """RegexMatch."""
    return (_pattern(regex_pattern, string, options).search(string) is not None,)


def regex_extract(
    context: Context, /, *, string: str, regex_pattern: str, mode: str, group_index: int = 1, **options: bool
) -> tuple[Any, ...]:
    """RegexExtract: an empty text when nothing is found."""
    pattern = _pattern(regex_pattern, string, options)
    first = pattern.search(string)
    if first is None:
        return ("",)
    if mode == "First Match":
        return (first[0],)
    if mode == "All Matches":
        return ("\n".join(found[0] for found in pattern.finditer(string)),)
    if group_index > pattern.groups:
        return ("",)
    if mode == "First Group":
        return (first[group_index] or "",)
    return ("\n".join(found[group_index] or "" for found in pattern.finditer(string)),)


def regex_replace(
    context: Context, /, *, string: str, regex_pattern: str, replace: str, count: int = 0, **options: bool
) -> tuple[Any, ...]:
    """RegexReplace."""
    return (_pattern(regex_pattern, string, options).sub(replace, string, count=count),)


def json_extract(context: Context, /, *, json_string: str, key: str) -> tuple[Any, ...]:
    """JsonExtractString: an empty text when there is no such key."""
    try:
        data = json.loads(json_string)
    except (ValueError, RecursionError):
        return ("",)
    value = data.get(key) if isinstance(data, dict) else None
    return ("" if value is None else str(value),)


def to_json(context: Context, /, *, indent: int = 2, **values: Any) -> tuple[Any, ...]:
    """ConvertArrayToString, ConvertDictionaryToString."""
    (value,) = values.values()
    return (json.dumps(value, indent=indent or None, ensure_ascii=False),)


def _pattern(text: str, subject: str, options: dict[str, bool]) -> re.Pattern[str]:
    """A client's regular expression, on a text of a size that it cannot do much harm with."""
    if len(text) > MAX_PATTERN or len(subject) > MAX_TEXT:
        raise ValueError(f"the simulator takes patterns of {MAX_PATTERN} and texts of {MAX_TEXT} characters at most")
    flags = re.RegexFlag(0)
    for name, flag in (("case_insensitive", re.IGNORECASE), ("multiline", re.MULTILINE), ("dotall", re.DOTALL)):
        if options.get(name):
            flags |= flag
    return re.compile(text, flags)


TABLE: Final[dict[str, Function]] = {
    "CaseConverter": case,
    "ConvertArrayToString": to_json,
    "ConvertDictionaryToString": to_json,
    "JsonExtractString": json_extract,
    "RegexExtract": regex_extract,
    "RegexMatch": regex_match,
    "RegexReplace": regex_replace,
    "StringCompare": compare,
    "StringConcatenate": concatenate,
    "StringContains": contains,
    "StringLength": length,
    "StringReplace": replace,
    "StringSubstring": substring,
    "StringTrim": trim,
}
