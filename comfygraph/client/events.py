"""What a job tells while it runs: the events of `Job.events()`, and of a callback given as ``progress=``.

Every event names its job and how far the whole graph is: `fraction`, from 0.0 to 1.0, which never goes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import PIL.Image


@dataclass(frozen=True)
class Event:
    """The base of all events.

    Attributes:
        prompt_id: the job's id.
        fraction: how far the whole graph is, 0.0 to 1.0; never less than in an earlier event of the job.
    """

    prompt_id: str
    fraction: float


@dataclass(frozen=True)
class Queued(Event):
    """The job waits. `position` is the number of prompts before it, None where that is not known."""

    position: int | None = None


@dataclass(frozen=True)
class Started(Event):
    """The server began to run it."""


@dataclass(frozen=True)
class Cached(Event):
    """These nodes need not run: the server has what they gave."""

    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NodeStarted(Event):
    """A node begins. An expanded node is told as the one of the submitted graph that it came from."""

    node_id: str = ""
    class_type: str = ""
    title: str = ""


@dataclass(frozen=True)
class Progress(Event):
    """A node is at step `step` of `steps` (0 of 0 where it does not count)."""

    node_id: str = ""
    class_type: str = ""
    title: str = ""
    step: float = 0
    steps: float = 0


@dataclass(frozen=True)
class Preview(Event):
    """A picture of what a node is making. `data` is a whole JPEG or PNG file; `mime` says which."""

    node_id: str | None = None
    mime: str = "image/jpeg"
    data: bytes = field(default=b"", repr=False)

    def pil(self) -> PIL.Image.Image:
        """The picture as a Pillow image. Raises `DownloadError` when it is none."""
        from .files import open_image

        return open_image(self.data, f"the preview of node {self.node_id}")


@dataclass(frozen=True)
class Output(Event):
    """A node gave something: file names, text, as the server sent it."""

    node_id: str = ""
    output: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Text(Event):
    """A node sent a line of text while it runs."""

    node_id: str = ""
    text: str = ""


@dataclass(frozen=True)
class Connection(Event):
    """The socket to the server was lost, or is back. The job is followed over HTTP all the while."""

    up: bool = True


@dataclass(frozen=True)
class Finished(Event):
    """The job ended. `ok` is False when it did not succeed; `Job.wait()` then raises what happened."""

    ok: bool = True
