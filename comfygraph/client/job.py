"""A job: a prompt that the server took, from then until it has ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, cast

from ..errors import ComfyError, Interrupted, JobDeleted, WaitTimeout
from . import flows
from .events import Event
from .follow import Follow, Limits, again
from .outcome import Failed, Succeeded
from .result import Result

if TYPE_CHECKING:
    from .engine import Engine

JobStatus = Literal["pending", "running", "succeeded", "failed", "interrupted", "deleted", "lost", "unknown"]

CANCEL_TIMEOUT = 30.0
"""Seconds that `Job.cancel` waits for a node to notice: it does so between two of its steps."""


def status_of(follow: Follow) -> JobStatus:
    """Where a job stands, in one word."""
    from ..errors import ExecutionError, JobLost

    outcome = follow.machine.outcome
    if outcome is None:
        return "pending" if follow.machine.phase in ("sending", "pending") else "running"
    if isinstance(outcome, Succeeded):
        return "succeeded"
    words: tuple[tuple[type[Exception], JobStatus], ...] = (
        (ExecutionError, "failed"),
        (Interrupted, "interrupted"),
        (JobDeleted, "deleted"),
        (JobLost, "lost"),
    )
    for kind, word in words:
        if isinstance(outcome.error, kind):
            return word
    return "unknown"


def to_dict(follow: Follow, server: str, client_id: str) -> dict[str, Any]:
    """What another process needs to take the job up: plain data, without credentials."""
    return {
        "comfygraph": 1,
        "prompt_id": follow.machine.prompt_id,
        "server": server,
        "client_id": client_id,
        "prompt": dict(follow.machine.prompt),
    }


class Job:
    """A prompt that the server took.

    Attributes:
        prompt_id: its id, chosen by the client.

    Example::

        job = client.submit(graph)
        for event in job.events():
            print(event)
        result = job.wait(timeout=600)
    """

    def __init__(self, engine: Engine, follow: Follow, server: str) -> None:
        self._engine = engine
        self._follow = follow
        self._server = server
        self.prompt_id = follow.machine.prompt_id
        self._result: Result | None = None

    def __repr__(self) -> str:
        return f"<Job {self.prompt_id} {self.status}>"

    @property
    def status(self) -> JobStatus:
        """Where it stands: ``pending running succeeded failed interrupted deleted lost``; ``unknown`` when the server
        could not be asked any more."""
        return status_of(self._follow)

    @property
    def done(self) -> bool:
        """Has it ended, however?"""
        return self._follow.machine.outcome is not None

    @property
    def fraction(self) -> float:
        """How far the whole graph is, 0.0 to 1.0; it never goes back."""
        return self._follow.machine.fraction.value

    @property
    def position(self) -> int | None:
        """How many prompts are before it in the queue, when that was last looked up; None when it does not wait."""
        return self._follow.machine.position

    def wait(self, timeout: float | None = None, *, idle_timeout: float | None = None) -> Result:
        """Wait until it has ended, and give what it made.

        Args:
            timeout: seconds in all; None for one day (`follow.DEFAULT_TIMEOUT`).
            idle_timeout: seconds without anything new of it: no message, no move in the queue; None for one hour.
                A node may be silent for minutes while it computes.

        Raises:
            ExecutionError, OutOfMemory, Interrupted, JobDeleted, JobLost: how it ended.
            WaitTimeout: it has not ended; it goes on.
            ServerUnreachable: the server cannot be asked any more; the job may still be there, and `wait` may be called
                again when the server is back.
            KeyboardInterrupt: Ctrl-C; the job is cancelled first.
        """
        limits = Limits(timeout, idle_timeout, time.monotonic())
        self._follow = again(self._engine, self._follow)
        with CancelOnInterrupt(self):
            self._engine.wait(self._follow, limits)
        return self.result()

    def result(self) -> Result:
        """What it made, when it has ended; raises as `wait` does, and WaitTimeout when it has not."""
        outcome = self._follow.machine.outcome
        if outcome is None:
            raise WaitTimeout("the job has not ended", prompt_id=self.prompt_id, seconds=0.0)
        if isinstance(outcome, Failed):
            raise outcome.error
        if self._result is None:
            follow = self._follow
            self._result = Result.of(
                self.prompt_id,
                outcome,
                self._engine.transport,
                seconds=(follow.ended or follow.began) - follow.began,
                id_of=follow.id_of,
                ids=follow.ids,
            )
        return self._result

    def events(self, timeout: float | None = None, *, idle_timeout: float | None = None) -> Iterator[Event]:
        """Its events, from its beginning, as they come; ends with `Finished` when it succeeded.

        Args:
            timeout, idle_timeout: as in `wait`.

        Raises:
            What `wait` raises, after the last event: a loop over the events of a failed job does not end quietly.
        """
        limits = Limits(timeout, idle_timeout, time.monotonic())
        self._follow = again(self._engine, self._follow)
        with CancelOnInterrupt(self):
            for batch in self._engine.events(self._follow, limits):
                yield from batch
        self.result()

    def cancel(self, timeout: float = CANCEL_TIMEOUT) -> bool:
        """End this job and no other, wherever it is: taken out of the queue, or interrupted while it runs.

        Args:
            timeout: seconds until it must have ended: a node notices between two of its steps.

        Returns:
            True when it was ended before it was done; False when it had already ended.

        Raises:
            WaitTimeout: it runs still; the interruption was asked for.
            ServerError: the server could not be asked.
        """
        self._follow = again(self._engine, self._follow)
        machine = self._follow.machine
        if machine.outcome is not None:
            return False
        machine.cancelling = True
        limits = Limits(timeout, None, time.monotonic())
        while True:
            try:
                self._engine.run(flows.cancel_once(self.prompt_id))
            except ComfyError:
                machine.cancelling = False  # nobody was asked
                raise
            self._engine.look_soon(machine)
            try:
                # It may begin to run between two looks: ask again after a while.
                self._engine.wait(self._follow, Limits(min(1.0, timeout), None, time.monotonic()))
            except WaitTimeout:
                limits.check(machine, time.monotonic())
                continue
            outcome = cast("Any", machine.outcome)
            return isinstance(outcome, Failed) and isinstance(outcome.error, (Interrupted, JobDeleted))

    def to_dict(self) -> dict[str, Any]:
        """What another process needs to take it up with `Client.attach`: plain data for JSON, without credentials."""
        return to_dict(self._follow, self._server, self._engine.client_id)


class CancelOnInterrupt:
    """Ctrl-C while waiting cancels the job, says so, and goes on as KeyboardInterrupt."""

    def __init__(self, *jobs: Job) -> None:
        self._jobs = jobs

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None or not issubclass(kind, KeyboardInterrupt):
            return
        for job in self._jobs:
            if job.done:
                continue
            try:
                said = "cancelled" if job.cancel(timeout=10.0) else "had already ended"
            except Exception as failure:
                said = f"could not be cancelled: {failure}"
            print(f"\njob {job.prompt_id}: {said}", file=sys.stderr)
