"""Every exception that comfygraph raises on purpose.

::

    ComfyError
    ├── GraphError                 the graph would not run: `.problems` lists all that is wrong with it
    │   └── ArgumentError          a node was called with arguments that it does not have, or without one that it needs
    ├── EditError                  an edit that cannot be made: no such node, no unique match, a cycle
    ├── FormatError                a file or a dict that is no workflow, or not one of this format
    ├── DefinitionError            node definitions (object_info) that cannot be read, or a release not bundled
    ├── OutputError                a result cannot be written to disk: folder, name, size
    └── ServerError                everything that a server, or the way to it, did
        ├── ServerUnreachable      no connection, or it broke and did not come back
        ├── Unauthorised           the server, or a proxy before it, wants other credentials
        ├── NotComfyUI             something answers there, and it is no ComfyUI
        ├── BadAnswer              an answer outside the protocol: a 500, a body that is no JSON
        ├── UploadError            an input file did not get to the server
        ├── DownloadError          an output file did not get here whole; nothing is left of it
        └── JobError               how one job ended, when it did not succeed: `.prompt_id`
            ├── PromptRefused      the server did not take the prompt (400): `.problems`
            │   └── PartlyRefused  it took a part of it (200 with node_errors); that part was cancelled
            ├── ExecutionError     a node failed: `.node_id` `.class_type` `.where` `.traceback`
            │   └── OutOfMemory    … because the device had no memory left
            ├── Interrupted        somebody interrupted it while it ran
            ├── JobDeleted         somebody took it out of the queue before it ran
            ├── JobLost            the server knows nothing of it any more
            └── WaitTimeout        it was not done in the time that the caller gave

Catch `ComfyError` for all of them. No exception of a library below (requests, websocket, aiohttp, pydantic, networkx)
leaves the public interface; it stands in `__cause__`. A message never holds credentials or the input values that a
server echoes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .problems import Problem


class ComfyError(Exception):
    """The root of all exceptions of comfygraph."""


class GraphError(ComfyError, ValueError):
    """A graph, or one node of it, that would not run as written.

    Args:
        problems: what is wrong, all at once; at least one.

    Attributes:
        problems: the `Problem`s, errors first.
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        from .problems import render

        return render(self.problems)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)


class ArgumentError(GraphError, TypeError):
    """A node class called with names that are not its inputs, with positional arguments, or without an input it needs."""


class EditError(ComfyError, LookupError):
    """An edit that cannot be made: nothing matches, several match, or the result would be no graph."""


class FormatError(ComfyError, ValueError):
    """A file or a value that is not a workflow, or a workflow of another format than the one asked for."""


class DefinitionError(ComfyError, ValueError):
    """Node definitions that cannot be read, or that do not hold what was asked of them."""


class OutputError(ComfyError, OSError):
    """A result that cannot be written: the folder, the name or the size."""


class ServerError(ComfyError):
    """The root of everything that a server, or the way to it, did."""


class ServerUnreachable(ServerError, ConnectionError):
    """No connection to the server, or one that broke and did not come back in the time allowed."""


class Unauthorised(ServerError):
    """The server, or a proxy in front of it, answered 401, 403 or 407."""


class NotComfyUI(ServerError):
    """Something answers at the address, and it does not speak ComfyUI's API."""


class BadAnswer(ServerError):
    """An answer that the protocol does not have: a 500, a redirect, a body that is no JSON."""


class UploadError(ServerError):
    """An input file that did not get to the server."""


class DownloadError(ServerError):
    """An output file that did not get here whole. Nothing of it is left on disk."""


class JobError(ServerError):
    """How a job ended, when it did not succeed.

    Attributes:
        prompt_id: the job's id.
    """

    prompt_id: str

    def __init__(self, message: str, *, prompt_id: str) -> None:
        super().__init__(message)
        self.prompt_id = prompt_id

    def __reduce__(self) -> Any:
        # The default would call `type(self)(*self.args)`, which lacks the keyword arguments.
        return _rebuild, (type(self), self.args, self.__dict__)


class PromptRefused(JobError):
    """The server did not take the prompt.

    Attributes:
        problems: what it named, mapped to the nodes of the graph and to the lines that made them.
    """

    problems: tuple[Problem, ...]

    def __init__(self, message: str, *, prompt_id: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, prompt_id=prompt_id)
        self.problems = tuple(problems)


class PartlyRefused(PromptRefused):
    """The server took the prompt and would silently skip a part of it. What it took was cancelled."""


class ExecutionError(JobError):
    """A node failed while it ran.

    Attributes:
        node_id: the node's id in the graph that was submitted (an expanded node's: the one it came from).
        class_type: its class.
        exception_type: the exception's name on the server, such as ``"RuntimeError"``.
        where: ``file:line`` of the call that made the node, when it was made in Python.
        traceback: the server's traceback, its lines as sent. It is not part of the message.
    """

    node_id: str
    class_type: str
    exception_type: str
    where: str | None
    traceback: tuple[str, ...]

    def __init__(
        self,
        message: str,
        *,
        prompt_id: str,
        node_id: str,
        class_type: str,
        exception_type: str,
        where: str | None = None,
        traceback: Sequence[str] = (),
    ) -> None:
        super().__init__(message, prompt_id=prompt_id)
        self.node_id = node_id
        self.class_type = class_type
        self.exception_type = exception_type
        self.where = where
        self.traceback = tuple(traceback)


class OutOfMemory(ExecutionError, MemoryError):
    """A node failed because the device had no memory left."""


class Interrupted(JobError):
    """The job was interrupted while it ran."""


class JobDeleted(JobError):
    """The job was taken out of the queue before it ran."""


class JobLost(JobError):
    """The server has the job in neither queue nor history: it restarted, or its history was cleared."""


class WaitTimeout(JobError, TimeoutError):
    """The job was not done in the time given. It may still be running: ``Job.cancel()`` ends it.

    Attributes:
        seconds: the limit that was reached.
        kind: ``"total"``, or ``"idle"`` when nothing was heard of the job for that long.
    """

    seconds: float
    kind: str

    def __init__(self, message: str, *, prompt_id: str, seconds: float, kind: str = "total") -> None:
        super().__init__(message, prompt_id=prompt_id)
        self.seconds = seconds
        self.kind = kind


def _rebuild(cls: type[JobError], args: tuple[Any, ...], state: dict[str, Any]) -> JobError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error
