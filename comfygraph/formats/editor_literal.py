"""Texts written so that the editor takes them as they are: the other way round of `editor_text.dynamic_prompt`.

When it queues, the editor takes C-style comments out of a prompt and draws one of ``{a|b}``. A graph's prompt means what it says,
so in the editor's file its braces are escaped and its ``//`` parted.
"""

from __future__ import annotations

import re
from typing import Final

_MARKS: Final = re.compile(r"(\\*)([{}|])")
_COMMENT: Final = re.compile(r"/(?=[/*])")


def as_typed(text: str) -> str:
    r"""A text for a dynamic prompt's widget that comes out of the editor as `text`.

    Example:
        >>> as_typed('{"url": "http://x"}')
        '\\{"url": "http:/{/}x"}'
    """
    if not any(mark in text for mark in ("{", "\\", "/")):
        return text
    return _part_comments(_MARKS.sub(_escaped, text))


def _escaped(match: re.Match[str]) -> str:
    slashes, mark = match[1], match[2]
    if not slashes:
        return rf"\{mark}" if mark == "{" else mark
    # One backslash before a mark goes, so there is one more; they are read in pairs, so an even number leaves the mark bare.
    more = slashes + "\\"
    if len(more) % 2 == 0 and mark == "{":
        return more + r"{\{}"
    return more + mark


def _part_comments(text: str) -> str:
    """Let no ``//`` and no ``/*`` stand: the second sign becomes a choice with one option."""
    parts: list[str] = []
    at = 0
    for match in _COMMENT.finditer(text):
        if match.start() < at:
            continue
        parts.append(f"{text[at : match.end()]}{{{text[match.end()]}}}")
        at = match.end() + 1
    return "".join(parts) + text[at:]
