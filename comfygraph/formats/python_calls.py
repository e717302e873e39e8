"""Each step as a statement: the call of its class with what differs from the defaults, and what the class would not take."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Set
from typing import Any, cast

from ..definition import ANY, MISSING, InputDef
from ..errors import FormatError
from ..expand import declared
from ..generator.text import literal
from ..matching import verdicts
from ..node import Node, Option
from ..raw_values import Raw
from ..uploads import Upload
from .python_layout import Atom, Expr, call, lines, listing, mapping, one_line
from .python_names import LONGEST, Names
from .python_parameters import Places
from .python_steps import Step, fields, options
from .python_text import SHORT, is_long
from .python_values import as_list, default_of, same, takes, takes_link

Items = list[tuple[str, Expr]]
_INLINE = 64  # columns: a leaf that is longer gets a statement of its own
_DEEPEST = 60


class Writer:
    """Writes the statements of one program.

    Attributes:
        variables: names of nodes by id.
        inlined: the nodes that stand inside the call that takes them.
        texts: long texts, and the constants that hold them.
        used: which names of ``comfygraph`` the statements use.
    """

    def __init__(
        self,
        steps: Mapping[str, Step],
        variables: Mapping[str, str],
        places: Places,
        names: Names,
        *,
        keep_ids: bool = False,
        holes: Mapping[tuple[str, str], str] | None = None,
        within: Set[str] | None = None,
    ) -> None:
        self._steps = steps
        self._places = places
        self._names = names
        self._keep_ids = keep_ids
        self._holes = holes or {}
        self.variables = variables
        self.texts: dict[str, str] = {}
        self.used: set[str] = set()
        self._written: dict[str, Expr] = {}
        self.inlined: set[str] = set()
        if not keep_ids:
            here = steps.values() if within is None else [steps[node_id] for node_id in within]
            self.inlined = {step.id for step in here if self._is_small_leaf(step)}

    def inside(
        self,
        inner: Set[str],
        variables: Mapping[str, str],
        holes: Mapping[tuple[str, str], str],
    ) -> Writer:
        """A writer for a function's body: the nodes that only it sees, names there, and arguments that inputs are given."""
        writer = Writer(self._steps, variables, {}, self._names, holes=holes, within=inner)
        writer.texts, writer.used = self.texts, self.used
        return writer

    def statement(self, node_id: str, returned: str | None = None) -> list[str]:
        """The statements that make a node, at the indentation of a function's body, and return it where it is `returned`."""
        step = self._steps[node_id]
        variable = self.variables[node_id]
        made, extra = self._call(step)
        if node_id == returned and not extra:
            return lines(made, head="return ", indent=4)
        found = lines(made, head=f"{variable} = ", indent=4)
        if extra:
            found += lines(call(f"{variable}.extra", extra), indent=4)
        if self._keep_ids:
            if node_id:
                found += lines(call(f"{variable}.named", [("", self._text(node_id, f"{variable}_id"))]), indent=4)
            if step.title is not None:
                found += lines(
                    call(f"{variable}.titled", [("", self._text(step.title, f"{variable}_title"))]), indent=4
                )
        return [*found, f"    return {variable}"] if node_id == returned else found

    def argument(self, node_id: str, wire: str) -> Expr:
        """What stands for an input in the call of a function."""
        step = self._steps[node_id]
        value = step.inputs[wire]
        assert step.typed is not None
        return self._value(step, declared(step.typed.definition, step.inputs)[wire][0], wire, value)

    def _is_small_leaf(self, step: Step) -> bool:
        """A short call without links that one other takes once, such as ``KSamplerSelect(sampler_name="euler")``."""
        if len(step.users) != 1 or not step.single or step.links() or len(step.inputs) > 3:
            return False
        user, name, _ = step.users[0]
        if (user, name) in self._holes:
            return False
        definition = step.typed.definition if step.typed is not None else None
        if definition is None or self._steps[user].typed is None:
            return False
        if any(d.folder is not None or d.form in ("dynamic_combo", "autogrow") for d in definition.inputs.values()):
            return False
        if any(isinstance(v, str) and is_long(v) for v in step.inputs.values()):
            return False
        made, extra = self._call(step)
        if extra or one_line(made, _INLINE) is None:
            return False
        self._written[step.id] = made
        return True

    # -- calls ------------------------------------------------------------------------------------------------------

    def _call(self, step: Step) -> tuple[Expr, Items]:
        if step.typed is None:
            self.used.add("custom_node")
            given = [(wire, self._loose(step, wire, value)) for wire, value in step.inputs.items()]
            name = self._text(step.class_type, f"{self.variables[step.id]}_class")
            return call("custom_node", [("", name), *self._named(given)]), []
        left = dict(step.inputs)
        unfit = {name for name, _ in verdicts(step.typed.definition, step.inputs, self._kind_of)}
        items = list(self._fields(step, step.typed.cls, list(step.typed.definition.inputs.values()), "", left, unfit))
        made = call(step.typed.name, items)
        return made, self._named([(wire, self._loose(step, wire, value)) for wire, value in left.items()])

    def _fields(
        self,
        step: Step,
        cls: type[Node] | type[Option],
        definitions: list[InputDef],
        prefix: str,
        left: dict[str, Any],
        unfit: set[str],
    ) -> Iterator[tuple[str, Expr]]:
        """The keyword arguments of a class; what they carry is taken out of `left`."""
        for name, item in fields(cls, definitions):
            wire = prefix + item.name
            if item.form == "dynamic_combo":
                written = self._option(step, cls, item, wire, left, unfit)
            elif item.form == "autogrow":
                written = self._slots(step, item, wire, left, unfit)
            else:
                written = self._field(step, item, wire, left, unfit)
            if written is not None:
                yield f"{name}=", written

    def _field(self, step: Step, item: InputDef, wire: str, left: dict[str, Any], unfit: set[str]) -> Expr | None:
        default = default_of(item)
        if wire not in left:
            return None if default is None else self._omitted()
        value = left[wire]
        if wire in unfit or not self._fits(item, value):
            return None if default is None else self._omitted()
        del left[wire]
        place = (step.id, wire)
        named = place in self._places or place in self._holes
        if not named and default is not MISSING and default is not None and same(value, default):
            return None
        return self._value(step, item, wire, value)

    def _option(
        self,
        step: Step,
        cls: type[Node] | type[Option],
        item: InputDef,
        wire: str,
        left: dict[str, Any],
        unfit: set[str],
    ) -> Expr | None:
        key = left.get(wire)
        chosen = options(cls).get((item.name, key)) if isinstance(key, str) else None
        if chosen is None or item.choices is None:
            if wire in left and type(key) is not tuple:
                del left[wire]
                return self._raw(key)
            return None if default_of(item) is None else self._omitted()
        del left[wire]
        nested = list(item.choices[cast("str", key)])
        items = list(self._fields(step, chosen, nested, f"{wire}.", left, unfit))
        return call(self._qualified(step, chosen), items)

    def _qualified(self, step: Step, option: type[Option]) -> str:
        # The class may have been imported under another module; its qualified name starts with the node class's.
        assert step.typed is not None
        return step.typed.name + "." + option.__qualname__.partition(".")[2]

    def _slots(self, step: Step, item: InputDef, wire: str, left: dict[str, Any], unfit: set[str]) -> Expr | None:
        assert item.grow is not None
        grow = item.grow
        given: list[tuple[int, str, Expr]] = []
        names = [(i, slot, f"{wire}.{slot}") for i, slot in enumerate(grow.slots)]
        fitting = [
            (i, slot, name)
            for i, slot, name in names
            if name in left and name not in unfit and self._fits(grow.item, left[name])
        ]
        present = {i for i, _, _ in fitting}
        default = default_of(item)
        if not fitting or any(i not in present for i in range(grow.min)):
            # Too few for the constructor: what there is goes by name.
            return None if default in (None, ()) and not fitting else self._omitted()
        for i, slot, name in fitting:
            given.append((i, slot, self._value(step, grow.item, name, left.pop(name))))
        if [i for i, _, _ in given] == list(range(len(given))):
            return listing([expr for _, _, expr in given])
        return mapping([(self._key(slot), expr) for _, slot, expr in given])

    # -- values -----------------------------------------------------------------------------------------------------

    def _fits(self, item: InputDef, value: Any) -> bool:
        """Whether the argument can carry the value: a link of the right kind, or any plain value (`raw` where need be)."""
        return takes_link(item, self._kind_of(value) or ANY) if type(value) is tuple else True

    def _kind_of(self, value: Any) -> str | None:
        if type(value) is not tuple:
            return None
        source, slot = cast("tuple[str, int]", value)
        kinds = self._steps[source].kinds
        return kinds[slot] if slot < len(kinds) else ANY

    def _value(self, step: Step, item: InputDef, wire: str, value: Any) -> Expr:
        hole = self._holes.get((step.id, wire))
        if hole is not None:
            return Atom(hole)
        if type(value) is tuple:
            return self._link(cast("tuple[str, int]", value))
        parameter = self._places.get((step.id, wire))
        if parameter is not None:
            return Atom(parameter.name)
        if isinstance(value, (Raw, Upload)) or not takes(item, value):
            return self._loose(step, wire, value)
        plain = as_list(item, value)
        return self._json(value if plain is None else plain, f"{self.variables[step.id]}_{wire}")

    def _loose(self, step: Step, wire: str, value: Any) -> Expr:
        """A value where no type is looked at, or where `raw` gets it past."""
        hole = self._holes.get((step.id, wire))
        if hole is not None:
            return Atom(hole)
        if type(value) is tuple:
            return self._link(cast("tuple[str, int]", value))
        known = step.typed is not None and any(
            wire == d.name or wire.startswith(f"{d.name}.") for d in step.typed.definition.inputs.values()
        )
        if isinstance(value, Upload):
            return self._upload(value, f"{self.variables[step.id]}_file")
        if isinstance(value, Raw):
            value = value.value
        return self._raw(value) if known else self._json(value, f"{self.variables[step.id]}_{wire}")

    def _upload(self, upload: Upload, name: str) -> Expr:
        """A file to upload by its path; what came without one by its name on the server, where it must be then."""
        if upload._path is None:
            return self._text(upload.name, name)
        self.used.add("Path")
        return call("Path", [("", self._text(str(upload._path), name))])

    def _raw(self, value: Any) -> Expr:
        self.used.add("raw")
        return call("raw", [("", self._json(value, "raw_value"))])

    def _omitted(self) -> Expr:
        self.used.add("OMITTED")
        return Atom("OMITTED")

    def _link(self, link: tuple[str, int]) -> Expr:
        source, slot = link
        written = self._written.get(source)
        if written is not None and source in self.inlined:
            return written
        return Atom(f"{self.variables[source]}{self._steps[source].output(slot)}")

    def plain(self, value: Any, name: str) -> str:
        """A plain value as a default in a signature."""
        return self._text(value, name).text if isinstance(value, str) else _number(value)

    def _text(self, text: str, name: str) -> Atom:
        return Atom(self._constant(text, name) if is_long(text) else literal(text))

    def _constant(self, text: str, name: str) -> str:
        """The name of the constant that holds a text."""
        if text not in self.texts:
            words = re.findall(r"[A-Za-z0-9]+", name[: 2 * LONGEST])
            wanted = "_".join(words).upper()
            self.texts[text] = self._names.claim(wanted if wanted and not wanted[0].isdigit() else f"TEXT_{wanted}")
        return self.texts[text]

    def _json(self, value: Any, name: str, depth: int = 0) -> Expr:
        if depth > _DEEPEST:
            raise FormatError(
                f"a value of {name} is nested more than {_DEEPEST} deep, so it cannot be written as Python"
            )
        if isinstance(value, str):
            return self._text(value, name)
        if isinstance(value, list):
            items: list[Any] = value
            return listing([self._json(item, name, depth + 1) for item in items])
        if isinstance(value, dict):
            pairs: dict[str, Any] = value
            return mapping([(self._key(str(key)), self._json(item, name, depth + 1)) for key, item in pairs.items()])
        return Atom(_number(value))

    def _named(self, given: Items) -> Items:
        """Arguments by name on the wire; those that are no identifiers in a dict."""
        plain = [(f"{wire}=", expr) for wire, expr in given if _is_keyword(wire)]
        odd = [(self._key(wire), expr) for wire, expr in given if not _is_keyword(wire)]
        return [*plain, *([("**", mapping(odd))] if odd else [])]

    def _key(self, key: str) -> str:
        return literal(key) if len(key) <= SHORT // 2 else self._constant(key, "key")


def _is_keyword(wire: str) -> bool:
    return wire.isascii() and wire.isidentifier() and not keyword.iskeyword(wire) and len(wire) <= SHORT


def _number(value: Any) -> str:
    """Numbers as the formatter writes them: ``1e300``, not ``1e+300``."""
    return literal(value).replace("e+", "e")
