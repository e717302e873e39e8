"""File names from a server, made safe: nothing that it says leads out of the folder that was asked for."""

from __future__ import annotations

import re
import unicodedata

MOST_BYTES = 180
"""Longest name, in bytes of UTF-8; most file systems stop at 255, and a suffix has to fit."""

_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|\Z)")
_FORBIDDEN = frozenset('<>:"|?*')


def safe_name(name: str) -> str:
    """A name for a file from a name by a server: one path component that every system can hold.

    Folders before it are dropped, whichever way the slashes lean; control and direction characters go; what Windows does
    not allow becomes ``_``; so do names of devices, hidden names, and nothing at all.

    Example:
        >>> safe_name("../../etc/passwd")
        'passwd'
        >>> safe_name("a\\\\CON.png")
        '_CON.png'
    """
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(
        "_" if c in _FORBIDDEN else c
        for c in unicodedata.normalize("NFC", last)
        # Cc and Cf: control and direction characters; Cs: half a character; Zl, Zp: line separators.
        if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )
    kept = kept.strip().rstrip(". ")
    if not kept:
        return "file"
    if kept.startswith(".") or _RESERVED.match(kept):
        kept = f"_{kept}"
    stem, dot, suffix = kept.rpartition(".")
    if not stem or len(suffix.encode()) > 20:
        stem, dot, suffix = kept, "", ""
    room = MOST_BYTES - len((dot + suffix).encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + dot + suffix


def numbered(name: str, number: int) -> str:
    """The name with a number, for when it is taken: ``fox.png`` -> ``fox_2.png``."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}_{number}.{suffix}" if dot and stem else f"{name}_{number}"
