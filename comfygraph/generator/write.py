"""A typed package for whatever a server has: `write_package`."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from .. import definition as d
from ..catalogue import Catalogue
from ..errors import DefinitionError, OutputError
from ..packaged import FILE
from ..records import SECTIONS
from ..server_facts import FILE_INPUTS, MACHINE_INPUTS
from .classes import Tooltips
from .kinds import CHOICE, kind_classes, kind_names, kinds_of
from .names import usable
from .package import MARK, Layout, from_import, member_order, package_sources

MANIFEST: Final = ".comfygraph-generated"
"""Names the files of a generated package, one a line: what a folder holds besides them is somebody's own."""

MAX_TOOLTIP: Final = 1000  # characters of one in a docstring

# A list with such a name in it is a list of files: it changes as files come and go, so it is no list to hold anybody to.
_FILE_NAME: Final = re.compile(
    r"\.(safetensors|sft|ckpt|pth?|bin|gguf|onnx|engine|ya?ml|json|txt|png|jpe?g|webp|gif|exr|mp4|mov|mkv|webm|wav|mp3|flac"
    r"|ogg|glb|gltf|obj|fbx|stl|ply|spz|ksplat|ttf|otf|latent)$",
    re.IGNORECASE,
)


def write_package(catalogue: Catalogue, out: str | Path, *, tooltips: bool = True) -> list[Path]:
    """Write a Python package with a typed class for every node of a catalogue, its custom nodes included.

    The package needs comfygraph and nothing else: it holds its own definitions. Inputs whose options are files on the
    server take any text. It is written beside its place and moved there when it is whole.

    Args:
        catalogue: the nodes, such as ``Catalogue.from_server(client)``.
        out: the folder to make; its name is the package's name. One that an earlier call made is replaced.
        tooltips: put the nodes' descriptions and tooltips into the docstrings.

    Returns:
        The files that were written.

    Raises:
        DefinitionError: the catalogue is empty, the folder's name cannot be imported, or something else is there.
        OutputError: the folder cannot be written.

    Example:
        >>> write_package(Catalogue.from_server("127.0.0.1:8188"), "my_nodes")       # doctest: +SKIP
        >>> from my_nodes import KSampler                                            # doctest: +SKIP
    """
    out = Path(out)
    name = out.absolute().name
    if not usable(name):
        raise DefinitionError(f"{out}: {name!r} is no name for a Python package; use letters, digits and underscores")
    if not len(catalogue):
        raise DefinitionError(f"{out}: the catalogue has no nodes, so there is nothing to write")
    _refuse_foreign(out)
    files = package_files(catalogue, tooltips=tooltips)
    try:
        _replace(out, files)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error
    return [out / file for file in files]


def package_files(catalogue: Catalogue, *, tooltips: bool = True) -> dict[str, str]:
    """The files of a package for `catalogue` by name; see `write_package`."""
    from ..kinds import BY_WIRE  # here, so that the generator runs when what it wrote is broken

    records = {class_type: portable(class_type, catalogue.record(class_type)) for class_type in sorted(catalogue)}
    # The classes are made from what the package's own definitions say.
    nodes = dict(Catalogue(records, open_files=True))
    known = {wire: kind.__name__ for wire, kind in BY_WIRE.items()}
    wires = kinds_of(nodes.values())
    own = kind_names((wire for wire in wires if wire not in known), strict=False, taken=known.values())
    used = {wire: known[wire] for wire in wires if wire in known}
    release = f"ComfyUI {catalogue.release}" if catalogue.release else ""
    layout = Layout(
        root="comfygraph",
        kinds="from . import kinds as k",
        what=release or "a ComfyUI server",
        release=release,
        command="``comfygraph generate``",
        definitions=(
            "def definitions() -> Catalogue:",
            '    """The definitions that these classes are made from."""',
            "    from comfygraph.packaged import package_definitions",
            "",
            "    return package_definitions(__file__)",
        ),
    )
    texts = (lambda class_type: tooltips_of(records[class_type])) if tooltips else None
    files = package_sources(nodes, {**used, **own}, layout, strict=False, tooltips=texts)
    files["kinds.py"] = _kinds(used, own)
    files["py.typed"] = ""
    files[FILE] = "{\n" + ",\n".join(f"{json.dumps(n)}: {json.dumps(r)}" for n, r in records.items()) + "\n}\n"
    return dict(sorted(files.items()))


def _kinds(used: Mapping[str, str], own: Mapping[str, str]) -> str:
    names = sorted({*used.values(), CHOICE}, key=member_order)
    exports = sorted({*names, *own.values()}, key=member_order)
    lines = [
        '"""The socket types of these nodes, as phantom classes: those of comfygraph, and the custom ones.',
        "",
        f"{MARK} ``comfygraph generate``; do not edit.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        *from_import("comfygraph.kinds", names, 0),
        "",
        "__all__ = [",
        *(f'    "{name}",' for name in exports),
        "]",
        *kind_classes(own),
        "",
    ]
    return "\n".join(lines)


# --- what the definitions of one server say, made fit for any day


def portable(class_type: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without its lists of files and devices: those inputs are open in a generated package."""
    sections = cast("Mapping[str, Mapping[str, Any] | None]", record["input"])
    inputs = {
        section: {name: _open(f"{class_type}.{name}", spec) for name, spec in (specs or {}).items()}
        if section in SECTIONS
        else specs
        for section, specs in sections.items()
    }
    return {**record, "input": inputs}


def _open(place: str, spec: Any) -> Any:
    """A spec with its file lists emptied, those nested in it too. `place` is for the table of files that are known."""
    kind: Any = spec[0]
    more: dict[str, Any] = dict(spec[1]) if len(spec) > 1 and spec[1] else {}
    listed = place in FILE_INPUTS or place in MACHINE_INPUTS
    if isinstance(kind, list) and (listed or _files(kind)):
        kind = []
        more.pop("default", None)
    elif kind == d.COMBO and (listed or _files(more.get("options"))):
        more["options"] = []
        more.pop("default", None)
    elif kind == d.DYNAMIC_COMBO:
        more["options"] = [{**option, "inputs": _open_sections(option["inputs"])} for option in more["options"]]
    elif kind == d.AUTOGROW:
        more["template"] = {**more["template"], "input": _open_sections(more["template"]["input"])}
    return [kind, more] if more else [kind]


def _open_sections(sections: Mapping[str, Any]) -> dict[str, Any]:
    return {
        section: {name: _open("", spec) for name, spec in (specs or {}).items()} for section, specs in sections.items()
    }


def _files(options: Any) -> bool:
    return isinstance(options, list) and any(
        isinstance(option, str) and _FILE_NAME.search(option) for option in options
    )


def tooltips_of(record: Mapping[str, Any]) -> Tooltips:
    """The texts of a record: its description under (), the tooltips of its inputs under (input, key, input, …)."""
    found: dict[tuple[str, ...], str] = {}
    if isinstance(record.get("description"), str):
        found[()] = _cut(record["description"])
    pending: list[tuple[tuple[str, ...], Any]] = [((), record["input"])]
    while pending:
        path, sections = pending.pop()
        for section in SECTIONS:
            for name, spec in (sections.get(section) or {}).items():
                here = (*path, name)
                more: Any = spec[1] if len(spec) > 1 and spec[1] else {}
                if isinstance(more.get("tooltip"), str):
                    found[here] = _cut(more["tooltip"])
                if spec[0] == d.DYNAMIC_COMBO:
                    pending += [((*here, option["key"]), option["inputs"]) for option in more["options"]]
    return found


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TOOLTIP else f"{text[: MAX_TOOLTIP - 1]}…"


# --- the folder


def _refuse_foreign(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise DefinitionError(f"{out}: is no folder, and nothing that is there is overwritten; choose another place")
    if not out.exists():
        return
    manifest = out / MANIFEST
    try:
        ours = set(manifest.read_text(encoding="utf-8").splitlines()) if manifest.is_file() else set()
        foreign = sorted(p.name for p in out.iterdir() if p.name not in {*ours, MANIFEST, "__pycache__"})
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{out}: cannot be looked through: {error}") from None
    if foreign:
        raise DefinitionError(
            f"{out}: holds {foreign[0]!r}, which comfygraph did not write, so it is not replaced; choose another place"
        )


def _replace(out: Path, files: Mapping[str, str]) -> None:
    """Write the files beside `out`, then put that folder in its place."""
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(4)
    fresh = out.with_name(f".{out.name}.{token}.new")
    old = out.with_name(f".{out.name}.{token}.old")
    try:
        fresh.mkdir()
        for name, text in files.items():
            (fresh / name).write_text(text, encoding="utf-8", newline="\n")
        (fresh / MANIFEST).write_text("".join(f"{name}\n" for name in files), encoding="utf-8", newline="\n")
        if out.exists():
            out.replace(old)
        try:
            fresh.replace(out)
        except OSError:
            if old.exists():
                old.replace(out)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
