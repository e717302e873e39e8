"""The aiohttp application: every route bare and under ``/api``, the origin check, and the faults that were asked for."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from . import routes_files, routes_info, routes_jobs, routes_prompt
from .faults import HttpFault
from .release import MAX_UPLOAD
from .service import Service
from .web import Handler

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]
_FAILED: Final = "500 Internal Server Error\n\nServer got itself in trouble"


def build(service: Service) -> web.Application:
    """The application that serves a `Service`."""
    app = web.Application(client_max_size=MAX_UPLOAD, middlewares=[_origin, _broken(service), _trouble])
    for routes in (routes_prompt.ROUTES, routes_info.ROUTES, routes_files.ROUTES):
        for method, path, handler in routes:
            _add(app, service, method, path, handler)
            _add(app, service, method, f"/api{path}", handler)
    for method, path, handler in routes_jobs.ROUTES:
        _add(app, service, method, path, handler)
    if service.release.cancel_routes:
        for method, path, handler in routes_jobs.CANCEL_ROUTES:
            _add(app, service, method, path, handler)
    for path in ("/ws", "/api/ws"):
        _add(app, service, "GET", path, _socket)
    _add(app, service, "GET", "/", routes_info.root)
    app.router.add_get("/{tail:.*}", _nothing)
    return app


def _add(app: web.Application, service: Service, method: str, path: str, handler: Handler) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(service, request)

    if method == "GET":
        app.router.add_get(path, handle)
    else:
        app.router.add_route(method, path, handle)


async def _socket(service: Service, request: web.Request) -> web.StreamResponse:
    return await service.sockets.serve(request, service.release.features)


async def _nothing(request: web.Request) -> web.StreamResponse:
    return web.Response(status=404, content_type="application/octet-stream")


@web.middleware
async def _origin(request: web.Request, handler: Next) -> web.StreamResponse:
    """A page of another site may not send prompts to this machine: the server answers 403."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site" or _foreign(request):
        return web.Response(status=403)
    return web.Response() if request.method == "OPTIONS" else await handler(request)


@web.middleware
async def _trouble(request: web.Request, handler: Next) -> web.StreamResponse:
    """Whatever a handler raises is a 500 in aiohttp's words, without a traceback in the user's log."""
    try:
        return await handler(request)
    except (web.HTTPException, asyncio.CancelledError, ConnectionError):
        raise
    except Exception:
        return web.Response(text=_FAILED, status=500)


def _broken(service: Service) -> Middleware:
    @web.middleware
    async def broken(request: web.Request, handler: Next) -> web.StreamResponse:
        fault = service.faults.http(request.method, request.path)
        return await handler(request) if fault is None else await _met(fault, request, handler)

    return broken


async def _met(fault: HttpFault, request: web.Request, handler: Next) -> web.StreamResponse:
    """What becomes of a request that a fault meets."""
    if fault.kind == "answer":
        return web.Response(status=fault.status, body=fault.body, content_type=fault.content_type)
    if fault.kind == "delay":
        await asyncio.sleep(fault.seconds)
        return await handler(request)
    if fault.kind == "truncate":
        return await _truncated(fault.share, request, handler)
    if fault.when == "after":
        await handler(request)
    _cut(request)
    return web.Response()


async def _truncated(share: float, request: web.Request, handler: Next) -> web.StreamResponse:
    whole = await handler(request)
    path = getattr(whole, "_path", None)
    if whole.status != 200:
        return whole
    content = (
        whole.body if isinstance(whole, web.Response) else await asyncio.to_thread(path.read_bytes) if path else b""
    )
    content = bytes(content) if isinstance(content, (bytes, bytearray)) else b""
    part = web.StreamResponse(headers={"Content-Type": whole.headers.get("Content-Type", "application/octet-stream")})
    part.content_length = len(content)
    await part.prepare(request)
    await part.write(content[: int(len(content) * share)])
    await asyncio.sleep(0.01)  # so that the part leaves before the connection does
    _cut(request)
    return part


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _foreign(request: web.Request) -> bool:
    """Whether a browser says that the request comes from a page of another host; asked of this machine's own addresses only."""
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin", "")
    if not host or not origin:
        return False
    ours, theirs = urlsplit(f"//{host.lower()}"), urlsplit(origin.lower())
    if not _loopback(ours.hostname):
        return False
    both = ours.port is not None and theirs.port is not None
    mine, other = (ours.netloc, theirs.netloc) if both else (ours.hostname or "", theirs.hostname or "")
    return bool(mine) and bool(other) and mine != other


def _loopback(name: str | None) -> bool:
    if name is None:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
