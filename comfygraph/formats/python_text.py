"""Texts as Python source that a person can read, without a character changed. Text stays text whatever it holds."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from ..generator.text import literal

PAGE: Final = 120
SHORT: Final = 72
"""Columns: a longer text, or one of several lines, gets a name of its own."""

_TOKEN: Final = re.compile(r"\S+\s*|\s+")
_SHORT: Final = {"\\": "\\\\", "\r": "\\r", "\t": "\\t"}


def word_set(words: str) -> frozenset[str]:
    """A set of words from one text, for tables that would take a line for each."""
    return frozenset(words.split())


def width(text: str) -> int:
    """The columns that a text takes: wide letters two, marks that combine none."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def is_long(text: str) -> bool:
    """Whether a text is better off as a constant than in the middle of a call."""
    return len(text) > SHORT or ("\n" in text.strip() and len(text) > 20) or width(literal(text)) > SHORT + 4


def constant(name: str, text: str) -> list[str]:
    """The lines of ``NAME = "…"`` at the left margin: several lines of text in triple quotes, a long one in pieces."""
    if "\n" in text:
        return _block(name, text)
    whole = f"{name} = {literal(text)}"
    if width(whole) <= PAGE:
        return [whole]
    # What fits on one line of its own stays on it.
    pieces = [text] if width(literal(text)) <= PAGE - 4 else _pieces(text, PAGE - 6)
    return [f"{name} = (", *(f"    {literal(piece)}" for piece in pieces), ")"]


def _block(name: str, text: str) -> list[str]:
    found = [f'{name} = """\\']
    rows = text.split("\n")
    for i, row in enumerate(rows):
        last = i == len(rows) - 1
        pieces = _pieces(row, PAGE - 2) if row else [""]
        written = [_inside(piece) for piece in pieces]
        if last:  # quotes there would run into those that close the text
            body = pieces[-1].rstrip('"')
            written[-1] = _inside(body) + '\\"' * (len(pieces[-1]) - len(body))
        if written[-1].endswith(" "):  # a blank at a line's end would be invisible, and linters complain
            written[-1] = written[-1][:-1] + "\\x20"
        found += [f"{piece}\\" for piece in written[:-1]]
        found.append(written[-1])
    found[-1] += '"""'
    return found


def _inside(text: str) -> str:
    """A text between triple quotes."""
    return "".join(map(_escaped, text)).replace('"""', '\\"\\"\\"')


def _escaped(char: str) -> str:
    # Not printable: control characters, and those that reorder or hide the text around them.
    return _SHORT.get(char) or (char if char.isprintable() else literal(char)[1:-1])


def _pieces(text: str, most: int) -> list[str]:
    """A line of text in pieces of at most `most` columns of source, broken after blanks where that can be."""
    found: list[str] = []
    piece: list[str] = []
    used = 0
    for token in _TOKEN.findall(text):
        columns = width(_escaped_quotes(token))
        if used + columns > most and piece:
            found.append("".join(piece))
            piece, used = [], 0
        while columns > most:  # one word longer than the page
            cut = _fitting(token, most)
            found.append(token[:cut])
            token = token[cut:]
            columns = width(_escaped_quotes(token))
        if token:
            piece.append(token)
            used += columns
    if piece:
        found.append("".join(piece))
    return found or [""]


def _fitting(text: str, most: int) -> int:
    """How many characters of a word take at most `most` columns."""
    used = 0
    for i, char in enumerate(text):
        used += width(_escaped_quotes(char))
        if used > most:
            return i
    return len(text)


def _escaped_quotes(text: str) -> str:
    return "".join("\\" + char if char in "\"'" else _escaped(char) for char in text)
