"""What the routes share."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .service import Service

Handler = Callable[[Service, web.Request], Awaitable[web.StreamResponse]]
Routes = tuple[tuple[str, str, Handler], ...]


def json_answer(data: Any, *, status: int = 200) -> web.Response:
    """A JSON answer; NaN and infinity go out as the server sends them, which is not strict JSON."""
    return web.Response(text=json.dumps(data), status=status, content_type="application/json")
