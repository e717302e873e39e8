"""How often, and how much of, the history is read for many jobs without a socket."""

from __future__ import annotations

import pytest

from comfygraph.client.board import Board, Question
from comfygraph.client.exchange import Answer
from comfygraph.client.pace import LONGEST, SHORTEST, SPARE, Pace
from comfygraph.client.protocol import JobMachine
from tests.client.fake import answer


def test_the_first_read_takes_all_and_the_next_what_should_have_ended() -> None:
    pace = Pace()
    assert pace.next(7.0) == 7.0
    assert pace.entries(7.0, 16) == 16 + SPARE
    pace.read(7.0, [0.004] * 5, open_jobs=16, behind=False)
    # Half of 16 jobs of 4 ms, whatever the single jobs would like.
    assert pace.next(7.02) == pytest.approx(7.032)
    assert pace.next(7.1) == pytest.approx(7.032)
    assert pace.entries(7.032, 16) == 12 + SPARE
    assert pace.entries(8.0, 16) == 16 + SPARE


@pytest.mark.parametrize(
    ("seconds", "gap"),
    [
        (0.0, SHORTEST),
        (5e-324, SHORTEST),
        (30.0, LONGEST),
        (1e308, LONGEST),
        (float("inf"), LONGEST),
        (float("nan"), LONGEST),
    ],
)
def test_the_gap_is_bounded(seconds: float, gap: float) -> None:
    pace = Pace()
    pace.read(1.0, [seconds], open_jobs=16, behind=False)
    assert pace.next(1.02) == pytest.approx(1.0 + gap)
    assert SPARE <= pace.entries(1.1, 16) <= 16 + SPARE


def test_slow_jobs_go_by_their_own_clock() -> None:
    pace = Pace()
    pace.read(1.0, [30.0], open_jobs=4, behind=False)
    pace.read(1.1, [], open_jobs=4, behind=False)
    assert pace.next(2.5) == 2.5, "a read that found nothing ends the pace"
    pace.read(30.0, [0.001], open_jobs=1, behind=False)
    assert pace.next(40.0) == 40.0, "and so does a pause"


def test_one_that_was_missed_is_looked_for_at_once_and_past_the_others() -> None:
    pace = Pace()
    pace.read(1.0, [0.001] * 8, open_jobs=16, behind=False)
    pace.read(1.01, [0.001] * 11, open_jobs=16, behind=True)
    assert pace.next(1.05) == 1.01
    assert pace.entries(1.02, 5) == 5 + 11 + SPARE
    pace.read(1.02, [], open_jobs=5, behind=False)
    assert pace.entries(1.03, 5) == 5 + 11 + SPARE, "until it is found"
    pace.read(1.03, [0.001], open_jobs=5, behind=False)
    assert pace.entries(1.04, 4) < 5 + 11 + SPARE


def test_jobs_that_run_the_other_way_round_are_not_asked_for_without_a_pause() -> None:
    pace = Pace()
    for read in range(5):
        pace.read(1.0 + read, [0.001], open_jobs=16, behind=True)
        assert pace.next(1.0 + read) == pytest.approx(1.0 + read + (0 if read == 0 else SHORTEST))


class Server:
    """A server that runs jobs of equal length one after another, and a client that keeps some open, by a clock."""

    def __init__(self, each: float, ahead: int, count: int, stranger: float = 0.0) -> None:
        self.board = Board()
        self.each, self.ahead, self.stranger = each, ahead, stranger
        self.left = [f"{number:04}" for number in range(count)]
        self.open: list[JobMachine] = []
        self.ends: list[tuple[float, str]] = []
        self.ended: list[str] = []
        self.reads: list[int] = []
        self.free_at = 0.0

    def top_up(self, now: float) -> None:
        while len(self.open) < self.ahead and self.left:
            machine = JobMachine(self.left.pop(0), {}, own_socket=False)
            self.open.append(machine)
            self.board.add(machine)
            self.board.accepted(machine, now)
            self.free_at = max(self.free_at, now) + self.each
            self.ends.append((self.free_at, machine.prompt_id))
            if self.stranger:
                self.free_at += self.stranger
                self.ends.append((self.free_at, f"stranger-{machine.prompt_id}"))

    def answer(self, question: Question, now: float) -> Answer:
        over = [prompt_id for at, prompt_id in self.ends if at <= now]
        if question.kind == "queue":
            waits = [[n, prompt_id, {}, {}, []] for n, (at, prompt_id) in enumerate(self.ends) if at > now]
            return answer({"queue_running": waits[:1], "queue_pending": waits[1:]})
        if question.request.path != "/history":
            over = [prompt_id for prompt_id in over if question.request.path.endswith(prompt_id)]
        else:
            over = over[-int(dict(question.request.query)["max_items"]) :]
        self.reads.append(len(over))
        times = [["execution_start", {"timestamp": 0}], ["execution_success", {"timestamp": round(self.each * 1000)}]]
        status = {"status_str": "success", "completed": True, "messages": times}
        return answer({prompt_id: {"outputs": {}, "status": status} for prompt_id in over})

    def run(self) -> float:
        now = 0.0
        self.top_up(now)
        while self.open and now < 600.0:
            question = self.board.question(now)
            if question is None:
                now = max(self.board.due(), now + 0.0001)
                continue
            self.board.reply(question, self.answer(question, now), now + 0.001)
            now += 0.001
            # As `Client.map`: the oldest is waited for, and only when it is there the next is sent.
            while self.open and self.open[0].outcome is not None:
                self.ended.append(self.open.pop(0).prompt_id)
                now += 0.0005
                self.top_up(now)
        return now


@pytest.mark.parametrize("each", [0.0005, 0.002, 0.005, 0.02])
@pytest.mark.parametrize("stranger", [0.0, 0.003])
def test_many_quick_jobs(each: float, stranger: float) -> None:
    server = Server(each, 16, 300, stranger)
    seconds = server.run()
    assert server.ended == [f"{number:04}" for number in range(300)], "all, in order"
    busy = 300 * (max(each, 0.0005) + stranger)
    assert seconds < 1.5 * busy + 0.2, "the server is not left idle"
    assert sum(server.reads) < 7 * 300, "and few entries are read for each job"


def test_slow_jobs_are_read_seldom() -> None:
    server = Server(5.0, 4, 8)
    seconds = server.run()
    assert len(server.ended) == 8
    assert seconds < 8 * 5.0 + 8 * 1.2
    assert len(server.reads) < 8 * 20
