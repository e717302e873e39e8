"""One job, followed without input or output: frames, answers and a clock go in, events and one outcome come out.

The rules, each seen on a real server (the traces named are in tests/data):

* HTTP is the truth. A socket message ends nothing: ``executing {node: null}`` means "look at the history now", and the
  outcome is what the history says. ``execution_success`` comes before the history is written
  (history_race_after_success), so it is no end.
* A job that nothing is heard of is looked for: in the queue, and if it is not there, in the history. A job that
  finished between the two is found by the second, because the server moves it from the one to the other in one step
  (ComfyUI's execution.py, task_done). Only after two such looks in a row without finding it is it gone.
* A prompt that is deleted while it waits gets no message and no history entry (delete_queued). It is told from a lost
  one by what is known: see `JobMachine._gone`.
* When the history of a finished job is gone before it was read, the socket's record counts, if it is without a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from ..errors import (
    BadAnswer,
    DownloadError,
    JobDeleted,
    JobLost,
    NotComfyUI,
    ServerError,
    ServerUnreachable,
    Unauthorised,
)
from . import events as ev
from . import messages as m
from .fraction import Fraction
from .outcome import Failed, Outcome, Succeeded, clip, failed, interrupted, of_history

Phase = Literal["sending", "pending", "running", "finishing", "done"]
Look = Literal["queue", "history", "poll"]
"""Where to look next: the queue; the history, because it is over or not in the queue; the history, on the chance."""

SOCKET_OUTPUT_CLASSES = frozenset({"SaveImageWebsocket"})
"""Nodes whose pictures come over the socket and are nowhere else (trace save_image_websocket)."""
MOST_PICTURE_BYTES = 2 * 2**30
"""Most bytes of such pictures that are kept for one job."""


@dataclass(frozen=True)
class Timing:
    """When to look, in seconds. The defaults see a lost job in less than 5 s at one small request every 2 s.

    Attributes:
        quiet: with a live socket, a job not heard of for this long is looked for.
        every: with a live socket, at most this often.
        poll_first, poll_growth, poll_most: without one, the first look at the history, the factor, and the longest time
            between two; whenever a job is found there, the next look comes soon again. The queue is looked at every `quiet`.
        again: between two looks that decide whether a job is gone.
        end_first, end_patience: after the end was announced and the history is still empty: the first time to look
            again (it doubles), and how long.
        refused: how long a server that refuses connections may do so before `ServerUnreachable`.
        silent: how long one that takes connections and does not answer: loading a model can hold up a healthy one.
        garbage: how long one that answers with errors or garbage before `BadAnswer`.
        deaf: a socket that says nothing for this long after a prompt was taken (a status message always follows) is
            deaf and is opened anew.
        gather: with many jobs open, how long the history of one that has ended waits for the next to end.
    """

    quiet: float = 1.5
    every: float = 2.0
    poll_first: float = 0.02
    poll_growth: float = 1.5
    poll_most: float = 1.0
    again: float = 0.25
    end_first: float = 0.02
    end_patience: float = 2.0
    refused: float = 3.0
    silent: float = 90.0
    garbage: float = 20.0
    deaf: float = 3.0
    gather: float = 0.012


@dataclass(frozen=True)
class QueueView:
    """The server's queue by id: what runs, and what waits in the order it will run."""

    running: tuple[str, ...]
    pending: tuple[str, ...]


@dataclass(frozen=True)
class SocketView:
    """What is known of the socket: is it open, the how-manieth it is, and how often the queue got shorter by its word."""

    up: bool
    epoch: int
    drops: int


_NO_WORD = (ServerUnreachable, Unauthorised, NotComfyUI, BadAnswer)


class JobMachine:
    """The state of one job.

    Args:
        prompt_id: the job.
        prompt: the API-format prompt; empty when not known (a job taken up by its id).
        own_socket: the job's messages come to this client's socket.
        where: node id -> ``file:line`` of the call that made it, or None.
        targets: the output nodes that are to run; None for all.
        timing: when to look.

    Attributes:
        phase: how far it is.
        outcome: how it ended; None while it has not.
        last_activity: when something new was last known of it, in the clock that is fed.
        cancelling: this client asked the server to end it.
    """

    def __init__(
        self,
        prompt_id: str,
        prompt: Mapping[str, Any],
        *,
        own_socket: bool = True,
        where: Callable[[str], str | None] | None = None,
        targets: Sequence[str] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.prompt_id = prompt_id
        self.own_socket = own_socket
        self.timing = timing or Timing()
        self.phase: Phase = "sending"
        self.outcome: Outcome | None = None
        self.last_activity = 0.0
        self.position: int | None = None
        self.cancelling = False
        self.heard = False
        self.single = False
        self.look: Look = "queue"
        self.due = float("inf")
        self.fraction = Fraction(prompt)
        self.node: str | None = None
        self.prompt = self._prompt = prompt
        self._where = where
        self._targets = targets
        self._accepted_at = 0.0
        self._last_message = 0.0
        self._interval = self.timing.poll_first
        self._seen_at = 0.0
        self._misses = 0
        self._queue: QueueView | None = None
        self._neighbours_stay = False
        self._known = SocketView(False, 0, 0)
        self._started = False
        self._gap = not own_socket
        self._end_at: float | None = None
        self._end_wait = self.timing.end_first
        self._held: Outcome | None = None
        self._held_until = 0.0
        self._outputs: dict[str, Mapping[str, Any]] = {}
        self._display: dict[str, str] = {}
        self._cached: list[str] = []
        self._success = False
        self._socket_error: Failed | None = None
        self._pictures: list[m.Picture] = []
        self._picture_bytes = 0
        self._expected: dict[str, int] = {}
        self._shown = -1.0

    @property
    def unknown(self) -> bool:
        """Nobody could say how it ended: the server was out of reach. It may have ended since, or go on still."""
        return isinstance(self.outcome, Failed) and isinstance(self.outcome.error, _NO_WORD)

    def again(self) -> JobMachine:
        """The same job, not yet asked for: what was missed meanwhile is looked up."""
        return JobMachine(
            self.prompt_id,
            self._prompt,
            own_socket=self.own_socket,
            where=self._where,
            targets=self._targets,
            timing=self.timing,
        )

    # -- what goes in ---------------------------------------------------------------------------------------------

    def accepted(self, now: float, socket: SocketView) -> list[ev.Event]:
        """The server took the prompt: its answer said so, or it was found there."""
        if self.phase != "sending":
            if self._accepted_at == 0.0:
                self._accepted_at = now
                self._known = socket
                if self.due == float("inf"):
                    self._schedule(now, socket.up)
            return []
        self.phase = "pending"
        self._accepted_at = now
        # The first look at the queue comes soon: what stands beside a job there tells later whether it was deleted.
        self._seen_at = now - self.timing.quiet + self.timing.again
        self.last_activity = now
        self._last_message = now
        self._known = socket
        if not socket.up:
            self._gap = True
        self._schedule(now, socket.up)
        return [ev.Queued(self.prompt_id, self.fraction.value, None)]

    def receive(self, message: m.Message, now: float, socket: SocketView) -> list[ev.Event]:
        """A message of the socket that names this job, or that belongs to it."""
        if self.outcome is not None:
            return []
        events: list[ev.Event] = []
        self.heard = True
        if self.phase == "sending":
            events += self.accepted(now, socket)
            self._accepted_at = 0.0  # the server has it; its answer to the POST is still to come
        self.last_activity = self._last_message = now
        self._misses = 0
        handler = _HANDLERS.get(type(message))
        if handler is not None:
            events += handler(self, message, now)
        if self.phase != "finishing":
            self._schedule(now, socket.up)
        elif self._held is not None and self._end_at is not None:
            events += self._end(self._held)
        return events

    def queue_answer(self, view: QueueView, asked_at: float, now: float, socket: SocketView) -> list[ev.Event]:
        """The server's queue, asked for at `asked_at`."""
        if self.outcome is not None or self.phase == "sending" or asked_at < self._accepted_at:
            return []
        events: list[ev.Event] = []
        if self.prompt_id in view.running or self.prompt_id in view.pending:
            self._misses = 0
            self._seen_at = now
            self.heard = True
            running = self.prompt_id in view.running
            position = None if running else view.pending.index(self.prompt_id) + len(view.running)
            before = self._queue
            if before is None or before.running != view.running or position != self.position:
                self.last_activity = now
            self._queue = view
            self._known = socket
            if running and self.phase == "pending":
                self.phase = "running"
                self._gap = self._gap or not self._started
                self._started = True
                events.append(ev.Started(self.prompt_id, self.fraction.value))
            elif position != self.position and self.phase == "pending":
                events.append(ev.Queued(self.prompt_id, self.fraction.value, position))
            self.position = position
            self._schedule(now, socket.up, looked=True)
            return events
        others = set(view.running) | set(view.pending)
        before_ids = set(self._queue.running + self._queue.pending) if self._queue is not None else set[str]()
        self._neighbours_stay = bool(before_ids & others)
        self.look, self.due = "history", now
        return events

    def history_answer(self, answer: Any, now: float, socket: SocketView) -> list[ev.Event]:
        """The answer of ``GET /history/{id}``, as JSON. Raises BadAnswer when it is none of ComfyUI's."""
        if self.outcome is not None:
            return []
        if not isinstance(answer, Mapping):
            raise BadAnswer("the server's history is no JSON object")
        entry: Any = cast("Mapping[str, Any]", answer).get(self.prompt_id)
        if entry is not None:
            outcome = of_history(entry, self.prompt_id, self._locate, by_us=self.cancelling, pictures=self._pictures)
            return self._settle(outcome, now, socket)
        if self._end_at is not None and now - self._end_at < self.timing.end_patience:
            # Announced and not yet written, or written and cleared: the first is over in milliseconds.
            self.look, self.due = "history", now + self._end_wait
            self._end_wait *= 2
            return []
        if self._end_at is not None:
            record = self._of_socket()
            if record is not None:
                return self._settle(record, now, socket)
        self._misses += 1
        if self._misses < 2:
            self.look, self.due = "queue", now + self.timing.again
            return []
        record = self._of_socket()
        return self._settle(record, now, socket) if record is not None else self._end(Failed(self._gone(socket)))

    def socket_changed(self, now: float, socket: SocketView) -> list[ev.Event]:
        """The socket opened or was lost. Either way something may have been missed: look now."""
        if self.outcome is not None or not self.own_socket:
            return []
        # What is missed after the end was heard is not missed.
        self._gap = self._gap or self._end_at is None
        if self.phase == "sending":
            return []
        if self._held is not None:
            return self._end(self._held)
        self._interval = self.timing.poll_first
        if self.phase != "finishing":
            self.look, self.due = "queue", now
        return [ev.Connection(self.prompt_id, self.fraction.value, socket.up)]

    def tick(self, now: float) -> list[ev.Event]:
        """The clock moved on. Only an outcome that waits for the socket's last pictures depends on it."""
        if self._held is not None and now >= self._held_until:
            return self._end(self._held)
        return []

    def fail(self, error: ServerError) -> list[ev.Event]:
        """Nobody can say any more how it ended: the server cannot be reached, or answers nonsense."""
        return [] if self.outcome is not None else self._end(Failed(error))

    def look_soon(self, now: float) -> None:
        """Something happened that may have ended it (a cancellation): look now."""
        if self.phase not in ("sending", "done") and self.outcome is None and self.look != "history":
            self.look, self.due = "queue", now

    def ended_just_now(self, now: float) -> bool:
        """Was its end announced in this moment?"""
        return self._end_at == now and self.outcome is None

    # -- what it concludes ----------------------------------------------------------------------------------------

    def _schedule(self, now: float, socket_up: bool, *, looked: bool = False) -> None:
        """When to look next, if nothing is heard."""
        self.look = "queue"
        if socket_up and self.own_socket:
            # A look that found the job says as much as a message, but not that the socket still hears.
            since = now if looked else self._last_message
            self.due = since + (self.timing.every if looked else self.timing.quiet)
            return
        if now - self._seen_at < self.timing.quiet:
            self.look = "poll"
        self.due = now + self._interval
        self._interval = min(self._interval * self.timing.poll_growth, self.timing.poll_most)

    def polled(self, now: float, socket: SocketView, *, others: bool) -> None:
        """The history was looked at on the chance, and the job was not in it; `others` were found."""
        if others:
            self._interval = self.timing.poll_first
        self._schedule(now, socket.up)

    def _settle(self, outcome: Outcome, now: float, socket: SocketView) -> list[ev.Event]:
        """The history has spoken, unless the socket heard of a failure that it does not tell.

        Pictures that are still on their way over the socket are given time.
        """
        if isinstance(outcome, Succeeded) and self._socket_error is not None:
            outcome = self._socket_error
        waits = isinstance(outcome, Succeeded) and self._picture_nodes() and self.own_socket
        if waits and socket.up and self._end_at is None:
            self._held, self._held_until = outcome, now + self.timing.quiet
            self.due = self._held_until
            self.phase = "finishing"
            return []
        return self._end(outcome)

    def _end(self, outcome: Outcome) -> list[ev.Event]:
        if isinstance(outcome, Succeeded):
            missing = self._missing_pictures()
            if missing:
                outcome = Failed(missing)
            else:
                self.fraction.finish()
                outcome = Succeeded(
                    outcome.outputs, outcome.display, outcome.cached, tuple(self._pictures), outcome.seconds
                )
        self.outcome = outcome
        self.phase = "done"
        self.due = float("inf")
        self._held = None
        return [ev.Finished(self.prompt_id, self.fraction.value, isinstance(outcome, Succeeded))]

    def _of_socket(self) -> Outcome | None:
        """The outcome by the socket's word alone, when it heard the job from its start to its end."""
        if self._socket_error is not None:
            return self._socket_error
        if self._success and self._started and not self._gap:
            return Succeeded(dict(self._outputs), dict(self._display), tuple(self._cached), tuple(self._pictures))
        return None

    def _gone(self, socket: SocketView) -> JobDeleted | JobLost:
        """It is in neither queue nor history, read twice.

        It was deleted if it had not begun, the server is still the one that took it (the same socket since then, or
        others of its queue still there), and the queue was said to have become shorter, as it is after every deletion.
        Otherwise it is lost: the server restarted, or forgot it.
        """
        if self.cancelling and not self._started:
            return JobDeleted("the job was cancelled by this client before it ran", prompt_id=self.prompt_id)
        same_socket = self.own_socket and socket.up and self._known.up and socket.epoch == self._known.epoch
        announced = same_socket and socket.drops > self._known.drops
        seen = not same_socket and self._queue is not None and self._neighbours_stay
        if not self._started and (announced or seen):
            return JobDeleted(
                "the job is no longer in the server's queue and never ran: somebody deleted it or cleared the queue",
                prompt_id=self.prompt_id,
            )
        if self._end_at is not None:
            line = "the job ended, but its history is gone and the socket missed a part: its outcome is not known"
        elif self._started:
            line = "the job ran and the server does not know it any more: it was restarted, or its history was cleared"
        else:
            line = "the server took the job and does not know it any more: it was restarted, or lost its queue"
        return JobLost(f"{line} (not in its queue, not in its history, looked twice)", prompt_id=self.prompt_id)

    def _locate(self, node: str) -> tuple[str, str | None]:
        """An expanded node's id -> the node of the submitted graph that it came from, and the line that made that."""
        shown = self._display.get(node, node)
        if shown not in self._prompt and "." in shown:
            # "5.0.0.1" was expanded from "5" (trace subgraph_expansion).
            prefix = shown.partition(".")[0]
            shown = prefix if prefix in self._prompt else shown
        return shown, self._where(shown) if self._where is not None else None

    def _class(self, node: str | None) -> str:
        record: Any = self._prompt.get(node) if node is not None else None
        return str(cast("Mapping[str, Any]", record).get("class_type", "")) if isinstance(record, Mapping) else ""

    def _title(self, node: str | None) -> str:
        record: Any = self._prompt.get(node) if node is not None else None
        meta: Any = cast("Mapping[str, Any]", record).get("_meta") if isinstance(record, Mapping) else None
        title: Any = cast("Mapping[str, Any]", meta).get("title") if isinstance(meta, Mapping) else None
        return clip(title, 80) if isinstance(title, str) else ""

    def _picture_nodes(self) -> list[str]:
        return [
            node
            for node in self._prompt
            if self._class(node) in SOCKET_OUTPUT_CLASSES and (self._targets is None or node in self._targets)
        ]

    def _missing_pictures(self) -> DownloadError | None:
        """Pictures that were sent and did not arrive: they are nowhere else, so this is no success."""
        for node in self._picture_nodes():
            have = sum(1 for p in self._pictures if (p.display_node or p.node) == node)
            expected = self._expected.get(node, 1 if self._gap else 0)
            if have < expected:
                return DownloadError(
                    f"the job ran, but {expected - have} of the pictures of node {node} ({self._class(node)}) went over a"
                    " socket that was not open; use SaveImage to have them kept on the server"
                )
        return None

    # -- one method per message -----------------------------------------------------------------------------------

    def _on_start(self, message: m.ExecutionStart, now: float) -> list[ev.Event]:
        # From here on everything is heard, whatever was missed before.
        self._gap = False
        if self._started:
            return []
        self._started = True
        self.phase, self.position = "running", None
        return [ev.Started(self.prompt_id, self.fraction.value)]

    def _on_cached(self, message: m.ExecutionCached, now: float) -> list[ev.Event]:
        self._cached.extend(message.nodes)
        self.fraction.cached(message.nodes)
        return [ev.Cached(self.prompt_id, self.fraction.value, message.nodes)]

    def _on_executing(self, message: m.Executing, now: float) -> list[ev.Event]:
        if message.node is None:
            # Without its id this would be another prompt's end.
            if message.prompt_id != self.prompt_id:
                return []
            self._end_at = now
            self.phase = "finishing"
            self.look, self.due = "history", now
            return []
        events = self._running(now)
        display = message.display_node or message.node
        if message.node != display:
            self._display[message.node] = display
        self.node = display
        node = ev.NodeStarted(self.prompt_id, self.fraction.value, display, self._class(display), self._title(display))
        return [*events, node]

    def _on_step(self, message: m.Step, now: float) -> list[ev.Event]:
        node = message.node
        if node is None:
            return []
        display = self._display.get(node, node)
        if self._class(display) in SOCKET_OUTPUT_CLASSES:
            self._expected[display] = max(self._expected.get(display, 0), int(message.max))
        self.fraction.step(node, display, message.value, message.max)
        return [*self._running(now), self._progress(display, message.value, message.max)]

    def _on_states(self, message: m.ProgressState, now: float) -> list[ev.Event]:
        for state in message.nodes:
            if state.node != state.display_node:
                self._display[state.node] = state.display_node
        self.fraction.states(message.nodes)
        events = self._running(now)
        # Steps have a message of their own; this one is told only when it moves the whole.
        if self.fraction.value > self._shown:
            running = [s for s in message.nodes if s.state == "running"] or list(message.nodes[-1:])
            if running:
                events.append(self._progress(running[-1].display_node, running[-1].value, running[-1].max))
        return events

    def _progress(self, node: str, step: float, steps: float) -> ev.Progress:
        self._shown = self.fraction.value
        return ev.Progress(self.prompt_id, self._shown, node, self._class(node), self._title(node), step, steps)

    def _on_executed(self, message: m.Executed, now: float) -> list[ev.Event]:
        if message.node != message.display_node:
            self._display[message.node] = message.display_node
        self._outputs[message.node] = message.output
        return [ev.Output(self.prompt_id, self.fraction.value, message.display_node, message.output)]

    def _on_success(self, message: m.ExecutionSuccess, now: float) -> list[ev.Event]:
        self._success = True
        return []

    def _on_failed(self, message: m.ExecutionFailed, now: float) -> list[ev.Event]:
        node, where = self._locate(message.node)
        self._socket_error = Failed(failed(message, node, where))
        return []

    def _on_interrupted(self, message: m.ExecutionInterrupted, now: float) -> list[ev.Event]:
        self._socket_error = Failed(interrupted(message, self.cancelling))
        return []

    def _on_picture(self, message: m.Picture, now: float) -> list[ev.Event]:
        node = message.display_node or message.node or self.node
        class_type = self._class(node)
        if class_type in SOCKET_OUTPUT_CLASSES or (not class_type and message.mime == "image/png"):
            if self._picture_bytes + len(message.data) <= MOST_PICTURE_BYTES:
                self._picture_bytes += len(message.data)
                self._pictures.append(m.Picture(message.mime, message.data, self.prompt_id, message.node or node, node))
            return []
        return [ev.Preview(self.prompt_id, self.fraction.value, node, message.mime, message.data)]

    def _on_text(self, message: m.NodeText, now: float) -> list[ev.Event]:
        return [ev.Text(self.prompt_id, self.fraction.value, message.node, clip(message.text))]

    def _running(self, now: float) -> list[ev.Event]:
        """It runs, and the message that says so may be the first (the socket opened late)."""
        if self.phase != "pending":
            return []
        self.phase, self.position = "running", None
        self._gap = self._gap or not self._started
        self._started = True
        return [ev.Started(self.prompt_id, self.fraction.value)]


_HANDLERS: Mapping[type[Any], Callable[[JobMachine, Any, float], list[ev.Event]]] = {
    m.ExecutionStart: JobMachine._on_start,  # pyright: ignore[reportPrivateUsage]
    m.ExecutionCached: JobMachine._on_cached,  # pyright: ignore[reportPrivateUsage]
    m.Executing: JobMachine._on_executing,  # pyright: ignore[reportPrivateUsage]
    m.Step: JobMachine._on_step,  # pyright: ignore[reportPrivateUsage]
    m.ProgressState: JobMachine._on_states,  # pyright: ignore[reportPrivateUsage]
    m.Executed: JobMachine._on_executed,  # pyright: ignore[reportPrivateUsage]
    m.ExecutionSuccess: JobMachine._on_success,  # pyright: ignore[reportPrivateUsage]
    m.ExecutionFailed: JobMachine._on_failed,  # pyright: ignore[reportPrivateUsage]
    m.ExecutionInterrupted: JobMachine._on_interrupted,  # pyright: ignore[reportPrivateUsage]
    m.Picture: JobMachine._on_picture,  # pyright: ignore[reportPrivateUsage]
    m.NodeText: JobMachine._on_text,  # pyright: ignore[reportPrivateUsage]
}
