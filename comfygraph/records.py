"""One ``object_info`` record -> `NodeDef`.

No validation here: a record of a bundled release was validated when it was captured, and one from outside went through
`schema.py`. The rules are those of ComfyUI 0.33.0: execution.py ``validate_inputs``, comfy_api/latest/_io.py (dynamic
inputs).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from . import definition as d
from .definition import MISSING, AutogrowDef, Form, InputDef, NodeDef, OutputDef
from .server_facts import ALL, FILE_INPUTS, MACHINE_INPUTS, SELF_CHECKED

SECTIONS: Final = ("required", "optional")

_FORMS: Final[dict[str, Form]] = {
    "INT": "number",
    "FLOAT": "number",
    "STRING": "text",
    "BOOLEAN": "switch",
    d.COMBO: "combo",
    d.DYNAMIC_COMBO: "dynamic_combo",
    d.AUTOGROW: "autogrow",
}
# Socket types whose values the editor edits in a widget of its own; a definition shows it by one of these keys.
_WIDGET_KEYS: Final = ("socketless", "default", "widgetType")
# … and those that the definition does not show: they are sent as plain values all the same.
_WIDGET_TYPES: Final = frozenset({"LOAD_3D", "WEBCAM", "AUDIO_RECORD", "IMAGECOMPARE", "COMPOSITOR"})
# Option keys that have an attribute of their own in InputDef; every other one goes into `flags`.
_OWN_KEYS: Final = frozenset({"default", "min", "max", "step", "options", "template", "tooltip"})


def node_def(class_type: str, record: Mapping[str, Any], *, open_files: bool = False) -> NodeDef:
    """Read one record.

    Args:
        class_type: the node's name on the wire.
        record: its ``object_info`` entry.
        open_files: leave lists of files and of machine-dependent names open (None), and every empty list; right for
            definitions captured on a server that is not the one at hand.
    """
    sections = record["input"]
    ordering = record.get("input_order") or {}
    self_checked = SELF_CHECKED.get(class_type, frozenset())
    inputs: dict[str, InputDef] = {}
    for section in SECTIONS:
        declared: Mapping[str, Any] = sections.get(section) or {}
        order = [name for name in ordering.get(section, ()) if name in declared]
        for name in (*order, *(n for n in declared if n not in order)):
            inputs[name] = input_def(
                name,
                declared[name],
                required=section == "required",
                place=f"{class_type}.{name}",
                self_checked=name in self_checked or ALL in self_checked,
                open_files=open_files,
            )
    outputs = _outputs(record)
    return NodeDef(
        class_type=class_type,
        inputs=inputs,
        outputs=outputs,
        templates=_templates(inputs.values(), outputs),
        output_node=bool(record.get("output_node")),
        category=record.get("category") or "",
        display_name=record.get("display_name") or class_type,
        module=record.get("python_module") or "",
        input_is_list=bool(record.get("is_input_list")),
        deprecated=bool(record.get("deprecated")),
        experimental=bool(record.get("experimental")),
        api_node=bool(record.get("api_node")),
    )


def input_def(
    name: str, spec: Any, *, required: bool, place: str = "", self_checked: bool = False, open_files: bool = False
) -> InputDef:
    """Read one input: ``[type]`` or ``[type, options]``; `place` is ``"Class.input"``, for the tables of server
    facts.
    """
    declared: Any = spec[0]
    more: Mapping[str, Any] = (spec[1] if len(spec) > 1 else None) or {}
    legacy = not isinstance(declared, str)
    kind = d.COMBO if legacy else declared
    form = form_of(kind, more)
    options: tuple[Any, ...] | None = None
    if form == "combo":
        options = tuple(declared if legacy else more.get("options") or ())
        if open_files and (not options or place in FILE_INPUTS or place in MACHINE_INPUTS):
            options = None
    template: Mapping[str, Any] = more.get("template") or {}
    return InputDef(
        name=name,
        type=kind,
        form=form,
        required=required,
        default=more.get("default", MISSING),
        min=more.get("min"),
        max=more.get("max"),
        step=more.get("step"),
        options=options,
        legacy=legacy,
        folder=FILE_INPUTS.get(place),
        choices=_choices(more, open_files) if form == "dynamic_combo" else None,
        grow=_grow(template, open_files) if form == "autogrow" else None,
        template=template.get("template_id") if kind == d.MATCH_TYPE else None,
        allowed=template.get("allowed_types", d.ANY) if kind == d.MATCH_TYPE else d.ANY,
        self_checked=self_checked,
        flags={key: value for key, value in more.items() if key not in _OWN_KEYS},
    )


def form_of(kind: str, more: Mapping[str, Any]) -> Form:
    """How an input of this socket type is given (see `definition.Form`)."""
    form = _FORMS.get(kind)
    if form is not None:
        return form
    members = {member.strip() for member in kind.split(",")}
    if len(members) > 1 and members & _FORMS.keys():
        return "data"  # FLOAT,INT and the like: a plain value fits one of the members, and the server checks none
    if members & _WIDGET_TYPES or any(key in more for key in _WIDGET_KEYS):
        return "data"
    return "socket"


def _choices(more: Mapping[str, Any], open_files: bool) -> dict[str, tuple[InputDef, ...]]:
    return {
        option["key"]: tuple(
            input_def(name, spec, required=section == "required", open_files=open_files)
            for section in SECTIONS
            for name, spec in (option["inputs"].get(section) or {}).items()
        )
        for option in more.get("options") or ()
    }


def _grow(template: Mapping[str, Any], open_files: bool) -> AutogrowDef:
    section, (name, spec) = next(
        (section, item) for section in template["input"] for item in template["input"][section].items()
    )
    item = input_def(name, spec, required=section == "required", open_files=open_files)
    named = "names" in template
    slots = template["names"] if named else [f"{template['prefix']}{i}" for i in range(template["max"])]
    # comfy_api/latest/_io.py, Autogrow: `min` counts only where the template's own input is required.
    return AutogrowDef(item=item, slots=tuple(slots), min=template["min"] if item.required else 0, named=named)


def _outputs(record: Mapping[str, Any]) -> tuple[OutputDef, ...]:
    types = record.get("output") or ()
    names = record.get("output_name") or ()
    lists = record.get("output_is_list") or ()
    templates = record.get("output_matchtypes") or ()
    return tuple(
        OutputDef(
            name=names[i] if i < len(names) and names[i] else _type_name(kind),
            # A custom node may give a list of options as an output's type: it is a choice of one of them.
            type=_type_name(kind),
            is_list=bool(lists[i]) if i < len(lists) else False,
            template=templates[i] if i < len(templates) else None,
        )
        for i, kind in enumerate(types)
    )


def _templates(inputs: Iterable[InputDef], outputs: Iterable[OutputDef]) -> tuple[str, ...]:
    found = {item.template for i in inputs for item in (i, i.grow.item if i.grow else i)} | {
        o.template for o in outputs
    }
    return tuple(sorted(template for template in found if template is not None))


def _type_name(kind: Any) -> str:
    return kind if isinstance(kind, str) else d.COMBO
