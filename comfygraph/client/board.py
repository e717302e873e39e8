"""All open jobs of one client, without input or output: frames are dealt out, and one question at a time is asked.

A driver (a thread, or an asyncio task) carries it: it feeds frames as they come, takes the next question when one is
due, and brings the reply. One ``GET /queue`` serves every job that is looked for; many jobs that end together are read
with one ``GET /history``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from ..errors import BadAnswer, NotComfyUI, ServerError, ServerUnreachable, Unauthorised
from . import messages as m
from .answers import read_queue
from .events import Event
from .exchange import Answer, Failure, Reply, Request, check, decode, error_of
from .outcome import Succeeded
from .pace import Pace
from .protocol import JobMachine, SocketView, Timing

LOOK_TIMEOUT = 10.0
"""Seconds that a server may take to answer a look before it counts as silent; it is asked again."""
MANY = 2
"""From so many ended jobs on, the newest part of the history is read at once."""
MOST_AT_ONCE = 64

Told = tuple[JobMachine, Event]


@dataclass(frozen=True)
class Question:
    """What to ask the server now. `prompt_id` is the job it is about; None when it is about several."""

    kind: Literal["queue", "history", "histories", "polls"]
    request: Request
    asked_at: float
    prompt_id: str | None = None


class Board:
    """The open jobs of one client.

    Attributes:
        jobs: the open jobs by id; one that has ended is gone from here.
        malformed: how many frames could not be read.
        note: why the last of them could not.
        epoch: how often the socket has been opened.
        up: a socket is open.
        touched: the job that something was last done to.
    """

    def __init__(self, timing: Timing | None = None) -> None:
        self.timing = timing or Timing()
        self.jobs: dict[str, JobMachine] = {}
        self.malformed = 0
        self.note = ""
        self.epoch = 0
        self.up = False
        self.touched: JobMachine | None = None
        self._pace = Pace()
        self._drops = 0
        self._remaining: int | None = None
        self._current: tuple[str | None, str | None] = (None, None)
        self._trouble_since: float | None = None
        self._trouble_kind = ""
        self._trouble_wait = 0.0
        self._trouble_until = 0.0
        self._expect_status_by: float | None = None

    @property
    def socket(self) -> SocketView:
        """What is known of the socket."""
        return SocketView(self.up, self.epoch, self._drops)

    def add(self, job: JobMachine) -> None:
        """Follow a job from now on: before its prompt is posted, so that no message of it is missed."""
        self.jobs[job.prompt_id] = job

    def remove(self, prompt_id: str) -> None:
        """Follow it no more."""
        self.jobs.pop(prompt_id, None)

    def accepted(self, job: JobMachine, now: float) -> list[Told]:
        """The server took the job."""
        if self.up and self._expect_status_by is None:
            self._expect_status_by = now + self.timing.deaf
        return self._tell(job, job.accepted(now, self.socket))

    # -- the socket -----------------------------------------------------------------------------------------------

    def socket_up(self, now: float) -> list[Told]:
        """A socket is open, and the one before it is closed."""
        self.up = True
        self.epoch += 1
        self._remaining = None
        self._current = (None, None)
        self._expect_status_by = None
        return self._socket_changed(now)

    def socket_down(self, now: float) -> list[Told]:
        """The socket is lost."""
        if not self.up:
            return []
        self.up = False
        self._expect_status_by = None
        return self._socket_changed(now)

    def deaf(self, now: float) -> bool:
        """The server took a prompt and this socket did not hear of it: it is open, and nothing comes through it.

        ComfyUI forgets a socket when an older one of the same client closes late (trace ws_same_client_id_twice).
        """
        return self.up and self._expect_status_by is not None and now > self._expect_status_by

    def receive(self, frame: str | bytes, now: float) -> list[Told]:
        """One frame of the socket."""
        message = m.parse(frame)
        if isinstance(message, m.Malformed):
            self.malformed += 1
            self.note = message.reason
            return []
        if isinstance(message, m.Status):
            self._expect_status_by = None
            if message.queue_remaining is not None:
                if self._remaining is not None and message.queue_remaining < self._remaining:
                    self._drops += 1
                self._remaining = message.queue_remaining
            return []
        return self._deal(message, now)

    def _deal(self, message: m.Message, now: float) -> list[Told]:
        if isinstance(message, (m.FeatureFlags, m.Unknown, m.Malformed, m.Status)):
            return []
        if isinstance(message, m.NodeText):
            prompt_id: str | None = self._current[0]
        else:
            prompt_id = message.prompt_id
        if isinstance(message, m.Executing):
            if prompt_id is None:
                # What a socket hears that opens in the middle of a run; the run's next message says whose it is.
                self._current = (self._only_running(), message.node)
                prompt_id = self._current[0] if message.node is not None else None
            else:
                self._current = (prompt_id, message.node)
        elif isinstance(message, m.Picture):
            if prompt_id is None:
                # Binary type 1 names nothing: it belongs to what was last heard of.
                prompt_id = self._current[0]
                message = m.Picture(message.mime, message.data, prompt_id, self._current[1], None)
        elif isinstance(message, m.Step):
            self._current = (prompt_id, message.node)
        elif isinstance(message, m.ProgressState):
            node = message.nodes[-1].node if message.nodes else None
            self._current = (prompt_id, node)
        job = self.jobs.get(prompt_id) if prompt_id is not None else None
        if job is None:
            return []
        told = self._tell(job, job.receive(message, now, self.socket))
        if job.look == "history" and job.due <= now and job.ended_just_now(now) and len(self.jobs) > MANY:
            # Many small jobs end together: one question for several of them spares the server most of the work.
            job.due = now + self.timing.gather
        return told

    def _only_running(self) -> str | None:
        running = [job.prompt_id for job in self.jobs.values() if job.phase == "running"]
        return running[0] if len(running) == 1 else None

    def _socket_changed(self, now: float) -> list[Told]:
        told: list[Told] = []
        for job in list(self.jobs.values()):
            told += self._tell(job, job.socket_changed(now, self.socket))
        return told

    # -- questions and replies ------------------------------------------------------------------------------------

    def due(self) -> float:
        """When there is something to do next; infinity when there is not."""
        due = min((self.due_of(job) for job in self.jobs.values()), default=float("inf"))
        return max(due, self._trouble_until)

    def due_of(self, job: JobMachine) -> float:
        """When there is something to do for one job."""
        return self._pace.next(job.due) if job.look == "poll" else job.due

    def question(self, now: float) -> Question | None:
        """What to ask now, if anything."""
        if now < self._trouble_until:
            return None
        ended = [j for j in self.jobs.values() if j.look == "history" and j.due <= now]
        # What has just ended and would wait a moment for company has it now.
        together = [j for j in self.jobs.values() if j.look == "history" and not j.single] if ended else []
        if len(together) >= MANY:
            count = min(len(together), MOST_AT_ONCE) + 2
            request = Request("GET", "/history", (("max_items", str(count)),), timeout=LOOK_TIMEOUT)
            return Question("histories", request, now)
        if ended:
            job = ended[0]
            request = Request("GET", f"/history/{quote(job.prompt_id, safe='')}", timeout=LOOK_TIMEOUT)
            return Question("history", request, now, job.prompt_id)
        if any(j.due <= now and j.look == "queue" for j in self.jobs.values()):
            return Question("queue", Request("GET", "/queue", timeout=LOOK_TIMEOUT), now)
        polling = [j for j in self.jobs.values() if j.look == "poll"]
        if any(self._pace.next(j.due) <= now for j in polling):
            if len(polling) == 1:
                request = Request("GET", f"/history/{quote(polling[0].prompt_id, safe='')}", timeout=LOOK_TIMEOUT)
            else:
                newest = (("max_items", str(min(self._pace.entries(now, len(polling)), MOST_AT_ONCE))),)
                request = Request("GET", "/history", newest, timeout=LOOK_TIMEOUT)
            return Question("polls", request, now)
        return None

    def tick(self, now: float) -> list[Told]:
        """The clock moved on."""
        told: list[Told] = []
        for job in [j for j in self.jobs.values() if j.due <= now]:
            told += self._tell(job, job.tick(now))
        return told

    def reply(self, question: Question, reply: Reply, now: float) -> list[Told]:
        """What came back for a question."""
        if isinstance(reply, Failure):
            return self._trouble(reply.kind, error_of(reply), question.asked_at, now)
        try:
            told = self._read(question, reply, now)
        except Unauthorised as error:
            return self._everybody(error)
        except (BadAnswer, NotComfyUI) as error:
            return self._trouble("garbage", error, question.asked_at, now)
        self._trouble_since = None
        self._trouble_until = 0.0
        return told

    def _read(self, question: Question, answer: Answer, now: float) -> list[Told]:
        told: list[Told] = []
        if question.kind == "queue":
            view = read_queue(answer)
            wanting = [j for j in self.jobs.values() if j.phase not in ("sending", "done")]
            for job in wanting:
                if job.look != "history":
                    told += self._tell(job, job.queue_answer(view.order, question.asked_at, now, self.socket))
            return told
        history = decode(check(answer, "GET /history"), "GET /history")
        if question.kind == "history":
            about = self.jobs.get(question.prompt_id or "")
            return self._tell(about, about.history_answer(history, now, self.socket)) if about is not None else []
        if not isinstance(history, dict):
            raise BadAnswer("GET /history: the answer is no JSON object")
        if question.kind == "polls":
            polling = [j for j in self.jobs.values() if j.look == "poll"]
            found = [j for j in polling if j.prompt_id in history]
            # They were sent in this order, and run in it unless somebody has put one before the others.
            behind = found != polling[: len(found)]
            for job in found:
                told += self._tell(job, job.history_answer(history, now, self.socket))
            seconds = [(isinstance(j.outcome, Succeeded) and j.outcome.seconds) or 0.0 for j in found]
            self._pace.read(question.asked_at, seconds, open_jobs=len(polling), behind=behind)
            for job in polling:
                if job.outcome is None and job.look == "poll":
                    job.polled(now, self.socket, others=bool(seconds))
            return told
        for job in [j for j in self.jobs.values() if j.look == "history"]:
            if job.prompt_id in history:
                told += self._tell(job, job.history_answer(history, now, self.socket))
            elif job.due <= question.asked_at:
                # It may be older than the part that was read: ask for it by its id.
                job.single = True
        return told

    def _trouble(self, kind: str, error: ServerError, asked_at: float, now: float) -> list[Told]:
        """The way to the server is in trouble: wait a little longer each time, and give up when the limit is reached."""
        if kind == "broken":
            kind = "refused"
        if self._trouble_since is None or self._trouble_kind != kind:
            self._trouble_since, self._trouble_kind, self._trouble_wait = asked_at, kind, 0.1
        limit = {"refused": self.timing.refused, "silent": self.timing.silent, "insecure": 0.0}.get(
            kind, self.timing.garbage
        )
        spent = now - self._trouble_since
        if spent >= limit:
            self._trouble_since = None
            self._trouble_until = 0.0
            if isinstance(error, ServerUnreachable):
                line = f"{error} (tried for {spent:.1f} s; the job may still be there: client.attach(job.to_dict()))"
                gave_up = ServerUnreachable(line)
                gave_up.__cause__ = error.__cause__
                return self._everybody(gave_up)
            return self._everybody(error)
        self._trouble_until = min(now + self._trouble_wait, self._trouble_since + limit)
        self._trouble_wait = min(self._trouble_wait * 2, 1.0)
        return []

    def _everybody(self, error: ServerError) -> list[Told]:
        told: list[Told] = []
        for job in list(self.jobs.values()):
            if job.phase != "sending":
                told += self._tell(job, job.fail(error))
        return told

    def fail_all(self, error: ServerError) -> list[Told]:
        """Nothing is followed any more, for this reason."""
        return self._everybody(error)

    def _tell(self, job: JobMachine, events: Iterable[Event]) -> list[Told]:
        told = [(job, event) for event in events]
        self.touched = job
        if job.outcome is not None:
            self.jobs.pop(job.prompt_id, None)
        return told
