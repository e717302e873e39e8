"""`raw`: a value sent as it is, past the bundled definitions."""

from __future__ import annotations

from typing import Any, Final


class Raw:
    """A value that the user vouches for: no constructor and no bundled definition judges it. A server's own
    catalogue does.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Raw) and self.value == other.value

    def __hash__(self) -> int:
        return hash(repr(self.value))

    def __repr__(self) -> str:
        return f"raw({self.value!r})"


def raw(value: object) -> Any:
    """Send `value` as it is: a sampler that a custom pack adds, a file type that a newer release takes.

    Args:
        value: any JSON value.

    Returns:
        A marker that every input accepts. `Graph.check()` passes it against bundled definitions; `check(catalogue)`
        with a server's catalogue judges the value by what that server says.

    Example:
        >>> KSampler(sampler_name=raw("res_4s_munthe-kaas"), ...)       # doctest: +SKIP
    """
    return Raw(value)


class _Omitted:
    __slots__ = ()

    def __repr__(self) -> str:
        return "OMITTED"


OMITTED: Final[Any] = _Omitted()
"""Given to an input, it leaves that input out of the graph: its default is not sent, and one that is needed stays open, for
`Graph.check` to report and `Graph.set` to fill.
"""
