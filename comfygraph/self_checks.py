"""What the nodes that validate inputs themselves would say, as far as it can be known from here.

Source: the ``VALIDATE_INPUTS`` / ``validate_inputs`` of ComfyUI 0.33.0's nodes.py, comfy_extras and comfy_api_nodes, and
``exists_annotated_filepath`` in folder_paths.py.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from .definition import InputDef
from .server_facts import ALL, SELF_CHECKED
from .text import close, meant, shown
from .values import Verdict

if TYPE_CHECKING:
    from .catalogue import Catalogue

_ANNOTATION: Final = re.compile(r" \[(input|output|temp)\]$")
_MODELS_3D: Final = frozenset({".gltf", ".glb", ".obj", ".fbx", ".stl", ".spz", ".splat", ".ply", ".ksplat"})


def self_check(class_type: str, d: InputDef, value: Any, known: Catalogue) -> Verdict | None:
    """What the node itself says of a plain value at one of its inputs; None when it takes it, or when only the server can tell."""
    rule = _RULES.get(f"{class_type}.{d.name}")
    if rule is not None:
        return rule(d, value)
    if d.folder != "input" or d.options is None:
        return None
    if isinstance(value, str):
        return _file(class_type, d, value, known)
    if not value and ALL in SELF_CHECKED.get(class_type, ()):
        return None
    message = f"{d.name} is the name of a file in the server's input folder, not {shown(value)}"
    return Verdict("error", "custom_validation_failed", message, "give it a text")


def _file(class_type: str, d: InputDef, value: str, known: Catalogue) -> Verdict | None:
    """LoadImage and its kin: the rule is that the file is there. The lists have only what lies in the input folder itself."""
    optional = ALL in SELF_CHECKED.get(class_type, ())  # Load3D takes an empty name, and lists the folder 3d alone
    if optional and value in ("", "none"):
        return None
    annotation = _ANNOTATION.search(value)
    name = value[: annotation.start()] if annotation else value
    path = posixpath.normpath(name.replace("\\", "/"))
    message = f"{d.name}: there is no file {shown(value)} in the server's input folder"
    if path.startswith(("../", "/")) or path == "..":
        return Verdict("error", "custom_validation_failed", message, "a name outside of the folder is never found")
    elsewhere = "/" in path or (annotation is not None and annotation[1] != "input")
    if elsewhere or name in known.input_files or (optional and posixpath.splitext(name)[1].lower() in _MODELS_3D):
        return None
    return Verdict("error", "custom_validation_failed", message, _file_hint(name, d))


def _file_hint(name: str, d: InputDef) -> str:
    near = close(name, d.options or ())
    if near:
        return meant(near)
    return "a file of yours is sent along when it is given as a Path (on the command line: @file)"


def _aspect_ratio(d: InputDef, value: Any) -> Verdict | None:
    parts = re.fullmatch(r"\s*(\d+)\s*:\s*(\d+)\s*", value) if isinstance(value, str) else None
    width, height = (int(part) for part in parts.groups()) if parts else (0, 0)
    if width and height and 0.25 <= width / height <= 4:
        return None
    message = f"{d.name}: {shown(value)} is no aspect ratio from 1:4 to 4:1"
    return Verdict(
        "error", "custom_validation_failed", message, "two whole numbers with a colon between them, such as 16:9"
    )


_RULES: Final[dict[str, Callable[[InputDef, Any], Verdict | None]]] = {
    "FluxProUltraImageNode.aspect_ratio": _aspect_ratio
}
