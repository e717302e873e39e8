"""Every recorded scenario of both releases, replayed: the simulator answers what the real server answered.

All that was sent is sent again, in the same order, over as many sockets; statuses, content types, JSON bodies and every
socket's messages are compared. `replay` says what is made the same first, and what is chance on a real server.
"""

from __future__ import annotations

import pytest

from tests import traces

from .replay import Replay, port_of, simulator

# Scenarios that cannot be replayed, and why. All can.
LEFT_OUT: dict[str, str] = {}

SCENARIOS = [
    (release, name) for release in traces.RELEASES for name in sorted(traces.load(release)) if name not in LEFT_OUT
]


@pytest.mark.parametrize(("release", "name"), SCENARIOS, ids=[f"{release}-{name}" for release, name in SCENARIOS])
def test_answers_as_recorded(release: str, name: str) -> None:
    trace = traces.load(release)[name]
    with simulator(release) as sim:
        replay = Replay(name, trace["events"], sim, port_of(trace))
        replay.run()
    assert replay.exchanges == sum(event["kind"] == "http" for event in trace["events"])
    assert not replay.differences, "\n".join(replay.differences)


def test_nothing_is_left_out_without_a_reason() -> None:
    for release in traces.RELEASES:
        assert LEFT_OUT.keys() <= traces.load(release).keys()
        assert len(traces.load(release)) - len(LEFT_OUT) == 40
