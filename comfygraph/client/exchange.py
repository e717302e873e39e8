"""One HTTP exchange as values: what is asked, what came back, what went wrong on the way.

The seam between what comfygraph says to a server (`api`, `protocol`: no input or output of their own) and what carries
it (`transport`): a `Request` goes down, an `Answer` or a `Failure` comes up. Failures are values, not exceptions, because
what a broken connection means depends on what was asked.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ..errors import BadAnswer, NotComfyUI, ServerUnreachable, Unauthorised
from .outcome import clip

JSON_LIMIT = 512 * 2**20
"""Most bytes of an answer that is read into memory: /queue and /history hold whole prompts."""


@dataclass(frozen=True)
class Form:
    """A file to upload, as one field of a multipart form, with the plain fields beside it."""

    filename: str
    data: bytes = field(repr=False)
    fields: tuple[tuple[str, str], ...] = ()
    field_name: str = "image"


@dataclass(frozen=True)
class Request:
    """One HTTP request, relative to the server's base address.

    Attributes:
        method: ``"GET"`` or ``"POST"``.
        path: begins with ``/``; already quoted.
        query: pairs, not yet quoted.
        body: JSON text to send; None for none.
        form: a file to send instead.
        limit: most bytes of the answer.
        timeout: seconds that the server may be silent; None for the client's own.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: str | None = field(default=None, repr=False)
    form: Form | None = None
    limit: int = JSON_LIMIT
    timeout: float | None = None


@dataclass(frozen=True)
class Answer:
    """What came back, whole. Header names are lowercase."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


FailureKind = Literal["refused", "broken", "silent", "insecure", "size", "closed"]


@dataclass(frozen=True)
class Failure:
    """What went wrong on the way.

    Attributes:
        kind: ``refused`` (no connection: nothing was sent), ``broken`` (it broke in the middle), ``silent`` (no answer in
            time), ``insecure`` (the certificate is not trusted), ``size`` (the answer is larger than its limit), ``closed`` (this
            client was closed: nothing was sent).
        message: one line for a person; no credentials in it.
        cause: the library's exception; None where it could show credentials.
    """

    kind: FailureKind
    message: str
    cause: Exception | None = None


Reply = Answer | Failure


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


Step = Request | Pause
T = TypeVar("T")
Flow = Generator[Step, "Reply | None", T]
"""A conversation written once and run by the sync and the async client alike: it yields requests and pauses, gets
replies, and returns what came of it."""


def send(request: Request) -> Flow[Reply]:
    """Yield one request and give its reply; for use with ``yield from``."""
    reply = yield request
    if reply is None:
        raise TypeError("the driver of a flow must answer every request")
    return reply


def pause(seconds: float) -> Flow[None]:
    """Yield one pause."""
    yield Pause(seconds)


def ask(request: Request) -> Flow[Answer]:
    """Send it and give the answer, whatever its status; raises `ServerUnreachable` and the like for a failure.

    A GET that breaks in the middle is sent once more: the server may have closed a connection that was kept alive.
    """
    reply = yield from send(request)
    if isinstance(reply, Failure) and reply.kind == "broken" and request.method == "GET":
        reply = yield from send(request)
    return whole(reply)


def whole(reply: Reply) -> Answer:
    """The answer, or the failure raised as ours."""
    if isinstance(reply, Failure):
        raise error_of(reply)
    return reply


def error_of(failure: Failure) -> ServerUnreachable | BadAnswer:
    """Our exception for a failure, with the library's as its cause."""
    error = BadAnswer(failure.message) if failure.kind == "size" else ServerUnreachable(failure.message)
    error.__cause__ = failure.cause
    return error


def check(answer: Answer, what: str, *, ok: tuple[int, ...] = (200,)) -> Answer:
    """The answer if its status is one of `ok`.

    Raises:
        Unauthorised: 401, 403 or 407.
        BadAnswer: another status.
    """
    if answer.status in ok:
        return answer
    if answer.status in (401, 403, 407):
        who = "a proxy" if answer.status == 407 else "the server"
        raise Unauthorised(f"{what}: {who} answered {answer.status}; give token=, auth= or headers= that it accepts")
    if 300 <= answer.status < 400:
        raise BadAnswer(f"{what}: the server redirects ({answer.status}); give the address that it redirects to")
    raise BadAnswer(f"{what}: the server answered {answer.status}{_words(answer)}")


def decode(answer: Answer, what: str) -> Any:
    """The JSON of an answer.

    Raises:
        NotComfyUI: it is HTML: a web server, or a login page of a proxy.
        BadAnswer: it is no JSON.
    """
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        pass
    if "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] == b"<":
        raise NotComfyUI(f"{what}: a web page came back, so this is no ComfyUI (or a login page stands before it)")
    raise BadAnswer(f"{what}: the answer is no JSON ({len(answer.body)} bytes)")


def decode_object(answer: Answer, what: str) -> dict[str, Any]:
    """The JSON object of an answer; raises as `decode` does."""
    value = decode(answer, what)
    if not isinstance(value, dict):
        raise BadAnswer(f"{what}: the answer is no JSON object")
    return value


def _words(answer: Answer) -> str:
    """The first line of a plain-text answer: ComfyUI's 500s have one, and it holds nothing of ours."""
    if not answer.headers.get("content-type", "").startswith("text/plain"):
        return ""
    line = clip(answer.body[:200].decode("utf-8", "replace").partition("\n")[0], 80)
    return f" ({line})" if line else ""
