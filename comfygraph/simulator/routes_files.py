"""Uploading and viewing files (traces upload_image_endpoints, upload_raw_traversal, view_endpoints)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import mimetypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from aiohttp import web
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .service import Service
from .store import KINDS, OutsideError, Store, annotated
from .values import fit
from .web import Routes, json_answer

# What a browser would execute: newer releases send it as a download.
_ACTIVE: Final = frozenset(
    {
        "text/html",
        "application/xhtml+xml",
        "text/javascript",
        "application/javascript",
        "text/css",
        "image/svg+xml",
        "application/xml",
        "text/xml",
        "message/rfc822",
    }
)
MAX_RENAMES: Final = 10_000
SMALL: Final = 2**20  # bytes that are sent in one piece
_ASKS_FOR_LESS: Final = ("Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")


async def upload_image(service: Service, request: web.Request) -> web.StreamResponse:
    """Store a file: any file, whatever the route's name says."""
    return await _upload(service, request, _copy)


async def upload_mask(service: Service, request: web.Request) -> web.StreamResponse:
    """Store a picture that is already there with the alpha channel of the one that is sent."""
    return await _upload(service, request, _masked)


async def view(service: Service, request: web.Request) -> web.StreamResponse:
    """Send a file, or a picture of it in another form."""
    query = request.query
    if "filename" not in query:
        return web.Response(status=404)
    name, kind = annotated(query["filename"])
    if not name or name.startswith("/") or ".." in name:
        return web.Response(status=400)
    kind = kind or query.get("type", "output")
    if kind not in KINDS:
        return web.Response(status=400)
    name = name.rsplit("/", 1)[-1]
    try:
        path = service.store.inside(kind, query.get("subfolder", ""), name)
    except OutsideError:
        return web.Response(status=403)
    if not name or path.name != name or not path.is_file():
        return web.Response(status=404)
    if "preview" in query:
        return await asyncio.to_thread(_preview, path, query["preview"], query.get("channel", ""))
    if query.get("channel") in ("rgb", "a"):
        return await asyncio.to_thread(_channel, path, query["channel"])
    return _file(service, request, path)


def _file(service: Service, request: web.Request, path: Path) -> web.StreamResponse:
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    disposition = _disposition(path)
    headers: dict[str, str] = {}
    if service.release.nosniff:
        headers["X-Content-Type-Options"] = "nosniff"
        plain = content_type.lower()
        if plain in _ACTIVE or plain.endswith(("+xml", "/xml")):
            headers |= {"Vary": "Sec-Fetch-Dest", "Cache-Control": "no-store"}
            if plain != "image/svg+xml" or request.headers.get("Sec-Fetch-Dest") != "image":
                content_type, disposition = "application/octet-stream", f"attachment; {disposition}"
    headers |= {"Content-Disposition": disposition, "Content-Type": content_type}
    if request.method == "GET" and not any(name in request.headers for name in _ASKS_FOR_LESS):
        with contextlib.suppress(OSError):  # it may be gone by now
            about = path.stat()
            if about.st_size <= SMALL:
                return _at_once(path.read_bytes(), about, headers)
    return web.FileResponse(path, headers=headers)


def _at_once(content: bytes, about: os.stat_result, headers: dict[str, str]) -> web.Response:
    """A small file as `web.FileResponse` sends it, without its three turns through a thread."""
    answer = web.Response(body=content, headers={**headers, "Accept-Ranges": "bytes"})
    answer.last_modified = about.st_mtime
    answer.etag = f"{about.st_mtime_ns:x}-{about.st_size:x}"
    return answer


def _preview(path: Path, wanted: str, channel: str) -> web.Response:
    parts = wanted.split(";")
    form = parts[0] if parts[0] in ("webp", "jpeg") and "a" not in channel else "webp"
    quality = min(100, int(parts[-1])) if parts[-1].isdigit() else 90
    with Image.open(path) as image:
        fit(*image.size)
        picture = image.convert("RGB") if form == "jpeg" or channel == "rgb" else image
        buffer = io.BytesIO()
        picture.save(buffer, format=form, quality=quality)
    return _picture(path, buffer.getvalue(), f"image/{form}")


def _channel(path: Path, channel: str) -> web.Response:
    with Image.open(path) as image:
        fit(*image.size)
        if channel == "rgb":
            picture = image.convert("RGB")
        else:
            alpha = image.getchannel("A") if image.mode == "RGBA" else Image.new("L", image.size, 255)
            picture = Image.new("RGBA", image.size)
            picture.putalpha(alpha)
        buffer = io.BytesIO()
        picture.save(buffer, format="PNG")
    return _picture(path, buffer.getvalue(), "image/png")


def _picture(path: Path, content: bytes, content_type: str) -> web.Response:
    return web.Response(body=content, content_type=content_type, headers={"Content-Disposition": _disposition(path)})


def _disposition(path: Path) -> str:
    name = path.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'filename="{name}"'


Save = Callable[[Store, IO[bytes], Any, Path], None]


async def _upload(service: Service, request: web.Request, save: Save) -> web.StreamResponse:
    form: Any = await request.post()
    kind = form.get("type")
    kind = "input" if kind is None else kind
    root = service.store.folders[kind]  # another type is a KeyError, which is a 500, as on the server
    field = form.get("image")
    if not field or not field.file:  # a text field has no file: a 500 as well
        return web.Response(status=400)
    name: str = field.filename
    if not name:
        return web.Response(status=400)
    subfolder: str = form.get("subfolder", "")
    try:
        folder = service.store.inside(kind, os.path.normpath(subfolder))
        path = service.store.inside(kind, os.path.normpath(subfolder), name)
    except OutsideError:
        return web.Response(status=400)
    if path == root:
        return web.Response(status=400)
    folder.mkdir(parents=True, exist_ok=True)
    overwrite = form.get("overwrite") in ("true", "1")
    stored, name = await asyncio.to_thread(_place, folder, path, name, field.file, overwrite)
    if stored is not None:
        await asyncio.to_thread(save, service.store, field.file, form, stored)
    return json_answer({"name": name, "subfolder": subfolder, "type": kind})


def _place(folder: Path, path: Path, name: str, content: IO[bytes], overwrite: bool) -> tuple[Path | None, str]:
    """Where a file goes, and its name: another one if the name is taken by other content; no path if it is there."""
    if overwrite:
        return path, name
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a name on the wire, not a path of this machine
    digest = _digest(content)
    for number in range(1, MAX_RENAMES):
        if not path.exists():
            return path, name
        with path.open("rb") as there:
            if _digest(there) == digest:
                return None, name
        name = f"{stem} ({number}){suffix}"
        path = folder / name
    raise OSError(f"no free name for {name!r}")


def _digest(content: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    content.seek(0)
    while block := content.read(1 << 20):
        digest.update(block)
    content.seek(0)
    return digest.digest()


def _copy(store: Store, content: IO[bytes], form: Any, path: Path) -> None:
    with path.open("wb") as file:
        while block := content.read(1 << 20):
            file.write(block)


def _masked(store: Store, content: IO[bytes], form: Any, path: Path) -> None:
    reference: Any = json.loads(form.get("original_ref"))
    name, kind = annotated(reference["filename"])
    kind = kind or reference.get("type", "output")
    if not name or name.startswith("/") or ".." in name or kind not in KINDS:
        return
    original = store.inside(kind, reference.get("subfolder", ""), name)
    if not original.is_file():
        return  # the server answers as if all were well, and stores nothing
    chunks = PngInfo()
    with Image.open(original) as image, Image.open(content) as mask:
        fit(*image.size)
        fit(*mask.size)
        for key, value in getattr(image, "text", {}).items():
            chunks.add_text(key, value)
        picture = image.convert("RGBA")
        picture.putalpha(mask.convert("RGBA").getchannel("A"))
    picture.save(path, compress_level=4, pnginfo=chunks)


ROUTES: Final[Routes] = (
    ("POST", "/upload/image", upload_image),
    ("POST", "/upload/mask", upload_mask),
    ("GET", "/view", view),
)
