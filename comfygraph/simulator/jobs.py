"""The job records of ``GET /api/jobs`` and ``/api/jobs/{id}``, made from queue and history (trace jobs_endpoints)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Final

from .queue import Item, Queue

STATUSES: Final = ("pending", "in_progress", "completed", "failed", "cancelled")
_PREVIEWABLE: Final = frozenset({"images", "video", "audio", "3d", "text"})
_MODELS_3D: Final = (".obj", ".fbx", ".gltf", ".glb", ".usdz")
_TEXTS: Final = (".txt", ".md", ".json")
_TEXT_LIMIT: Final = 1024  # characters of a text shown as the preview
_END: Final = ("execution_success", "execution_error", "execution_interrupted")


def canonical(value: object) -> bool:
    """Whether it is a job id that a client may choose: a UUID in lowercase with hyphens."""
    if not isinstance(value, str):
        return False
    try:
        return str(uuid.UUID(value)) == value
    except ValueError:
        return False


def find(queue: Queue, prompt_id: str, *, counts: bool) -> dict[str, Any] | None:
    """One job in full, or None. `counts`: with ``previewable_outputs_count``, as newer releases have it."""
    entry = queue.entry(prompt_id)
    if entry is not None:
        job = _finished(prompt_id, entry, counts)
        _, _, prompt, extra_data, _ = entry["prompt"]
        outputs = {node: _normalised(kinds) for node, kinds in entry["outputs"].items()}
        workflow = {"prompt": prompt, "extra_data": extra_data}
        return {**job, "outputs": outputs, "execution_status": entry["status"], "workflow": workflow}
    running, waiting = queue.snapshot()
    for status, items in (("in_progress", running), ("pending", waiting)):
        for item in items:
            if item.prompt_id == prompt_id:
                return _unfinished(item, status, counts)
    return None


def every(queue: Queue, *, counts: bool) -> list[dict[str, Any]]:
    """All the jobs in short."""
    running, waiting = queue.snapshot()
    jobs = [_unfinished(item, "in_progress", counts) for item in running]
    jobs += [_unfinished(item, "pending", counts) for item in waiting]
    jobs += [_finished(prompt_id, entry, counts) for prompt_id, entry in queue.history().items()]
    return jobs


def duration(job: dict[str, Any]) -> float:
    """Milliseconds that it ran; 0 if it did not."""
    start, end = job.get("execution_start_time", 0), job.get("execution_end_time", 0)
    return end - start if start and end else 0


def _unfinished(item: Item, status: str, counts: bool) -> dict[str, Any]:
    return _pruned(
        {
            "id": item.prompt_id,
            "status": status,
            "priority": item.number,
            "create_time": item.extra_data.get("create_time"),
            "outputs_count": 0,
            "previewable_outputs_count": 0 if counts else None,
            "workflow_id": _workflow_id(item.extra_data),
        }
    )


def _finished(prompt_id: str, entry: dict[str, Any], counts: bool) -> dict[str, Any]:
    number, _, _, extra_data, _ = entry["prompt"]
    times: dict[str, Any] = {}
    error = None
    interrupted = False
    for event, data in entry["status"]["messages"]:
        if event == "execution_start":
            times["start"] = data.get("timestamp")
        elif event in _END:
            times["end"] = data.get("timestamp")
            error = data if event == "execution_error" else error
            interrupted = interrupted or event == "execution_interrupted"
    failed = entry["status"]["status_str"] == "error"
    status = ("cancelled" if interrupted else "failed") if failed else "completed"
    items = list(_items(entry["outputs"]))
    return _pruned(
        {
            "id": prompt_id,
            "status": status,
            "priority": number,
            "create_time": extra_data.get("create_time"),
            "execution_start_time": times.get("start"),
            "execution_end_time": times.get("end"),
            "execution_error": error,
            "outputs_count": len(items),
            "previewable_outputs_count": sum(_previewable(kind, item) for _, kind, item in items) if counts else None,
            "preview_output": _preview(entry["outputs"], items),
            "workflow_id": _workflow_id(extra_data),
        }
    )


def _items(outputs: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every output that is a file: (node, kind, item)."""
    for node_id, kinds in outputs.items():
        for kind, items in kinds.items():
            if kind == "animated" or not isinstance(items, list):
                continue
            for item in items:
                shown = _normal(item)
                if isinstance(shown, dict):
                    yield node_id, kind, shown


def _normal(item: Any) -> Any:
    if isinstance(item, str) and item.lower().endswith(_MODELS_3D):
        return {"filename": item, "type": "output", "subfolder": "", "mediaType": "3d"}
    return item


def _normalised(kinds: Any) -> Any:
    if not isinstance(kinds, dict):
        return kinds
    return {
        kind: [_normal(item) for item in items if item is not None]
        if isinstance(items, list) and kind != "animated"
        else items
        for kind, items in kinds.items()
    }


def _previewable(kind: str, item: dict[str, Any]) -> bool:
    content = str(item.get("format") or "")
    name = str(item.get("filename") or "").lower()
    return kind in _PREVIEWABLE or content.startswith(("video/", "audio/")) or name.endswith((*_MODELS_3D, *_TEXTS))


def _preview(outputs: dict[str, Any], items: list[tuple[str, str, dict[str, Any]]]) -> dict[str, Any] | None:
    """What stands for the job: a saved picture, else any picture, else a saved text, else a text."""
    best: dict[int, dict[str, Any]] = {}
    for node_id, kind, item in items:
        if _previewable(kind, item):
            shown = {**item, "nodeId": node_id}
            shown.setdefault("mediaType", kind)
            text = kind == "text" or str(item.get("filename") or "").lower().endswith(_TEXTS)
            best.setdefault(2 if text else 0 if item.get("type") == "output" else 1, shown)
    for node_id, kinds in outputs.items():
        for text in kinds.get("text", ()) if isinstance(kinds, dict) else ():
            if not isinstance(text, dict) and _normal(text) is text:
                content = str(text)
                shown = {"content": content[:_TEXT_LIMIT]} | ({"truncated": True} if len(content) > _TEXT_LIMIT else {})
                best.setdefault(3, {**shown, "nodeId": node_id, "mediaType": "text"})
    return best[min(best)] if best else None


def _workflow_id(extra_data: dict[str, Any]) -> Any:
    workflow = (extra_data.get("extra_pnginfo") or {}).get("workflow")
    return workflow.get("id") if isinstance(workflow, dict) else None


def _pruned(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}
