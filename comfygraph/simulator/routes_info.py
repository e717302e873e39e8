"""What the server says of itself: nodes, models, features, and the small change that the editor asks for (trace misc_endpoints)."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from aiohttp import web

from .painting import NOTE
from .release import REPLACED
from .service import Service
from .web import Routes, json_answer

_EXTENSIONS: Final = [".bin", ".ckpt", ".pkl", ".pt", ".pt2", ".pth", ".safetensors", ".sft"]
_PAGE: Final = """<!doctype html><html lang="en"><title>comfygraph simulator</title>
<body style="font: 1.1em/1.5 system-ui; max-width: 40em; margin: 4em auto">
<h1>comfygraph simulator</h1>
<p>This speaks ComfyUI's API and runs no model: pictures are drawn, and stamped as simulated.
There is no editor here; send workflows to it from Python or with <code>comfygraph run</code>.</p></body></html>
"""


async def root(service: Service, request: web.Request) -> web.StreamResponse:
    """A page for whoever opens it in a browser."""
    headers = {"Content-Type": "text/html", "Cache-Control": "no-store, must-revalidate"}
    return web.Response(body=_PAGE.encode(), headers=headers)


async def object_info(service: Service, request: web.Request) -> web.StreamResponse:
    """Every node class."""
    return json_answer(service.definitions.object_info())


async def object_info_of(service: Service, request: web.Request) -> web.StreamResponse:
    """One node class, or an empty object."""
    class_type = request.match_info["node_class"]
    known = class_type in service.definitions
    return json_answer({class_type: service.definitions.record(class_type)} if known else {})


async def models(service: Service, request: web.Request) -> web.StreamResponse:
    """The model folders."""
    return json_answer(service.models.folders())


async def models_in(service: Service, request: web.Request) -> web.StreamResponse:
    """The files in one."""
    folder = request.match_info["folder"]
    return json_answer(service.models.names(folder)) if folder in service.models else web.Response(status=404)


async def embeddings(service: Service, request: web.Request) -> web.StreamResponse:
    """The embeddings, without their extensions."""
    return json_answer([name.rsplit(".", 1)[0] for name in service.models.names("embeddings")])


async def model_folders(service: Service, request: web.Request) -> web.StreamResponse:
    """The model folders, in the newer form."""
    folders = [folder for folder in service.models.folders() if folder not in ("configs", "custom_nodes")]
    return json_answer([{"name": folder, "folders": [], "extensions": _EXTENSIONS} for folder in folders])


async def model_files(service: Service, request: web.Request) -> web.StreamResponse:
    """The files in one, in the newer form. There are none, so their sizes are 0."""
    folder = request.match_info["folder"]
    if folder not in service.models:
        return web.Response(status=404)
    names = service.models.names(folder)
    return json_answer([{"name": name, "pathIndex": 0, "modified": 0.0, "created": 0.0, "size": 0} for name in names])


async def view_metadata(service: Service, request: web.Request) -> web.StreamResponse:
    """What a model file says of itself: here, that it is not there."""
    folder, name = request.match_info["folder"], request.query.get("filename", "")
    if not name.endswith(".safetensors") or name not in service.models.names(folder):
        return web.Response(status=404)
    return json_answer({"comfygraph": NOTE})


async def system_stats(service: Service, request: web.Request) -> web.StreamResponse:
    """The machine, in a real server's shape; the device's name says what this is."""
    memory = _memory()
    system: dict[str, Any] = {
        "os": sys.platform,
        "ram_total": memory,
        "ram_free": memory,
        "comfyui_version": service.release.name,
        **service.release.stats,
        "comfy_package_versions": [],
        "python_version": sys.version,
        "pytorch_version": "none",
        "embedded_python": False,
        "argv": ["comfygraph", "simulate"],
    }
    if service.release.deploy_environment:
        system["deploy_environment"] = "comfygraph-simulator"
    device = {"name": "comfygraph simulator (no model is run)", "type": "cpu", "index": None}
    sizes = dict.fromkeys(("vram_total", "vram_free", "torch_vram_total", "torch_vram_free"), memory)
    return json_answer({"system": system, "devices": [{**device, **sizes}], "comfygraph": {"simulated": True}})


async def features(service: Service, request: web.Request) -> web.StreamResponse:
    """What the server can do."""
    return json_answer(service.release.features)


async def node_replacements(service: Service, request: web.Request) -> web.StreamResponse:
    """Which retired classes are rewritten, and how."""
    rules: dict[str, Any] = {}
    for old, rule in REPLACED.items():
        mapping = [{"new_id": new, "old_id": name} for new, name in (rule["inputs"] or {}).items()]
        mapping += [{"new_id": new, "set_value": value} for new, value in rule["set"].items()]
        rules[old] = [
            {
                "new_node_id": rule["new"],
                "old_node_id": old,
                "old_widget_ids": None,
                "input_mapping": mapping or None,
                "output_mapping": None,
            }
        ]
    return json_answer(rules)


def _constant(data: Any) -> Any:
    async def answer(service: Service, request: web.Request) -> web.StreamResponse:
        return json_answer(data)

    return answer


async def userdata(service: Service, request: web.Request) -> web.StreamResponse:
    """There is no user data."""
    return web.Response(text="Directory not found", status=404)


def _memory() -> int:
    """Bytes of main memory; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


ROUTES: Final[Routes] = (
    ("GET", "/object_info", object_info),
    ("GET", "/object_info/{node_class}", object_info_of),
    ("GET", "/models", models),
    ("GET", "/models/{folder}", models_in),
    ("GET", "/embeddings", embeddings),
    ("GET", "/experiment/models", model_folders),
    ("GET", "/experiment/models/{folder}", model_files),
    ("GET", "/view_metadata/{folder}", view_metadata),
    ("GET", "/system_stats", system_stats),
    ("GET", "/features", features),
    ("GET", "/node_replacements", node_replacements),
    ("GET", "/extensions", _constant([])),
    ("GET", "/global_subgraphs", _constant({})),
    ("GET", "/workflow_templates", _constant({})),
    ("GET", "/internal/logs", _constant("")),
    ("GET", "/users", _constant({"storage": "server", "migrated": False})),
    ("GET", "/settings", _constant({})),
    ("GET", "/userdata", userdata),
)
