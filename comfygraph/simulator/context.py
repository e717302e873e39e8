"""What a node's implementation sees of the server that runs it, and what it may answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image

    from .store import Store


class Interrupted(Exception):
    """Raised inside a node when somebody interrupted the prompt."""


class NodeFailure(Exception):
    """Raised inside a node to fail with a chosen ``exception_type``, such as ``"torch.OutOfMemoryError"``."""

    def __init__(self, message: str, exception_type: str = "RuntimeError") -> None:
        super().__init__(message)
        self.exception_type = exception_type


class WorkerKilled(Exception):
    """The graph is one of those that end a real server's only worker."""


@dataclass(frozen=True)
class Answer:
    """What a node gives, when a plain tuple of its outputs is not all.

    Attributes:
        outputs: one value per output (a list where the output is a list); with `expand`, values or links into it.
        ui: what the node shows: ``{"images": [{"filename", "subfolder", "type"}]}``, ``{"text": [...]}``.
        expand: a graph that takes the node's place, in API format. Its ids must begin with `Context.prefix`.
    """

    outputs: tuple[Any, ...] = ()
    ui: Mapping[str, list[Any]] | None = None
    expand: Mapping[str, Any] | None = None


Function = Callable[..., "tuple[Any, ...] | Answer"]
"""An implementation, ``function(context, **inputs)``: called once per list item, with the node's inputs by name."""


class Host(Protocol):
    """The part of the executor that a `Context` uses."""

    def check(self) -> None: ...
    def pause(self, seconds: float) -> None: ...
    def progress(
        self, node_id: str, value: float, maximum: float, preview: tuple[str, Image, int | None] | None
    ) -> None: ...
    def restart_counter(self) -> bool: ...
    def stands_in(self, node_id: str) -> bool: ...


@dataclass
class Context:
    """One node of one running prompt.

    Attributes:
        node_id, class_type: which.
        prompt: the whole prompt, as a hidden ``PROMPT`` input is given it.
        extra_data: what the client sent along.
        store: the input, output and temp folders.
        step_seconds: how long a sampler step takes.
        previews: the client asked for previews while sampling.
        memory: survives from one run of this node to the next, as a node object does on the server.
        index: which item of a list this call is for.
    """

    node_id: str
    class_type: str
    prompt: dict[str, Any]
    extra_data: dict[str, Any]
    store: Store
    host: Host
    step_seconds: float = 0.0
    previews: bool = False
    memory: dict[str, Any] = field(default_factory=dict[str, Any])
    index: int = 0

    @property
    def prefix(self) -> str:
        """How the ids of nodes that this one expands into begin."""
        return f"{self.node_id}.{self.index}.0."

    @property
    def stands_in(self) -> bool:
        """Whether what this node gets was drawn by the simulator in place of a model."""
        return self.host.stands_in(self.node_id)

    def check(self) -> None:
        """Raise `Interrupted` if somebody interrupted."""
        self.host.check()

    def pause(self, seconds: float) -> None:
        """Wait; an interrupt ends it at once."""
        self.host.pause(seconds)

    def progress(
        self, value: float, maximum: float, preview: Image | None = None, *, form: str = "JPEG", size: int | None = 512
    ) -> None:
        """Report progress, with a picture if there is one.

        Args:
            value, maximum: e.g. step 3 of 20.
            preview: sent as a binary message.
            form: ``"JPEG"`` or ``"PNG"``.
            size: its larger side in pixels; None as it is.
        """
        self.host.check()
        self.host.progress(self.node_id, value, maximum, None if preview is None else (form, preview, size))

    def restart_counter(self) -> bool:
        """Whether file names are to be counted from 1 (a fault)."""
        return self.host.restart_counter()


LazyCheck = Callable[[Mapping[str, Any]], list[str]]
"""Which lazy inputs a node wants, given those it has (None: not there yet)."""

Fingerprint = Callable[["Store", Mapping[str, Any]], Any]
"""What, besides its inputs, decides whether a node has to run again; raises or NaN: always."""
