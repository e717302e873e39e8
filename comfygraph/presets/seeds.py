"""Seeds: 64 bits, as ComfyUI's samplers take them."""

from __future__ import annotations

from secrets import randbits


def drawn(seed: int | None) -> int:
    """The seed given, or a fresh one of 64 bits."""
    return randbits(64) if seed is None else seed
