"""How a job ended: what the history says, or the socket when the history is gone, as one `Outcome`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, cast

from ..errors import BadAnswer, ExecutionError, Interrupted, OutOfMemory, ServerError
from .messages import ExecutionFailed, ExecutionInterrupted, Picture, execution_failed

MESSAGE_LENGTH = 600
"""A server's exception text is cut after this many characters; the whole is in `ExecutionError.traceback`."""


@dataclass(frozen=True)
class Succeeded:
    """The job ran to its end.

    Attributes:
        outputs: what each node gave to show, by node id, as the server sent it.
        display: node id -> the node of the submitted graph it belongs to, for expanded nodes.
        cached: the nodes that did not have to run.
        pictures: what came over the socket from nodes that send pictures there, in order.
        seconds: how long it ran, by the server's clock; None when it did not say.
    """

    outputs: Mapping[str, Mapping[str, Any]]
    display: Mapping[str, str] = field(default_factory=dict[str, str])
    cached: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Failed:
    """The job did not succeed, or nobody can say any more how it ended. `error` is raised by `Job.wait()`."""

    error: ServerError


Outcome = Succeeded | Failed


Where = Callable[[str], "tuple[str, str | None]"]
"""Node id -> (class, file:line or None)."""


def clip(text: str, length: int = MESSAGE_LENGTH) -> str:
    """One line of at most `length` characters, with nothing in it that a terminal would act on."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def failed(message: ExecutionFailed, node: str, where: str | None) -> ExecutionError:
    """The exception for an ``execution_error``.

    Args:
        message: what the server said.
        node: the node of the submitted graph: `message.node`, or the one that it was expanded from.
        where: the line that made it.
    """
    # "torch.OutOfMemoryError", older releases "torch.cuda.OutOfMemoryError" (protocol notes, section 3).
    kind = OutOfMemory if message.exception_type.split(".")[-1] == "OutOfMemoryError" else ExecutionError
    inner = f" (inside it: {message.node})" if message.node and message.node != node else ""
    place = f"node {node} ({message.class_type})" if node else "the server"
    text = clip(message.exception_message) or "no message"
    line = f"{place}{inner} failed: {message.exception_type or 'an error'}: {text}"
    if kind is OutOfMemory:
        line += " — use a smaller size, batch or model, or call client.free()"
    if where:
        line += f" [{where}]"
    return kind(
        line,
        prompt_id=message.prompt_id,
        node_id=node,
        class_type=message.class_type,
        exception_type=message.exception_type,
        where=where,
        traceback=message.traceback,
    )


def interrupted(message: ExecutionInterrupted, by_us: bool) -> Interrupted:
    """The exception for an ``execution_interrupted``."""
    place = f" in node {message.node} ({message.class_type})" if message.node else ""
    who = "cancelled by this client" if by_us else "interrupted on the server"
    return Interrupted(f"the job was {who}{place}", prompt_id=message.prompt_id)


def of_history(
    entry: Any,
    prompt_id: str,
    locate: Callable[[str], tuple[str, str | None]],
    *,
    by_us: bool = False,
    pictures: Sequence[Picture] = (),
) -> Outcome:
    """The outcome that a history entry tells.

    Args:
        entry: the value under the prompt's id in the answer of ``GET /history/{id}``.
        prompt_id: the job.
        locate: expanded or plain node id -> (the node of the submitted graph, file:line or None).
        by_us: this client asked for the interruption.
        pictures: what came over the socket, for a success.

    Raises:
        BadAnswer: the entry is not one.
    """
    if not isinstance(entry, Mapping):
        raise BadAnswer("the server's history entry is no JSON object")
    record = cast("Mapping[str, Any]", entry)
    outputs = _outputs(record.get("outputs"))
    status: Any = record.get("status")
    if not isinstance(status, Mapping):
        raise BadAnswer("the server's history entry has no status")
    said = cast("Mapping[str, Any]", status)
    messages = _messages(said.get("messages"))
    # The messages come first: a run that failed on a cycle is called a success by the status
    # (trace undeclared_input_self_link), and interrupted and failed ones both say "error".
    for kind, data in reversed(messages):
        if kind == "execution_error":
            try:
                message = execution_failed({**data, "prompt_id": prompt_id})
            except ValueError:
                message = ExecutionFailed(prompt_id, "", "", "", "", ())
            node, where = locate(message.node)
            return Failed(failed(message, node, where))
        if kind == "execution_interrupted":
            message_in = ExecutionInterrupted(prompt_id, str(data.get("node_id", "")), str(data.get("node_type", "")))
            return Failed(interrupted(message_in, by_us))
    if said.get("status_str") == "success" and said.get("completed") is not False:
        cached: list[str] = []
        for kind, data in messages:
            if kind == "execution_cached" and isinstance(data.get("nodes"), list):
                cached.extend(str(node) for node in data["nodes"])
        return Succeeded(outputs, _display(record.get("meta")), tuple(cached), tuple(pictures), _seconds(messages))
    return Failed(
        ExecutionError(
            "the server says that the job failed, and not why",
            prompt_id=prompt_id,
            node_id="",
            class_type="",
            exception_type="",
        )
    )


def _outputs(value: Any) -> dict[str, Mapping[str, Any]]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadAnswer("the server's history entry has outputs that are no JSON object")
    outputs: dict[str, Mapping[str, Any]] = {}
    for node, output in cast("Mapping[str, Any]", value).items():
        if isinstance(output, Mapping):
            outputs[node] = cast("Mapping[str, Any]", output)
        elif output is not None:
            raise BadAnswer("the server's history entry has an output that is no JSON object")
    return outputs


def _display(meta: Any) -> dict[str, str]:
    display: dict[str, str] = {}
    if isinstance(meta, Mapping):
        for node, record in cast("Mapping[str, Any]", meta).items():
            if isinstance(record, Mapping):
                shown: Any = cast("Mapping[str, Any]", record).get("display_node")
                if isinstance(shown, str) and shown != node:
                    display[node] = shown
    return display


def _messages(value: Any) -> list[tuple[str, Mapping[str, Any]]]:
    messages: list[tuple[str, Mapping[str, Any]]] = []
    if isinstance(value, list):
        for item in value:
            if isinstance(item, list) and len(item) == 2:
                kind, data = item
                if isinstance(kind, str) and isinstance(data, Mapping):
                    messages.append((kind, cast("Mapping[str, Any]", data)))
    return messages


def _seconds(messages: Sequence[tuple[str, Mapping[str, Any]]]) -> float | None:
    times: dict[str, float] = {}
    for kind, data in messages:
        stamp: Any = data.get("timestamp")
        if isinstance(stamp, (int, float)) and not isinstance(stamp, bool):
            times[kind] = float(stamp)
    if "execution_start" in times and "execution_success" in times:
        spent = times["execution_success"] - times["execution_start"]
        return max(spent, 0.0) / 1000 if isfinite(spent) else None
    return None
