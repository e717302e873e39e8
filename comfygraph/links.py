"""Links: what travels from one node's constructor to the next.

An input accepts a `Link` of its kind. An `Output` is one slot of one node; a node with exactly one output is a link itself
(`node.Node1`). The kind is a phantom type (see `kinds`) that only type checkers look at; at run time a link carries the socket
type as the server writes it, and `fits` is the server's own rule for which types go together.
"""

from __future__ import annotations

from functools import lru_cache

TYPE_CHECKING = False  # to import typing would cost as much as all of a script's node classes

if TYPE_CHECKING:
    from typing import Final, Generic, TypeVar

    from .node import Node

    K_co = TypeVar("K_co", covariant=True)

    class _OfKind(Generic[K_co]):
        __slots__ = ()

else:
    K_co = None

    class _OfKind:
        """Takes a kind, ``Link[k.Model]``, and leaves it to type checkers: a tenth of what ``typing.Generic`` costs a class."""

        __slots__ = ()

        def __class_getitem__(cls, kind: object) -> type:
            return cls


ANY: Final = "*"
MATCH_TYPE: Final = "COMFY_MATCHTYPE_V3"


class Link(_OfKind[K_co]):
    """What an input accepts: an `Output` of kind `K_co`, or a node with that one output."""

    __slots__ = ()

    if TYPE_CHECKING:
        _node: Node
        _slot: int
        _kind: str


class Output(Link[K_co]):
    """One output slot of one node, such as ``ckpt.MODEL``. Two of the same node and slot are equal."""

    __slots__ = ("_kind", "_node", "_slot")

    def __init__(self, node: Node, slot: int, kind: str) -> None:
        self._node = node
        self._slot = slot
        self._kind = kind

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Output) and self._slot == other._slot and self._node == other._node

    def __hash__(self) -> int:
        return hash((self._node, self._slot))

    def __repr__(self) -> str:
        names = self._node.output_names
        name = names[self._slot] if 0 <= self._slot < len(names) else f"output({self._slot})"
        return f"{self._node.class_type}.{name}"


@lru_cache(maxsize=4096)
def fits(given: str, wanted: str) -> bool:
    """Whether the server lets an output of type `given` into an input of type `wanted`.

    Equal types fit; ``*`` and match-types fit anything; of comma lists, one member in common is enough.
    Source: comfy_execution/validation.py ``validate_node_input`` of ComfyUI 0.33.0.

    Example:
        >>> fits("IMAGE", "IMAGE,MASK"), fits("INT", "FLOAT")
        (True, False)
    """
    if given == wanted or ANY in (given, wanted) or MATCH_TYPE in (given, wanted):
        return True
    givens, wanteds = members(given), members(wanted)
    return ANY in givens or ANY in wanteds or not givens.isdisjoint(wanteds)


@lru_cache(maxsize=4096)
def members(kind: str) -> frozenset[str]:
    """The types that a comma list such as ``"IMAGE,MASK"`` is made of."""
    return frozenset(member.strip() for member in kind.split(","))
