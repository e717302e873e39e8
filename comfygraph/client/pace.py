"""How often the history is read for many jobs that are followed without a socket, and how much of it.

A server spends as long on writing out a few entries of its history as on a small job (0.2 ms an entry, measured on 0.33.0), so
one read should find many ended jobs and hold little else. It comes when about half of the open jobs should have run, by
how long the last ones took on the server: so there is always another half for it to go on with.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

SHORTEST, LONGEST = 0.01, 0.1
"""Seconds between two reads, as far as this decides: results of quick jobs are kept back for no longer."""
LEAST, MOST = 1e-4, 3600.0
"""Seconds that a job is taken to have run, whatever the server says."""
SPARE = 3
"""Entries that are read beyond those expected: another client's jobs, and those that end meanwhile."""


class Pace:
    """The pace of one board's reads."""

    def __init__(self) -> None:
        self._due = 0.0
        self._running = False
        self._each = 0.0
        self._found_at = 0.0
        self._beyond = 0

    def next(self, due: float) -> float:
        """When to read for a job that on its own would be due at `due`, in the clock that is fed."""
        if self._running and due < self._found_at + 2 * LONGEST:
            return self._due
        return max(due, self._due)

    def entries(self, now: float, open_jobs: int) -> int:
        """How many of the newest entries to read now, for so many open jobs."""
        if self._beyond or not self._each:
            return open_jobs + self._beyond + SPARE
        return min(int(1.5 * (now - self._found_at) / self._each), open_jobs) + SPARE

    def read(self, asked_at: float, seconds: Sequence[float], *, open_jobs: int, behind: bool) -> None:
        """What a read found.

        Args:
            asked_at: when it was asked for.
            seconds: how long each of the jobs ran that it found, by the server's clock.
            open_jobs: how many were looked for.
            behind: one was found that was sent after another that was not: the next read looks past all that were.
        """
        # Who waits waits for the oldest: when that one was missed, there is no time to lose. Once: where a later prompt runs
        # before an earlier one (`front=True`), it is so in every read.
        hurry = behind and not self._beyond
        if behind:
            self._beyond += len(seconds)
        elif seconds:
            self._beyond = 0
        self._running = bool(seconds)
        if seconds:
            each = sum(seconds) / len(seconds)
            # The server's word, and it says whole milliseconds.
            self._each = min(max(each, LEAST), MOST) if isfinite(each) else MOST
            self._found_at = asked_at
            self._due = asked_at if hurry else asked_at + min(max(open_jobs / 2 * self._each, SHORTEST), LONGEST)
