"""What a server says of its nodes, as plain immutable records.

No pydantic here: a typed node reads its definition at its first construction, and that must cost microseconds.
`schema.py` makes these from an ``object_info`` answer and guards that boundary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

DYNAMIC_COMBO: Final = "COMFY_DYNAMICCOMBO_V3"
AUTOGROW: Final = "COMFY_AUTOGROW_V3"
MATCH_TYPE: Final = "COMFY_MATCHTYPE_V3"
COMBO: Final = "COMBO"
ANY: Final = "*"


class Missing:
    """The type of `MISSING`: "the definition names no default", as None may be one."""

    _instance: Missing | None = None

    def __new__(cls) -> Missing:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()

Form = Literal["socket", "number", "text", "switch", "combo", "dynamic_combo", "autogrow", "data"]
"""How an input is given: a link only (`socket`), or a link or a value: INT and FLOAT (`number`), STRING (`text`), BOOLEAN
(`switch`), a choice (`combo`), a structured value that the editor draws a widget for (`data`: CURVE, COLOR, …)."""


@dataclass(frozen=True)
class InputDef:
    """One input of a node, or of an option of a dynamic combo.

    Attributes:
        name: the name on the wire, without the prefix that a dynamic parent adds.
        type: the socket type as the server writes it (``"MODEL"``, ``"FLOAT,INT"``); ``"COMBO"`` for every option list.
        form: how it is given.
        required: declared under ``required``.
        default: the declared default, or MISSING.
        min, max, step: bounds and step of a number; the server checks the bounds, not the step.
        options: the option list of a combo as sent; None when it is no combo or has none.
        legacy: a combo declared the old way (its type is the JSON list itself); no COMBO or STRING link fits it.
        folder: where the options are files: the folder on the server, such as ``"checkpoints"``.
        choices: a dynamic combo's options by key, each with its own inputs.
        grow: an autogrow's template.
        template, allowed: a match-type's template id, and the socket types that it allows.
        self_checked: the node validates this input itself: the server enforces no option list and no range.
        flags: what else the definition says and a caller may need (``image_upload``, ``lazy``, ``multiline``, …).
    """

    name: str
    type: str
    form: Form
    required: bool
    default: Any = MISSING
    min: float | int | None = None
    max: float | int | None = None
    step: float | int | None = None
    options: tuple[Any, ...] | None = None
    legacy: bool = False
    folder: str | None = None
    choices: Mapping[str, tuple[InputDef, ...]] | None = None
    grow: AutogrowDef | None = None
    template: str | None = None
    allowed: str = ANY
    self_checked: bool = False
    flags: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AutogrowDef:
    """The template of an autogrow input.

    Attributes:
        item: what each slot takes.
        slots: the names of all the slots it can grow to, in order.
        min: how many of them, from the first, are required.
        named: the template lists the names itself; otherwise they are a prefix and a number from 0.
    """

    item: InputDef
    slots: tuple[str, ...]
    min: int
    named: bool


@dataclass(frozen=True)
class OutputDef:
    """One output of a node: its name, socket type, whether it is a list, and the match-type template it follows."""

    name: str
    type: str
    is_list: bool = False
    template: str | None = None


@dataclass(frozen=True)
class NodeDef:
    """One node class of a server.

    Attributes:
        class_type: its name on the wire.
        inputs: its declared inputs by name, in the order the server shows them.
        outputs: its outputs; a link's number counts through them.
        output_node: running a graph means running these.
        templates: its match-type templates; empty for almost every node.
        category, display_name, module: where it stands in the editor, its title there, the Python module it is from.
        input_is_list: it gets whole lists rather than one item at a time.
        api_node: a partner node: it costs money and needs an account key.
    """

    class_type: str
    inputs: Mapping[str, InputDef]
    outputs: tuple[OutputDef, ...]
    templates: tuple[str, ...] = ()
    output_node: bool = False
    category: str = ""
    display_name: str = ""
    module: str = ""
    input_is_list: bool = False
    deprecated: bool = False
    experimental: bool = False
    api_node: bool = False
