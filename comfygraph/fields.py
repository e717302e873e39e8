"""What a constructor does with each argument: one small class for each form of input.

A `Field` takes the value that the user gave and returns what the graph keeps: a link, or the JSON value as it will be
sent. It raises `Misfit` for what the server would refuse or what could not run. The first line of each `accept` is the
common case; everything else, messages included, is in the slow path behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from .definition import ANY, MATCH_TYPE, MISSING, InputDef, NodeDef
from .links import Link, Output, fits, members
from .naming import input_name, option_names
from .raw_values import OMITTED, Raw
from .text import did_you_mean, joined, listed, shown
from .values import WRAPPER, Verdict, copied, is_wrapped_link, judge, span

if TYPE_CHECKING:
    from .node import Node, Option

UPLOAD_FLAGS: Final = ("image_upload", "audio_upload", "video_upload", "file_upload")


class Misfit(Exception):
    """A value that its input cannot take: the verdict, and the full name of the input where it is a nested one."""

    def __init__(self, verdict: Verdict, name: str) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict
        self.name = name


class Notice(Exception):
    """A value that is taken and is not the common case: a link on a widget, an upload, a value that the server would coerce.

    Attributes:
        value: what to store; None where it is stored already.
        trusted: `check` has nothing more to say of it.
    """

    def __init__(self, value: Any = None, *, trusted: bool = False) -> None:
        super().__init__()
        self.value = value
        self.trusted = trusted


class Field:
    """One input of a node or of an option: its name on the wire, its keyword, its definition."""

    __slots__ = ("definition", "keyword", "kind", "name", "optional", "owner", "socket")

    def __init__(self, definition: InputDef, owner: str) -> None:
        self.definition = definition
        self.socket = definition.form == "socket"
        self.kind = definition.allowed if definition.type == MATCH_TYPE else definition.type
        self.name = definition.name
        self.keyword = input_name(definition.name)
        self.optional = not definition.required
        self.owner = owner

    def accept(self, value: Any) -> Any:
        """What the graph keeps for `value`. Raises Misfit."""
        return self.odd(value)

    def put(self, inputs: MutableMapping[str, Any], value: Any) -> None:
        """Write `value` into `inputs` under its name, or names, on the wire. Raises Misfit."""
        inputs[self.name] = self.accept(value)

    def odd(self, value: Any) -> Any:
        """The slow path: every value that is not the common case. Raises Misfit, or Notice for a value that is taken
        all the same.
        """
        if isinstance(value, Raw):
            raise Notice(value)  # a server's own catalogue has its say
        if value is OMITTED:
            raise Notice()
        if isinstance(value, Link):
            link: Link[Any] = value
            if _fits(link, self.kind) and not self._closed_to(link):
                if self.socket:
                    return link
                raise Notice(link, trusted=True)
            raise self._mismatch(link)
        if getattr(value, "_is_node", False):
            raise self._which_output(value)
        if value is None and not self.optional:
            raise self.misfit("required_input_missing", f"{self.name} is needed, and None was given", self.wanted())
        return self.plain(value)

    def plain(self, value: Any) -> Any:
        """A value that is no link: a socket takes none."""
        raise self.misfit(
            "link_expected",
            f"{self.name} takes a link of kind {_spoken(self.kind)}, not {shown(value)}",
            self.wanted(),
        )

    def wanted(self) -> str:
        """What would fit, as a hint."""
        kind = _spoken(self.kind)
        return f"give it {'an' if kind[0] in 'AEIOU' else 'a'} {kind} output of another node"

    def misfit(self, code: str, message: str, hint: str = "") -> Misfit:
        return Misfit(Verdict("error", code, message, hint), self.name)

    def judged(self, value: Any) -> Any:
        """Raises Misfit for what the server would refuse, and Notice for what it takes, coerced or not."""
        verdict = judge(self.definition, value)
        if verdict is None:
            raise Notice(value, trusted=True)
        if verdict.severity == "error":
            raise Misfit(verdict, self.name)
        raise Notice(value)

    def _closed_to(self, link: Link[Any]) -> bool:
        # A combo declared the old way has a list for its type; only a wildcard is let into it.
        return self.definition.legacy and link._kind != ANY

    def _mismatch(self, link: Link[Any]) -> Misfit:
        node, wanted = link._node, self.kind
        source = repr(Output(node, link._slot, link._kind))
        fitting = [
            f".{name}"
            for name, kind in node.outputs_by_name.items()
            if fits(kind, wanted) and not self.definition.legacy
        ]
        hint = (
            f"of its outputs, {joined(fitting)} fits"
            if fitting
            else f"no output of {node.class_type} fits; {self.wanted()}"
        )
        where = f" ({', '.join(filter(None, (node.variable, node.where)))})" if node.where else ""
        return self.misfit(
            "return_type_mismatch",
            f"{self.name} takes {_spoken(wanted)}, and {source}{where} gives {_spoken(link._kind)}",
            hint,
        )

    def _which_output(self, node: Node) -> Misfit:
        outputs = node.outputs_by_name
        fitting = [f".{name}" for name, kind in outputs.items() if fits(kind, self.kind)]
        if not outputs:
            return self.misfit(
                "return_type_mismatch",
                f"{self.name} takes {self.definition.type}, and {node.class_type} has no output",
                self.wanted(),
            )
        return self.misfit(
            "return_type_mismatch",
            f"{self.name} takes {self.definition.type}, and {node.class_type} has {len(outputs)} outputs: say which",
            f"{joined(fitting)} fits" if fitting else f"none of {joined('.' + name for name in outputs)} fits",
        )


def _spoken(kind: str) -> str:
    return " or ".join(kind.split(","))


def _fits(link: Link[Any], wanted: str) -> bool:
    if fits(link._kind, wanted):
        return True
    from .matching import fits_through

    definition = link._node._definition_or_none()
    through = definition is not None and bool(definition.outputs[link._slot].template)
    return through and fits_through(link._kind, wanted)


class SocketField(Field):
    """A link of one of these kinds, nothing else."""

    __slots__ = ("_kinds",)

    def __init__(self, definition: InputDef, owner: str) -> None:
        super().__init__(definition, owner)
        self._kinds = members(self.kind)

    def accept(self, value: Any) -> Any:
        try:
            if value._kind in self._kinds:
                return value
        except AttributeError:
            pass
        return self.odd(value)

    def plain(self, value: Any) -> Any:
        # `*` takes what is given: official workflows send plain values to PreviewAny.source and to ComfySwitchNode.
        open_to_all = ANY in (
            self.definition.type,
            self.definition.allowed if self.definition.type == MATCH_TYPE else "",
        )
        return self.judged(jsonable(value, self)) if open_to_all else super().plain(value)


class NumberField(Field):
    """INT and FLOAT."""

    __slots__ = ("_high", "_low", "_types")

    def __init__(self, definition: InputDef, owner: str) -> None:
        super().__init__(definition, owner)
        checked = not definition.self_checked
        self._low = definition.min if checked and definition.min is not None else float("-inf")
        self._high = definition.max if checked and definition.max is not None else float("inf")
        self._types: tuple[type, ...] = (int,) if definition.type == "INT" else (float, int)

    def accept(self, value: Any) -> Any:
        if type(value) in self._types and self._low <= value <= self._high:
            return value
        return self.odd(value)

    def plain(self, value: Any) -> Any:
        if not isinstance(value, (bool, int, float, str)):
            value = jsonable(_number(value), self)
        return self.judged(value)

    def wanted(self) -> str:
        return span(self.definition) or f"give it a number or {super().wanted().removeprefix('give it ')}"


class TextField(Field):
    """STRING: any text."""

    __slots__ = ()

    def accept(self, value: Any) -> Any:
        if type(value) is str and not self.definition.self_checked:
            return value
        return self.odd(value)

    def plain(self, value: Any) -> Any:
        if self.definition.self_checked and isinstance(value, str):
            raise Notice(value)  # the node has a rule of its own, which `check` knows
        if isinstance(value, (list, tuple, dict)):
            raise self.misfit(
                "invalid_input_type", f"{self.name} takes a text (STRING), not {shown(value)}", "give it a str"
            )
        return self.judged(jsonable(value, self))

    def wanted(self) -> str:
        return "give it a text, or a STRING output of another node"


class SwitchField(Field):
    """BOOLEAN."""

    __slots__ = ()

    def accept(self, value: Any) -> Any:
        if value is True or value is False:
            return value
        return self.odd(value)

    def plain(self, value: Any) -> Any:
        return self.judged(jsonable(value, self))

    def wanted(self) -> str:
        return "give it True or False, or a BOOLEAN output of another node"


class ComboField(Field):
    """A choice from a list; from an open one (files on the server) any text."""

    __slots__ = ("_options", "_uploads")

    def __init__(self, definition: InputDef, owner: str) -> None:
        super().__init__(definition, owner)
        closed = definition.options is not None and not definition.self_checked
        self._options = (
            frozenset(o for o in definition.options or () if isinstance(o, (str, int, float))) if closed else None
        )
        self._uploads = any(definition.flags.get(flag) for flag in UPLOAD_FLAGS)

    def accept(self, value: Any) -> Any:
        if type(value) is str and (self._options is None or value in self._options):
            return value
        return self.odd(value)

    def plain(self, value: Any) -> Any:
        if self._uploads and not isinstance(value, (str, int, float, bool, dict, list)):
            from .uploads import as_upload

            upload = as_upload(value)
            if upload is not None:
                raise Notice(upload, trusted=True)
        return self.judged(jsonable(value, self))

    def wanted(self) -> str:
        if self.definition.options is None:
            return "give it a name"
        return f"one of: {listed(self.definition.options)}"


class DataField(Field):
    """A value that the editor has a widget of its own for (COLOR, CURVE, …), or a link of one of its kinds."""

    __slots__ = ()

    def plain(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            value = {WRAPPER: list(cast("Sequence[Any]", value))}
        if is_wrapped_link(value):
            raise Misfit(cast("Verdict", judge(self.definition, value)), self.name)
        verdict = judge_data(self.definition, value)
        if verdict is not None:
            raise Misfit(verdict, self.name)
        raise Notice(jsonable(value, self), trusted=True)


class DynamicComboField(Field):
    """A choice that brings inputs of its own: an instance of one of the node's option classes."""

    __slots__ = ()

    def put(self, inputs: MutableMapping[str, Any], value: Any) -> None:
        option: Option | None = value if getattr(value, "_is_option", False) else None
        choices = self.definition.choices or {}
        if value is OMITTED:
            raise Notice()
        if option is None:
            if isinstance(value, Raw):
                inputs[self.name] = value
                raise Notice()
            raise self._bare(value, choices)
        if choices.get(option.key) != option.definitions:
            raise self.misfit(
                "unknown_option",
                f"{self.name} of {self.owner} has no option {type(option).__qualname__} ({option.key!r})",
                f"there are: {joined(self._spelt(key) for key in choices)}",
            )
        inputs[self.name] = option.key
        for name, nested in option.inputs.items():
            inputs[f"{self.name}.{name}"] = nested
        raise Notice(trusted=not option.noticed)

    def _bare(self, value: Any, choices: Mapping[str, Any]) -> Misfit:
        if isinstance(value, str) and value in choices:
            return self.misfit(
                "unknown_option",
                f"{self.name} takes an option with its own inputs, not the bare text {shown(value)}",
                f"write {self._spelt(value)}(…)",
            )
        hint = (
            did_you_mean(value, choices)
            if isinstance(value, str)
            else f"there are: {joined(self._spelt(k) for k in choices)}"
        )
        if isinstance(value, Link):
            return self.misfit(
                "unknown_option", f"{self.name} chooses which inputs the node has, so it cannot be a link", hint
            )
        return self.misfit("unknown_option", f"{self.name} has no option {shown(value)}", hint)

    def _spelt(self, key: str) -> str:
        return f"{self.owner}.{option_names(self.owner, {self.name: self.definition.choices or {}})[self.name, key]}"


class AutogrowField(Field):
    """A list of inputs that grows: a sequence fills the slots in order, a mapping fills them by name."""

    __slots__ = ("_item",)

    def __init__(self, definition: InputDef, owner: str) -> None:
        super().__init__(definition, owner)
        self._item = field(self.grow.item, owner)

    @property
    def grow(self) -> Any:
        return self.definition.grow

    def put(self, inputs: MutableMapping[str, Any], value: Any) -> None:
        if value is OMITTED:
            raise Notice()
        slots: tuple[str, ...] = self.grow.slots
        given: Mapping[str, Any]
        if isinstance(value, Mapping):
            given = cast("Mapping[str, Any]", value)
            unknown = next((name for name in given if name not in slots), None)
            if unknown is not None:
                raise self.misfit(
                    "unknown_input",
                    f"{self.name} has no slot {shown(unknown)}",
                    did_you_mean(unknown, slots, what="slot"),
                )
        elif isinstance(value, (list, tuple)):
            items = cast("Sequence[Any]", value)
            if len(items) > len(slots):
                raise self.misfit(
                    "unknown_input", f"{self.name} takes at most {len(slots)}, and {len(items)} were given"
                )
            given = dict(zip(slots, items))
        else:
            raise self.misfit(
                "invalid_input_type",
                f"{self.name} takes a list, or a mapping by slot, not {shown(value)}",
                f"write {self.keyword}=[…]",
            )
        trusted = True
        for i, slot in enumerate(slots):
            item = given.get(slot)
            name = f"{self.name}.{slot}"
            if item is not None:
                try:
                    inputs[name] = self._item.accept(item)
                except Misfit as misfit:
                    raise Misfit(misfit.verdict, name) from None
                except Notice as notice:
                    if notice.value is not None:
                        inputs[name] = notice.value
                    trusted = trusted and notice.trusted
            elif i < self.grow.min:
                raise self.misfit(
                    "required_input_missing", f"{self.name} needs at least {self.grow.min}, and {slot} is missing"
                )
        raise Notice(trusted=trusted)


FIELDS: Final[dict[str, Callable[[InputDef, str], Field]]] = {
    "socket": SocketField,
    "number": NumberField,
    "text": TextField,
    "switch": SwitchField,
    "combo": ComboField,
    "data": DataField,
    "dynamic_combo": DynamicComboField,
    "autogrow": AutogrowField,
}


def field(definition: InputDef, owner: str) -> Field:
    """The field for an input; `owner` is how its class is written in Python."""
    return FIELDS[definition.form](definition, owner)


_MEMBER_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "INT": (int, float),
    "FLOAT": (int, float),
    "STRING": (str,),
    "BOOLEAN": (bool,),
}


def judge_data(definition: InputDef, value: Any) -> Verdict | None:
    """What is wrong with a plain value at an input of several types: none of them has plain values like it."""
    if "," not in definition.type:
        return None
    plain = [t for member in members(definition.type) for t in _MEMBER_TYPES.get(member, ())]
    if isinstance(value, tuple(plain)):
        bounds = judge(definition, value)
        return bounds
    return Verdict(
        "error",
        "link_expected",
        f"{definition.name} takes {definition.type}, not {shown(value)}",
        f"give it a link, or a plain value of one of {joined(sorted(m for m in members(definition.type) if m in _MEMBER_TYPES))}",
    )


def jsonable(value: Any, at: Field) -> Any:
    """`value` if JSON can hold it. Raises Misfit."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    try:
        return copied(value)
    except ValueError:
        raise at.misfit(
            "invalid_input_type", f"{at.name} cannot be sent: {shown(value)} is no JSON value", at.wanted()
        ) from None


def _number(value: Any) -> Any:
    """Other libraries' numbers (numpy's) as Python's own; anything else as it is."""
    for convert in ("__index__", "__float__"):
        method = getattr(value, convert, None)
        if callable(method):
            try:
                return method()
            except (TypeError, ValueError):
                break
    return value


def default_of(definition: InputDef) -> Any:
    """What an untyped node is given where the caller says nothing: the default, None where it may be left out, else
    MISSING.
    """
    if definition.form == "dynamic_combo" or definition.type == MATCH_TYPE or definition.form == "socket":
        return None if not definition.required else MISSING
    if definition.form == "autogrow":
        if definition.grow is not None and definition.grow.min == 0:
            return ()
        return None if not definition.required else MISSING
    # An input with forceInput has no widget in the editor, so nobody sends its default.
    if definition.default is not MISSING and not definition.flags.get("forceInput"):
        from copy import deepcopy

        return deepcopy(definition.default)
    return None if not definition.required else MISSING


def fields_of(definition: NodeDef, owner: str) -> tuple[Field, ...]:
    """The fields of a node, in the order of its definition."""
    return tuple(field(d, owner) for d in definition.inputs.values())
