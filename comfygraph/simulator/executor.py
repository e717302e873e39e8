"""Running one prompt: nodes in order, lists mapped, results cached, every step told to the client as the server tells it.

The order of the messages is that of the traces (success_save_image, sampler_previews_*, list_outputs, dynamic_inputs,
subgraph_expansion, runtime_error_*, interrupt_running, undeclared_input_self_link).
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .cache import Cache, Entry, is_link, signatures
from .context import Answer, Context, Interrupted, NodeFailure, WorkerKilled
from .definitions import Declared, Definitions, NodeClass
from .order import Order
from .sockets import PREVIEW_IMAGE, PREVIEW_IMAGE_WITH_METADATA, Sockets

if TYPE_CHECKING:
    from PIL.Image import Image

    from .faults import Faults
    from .nodes import Library
    from .queue import Item, Queue
    from .store import Store

Data = dict[str, Any]
_NO_PREVIEW: Final = (None, "", "none", "default")


@dataclass
class Machine:
    """What all the prompts of one server share."""

    definitions: Definitions
    library: Library
    store: Store
    queue: Queue
    sockets: Sockets
    faults: Faults
    step_seconds: float
    cache: Cache
    memories: dict[tuple[str, str], Data]
    success: bool = True  # the server only ever writes this after a node has run


class Execution:
    """One prompt on its way.

    Args:
        machine: the server's parts.
        item: what to run.
    """

    def __init__(self, machine: Machine, item: Item) -> None:
        self._machine = machine
        self._item = item
        self._prompt_id = item.prompt_id
        self._nodes: Data = dict(item.prompt)
        self._extra: Data = {**item.extra_data, **item.secrets}
        self._client: str | None = self._extra.get("client_id")
        self._messages: list[tuple[str, Data]] = []
        self._progress: dict[str, Data] = {}
        self._parents: dict[str, str] = {}
        self._signatures: dict[str, str] = {}
        self._entries: dict[str, Entry] = {}  # by signature
        self._asked: set[tuple[str, str]] = set()
        self._expanded: dict[str, list[tuple[Any, ...]]] = {}
        self._shown: dict[str, Data] = {}
        self._executed: dict[str, None] = {}
        self._executed_one = False
        self._given: dict[str, list[Any]] | None = None

    def run(self) -> tuple[Data, Data]:
        """Run it: (what goes into the history, its status).

        Raises:
            WorkerKilled: the graph is one that a real server's worker does not survive.
        """
        machine = self._machine
        machine.sockets.client_id = self._client
        machine.queue.start()
        self._message("execution_start", {})
        signatures(self._nodes, list(self._nodes), self._own, self._signatures)
        for signature in self._signatures.values():
            entry = machine.cache.get(signature)
            if entry is not None:
                self._entries[signature] = entry
        self._message("execution_cached", {"nodes": [node_id for node_id in self._nodes if self._is_done(node_id)]})
        order = Order(self._nodes, self._is_output, self._is_lazy, self._is_done)
        for node_id in self._item.outputs:
            order.add(node_id)
        finished = self._loop(order)
        if finished:
            self._resend_intermediate()
            self._message("execution_success", {})
        machine.sockets.last_node_id = None
        result = {
            "outputs": {node_id: shown["output"] for node_id, shown in self._shown.items()},
            "meta": {node_id: shown["meta"] for node_id, shown in self._shown.items()},
        }
        word = "success" if machine.success else "error"
        return result, {"status_str": word, "completed": machine.success, "messages": self._messages}

    # the loop

    def _loop(self, order: Order) -> bool:
        while len(order):
            node_id = order.next()
            if node_id is None:
                self._cycle(order)
                return False
            try:
                complete = self._step(node_id, order)
            except WorkerKilled:
                raise
            except Interrupted:
                self._machine.success = False
                self._interrupted(node_id)
                return False
            except Exception as error:
                self._machine.success = False
                self._failed(node_id, error)
                return False
            self._machine.success = True
            if not self._executed_one:
                self._executed_one = True
                self._machine.cache.keep(set(self._signatures.values()))
            if complete:
                order.done(node_id)
        return True

    def _step(self, node_id: str, order: Order) -> bool:
        """Run a node, or a part of it. False when it has to wait for others after all."""
        self._given = None
        known = self._entry(node_id)
        if known is not None:
            self._show_cached(node_id, known)
            self._mark(node_id, "finished")
            return True
        node_class = self._class(node_id)
        if node_id in self._expanded:
            outputs = self._collect_expanded(node_id, node_class)
            ui: Data = {}
        else:
            self._mark(node_id, "running", 0.0, 1.0)
            given, missing = self._inputs(node_id, node_class)
            self._given = given
            if self._client is not None:
                self._machine.sockets.last_node_id = self._display(node_id)
                about = {"node": node_id, "display_node": self._display(node_id), "prompt_id": self._prompt_id}
                self._send("executing", about)
            wanted = self._wanted(node_id, given, missing)
            if wanted:
                for name in wanted:
                    self._asked.add((node_id, name))
                    order.need(self._nodes[node_id]["inputs"][name][0], node_id)
                return False
            answers = self._call(node_id, node_class, given)
            ui = _merged_ui(answers)
            if any(answer.expand is not None for answer in answers):
                self._show(node_id, ui)
                self._expand(node_id, answers, order)
                return False
            outputs = _merged(answers, node_class)
        self._show(node_id, ui)
        entry = Entry(outputs, self._shown.get(node_id))
        signature = self._signatures[node_id]
        self._entries[signature] = entry
        self._machine.cache.put(signature, entry)
        self._mark(node_id, "finished")
        self._executed[node_id] = None
        return True

    def _call(self, node_id: str, node_class: NodeClass, given: dict[str, list[Any]]) -> list[Answer]:
        class_type = node_class.class_type
        self.check()
        fault = self._machine.faults.node(node_id, class_type)
        if fault is not None:
            raise NodeFailure(fault.message, fault.exception_type)
        function = self._machine.library.function(class_type)
        if node_class.input_is_list:
            rounds = [dict(given)]
        else:
            longest = max((len(values) for values in given.values()), default=0)
            rounds = [{name: values[min(i, len(values) - 1)] for name, values in given.items()} for i in range(longest)]
            rounds = rounds or [{}]
        declared = node_class.declared(self._nodes[node_id]["inputs"])
        answers: list[Answer] = []
        for index, values in enumerate(rounds):
            self.check()
            result = function(self._context(node_id, class_type, index), **_nested(values, declared))
            answers.append(result if isinstance(result, Answer) else Answer(result))
        return answers

    def _context(self, node_id: str, class_type: str, index: int) -> Context:
        return Context(
            node_id=node_id,
            class_type=class_type,
            prompt=self._item.prompt,
            extra_data=self._extra,
            store=self._machine.store,
            host=self,
            step_seconds=self._machine.step_seconds,
            previews=self._extra.get("preview_method") not in _NO_PREVIEW,
            memory=self._machine.memories.setdefault((node_id, class_type), {}),
            index=index,
        )

    def _inputs(self, node_id: str, node_class: NodeClass) -> tuple[dict[str, list[Any]], set[str]]:
        """The node's inputs as lists, and those that are linked to what is not there (yet)."""
        inputs: Data = self._nodes[node_id]["inputs"]
        declared = node_class.declared(inputs)
        given: dict[str, list[Any]] = {}
        missing: set[str] = set()
        for name, value in inputs.items():
            if is_link(value):
                # A lazy input is not there before the node asked for it, even when its value is.
                hidden = node_class.lazy(name) and (node_id, name) not in self._asked
                entry = None if hidden else self._entry(value[0])
                if entry is None or value[1] >= len(entry.outputs):
                    missing.add(name)
                    given[name] = [None]
                else:
                    given[name] = entry.outputs[value[1]]
            elif name in declared.slots:
                given[name] = [value]
        return given, missing

    def _wanted(self, node_id: str, given: Mapping[str, list[Any]], missing: set[str]) -> list[str]:
        """The lazy inputs that the node wants before it can run."""
        check = self._machine.library.lazy(self._class(node_id).class_type)
        if check is None:
            return []
        self.check()
        wanted = check({name: values[0] for name, values in given.items()})
        return [name for name in wanted if name in missing]

    def _cycle(self, order: Order) -> None:
        # No node has run: the server leaves its mark of success as it was, and the history may say "success".
        node_id = self._real(order.blamed())
        about = {
            "node_id": node_id,
            "node_type": self._item.prompt[node_id]["class_type"],
            "executed": list(self._executed),
            "exception_message": "Dependency cycle detected",
            "exception_type": "graph.DependencyCycleError",
            "traceback": [],
            "current_inputs": [],
            "current_outputs": list(self._item.prompt),
        }
        self._message("execution_error", about)

    def _failed(self, node_id: str, error: Exception) -> None:
        real = self._real(node_id)
        given = {**(self._given or {}), **self._hidden(node_id)} if self._given is not None else {}
        about = {
            "node_id": real,
            "node_type": self._item.prompt[real]["class_type"],
            "executed": list(self._executed),
            "exception_message": f"{error}\n",
            "exception_type": _type_name(error),
            "traceback": traceback.format_tb(error.__traceback__),
            "current_inputs": {name: [_formatted(value) for value in values] for name, values in given.items()},
            "current_outputs": list(self._item.prompt),
        }
        self._message("execution_error", about)

    def _hidden(self, node_id: str) -> dict[str, list[Any]]:
        """What a class of the old style is given besides its inputs; the server shows it with them."""
        values = {"PROMPT": self._item.prompt, "EXTRA_PNGINFO": self._extra.get("extra_pnginfo"), "UNIQUE_ID": node_id}
        return {name: [values.get(what)] for name, what in self._class(node_id).shown_hidden.items()}

    def _interrupted(self, node_id: str) -> None:
        real = self._real(node_id)
        about = {"node_id": real, "node_type": self._item.prompt[real]["class_type"], "executed": list(self._executed)}
        self._message("execution_interrupted", about, everybody=True)

    # expansion

    def _expand(self, node_id: str, answers: list[Answer], order: Order) -> None:
        fresh: list[str] = []
        for answer in answers:
            for new_id, node in (answer.expand or {}).items():
                if new_id in self._nodes:
                    raise ValueError(f"a node that expands into a graph with an id that is taken: {new_id!r}")
                self._nodes[new_id] = node
                self._parents[new_id] = node_id
                fresh.append(new_id)
        signatures(self._nodes, fresh, self._own, self._signatures)
        self._expanded[node_id] = [answer.outputs for answer in answers]
        for new_id in fresh:
            entry = self._machine.cache.get(self._signatures[new_id])
            if entry is not None:
                self._entries.setdefault(self._signatures[new_id], entry)
        for new_id in fresh:
            if self._is_output(new_id):
                order.add(new_id)
        for answer in answers:
            for value in answer.outputs:
                if is_link(value):
                    order.need(value[0], node_id)

    def _collect_expanded(self, node_id: str, node_class: NodeClass) -> list[list[Any]]:
        answers: list[Answer] = []
        for outputs in self._expanded.pop(node_id):
            values: list[Any] = []
            for value in outputs:
                entry = self._entry(value[0]) if is_link(value) else None
                values.append(value if entry is None else entry.outputs[value[1]][0])
            answers.append(Answer(tuple(values)))
        return _merged(answers, node_class)

    # what is told

    def check(self) -> None:
        """See `Context.check`."""
        if self._machine.queue.interrupted.is_set():
            self._machine.queue.interrupted.clear()
            raise Interrupted

    def pause(self, seconds: float) -> None:
        """See `Context.pause`."""
        seconds *= self._machine.faults.speed
        if seconds > 0:
            self._machine.queue.interrupted.wait(seconds)
        self.check()

    def restart_counter(self) -> bool:
        """See `Context.restart_counter`."""
        return self._machine.faults.restart_counter()

    def progress(
        self, node_id: str, value: float, maximum: float, preview: tuple[str, Image, int | None] | None
    ) -> None:
        """See `Context.progress`."""
        self._mark(node_id, "running", value, maximum)
        with_metadata = preview is not None and self._machine.sockets.wants_metadata(self._client)
        if preview is not None and with_metadata:
            self._send(
                PREVIEW_IMAGE_WITH_METADATA,
                (*preview, {"node_id": node_id, "prompt_id": self._prompt_id, **self._ids(node_id)}),
            )
        self._send("progress", {"value": value, "max": maximum, "prompt_id": self._prompt_id, "node": node_id})
        if preview is not None and not with_metadata:
            self._send(PREVIEW_IMAGE, preview)

    def _mark(self, node_id: str, state: str, value: float | None = None, maximum: float | None = None) -> None:
        """Note how far a node is, and tell it."""
        mark = self._progress.setdefault(
            node_id,
            {"value": 0, "max": 1, "state": "", "node_id": node_id, "prompt_id": self._prompt_id, **self._ids(node_id)},
        )
        mark["state"] = state
        if maximum is not None:
            mark["max"] = maximum
        mark["value"] = mark["max"] if value is None else value
        if self._machine.sockets.listens(self._client):
            nodes = {each: dict(state) for each, state in self._progress.items()}
            self._send("progress_state", {"prompt_id": self._prompt_id, "nodes": nodes})

    def _ids(self, node_id: str) -> Data:
        parent = self._parents.get(node_id)
        return {
            "display_node_id": self._display(node_id),
            "parent_node_id": parent,
            "real_node_id": self._real(node_id),
        }

    def _show(self, node_id: str, ui: Mapping[str, Any]) -> None:
        if not ui:
            return
        meta = {
            "node_id": node_id,
            "display_node": self._display(node_id),
            "parent_node": self._parents.get(node_id),
            "real_node_id": self._real(node_id),
        }
        self._shown[node_id] = {"meta": meta, "output": dict(ui)}
        self._executed_message(node_id, self._shown[node_id]["output"])

    def _show_cached(self, node_id: str, entry: Entry) -> None:
        if entry.ui is not None:
            self._shown[node_id] = entry.ui
        self._executed_message(node_id, (entry.ui or {}).get("output"))

    def _resend_intermediate(self) -> None:
        """Nodes that show something on their way and did not run this time show it again."""
        for node_id in self._nodes:
            entry = self._entry(node_id)
            if entry is not None and node_id not in self._executed and self._class(node_id).intermediate:
                self._show_cached(node_id, entry)

    def _executed_message(self, node_id: str, output: Any) -> None:
        if self._client is not None:
            about = {
                "node": node_id,
                "display_node": self._display(node_id),
                "output": output,
                "prompt_id": self._prompt_id,
            }
            self._send("executed", about)

    def _message(self, event: str, about: Data, *, everybody: bool = False) -> None:
        """One of the messages that the history keeps."""
        data = {"prompt_id": self._prompt_id, **about, "timestamp": int(time.time() * 1000)}
        if event == "execution_cached":  # as recorded: the nodes stand before the id
            data = {"nodes": about["nodes"], "prompt_id": self._prompt_id, "timestamp": data["timestamp"]}
        self._messages.append((event, data))
        if self._client is not None or everybody:
            self._send(event, data)

    def _send(self, event: Any, data: Any) -> None:
        if not self._machine.queue.is_forgotten(self._prompt_id):
            self._machine.sockets.send(event, data, self._client)

    # what is known of nodes

    def _class(self, node_id: str) -> NodeClass:
        node_class = self._machine.definitions.get(self._nodes[node_id]["class_type"])
        if node_class is None:
            raise KeyError(self._nodes[node_id]["class_type"])
        return node_class

    def _is_output(self, node_id: str) -> bool:
        return self._class(node_id).output_node

    def _is_lazy(self, node_id: str, name: str) -> bool:
        return self._class(node_id).lazy(name)

    def _is_done(self, node_id: str) -> bool:
        return self._entry(node_id) is not None

    def _entry(self, node_id: str) -> Entry | None:
        signature = self._signatures.get(node_id)
        return None if signature is None else self._entries.get(signature)

    def _real(self, node_id: str) -> str:
        while node_id in self._parents:
            node_id = self._parents[node_id]
        return node_id

    def _display(self, node_id: str) -> str:
        return self._real(node_id)

    def _own(self, node_id: str) -> Any:
        """What decides besides its inputs whether a node runs again."""
        node = self._nodes[node_id]
        node_class = self._class(node_id)
        own: list[Any] = [node_id] if node_class.keyed_by_id else []
        fingerprint = self._machine.library.fingerprint(node_class.class_type)
        if fingerprint is not None:
            if "is_changed" not in node:
                values = {name: None if is_link(value) else value for name, value in node["inputs"].items()}
                try:
                    node["is_changed"] = [fingerprint(self._machine.store, values)]
                except Exception:
                    node["is_changed"] = float("nan")
            if node["is_changed"] != node["is_changed"]:
                return float("nan")
            own.append(node["is_changed"])
        return own

    def stands_in(self, node_id: str) -> bool:
        """See `Context.stands_in`."""
        seen: set[str] = set()
        todo = [node_id]
        while todo:
            current = todo.pop()
            if current in seen or current not in self._nodes:
                continue
            seen.add(current)
            if self._machine.library.stands_in(self._nodes[current]["class_type"]):
                return True
            todo.extend(value[0] for value in self._nodes[current]["inputs"].values() if is_link(value))
        return False


def _nested(values: Mapping[str, Any], declared: Declared) -> Data:
    """Dotted inputs as nested mappings, as dynamic nodes get them."""
    if not declared.paths:
        return dict(values)
    result = {name: value for name, value in values.items() if name not in declared.paths}
    for name, path in declared.paths.items():
        *folders, last = path.split(".")
        place: Data = result
        for folder in folders:
            place = place.setdefault(folder, {})
        value = values.get(name)
        place[last] = {} if value is None and name in declared.empty else value
    return result


def _merged(answers: list[Answer], node_class: NodeClass) -> list[list[Any]]:
    """The outputs of all the calls: a list per output."""
    outputs: list[list[Any]] = []
    for index in range(len(answers[0].outputs)):
        is_list = index < len(node_class.output_is_list) and node_class.output_is_list[index]
        values: list[Any] = []
        for answer in answers:
            if is_list:
                values.extend(answer.outputs[index])
            else:
                values.append(answer.outputs[index])
        outputs.append(values)
    return outputs


def _merged_ui(answers: list[Answer]) -> Data:
    shown = [answer.ui for answer in answers if answer.ui is not None]
    return {key: [item for ui in shown for item in ui.get(key, ())] for key in shown[0]} if shown else {}


def _formatted(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float, bool, str)) else str(value)


def _type_name(error: Exception) -> str:
    if isinstance(error, NodeFailure):
        return error.exception_type
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
