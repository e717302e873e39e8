"""Names for one scope: each wire name gets a Python name by its rule, and no two get the same.

The project's own library is strict: what no rule names well stops generation with a line that says which table settles
it. A package for somebody's server is not: one odd custom node must not keep its owner from the others, so its names
get a number.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Collection, Iterable
from typing import Final

from ..errors import DefinitionError
from ..node import Node1

MODULE_NAMES: Final = frozenset(
    {
        "Any",
        "Generic",
        "K",
        "Link",
        "Literal",
        "Mapping",
        "Node",
        "Node1",
        "Option",
        "Output",
        "Sequence",
        "TYPE_CHECKING",
        "TypeVar",
        "Uploadable",
        "annotations",
        "definitions",
        "k",
        "kinds",
        "options",
    }
)
"""What generated modules import or define for themselves, and the modules that every package has."""

RESERVED: Final = MODULE_NAMES | frozenset(dir(builtins))
"""Names that a generated class may not take: annotations beside it would come to mean something else."""

NODE_NAMES: Final = frozenset(dir(Node1)) | {"class_type", "key"}
"""What a node or an option has of itself."""


def settle(
    wires: Iterable[str],
    rule: Callable[[str], str],
    *,
    taken: Collection[str] = (),
    strict: bool,
    scope: str,
    table: str,
) -> dict[str, str]:
    """Python names for the names on the wire, in their order.

    Args:
        wires: the names on the wire of one scope.
        rule: names one of them (a function of `naming`).
        taken: names that the scope has already.
        strict: stop at a name that needs an exception; otherwise give it a number.
        scope: for the message, such as ``"inputs of KSampler"``.
        table: where the exception would go, such as ``"naming.INPUT_NAMES"``.

    Raises:
        DefinitionError: strict, and a name is taken or is no identifier.
    """
    names: dict[str, str] = {}
    used = set(taken)
    for wire in wires:
        name = rule(wire)
        if strict:
            if name in used or not usable(name):
                why = "is taken there" if name in used else "is no identifier"
                raise DefinitionError(f"{scope}: {wire!r} would be called {name!r}, which {why}; add it to {table}")
        else:
            name = free(name if usable(name) else "unnamed", used)
        used.add(name)
        names[wire] = name
    return names


def free(name: str, used: Collection[str]) -> str:
    """`name`, or with the first number that makes it a new one."""
    if name not in used:
        return name
    number = 2
    while f"{name}_{number}" in used:
        number += 1
    return f"{name}_{number}"


def usable(name: str) -> bool:
    """Whether Python takes it for a name, the same one however it is normalised."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
