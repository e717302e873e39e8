"""Text from definitions -> Python source: whatever a definition says comes out as an inert literal, or as prose."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

WIDTH: Final = 120
SHOWN: Final = 60  # characters of a value in a docstring


def literal(value: object) -> str:
    """A JSON value as a Python expression, in the quotes that the formatter prefers.

    Example:
        >>> literal('a "b"\\n'), literal([1, None, float("inf")])
        ('\\'a "b"\\\\n\\'', '[1, None, float("inf")]')
    """
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, (bool, int)):
        return repr(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    if isinstance(value, Mapping):
        pairs = value.items()
        return "{" + ", ".join(f"{literal(str(key))}: {literal(item)}" for key, item in pairs) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    raise TypeError(f"no JSON value: {type(value).__name__}")


def _quoted(text: str, quote: str = "") -> str:
    quote = quote or ("'" if text.count('"') > text.count("'") else '"')
    return quote + "".join(_escaped(char, quote) for char in text) + quote


_SHORT: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escaped(char: str, quote: str) -> str:
    if char == quote:
        return "\\" + char
    # Not printable: control characters, and those that reorder or hide the text around them.
    return _SHORT.get(char) or (char if char.isprintable() else _code(char))


def _code(char: str) -> str:
    point = ord(char)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def prose(text: str) -> str:
    """Any text as one line for a docstring: blanks folded, what is unprintable spelt out, quotes and backslashes escaped."""
    folded = " ".join(text.split())
    visible = "".join(char if char.isprintable() else _code(char) for char in folded)
    return visible.replace("\\", "\\\\").replace('"', '\\"')


def words(value: Any) -> str:
    """A value as a docstring says it: its literal, texts in single quotes, cut where it is long."""
    text = _quoted(value, "'") if isinstance(value, str) else literal(value)
    return prose(text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…")


def docstring(paragraphs: Iterable[Iterable[str]], indent: int) -> list[str]:
    """The lines of a docstring. A paragraph is a list of lines, already `prose`; each may be longer than the page.

    Args:
        paragraphs: the first line of the first one is the summary.
        indent: how far the class body is indented.
    """
    margin = " " * indent
    lines: list[str] = []
    for paragraph in paragraphs:
        wrapped = [piece for line in paragraph for piece in wrap(line, WIDTH - indent)]
        if wrapped:
            lines += ["", *wrapped] if lines else wrapped
    lines[0] = '"""' + lines[0]
    if len(lines) == 1 and indent + len(lines[0]) + 3 <= WIDTH:
        return [margin + lines[0] + '"""']
    return [margin + line if line else "" for line in (*lines, '"""')]


def wrap(line: str, width: int) -> list[str]:
    """A line in pieces of at most `width` characters, words kept whole, the later pieces indented more than the first."""
    body = line.lstrip(" ")
    margin = " " * (len(line) - len(body))
    return textwrap.wrap(
        body,
        width - 4,
        initial_indent=margin,
        subsequent_indent=margin + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def call(head: str, arguments: Sequence[str], tail: str, indent: int) -> list[str]:
    """``head(a, b)tail`` on one line, or one argument a line."""
    margin = " " * indent
    line = f"{margin}{head}({', '.join(arguments)}){tail}"
    if len(line) <= WIDTH or not arguments:
        return [line]
    return [f"{margin}{head}(", *(f"{margin}    {argument}," for argument in arguments), f"{margin}){tail}"]


def listing(head: str, items: Sequence[str], tail: str) -> list[str]:
    """A head such as ``__all__ = [`` , one item a line, and the closing bracket."""
    return [head, *(f"    {item}," for item in items), tail]


def union(head: str, members: Sequence[str], tail: str, indent: int) -> list[str]:
    """``head: A | B = tail`` as the formatter breaks it: on one line, or one member a line, those too long opened up.

    Args:
        head: what stands before the first member, such as ``"steps: "``.
        members: the members; one such as ``Literal["a", "b"]`` may be opened.
        tail: what follows the last, such as ``" = 20,"``.
        indent: of the first line.
    """
    margin = " " * indent
    line = margin + head + " | ".join(members) + tail
    if len(line) <= WIDTH:
        return [line]
    lines: list[str] = []
    for i, member in enumerate(members):
        start = margin + (head if i == 0 else "| ")
        end = tail if i == len(members) - 1 else ""
        if len(start + member + end) <= WIDTH:
            lines.append(start + member + end)
        else:
            lines += _opened(start, member, end, margin)
    return lines


def _opened(start: str, member: str, end: str, margin: str) -> list[str]:
    name, bracket, inside = member.partition("[")
    if not bracket or name not in ("Literal", "Link"):
        return [start + member + end]
    inside = inside[:-1]
    if name == "Link":
        body = [f"{margin}    {inside}"]
        if len(body[0]) > WIDTH:
            body = [f"{margin}    {'| ' if i else ''}{part}" for i, part in enumerate(inside.split(" | "))]
    else:
        body = [f"{margin}    {part}," for part in _split_literals(inside)]
    return [f"{start}{name}[", *body, f"{margin}]{end}"]


def _split_literals(inside: str) -> list[str]:
    """The members of a Literal's text, apart. They are literals of `literal`, so quotes within are escaped."""
    parts: list[str] = []
    start, quote, i = 0, "", 0
    while i < len(inside):
        char = inside[i]
        if quote:
            if char == "\\":
                i += 1
            elif char == quote:
                quote = ""
        elif char in "\"'":
            quote = char
        elif char == ",":
            parts.append(inside[start:i])
            start = i + 2
        i += 1
    return [*parts, inside[start:]]
