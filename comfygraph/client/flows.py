"""Conversations with a server of more than one exchange, written once for the sync and the async client.

Each is a generator (`exchange.Flow`): it yields requests and pauses and is sent the replies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..errors import BadAnswer, NotComfyUI, PromptRefused, ServerError, ServerUnreachable, UploadError
from .answers import Uploaded, read_queue, read_uploaded
from .exchange import (
    Answer,
    Failure,
    Flow,
    Form,
    Reply,
    Request,
    ask,
    check,
    decode,
    decode_object,
    error_of,
    pause,
    send,
    whole,
)
from .refusals import Locate, message_of, problems_of

LOOK_UPS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0)
"""Seconds between looks for a prompt whose reply was lost."""
GATEWAY_STATUSES = (500, 502, 503, 504, 524)
"""A server, or a proxy before it, that answers one of these may have taken the prompt."""


@dataclass(frozen=True)
class Taken:
    """The server took a prompt.

    Attributes:
        node_errors: the answer, when it took the prompt in part; else None.
        outputs: the output nodes it will run, when that is known (the reply was lost and it was found in the queue).
    """

    refused_part: Mapping[str, Any] | None = None
    outputs: tuple[str, ...] | None = None


def post_prompt(body: Mapping[str, Any], prompt_id: str, known: Callable[[], bool], locate: Locate) -> Flow[Taken]:
    """Post a prompt exactly once.

    When the reply is lost the id is looked for in the queue and the history; the prompt is never posted again, because
    a server runs the same id twice.

    Args:
        body: what to post.
        prompt_id: the id in it.
        known: has the socket already told of it?
        locate: where a node was made, for the errors.

    Raises:
        PromptRefused: status 400.
        ServerUnreachable: no connection, or the reply was lost and the server does not have the prompt.
        Unauthorised, NotComfyUI, BadAnswer: as elsewhere.
    """
    try:
        text = json.dumps(body, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadAnswer(f"the prompt cannot be written as JSON: {error}") from error
    reply = yield from send(Request("POST", "/prompt", body=text))
    what = "POST /prompt"
    if isinstance(reply, Failure):
        if reply.kind not in ("broken", "silent"):
            whole(reply)
        return (yield from _look_up(prompt_id, known, error_of(reply)))
    if reply.status == 400:
        _refuse(reply, prompt_id, locate)
    try:
        answer = decode_object(check(reply, what), what)
        taken = answer.get("prompt_id")
        if taken is None:
            raise NotComfyUI(f"{what}: the answer has no prompt_id, so this is no ComfyUI")
        if taken != prompt_id:
            raise BadAnswer(f"{what}: the server gave the prompt another id than it was asked to")
    except BadAnswer as error:
        if reply.status not in (200, *GATEWAY_STATUSES):
            raise
        return (yield from _look_up(prompt_id, known, error))
    return Taken(answer if answer.get("node_errors") else None)


def _refuse(answer: Answer, prompt_id: str, locate: Locate) -> None:
    body = decode_object(answer, "POST /prompt")
    problems = problems_of(body, locate)
    raise PromptRefused(message_of(problems, "the server refused the prompt"), prompt_id=prompt_id, problems=problems)


def _look_up(prompt_id: str, known: Callable[[], bool], error: ServerError) -> Flow[Taken]:
    """The reply was lost: did the server take the prompt?"""
    reached = False
    for seconds in LOOK_UPS:
        # The socket may have told of it; which of its outputs were taken, only the queue and the history tell.
        yield from pause(LOOK_UPS[0] if known() else seconds)
        for request in (Request("GET", "/queue", timeout=10.0), _history(prompt_id)):
            reply: Reply = yield from send(request)
            if isinstance(reply, Failure) or reply.status != 200:
                reached = False
                break
            reached = True
            try:
                outputs = _find(reply, prompt_id, request.path)
            except (BadAnswer, NotComfyUI):
                reached = False
                break
            if outputs is not None:
                return Taken(outputs=outputs)
    if known():
        return Taken()
    if not isinstance(error, ServerUnreachable) and reached:
        raise error
    line = (
        "the server does not have it: it was not taken, and can be submitted again"
        if reached
        else f"it cannot be asked whether it took the prompt; its id is {prompt_id}"
    )
    lost = ServerUnreachable(f"{error}; {line}")
    lost.__cause__ = error.__cause__
    raise lost


def _find(answer: Answer, prompt_id: str, path: str) -> tuple[str, ...] | None:
    if path == "/queue":
        queue = read_queue(answer)
        for entry in (*queue.running, *queue.pending):
            if entry.prompt_id == prompt_id:
                return entry.outputs
        return None
    record: Any = decode_object(answer, "GET /history").get(prompt_id)
    if record is None:
        return None
    item: Any = record.get("prompt") if isinstance(record, dict) else None
    outputs: Any = item[4] if isinstance(item, list) and len(item) > 4 else None
    return tuple(str(node) for node in outputs) if isinstance(outputs, list) else ()


def cancel_once(prompt_id: str) -> Flow[None]:
    """Ask the server to end this job and no other, wherever it is.

    Release 0.33.0 has a route that does it in one step. Before it, the queue is looked at first: what waits is deleted,
    and what runs is interrupted by its id; an ``/interrupt`` is never sent for a job that does not run.
    """
    reply = yield from send(Request("POST", f"/api/jobs/{quote(prompt_id, safe='')}/cancel", body="{}"))
    if isinstance(reply, Answer) and reply.status == 200:
        return
    queue = read_queue((yield from ask(Request("GET", "/queue"))))
    if any(entry.prompt_id == prompt_id for entry in queue.pending):
        yield from _post("/queue", {"delete": [prompt_id]})
        # It may have begun in the meantime.
        queue = read_queue((yield from ask(Request("GET", "/queue"))))
    if any(entry.prompt_id == prompt_id for entry in queue.running):
        yield from _post("/interrupt", {"prompt_id": prompt_id})


def upload(form: Form, path: str = "/upload/image") -> Flow[Uploaded]:
    """Send a file. Raises UploadError."""
    reply = yield from send(Request("POST", path, form=form))
    if isinstance(reply, Failure) and reply.kind == "broken":
        # The same name with the same bytes stays one file, so this can be sent again.
        reply = yield from send(Request("POST", path, form=form))
    if isinstance(reply, Failure):
        error = UploadError(f"{form.filename} was not uploaded: {reply.message}")
        error.__cause__ = reply.cause
        raise error
    if reply.status == 413:
        raise UploadError(f"{form.filename} was not uploaded: it is too large for the server ({len(form.data)} bytes)")
    if reply.status not in (200, 401, 403, 407):
        raise UploadError(f"{form.filename} was not uploaded: the server answered {reply.status}")
    return read_uploaded(check(reply, "POST /upload/image"))


def get(path: str, *query: tuple[str, str]) -> Flow[Any]:
    """GET something and decode it."""
    what = f"GET {path}"
    answer = yield from ask(Request("GET", path, query))
    if answer.status == 404:
        raise NotComfyUI(f"{what}: the server answered 404, so this is no ComfyUI, or its address has a base path")
    return decode(check(answer, what), what)


def _post(path: str, body: Any) -> Flow[None]:
    check((yield from ask(Request("POST", path, body=json.dumps(body)))), f"POST {path}")


def post(path: str, body: Any) -> Flow[None]:
    """POST something whose answer is empty."""
    yield from _post(path, body)


def prompt_body(
    prompt: Mapping[str, Any],
    prompt_id: str,
    client_id: str,
    *,
    priority: float | None = None,
    front: bool = False,
    targets: Sequence[str] | None = None,
    extra_data: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The body of ``POST /prompt``."""
    body: dict[str, Any] = {"prompt": prompt, "prompt_id": prompt_id, "client_id": client_id}
    if priority is not None:
        body["number"] = priority
    if front:
        body["front"] = True
    if targets is not None:
        body["partial_execution_targets"] = list(targets)
    if extra_data:
        body["extra_data"] = dict(extra_data)
    return body


def _history(prompt_id: str) -> Request:
    return Request("GET", f"/history/{quote(prompt_id, safe='')}", timeout=10.0)
