"""Which nodes need not run again: their outputs, by a signature of all that went into them.

The signature holds no node id, so the same graph under other ids is a hit, as on the server (trace cached_rerun). What the
prompt that runs does not use is let go once its first node has run: the server frees memory so eagerly that in the
traces nothing survives longer (0.33.0 and 0.23.0; trace values_coercion).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_ENTRIES: Final = 1000
MAX_PIXELS: Final = 128 * 2**20  # of all the pictures held, 3 bytes each

_nonce = itertools.count()


@dataclass(frozen=True)
class Entry:
    """What a node gave: one list of values per output, and what it showed."""

    outputs: list[list[Any]]
    ui: dict[str, Any] | None


class Cache:
    """Entries by signature; the one not used for longest goes first."""

    def __init__(self, entries: int = MAX_ENTRIES, pixels: int = MAX_PIXELS) -> None:
        self._entries: OrderedDict[str, tuple[Entry, int]] = OrderedDict()
        self._max_entries = max(0, entries)
        self._max_pixels = pixels
        self._pixels = 0

    def get(self, signature: str) -> Entry | None:
        """The entry of that signature, which becomes the youngest."""
        found = self._entries.get(signature)
        if found is None:
            return None
        self._entries.move_to_end(signature)
        return found[0]

    def put(self, signature: str, entry: Entry) -> None:
        """Keep an entry, and let old ones go until all fit."""
        old = self._entries.pop(signature, None)
        if old is not None:
            self._pixels -= old[1]
        size = sum(_pixels(value) for values in entry.outputs for value in values)
        self._entries[signature] = (entry, size)
        self._pixels += size
        while self._entries and (len(self._entries) > self._max_entries or self._pixels > self._max_pixels):
            _, (_, freed) = self._entries.popitem(last=False)
            self._pixels -= freed

    def keep(self, signatures: Collection[str]) -> None:
        """Let go of all others."""
        for signature in [each for each in self._entries if each not in signatures]:
            self._pixels -= self._entries.pop(signature)[1]

    def clear(self) -> None:
        """Let everything go (``POST /free``)."""
        self._entries.clear()
        self._pixels = 0


def is_link(value: Any) -> bool:
    """Whether execution takes a value for a link: ``["id", number]``."""
    return (
        isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], (int, float))
    )


def signatures(nodes: Mapping[str, Any], wanted: list[str], own: Callable[[str], Any], known: dict[str, str]) -> None:
    """Put the signature of each wanted node, and of all above it, into `known`.

    Args:
        nodes: the graph in API format.
        wanted: ids.
        own: what a node adds besides its inputs (its fingerprint, its id where that counts).
        known: the signatures so far.

    A node that hangs on a cycle or on a node that is not there gets one that never comes again.
    """
    open_: dict[str, list[str]] = {}
    for start in wanted:
        stack = [start]
        while stack:
            node_id = stack[-1]
            if node_id in known or node_id not in nodes:
                stack.pop()
                continue
            inputs: dict[str, Any] = nodes[node_id]["inputs"]
            if node_id not in open_:
                open_[node_id] = [value[0] for value in inputs.values() if is_link(value)]
                sources = [source for source in open_[node_id] if source not in known and source in nodes]
                if any(source in open_ for source in sources):
                    known[node_id] = _never()
                    stack.pop()
                    continue
                if sources:
                    stack.extend(sources)
                    continue
            stack.pop()
            known[node_id] = _signature(nodes[node_id], inputs, own(node_id), known)


def _signature(node: Mapping[str, Any], inputs: Mapping[str, Any], own: Any, known: Mapping[str, str]) -> str:
    if isinstance(own, float) and math.isnan(own):
        return _never()
    parts: list[Any] = [node["class_type"], own]
    for name in sorted(inputs):
        value = inputs[name]
        if is_link(value):
            if value[0] not in known:
                return _never()
            parts.append([name, "link", known[value[0]], value[1]])
        else:
            parts.append([name, value])
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=repr).encode()).hexdigest()


def _never() -> str:
    return f"never-{next(_nonce)}"


def _pixels(value: Any) -> int:
    if isinstance(value, (tuple, list)):
        return sum(_pixels(each) for each in value)
    size = getattr(value, "size", None)
    if isinstance(size, tuple):
        return int(size[0]) * int(size[1])
    images = getattr(value, "images", None)
    return _pixels(images) if images else 0
