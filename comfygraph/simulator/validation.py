"""Whether a prompt is taken, and in which words it is refused.

Written from the server's observed behaviour (traces errors_prompt, values_coercion, dynamic_inputs, prompt_options) and
independent of `comfygraph.checks` on purpose. What the server checks, in which order, and what it never looks at, is
kept, coercions in place included; only the recursion is not.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..server_facts import ALL, SELF_CHECKED
from .definitions import Declared, Definitions, NodeClass
from .store import Store

Error = dict[str, Any]
Prompt = dict[str, Any]

_COERCE: Final[dict[str, Callable[[Any], Any]]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
_MATCH: Final = "COMFY_MATCHTYPE_V3"
_LONG_LIST: Final = 20  # options; a longer list is not sent back


@dataclass(frozen=True)
class Verdict:
    """What becomes of a prompt.

    Attributes:
        error: why nothing of it runs; None when it is taken.
        outputs: the output nodes that will run.
        node_errors: what is wrong with the others, by node.
    """

    error: Error | None
    outputs: list[str]
    node_errors: dict[str, Any]

    @property
    def ok(self) -> bool:
        """At least one output runs."""
        return self.error is None


def validate(prompt: Prompt, definitions: Definitions, store: Store, targets: Collection[str] | None = None) -> Verdict:
    """Judge a prompt, coercing its values in place.

    Args:
        prompt: the API-format graph as the client sent it; nothing of it is trusted.
        definitions: the classes that there are.
        store: where the files lie that nodes check for.
        targets: run only these output nodes.

    Raises:
        Exception: whatever Python says to a prompt that is no prompt; the server answers 500 to those.
    """
    outputs: list[str] = []
    for node_id in prompt:
        node = prompt[node_id]
        if "class_type" not in node:
            title = node.get("_meta", {}).get("title")
            shown = title or f"ID #{node_id}"
            message = f"Node '{shown}' has no class_type. The workflow may be corrupted or a custom node is missing."
            return _refused(_missing_type(node_id, None, title, message))
        class_type = node["class_type"]
        node_class = definitions.get(class_type)
        if node_class is None:
            title = node.get("_meta", {}).get("title", class_type)
            message = f"Node '{title}' not found. The custom node may not be installed."
            return _refused(_missing_type(node_id, class_type, title, message))
        if node_class.output_node and (targets is None or node_id in targets):
            outputs.append(node_id)
    if not outputs:
        return _refused(_error("prompt_no_outputs", "Prompt has no outputs", ""))
    return _Validation(prompt, definitions, store).run(outputs)


def fits(received: Any, wanted: Any) -> bool:
    """Whether an output of one type may be linked to an input of another."""
    if received == wanted or "*" in (received, wanted) or _MATCH in (received, wanted):
        return True
    if isinstance(received, list) and wanted == "COMBO":
        return True
    if not isinstance(received, str) or not isinstance(wanted, str):
        return False
    given, taken = ({part.strip() for part in kind.split(",")} for kind in (received, wanted))
    return "*" in given | taken or bool(given & taken)


@dataclass
class _Visit:
    """A node whose inputs are being looked at: what a recursive function would keep on its stack."""

    node_id: str
    node_class: NodeClass
    inputs: dict[str, Any]
    declared: Declared
    own: frozenset[str]
    slots: Iterator[str]
    errors: list[Error] = field(default_factory=list[Error])
    valid: bool = True
    received: dict[str, Any] = field(default_factory=dict[str, Any])
    waiting: str = ""  # the input whose source is being visited


class _Validation:
    def __init__(self, prompt: Prompt, definitions: Definitions, store: Store) -> None:
        self._prompt = prompt
        self._definitions = definitions
        self._store = store
        self._validated: dict[str, tuple[bool, list[Error]]] = {}
        self._on_way: set[str] = set()  # the nodes that are being looked at, from an output down

    def run(self, outputs: list[str]) -> Verdict:
        good: list[str] = []
        failed: list[list[Error]] = []
        node_errors: dict[str, Any] = {}
        for output in outputs:
            try:
                valid, reasons = self._visit(output)
            except Exception as error:
                valid, reasons = (
                    False,
                    [_exception("exception_during_validation", "Exception when validating node", error, {})],
                )
                self._validated[output] = (False, reasons)
            if valid:
                good.append(output)
                continue
            failed.append(reasons)
            # Every bad node seen so far is put down to this output too, whether it feeds it or not: so does the server.
            for node_id, (ok, errors) in self._validated.items():
                if ok or not errors:
                    continue
                if node_id not in node_errors:
                    class_type = self._prompt[node_id]["class_type"]
                    node_errors[node_id] = {"errors": errors, "dependent_outputs": [], "class_type": class_type}
                node_errors[node_id]["dependent_outputs"].append(output)
        if good:
            return Verdict(None, good, node_errors)
        details = "\n".join(f"{error['message']}: {error['details']}" for errors in failed for error in errors)
        refused = _error("prompt_outputs_failed_validation", "Prompt outputs failed validation", details)
        return Verdict(refused, [], node_errors)

    def _visit(self, output: str) -> tuple[bool, list[Error]]:
        """Validate a node and all that it needs. Raises what a check of `output` itself raises."""
        stack: list[_Visit] = []
        entering: str | None = output
        while True:
            current = entering if entering is not None else stack[-1].node_id
            try:
                if entering is not None:
                    result = self._known(entering, stack)
                    if result is None:
                        stack.append(self._enter(entering))
                        self._on_way.add(entering)
                        entering = None
                        continue
                    entering = None
                else:
                    entering = self._next_source(stack[-1])
                    if entering is not None:
                        continue
                    self._own_checks(stack[-1])
                    result = self._finish(stack[-1])
                    self._on_way.discard(stack.pop().node_id)
            except Exception as error:
                # The check of `current` raised: its consumer reports it, or the output if it is that itself.
                if entering is None:
                    self._on_way.discard(stack.pop().node_id)
                entering = None
                if not stack:
                    raise
                result = self._inner(stack[-1], current, error)
            if not stack:
                return result
            stack[-1].valid = stack[-1].valid and result[0]

    def _inner(self, consumer: _Visit, failed: str, error: Exception) -> tuple[bool, list[Error]]:
        name = consumer.waiting
        more = {
            "input_name": name,
            "input_config": _config(consumer.declared, name),
            "exception_message": str(error),
            "linked_node": consumer.inputs[name],
        }
        reason = _exception("exception_during_inner_validation", "Exception when validating inner node", error, more)
        self._validated[failed] = (False, [reason])
        return self._validated[failed]

    def _enter(self, node_id: str) -> _Visit:
        inputs: dict[str, Any] = self._prompt[node_id]["inputs"]
        class_type: str = self._prompt[node_id]["class_type"]
        node_class = self._definitions.get(class_type)
        if node_class is None:
            raise KeyError(class_type)
        declared = node_class.declared(inputs)
        slots = iter(list(declared.slots))
        return _Visit(node_id, node_class, inputs, declared, SELF_CHECKED.get(class_type, frozenset()), slots)

    def _known(self, node_id: str, stack: list[_Visit]) -> tuple[bool, list[Error]] | None:
        """The verdict on a node that has one, or that closes a cycle."""
        if node_id in self._validated or node_id not in self._on_way:
            return self._validated.get(node_id)
        way = [visit.node_id for visit in stack]
        cycle = [*way[way.index(node_id) :], node_id]
        nodes = list(dict.fromkeys(cycle))
        path = " -> ".join(f"{each} ({self._prompt[each]['class_type']})" for each in cycle)
        for each in nodes:
            more = {"node_id": each, "cycle_nodes": nodes}
            self._validated[each] = (False, [_error("dependency_cycle", "Dependency cycle detected", path, more)])
        return self._validated[node_id]

    def _next_source(self, visit: _Visit) -> str | None:
        """Check inputs until one is linked: the node that is to be visited next. None when all are done."""
        for name in visit.slots:
            kind, section, options = visit.declared.slots[name]
            if name not in visit.inputs:
                if section == "required":
                    shown = name.rsplit(".", 1)[-1] if visit.declared.paths else name
                    visit.errors.append(
                        _error("required_input_missing", "Required input is missing", shown, {"input_name": name})
                    )
                continue
            value = visit.inputs[name]
            if isinstance(value, list):
                source = self._check_link(visit, name, value, kind)
                if source is not None:
                    visit.waiting = name
                    return source
            else:
                self._check_value(visit, name, value, kind, options)
        return None

    def _check_link(self, visit: _Visit, name: str, value: list[Any], kind: Any) -> str | None:
        about = {"input_name": name, "input_config": _config(visit.declared, name)}
        if len(value) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            visit.errors.append(_error("bad_linked_input", message, name, {**about, "received_value": value}))
            return None
        source: str = value[0]
        source_class = self._definitions.get(self._prompt[source]["class_type"])
        if source_class is None:
            raise KeyError(self._prompt[source]["class_type"])
        received = source_class.outputs[value[1]]
        visit.received[name] = received
        if "input_types" not in visit.own and not fits(received, kind):
            details = f"{name}, received_type({received}) mismatch input_type({kind})"
            more = {**about, "received_type": received, "linked_node": value}
            visit.errors.append(
                _error("return_type_mismatch", "Return type mismatch between linked nodes", details, more)
            )
            return None
        return source

    def _check_value(self, visit: _Visit, name: str, value: Any, kind: Any, options: Mapping[str, Any]) -> None:
        about = {"input_name": name, "input_config": _config(visit.declared, name)}
        try:
            if isinstance(value, dict) and "__value__" in value:
                value = visit.inputs[name] = value["__value__"]
            coerce = _COERCE.get(kind) if isinstance(kind, str) else None
            if coerce is not None:
                value = visit.inputs[name] = coerce(value)
        except Exception as error:
            more = {**about, "received_value": value, "exception_message": str(error)}
            message = f"Failed to convert an input value to a {kind} value"
            visit.errors.append(_error("invalid_input_type", message, f"{name}, {value}, {error}", more))
            return
        if name in visit.own or ALL in visit.own:
            return
        for key, code, word in (
            ("min", "value_smaller_than_min", "smaller"),
            ("max", "value_bigger_than_max", "bigger"),
        ):
            if key in options and (value < options[key] if key == "min" else value > options[key]):
                message = f"Value {value} {word} than {key} of {options[key]}"
                visit.errors.append(_error(code, message, name, {**about, "received_value": value}))
                return
        if isinstance(kind, list) or kind == "COMBO":
            choices: list[Any] = kind if isinstance(kind, list) else options.get("options", [])
            several = options.get("multiselect", False) and isinstance(value, list)
            wrong = [each for each in (value if several else [value]) if each not in choices]
            if wrong:
                long = len(choices) > _LONG_LIST
                shown = f"(list of length {len(choices)})" if long else str(choices)
                details = f"{name}: {', '.join(repr(each) for each in wrong)} not in {shown}"
                more = {
                    "input_name": name,
                    "input_config": None if long else about["input_config"],
                    "received_value": value,
                }
                visit.errors.append(_error("value_not_in_list", "Value not in list", details, more))

    def _own_checks(self, visit: _Visit) -> None:
        """What the node's class itself checks."""
        check = _OWN_CHECKS.get(visit.node_class.class_type)
        if not visit.own or check is None:
            return
        names = [
            name for name in visit.inputs if name in visit.declared.slots and (ALL in visit.own or name in visit.own)
        ]
        # A linked value is not known yet: the class sees None.
        values = {name: None if isinstance(visit.inputs[name], list) else visit.inputs[name] for name in names}
        message = check(self._store, values)
        if message is not None:
            visit.errors.extend(
                _error(
                    "custom_validation_failed",
                    "Custom validation failed for node",
                    f"{name} - {message}",
                    {"input_name": name},
                )
                for name in names
            )

    def _finish(self, visit: _Visit) -> tuple[bool, list[Error]]:
        # A cycle through this node may have been noted in the meantime.
        ok, before = self._validated.get(visit.node_id, (True, []))
        errors = [*before, *(error for error in visit.errors if error not in before)]
        result = (ok and visit.valid and not visit.errors, errors)
        self._validated[visit.node_id] = result
        return result


def _given(values: Mapping[str, Any], name: str) -> Any:
    """The value of an input that the class's own check takes as an argument: without it, calling the check fails."""
    if name not in values:
        raise TypeError(f"missing 1 required positional argument: '{name}'")
    return values[name]


def _file_check(name: str, what: str) -> Callable[[Store, Mapping[str, Any]], str | None]:
    def check(store: Store, values: Mapping[str, Any]) -> str | None:
        value = _given(values, name)
        if not isinstance(value, str):
            raise AttributeError(f"'{type(value).__name__}' object has no attribute 'endswith'")
        return None if store.exists(value) else f"Invalid {what} file: {value}"

    return check


def _optional_file_check(store: Store, values: Mapping[str, Any]) -> str | None:
    value = _given(values, "model_file")
    if not value or value == "none" or store.exists(str(value)):
        return None
    return f"Invalid 3D model file: {value}"


def _taken(store: Store, values: Mapping[str, Any]) -> str | None:
    """A check that only keeps the server from comparing with the list."""
    _given(values, "choice")
    return None


_OWN_CHECKS: Final[dict[str, Callable[[Store, Mapping[str, Any]], str | None]]] = {
    "CustomCombo": _taken,
    "Load3D": _optional_file_check,
    "Load3DAdvanced": _optional_file_check,
    "LoadAudio": _file_check("audio", "audio"),
    "LoadImage": _file_check("image", "image"),
    "LoadImageMask": _file_check("image", "image"),
    "LoadImageOutput": _file_check("image", "image"),
    "LoadLatent": _file_check("latent", "latent"),
    "LoadVideo": _file_check("file", "video"),
    "WebcamCapture": _file_check("image", "image"),
}


def _config(declared: Declared, name: str) -> list[Any]:
    kind, _, options = declared.slots[name]
    return [kind, options]


def _error(code: str, message: str, details: str, more: Mapping[str, Any] | None = None) -> Error:
    return {"type": code, "message": message, "details": details, "extra_info": dict(more or {})}


def _exception(code: str, message: str, error: Exception, more: Mapping[str, Any]) -> Error:
    about = {"exception_type": type(error).__qualname__, "traceback": traceback.format_tb(error.__traceback__)[-2:]}
    return _error(code, message, str(error), {**more, **about})


def _missing_type(node_id: str, class_type: str | None, title: Any, message: str) -> Error:
    more = {"node_id": node_id, "class_type": class_type, "node_title": title}
    return _error("missing_node_type", message, f"Node ID '#{node_id}'", more)


def _refused(error: Error) -> Verdict:
    return Verdict(error, [], {})
