"""``/api/jobs``: one view of queue and history (trace jobs_endpoints). Only under ``/api``, as on the server."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from . import jobs
from .service import Service
from .web import Routes, json_answer

_SORTS: Final = ("created_at", "execution_duration")


async def get_jobs(service: Service, request: web.Request) -> web.StreamResponse:
    """All of them, filtered, sorted, paged."""
    query = request.query
    wanted = [part.strip().lower() for part in query.get("status", "").split(",") if part.strip()]
    unknown = [status for status in wanted if status not in jobs.STATUSES]
    if unknown:
        return _bad(f"Invalid status value(s): {', '.join(unknown)}. Valid values: {', '.join(jobs.STATUSES)}")
    sort_by, sort_order = query.get("sort_by", _SORTS[0]).lower(), query.get("sort_order", "desc").lower()
    if sort_by not in _SORTS:
        return _bad("sort_by must be 'created_at' or 'execution_duration'")
    if sort_order not in ("asc", "desc"):
        return _bad("sort_order must be 'asc' or 'desc'")
    limit: int | None = None
    if "limit" in query:
        try:
            limit = int(query["limit"])
        except ValueError:
            return _bad("limit must be an integer")
        if limit <= 0:
            return _bad("limit must be a positive integer")
    try:
        offset = max(0, int(query.get("offset", "0")))
    except ValueError:
        return _bad("offset must be an integer")
    found = jobs.every(service.queue, counts=service.release.previewable_counts)
    if wanted:
        found = [job for job in found if job["status"] in wanted]
    if "workflow_id" in query:
        found = [job for job in found if job.get("workflow_id") == query["workflow_id"]]
    key = jobs.duration if sort_by == _SORTS[1] else _created
    found.sort(key=key, reverse=sort_order == "desc")
    page = found[offset:] if limit is None else found[offset : offset + limit]
    pages = {"offset": offset, "limit": limit, "total": len(found), "has_more": offset + len(page) < len(found)}
    return json_answer({"jobs": page, "pagination": pages})


async def get_job(service: Service, request: web.Request) -> web.StreamResponse:
    """One in full."""
    job = jobs.find(service.queue, request.match_info["job_id"], counts=service.release.previewable_counts)
    return json_answer({"error": "Job not found"}, status=404) if job is None else json_answer(job)


async def cancel_job(service: Service, request: web.Request) -> web.StreamResponse:
    """Interrupt or delete one, whichever it takes."""
    return json_answer({"cancelled": _cancel(service, request.match_info["job_id"])})


async def cancel_jobs(service: Service, request: web.Request) -> web.StreamResponse:
    """The same for several."""
    try:
        body: Any = await request.json()
    except ValueError:
        return _bad("Request body must be valid JSON")
    ids: Any = body.get("job_ids") if isinstance(body, dict) else None
    if not isinstance(ids, list):
        return _bad("job_ids must be a list")
    wrong = [each if isinstance(each, str) else repr(each) for each in ids if not jobs.canonical(each)]
    if wrong:
        return json_answer({"error": "job_ids contains invalid id(s)", "invalid_ids": wrong}, status=400)
    cancelled = [_cancel(service, each) for each in ids]
    return json_answer({"cancelled": any(cancelled)})


def _cancel(service: Service, job_id: str) -> bool:
    return service.queue.interrupt(job_id) or service.queue.delete(job_id) or service.queue.interrupt(job_id)


def _created(job: dict[str, Any]) -> float:
    created: float = job.get("create_time", 0)
    return created


def _bad(message: str) -> web.Response:
    return json_answer({"error": message}, status=400)


ROUTES: Final[Routes] = (
    ("GET", "/api/jobs", get_jobs),
    ("GET", "/api/jobs/{job_id}", get_job),
)
CANCEL_ROUTES: Final[Routes] = (
    ("POST", "/api/jobs/cancel", cancel_jobs),
    ("POST", "/api/jobs/{job_id}/cancel", cancel_job),
)
