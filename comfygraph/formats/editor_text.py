"""Texts that the editor rewrites when it queues: dynamic prompts, and patterns in file names."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

_COMMENT: Final = re.compile(r"/\*|//[^\n\r\u2028\u2029]*")
_ESCAPED: Final = re.compile(r"\\([{}|])")
_PATTERN: Final = re.compile(r"%([^%]+)%")
_UNSAFE: Final = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')
_DATE: Final = re.compile(r"dd?|MM?|hh?|mm?|ss?|yyy?y?")
_DEEPEST: Final = 64  # braces in braces; what lies deeper is taken as it is


def dynamic_prompt(text: str) -> str:
    """Resolve a dynamic prompt: ``{a|b}`` becomes one of its options, and C-style comments go.

    The editor draws an option at random each time that it queues. Here it is always the first, so that a file converts to
    the same prompt every time. A backslash at the very end stays one; the editor makes it ``\\undefined``.

    Example:
        >>> dynamic_prompt("a {red|green} fox // in snow")
        'a red fox '
    """
    if not any(mark in text for mark in ("{", "\\", "/")):
        return text
    # One frame for each choice that is being read: the text, how far it is read, and what came of it.
    frames: list[tuple[str, int, list[str]]] = [(_without_comments(text), 0, [])]
    while True:
        source, at, done = frames.pop()
        while at < len(source):
            sign = source[at]
            if sign == "\\":
                done.append(source[at : at + 2])
                at += 2
            elif sign == "{" and len(frames) < _DEEPEST:
                option, at = _first_option(source, at + 1)
                frames.append((source, at, done))
                source, at, done = _without_comments(option), 0, []
            else:
                done.append(sign)
                at += 1
        result = _ESCAPED.sub(r"\1", "".join(done))
        if not frames:
            return result
        frames[-1][2].append(result)


def _without_comments(text: str) -> str:
    """Take out ``/* … */`` and ``// …``. By hand, as one pattern for both takes quadratic time on many an open comment."""
    kept: list[str] = []
    at = 0
    while match := _COMMENT.search(text, at):
        end = match.end()
        if match[0] == "/*":
            end = text.find("*/", end) + 2
            if end == 1:  # never closed: it is text, and so is each one after it
                kept.append(text[at : match.end()])
                rest = text[match.end() :]
                return "".join(kept) + re.sub(r"//[^\n\r\u2028\u2029]*", "", rest)
        kept.append(text[at : match.start()])
        at = end
    return "".join(kept) + text[at:]


def _first_option(source: str, at: int) -> tuple[str, int]:
    """The first option of a choice whose text starts at `at`, and where the choice ends."""
    depth, start, end = 0, at, -1
    while at < len(source):
        sign = source[at]
        if sign == "\\":
            at += 1
        elif sign == "{":
            depth += 1
        elif sign == "}":
            if not depth:
                break
            depth -= 1
        elif sign == "|" and not depth and end < 0:
            end = at
        at += 1
    return source[start : at if end < 0 else end], at + 1


def file_name(text: str, value_of: Callable[[str, str], object], now: datetime) -> str:
    """Replace ``%Node.widget%`` by a widget's value and ``%date:yyyy-MM-dd%`` by the time; anything else stays.

    Args:
        text: the file name.
        value_of: the value of a node's widget, by the node's name and the widget's; KeyError if there is none.
        now: the time to write.
    """

    def replaced(match: re.Match[str]) -> str:
        node, dot, widget = match[1].partition(".")
        if not dot or "." in widget:
            return _date(node[5:], now) if node.startswith("date:") else match[0]
        try:
            value = value_of(node, widget)
        except KeyError:
            return match[0]
        written = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        return _UNSAFE.sub("_", written)

    return _PATTERN.sub(replaced, text)


def _date(form: str, now: datetime) -> str:
    parts = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}

    def written(match: re.Match[str]) -> str:
        sign = match[0]
        if sign[0] in parts:
            return str(parts[sign[0]]).zfill(len(sign))
        return {"yy": f"{now.year}"[2:], "yyyy": str(now.year)}.get(sign, sign)

    return _DATE.sub(written, form)
