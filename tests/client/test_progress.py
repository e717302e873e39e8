"""Showing progress: what a person reads, and that nothing of a server's is markup."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from comfygraph.client import events as ev
from comfygraph.client.follow import MOST_EVENTS, Follow
from comfygraph.client.progress import NotebookBar, describe, in_notebook, shown, terminal_bar
from comfygraph.client.protocol import JobMachine

EVENTS: list[tuple[ev.Event, str | None]] = [
    (ev.Queued("p", 0.0, 3), "waiting, 3 before it"),
    (ev.Queued("p", 0.0), "waiting"),
    (ev.Started("p", 0.0), "running"),
    (ev.NodeStarted("p", 0.1, "3", "KSampler", "My sampler"), "My sampler"),
    (ev.NodeStarted("p", 0.1, "3", "KSampler"), "KSampler"),
    (ev.Progress("p", 0.5, "3", "KSampler", "", 5, 20), "KSampler 5/20"),
    (ev.Progress("p", 0.5, "3", "", "", 0, 1), "node 3"),
    (ev.Connection("p", 0.5, False), "connection lost, still following"),
    (ev.Cached("p", 0.5, ("1",)), None),
    (ev.Finished("p", 1.0), "done"),
    (ev.Finished("p", 0.5, False), "failed"),
]


@pytest.mark.parametrize(("event", "text"), EVENTS, ids=lambda value: type(value).__name__)
def test_what_a_person_reads(event: ev.Event, text: str | None) -> None:
    assert describe(event) == text


def test_a_notebook_shows_text_as_text() -> None:
    bar = NotebookBar("<b>mine</b>")
    bar._text = "<script>alert(1)</script>"
    html = bar.html(0.5)
    assert "<script>" not in html
    assert "<b>" not in html
    assert 'value="0.500"' in html
    assert not in_notebook()


def test_without_rich_there_are_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    original = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("rich"):
            raise ImportError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with terminal_bar("fox") as show:
        for event, _ in EVENTS:
            show(event)
    told = ["fox 0% waiting, 3 before it", "fox 10% My sampler", "fox 50% KSampler 5/20", "fox 100% done"]
    assert capsys.readouterr().err.splitlines() == told


def test_a_callback_is_called_and_false_is_silent() -> None:
    seen: list[ev.Event] = []
    with shown(seen.append) as show:
        assert show is not None
        show(EVENTS[0][0])
    assert seen == [EVENTS[0][0]]
    with shown(False) as nothing:
        assert nothing is None


def test_events_are_kept_within_bounds_and_previews_but_the_last_are_not() -> None:
    follow = Follow(JobMachine("p", {}), 0.0, id_of=None, ids=())
    for number in range(MOST_EVENTS * 2):
        follow.add(ev.Progress("p", 0.0, str(number)))
        follow.add(ev.Preview("p", 0.0, data=b"%d" % number))
    kept, number = follow.since(0)
    assert number == MOST_EVENTS * 4
    assert len(kept) <= MOST_EVENTS
    previews = [event for event in kept if isinstance(event, ev.Preview)]
    assert [preview.data for preview in previews] == [b"%d" % (MOST_EVENTS * 2 - 1)]
    assert follow.since(number) == ([], number)
