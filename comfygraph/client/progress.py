"""Showing how far a job is: a bar in the terminal, one in a notebook, or a callback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import events as ev

Callback = Callable[[ev.Event], object]
Progress = bool | Callback
"""False: nothing; True: a bar; a callable: it is called with each event, in the thread that waits."""


@contextmanager
def shown(progress: Progress, title: str = "") -> Iterator[Callback | None]:
    """The callback for a ``progress=`` argument, for as long as the job is waited for."""
    if progress is False:
        yield None
    elif callable(progress):
        yield progress
    elif in_notebook():
        yield NotebookBar(title).show
    else:
        with terminal_bar(title) as show:
            yield show


def in_notebook() -> bool:
    """Is this a Jupyter kernel?"""
    import sys

    ipython: Any = sys.modules.get("IPython")
    if ipython is None:
        return False
    shell: Any = ipython.get_ipython()
    return type(shell).__name__ == "ZMQInteractiveShell"


def describe(event: ev.Event) -> str | None:
    """What happens, for a person; None for an event that says nothing new."""
    if isinstance(event, ev.Queued):
        return "waiting" if event.position is None else f"waiting, {event.position} before it"
    if isinstance(event, ev.Started):
        return "running"
    if isinstance(event, ev.NodeStarted):
        return event.title or event.class_type or f"node {event.node_id}"
    if isinstance(event, ev.Progress):
        name = event.title or event.class_type or f"node {event.node_id}"
        return f"{name} {event.step:g}/{event.steps:g}" if event.steps > 1 else name
    if isinstance(event, ev.Connection):
        return "connected again" if event.up else "connection lost, still following"
    if isinstance(event, ev.Finished):
        return "done" if event.ok else "failed"
    return None


@contextmanager
def terminal_bar(title: str = "") -> Iterator[Callback]:
    """A bar on standard error, by rich; without rich, a line for each tenth."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar
    except ImportError:
        yield _plain(title)
        return
    bar = Bar(
        TextColumn("{task.fields[title]}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("sending", total=1.0, title=title)

        def show(event: ev.Event) -> None:
            text = describe(event)
            if text is None:
                bar.update(task, completed=event.fraction)
            else:
                bar.update(task, completed=event.fraction, description=text)

        yield show


def _plain(title: str) -> Callback:
    import sys

    told = -1

    def show(event: ev.Event) -> None:
        nonlocal told
        tenth = int(event.fraction * 10)
        if tenth > told:
            told = tenth
            print(f"{title} {tenth * 10}% {describe(event) or ''}".strip(), file=sys.stderr)

    return show


class NotebookBar:
    """A bar, and the newest preview under it, in a notebook's output cell."""

    def __init__(self, title: str = "") -> None:
        self._title = title
        self._handle: Any = None
        self._text = "sending"
        self._preview = ""

    def show(self, event: ev.Event) -> None:
        """Take an event in."""
        import base64

        from IPython.display import HTML, display  # type: ignore[import-not-found,unused-ignore]

        self._text = describe(event) or self._text
        if isinstance(event, ev.Preview):
            data = base64.b64encode(event.data).decode()
            self._preview = f'<img style="max-width:320px" src="data:{event.mime};base64,{data}">'
        html: Any = HTML(self.html(event.fraction))  # type: ignore[no-untyped-call,unused-ignore]
        if self._handle is None:
            self._handle = display(html, display_id=True)  # type: ignore[no-untyped-call,unused-ignore]
        elif self._handle is not None:
            self._handle.update(html)

    def html(self, fraction: float) -> str:
        """The cell's content. What comes from the server is text in it, never markup."""
        from html import escape

        bar = f'<progress style="width:320px" max="1" value="{fraction:.3f}"></progress>'
        return f"<div>{escape(self._title)} {bar} {fraction:.0%} {escape(self._text)}</div>{self._preview}"
