"""What is kept of a job while it is followed: its machine, its events, and who waits for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from ..errors import WaitTimeout
from .events import Event, Preview
from .protocol import JobMachine

DEFAULT_TIMEOUT = 24 * 3600.0
"""Seconds that a wait lasts at most when the caller names no limit: one day."""
DEFAULT_IDLE = 3600.0
"""Seconds without anything new of a job after which a wait ends when the caller names no limit: one hour."""
MOST_EVENTS = 4000
"""Events that are kept of one job for iterators that come late; the oldest go first."""


class Follow:
    """One job that is followed.

    Attributes:
        machine: its state.
        number: how many events there have been.
        began: when it was submitted, by the driver's clock.
    """

    def __init__(
        self, machine: JobMachine, began: float, *, id_of: Callable[[Any], str] | None, ids: tuple[str, ...]
    ) -> None:
        self.machine = machine
        self.began = began
        self.ended: float | None = None
        self.id_of = id_of
        self.ids = ids
        self.number = 0
        self._events: list[Event | None] = []
        self._preview = -1

    def add(self, event: Event) -> None:
        """Keep an event. Of previews only the last is kept: they are large, and only the newest is of use."""
        if isinstance(event, Preview):
            at = self._preview - (self.number - len(self._events))
            if self._preview >= 0 and 0 <= at < len(self._events):
                self._events[at] = None
            self._preview = self.number
        self._events.append(event)
        self.number += 1
        if len(self._events) > MOST_EVENTS:
            del self._events[: MOST_EVENTS // 4]

    def since(self, number: int) -> tuple[list[Event], int]:
        """The events from the `number`-th on that are still there, and the number to ask with next."""
        first = self.number - len(self._events)
        return [event for event in self._events[max(number - first, 0) :] if event is not None], self.number


class Follower(Protocol):
    """What an engine does with the jobs it follows."""

    def follow(
        self, machine: JobMachine, *, id_of: Callable[[Any], str] | None = None, ids: tuple[str, ...] = ()
    ) -> Follow:
        """Follow a job from now on."""
        ...

    def accepted(self, machine: JobMachine) -> None:
        """The server took it."""
        ...

    def drop(self, prompt_id: str) -> None:
        """Follow it no more."""
        ...


def again(engine: Follower, follow: Follow) -> Follow:
    """Follow a job anew when its outcome is not known: the server may be back."""
    if not follow.machine.unknown:
        return follow
    engine.drop(follow.machine.prompt_id)
    anew = engine.follow(follow.machine.again(), id_of=follow.id_of, ids=follow.ids)
    engine.accepted(anew.machine)
    return anew


class Limits:
    """How long to wait for one job: in all, and without anything new.

    Args:
        timeout: seconds in all; None for `DEFAULT_TIMEOUT`.
        idle_timeout: seconds without a message, a move in the queue or another sign; None for `DEFAULT_IDLE`.
        now: the clock.

    Raises:
        ValueError: not a positive, finite number: no wait is without a bound.
    """

    def __init__(self, timeout: float | None, idle_timeout: float | None, now: float) -> None:
        self.total = _seconds("timeout", timeout, DEFAULT_TIMEOUT)
        self.idle = _seconds("idle_timeout", idle_timeout, DEFAULT_IDLE)
        self.began = now

    def check(self, machine: JobMachine, now: float) -> float:
        """Seconds until the nearer limit.

        Raises:
            WaitTimeout: it is reached.
        """
        left = self.began + self.total - now
        idle = max(self.began, machine.last_activity) + self.idle - now
        if left <= 0:
            raise WaitTimeout(
                f"the job was not done in {self.total:g} s ({_state(machine)}); it goes on: job.cancel() ends it",
                prompt_id=machine.prompt_id,
                seconds=self.total,
            )
        if idle <= 0:
            raise WaitTimeout(
                f"nothing was heard of the job for {self.idle:g} s ({_state(machine)}); it goes on: job.cancel() ends it",
                prompt_id=machine.prompt_id,
                seconds=self.idle,
                kind="idle",
            )
        return min(left, idle)


def _state(machine: JobMachine) -> str:
    if machine.phase == "pending":
        return "it waits" if machine.position is None else f"it waits, {machine.position} before it"
    if machine.phase == "running":
        return f"it runs, {machine.fraction.value:.0%} done" + (f", node {machine.node}" if machine.node else "")
    return "it is sent" if machine.phase == "sending" else "it is ending"


def _seconds(name: str, value: float | None, default: float) -> float:
    if value is None:
        return default
    if isinstance(value, bool) or not value > 0 or not math.isfinite(value):
        raise ValueError(f"{name}: a positive, finite number of seconds, or None for {default:g}")
    return float(value)
