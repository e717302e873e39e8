"""Queueing, the queue, interrupting, the history (traces errors_prompt, prompt_options, prompt_id_client_supplied, …)."""

from __future__ import annotations

import time
import uuid
from typing import Any, Final

from aiohttp import web

from .jobs import canonical
from .queue import Item
from .release import REPLACED
from .service import Service
from .validation import validate
from .web import Routes, json_answer

SECRETS: Final = ("auth_token_comfy_org", "api_key_comfy_org")


async def get_prompt(service: Service, request: web.Request) -> web.StreamResponse:
    """How long the queue is."""
    return json_answer(service.queue_info())


async def post_prompt(service: Service, request: web.Request) -> web.StreamResponse:
    """Queue a prompt. What is no prompt at all raises somewhere here: the server answers 500 to that."""
    body: Any = await request.json()
    number = _number(service, body)
    if "prompt" not in body:
        return _refused(
            {"type": "no_prompt", "message": "No prompt provided", "details": "No prompt provided", "extra_info": {}}
        )
    prompt: dict[str, Any] = body["prompt"]
    prompt_id = _prompt_id(service, body)
    if prompt_id is None:
        error = {
            "type": "invalid_prompt_id",
            "message": "prompt_id must be a valid UUID",
            "details": "prompt_id must be a UUID string in canonical lowercase hyphenated form; "
            "omit it to let the server generate one",
            "extra_info": {},
        }
        return _refused(error)
    _replace_classes(service, prompt)
    verdict = validate(prompt, service.definitions, service.store, body.get("partial_execution_targets"))
    extra_data: dict[str, Any] = body.get("extra_data", {})
    if "client_id" in body:
        extra_data["client_id"] = body["client_id"]
    source = request.headers.get("Comfy-Usage-Source")
    if source and service.release.usage_source and "comfy_usage_source" not in extra_data:
        extra_data["comfy_usage_source"] = source
    if not verdict.ok:
        return json_answer({"error": verdict.error, "node_errors": verdict.node_errors}, status=400)
    secrets: dict[str, Any] = {key: extra_data.pop(key) for key in SECRETS if key in extra_data}
    extra_data["create_time"] = int(time.time() * 1000)
    service.queue.put(Item(number, prompt_id, prompt, extra_data, verdict.outputs, secrets))
    return json_answer({"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors})


async def get_queue(service: Service, request: web.Request) -> web.StreamResponse:
    """What runs and what waits."""
    running, waiting = service.queue.snapshot()
    return json_answer({"queue_running": [i.shown() for i in running], "queue_pending": [i.shown() for i in waiting]})


async def post_queue(service: Service, request: web.Request) -> web.StreamResponse:
    """Delete what waits."""
    body: Any = await request.json()
    if body.get("clear"):
        service.queue.clear()
    for prompt_id in body.get("delete", ()):
        service.queue.delete(prompt_id)
    return web.Response()


async def post_interrupt(service: Service, request: web.Request) -> web.StreamResponse:
    """Interrupt what runs; with a prompt_id only if it is that."""
    try:
        body: Any = await request.json()
    except ValueError:
        body = {}
    service.queue.interrupt(body.get("prompt_id") or None)
    return web.Response()


async def post_free(service: Service, request: web.Request) -> web.StreamResponse:
    """Empty the cache after the current prompt. There are no models to unload."""
    body: Any = await request.json()
    for flag in ("unload_models", "free_memory"):
        if body.get(flag, False):
            service.queue.set_flag(flag)
    return web.Response()


async def get_history(service: Service, request: web.Request) -> web.StreamResponse:
    """The history, or a part of it."""
    limit, offset = request.query.get("max_items"), request.query.get("offset")
    return json_answer(
        service.queue.history(limit=None if limit is None else int(limit), offset=-1 if offset is None else int(offset))
    )


async def get_history_entry(service: Service, request: web.Request) -> web.StreamResponse:
    """One entry, or an empty object."""
    prompt_id = request.match_info["prompt_id"]
    entry = service.queue.entry(prompt_id)
    return json_answer({} if entry is None else {prompt_id: entry})


async def post_history(service: Service, request: web.Request) -> web.StreamResponse:
    """Delete from the history."""
    body: Any = await request.json()
    if body.get("clear"):
        service.queue.clear_history()
    for prompt_id in body.get("delete", ()):
        service.queue.delete_entry(prompt_id)
    return web.Response()


def _number(service: Service, body: Any) -> float:
    """The prompt's place in the queue. The counter goes on with every request that names none, refused ones too."""
    if "number" in body:
        return float(body["number"])
    number = service.number
    service.number += 1
    return -number if isinstance(body, dict) and body.get("front") else number


def _prompt_id(service: Service, body: Any) -> str | None:
    """The id that the client chose, or a fresh one; None when it may not be chosen."""
    if not service.release.strict_ids:
        return str(body["prompt_id"]) if "prompt_id" in body else str(uuid.uuid4())
    wanted = body.get("prompt_id")
    if wanted is None:
        return str(uuid.uuid4())
    return wanted if canonical(wanted) else None


def _replace_classes(service: Service, prompt: dict[str, Any]) -> None:
    """Rewrite retired class names, as the server does before it looks at anything else."""
    for node_id, node in list(prompt.items()):
        if "class_type" not in node or "inputs" not in node:
            continue
        rule = REPLACED.get(node["class_type"])
        if rule is None or node["class_type"] in service.definitions or rule["new"] not in service.definitions:
            continue
        given: dict[str, Any] = node["inputs"]
        # An input that is not given is a KeyError here, which is a 500: so it is on the server.
        inputs = {new: given[old] for new, old in (rule["inputs"] or {}).items()}
        prompt[node_id] = {**node, "class_type": rule["new"], "inputs": {**inputs, **rule["set"]}}


def _refused(error: dict[str, Any]) -> web.Response:
    return json_answer({"error": error, "node_errors": {}}, status=400)


ROUTES: Final[Routes] = (
    ("GET", "/prompt", get_prompt),
    ("POST", "/prompt", post_prompt),
    ("GET", "/queue", get_queue),
    ("POST", "/queue", post_queue),
    ("POST", "/interrupt", post_interrupt),
    ("POST", "/free", post_free),
    ("GET", "/history", get_history),
    ("GET", "/history/{prompt_id}", get_history_entry),
    ("POST", "/history", post_history),
)
