"""The project's own generated files: kinds, node classes, and the definitions that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..catalogue import RELEASES, Catalogue
from ..errors import DefinitionError
from ..packaged import read_definitions
from .kinds import kind_names, kinds_of, kinds_source
from .package import MARK, Layout, package_sources

RELEASE: Final = RELEASES[0]
ROOT: Final = Path(__file__).parents[2]
"""The project's folder: it holds ``nodes/`` with the captured definitions, and ``comfygraph/``."""

LAYOUT: Final = Layout(
    root="..",
    kinds="from .. import kinds as k",
    what=f"ComfyUI {RELEASE}",
    release=f"ComfyUI {RELEASE}",
    command="``python -m comfygraph.generator``",
    definitions=(
        "def definitions() -> Catalogue:",
        f'    """The definitions that these classes are made from: ComfyUI {RELEASE}\'s."""',
        "    from ..catalogue import Catalogue",
        "",
        f'    return Catalogue.bundled("{RELEASE}")',
    ),
)


def sources(root: Path = ROOT) -> dict[str, bytes]:
    """Every generated file of the project by its path below `root`, made from the definitions in ``root/nodes``.

    Raises:
        DefinitionError: a definition file cannot be read, or a name in it needs an exception.
    """
    catalogues = {release: _captured(root, release) for release in RELEASES}
    nodes = dict(catalogues[RELEASE])
    every = [node for catalogue in catalogues.values() for node in catalogue.values()]
    names = kind_names(kinds_of(every), strict=True)
    files = {"comfygraph/kinds.py": kinds_source(every).encode()}
    for name, text in package_sources(nodes, names, LAYOUT, strict=True).items():
        files[f"comfygraph/nodes/{name}"] = text.encode()
    for release in RELEASES:
        files[f"comfygraph/releases/{_file(release)}"] = (root / "nodes" / _file(release)).read_bytes()
    return files


def generate(root: Path = ROOT) -> list[str]:
    """Write every generated file that is not as it should be.

    Args:
        root: the project's folder.

    Returns:
        The paths that were written or removed.

    Raises:
        DefinitionError: see `sources`.
    """
    wanted = sources(root)
    changed = differences(root, wanted)
    for path in changed:
        target = root / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wanted[path])
        else:
            target.unlink()
    return changed


def check(root: Path = ROOT) -> list[str]:
    """The generated files that are not as the generator writes them: different, missing, left over. Empty if all is well."""
    return differences(root, sources(root))


def differences(root: Path, wanted: dict[str, bytes]) -> list[str]:
    """The paths below `root` that differ from `wanted`, generated modules that are not wanted any more included."""
    found = [
        path for path, content in wanted.items() if not (root / path).is_file() or (root / path).read_bytes() != content
    ]
    left = [
        f"comfygraph/nodes/{path.name}"
        for path in sorted((root / "comfygraph" / "nodes").glob("*.py*"))
        if MARK in path.read_text(encoding="utf-8", errors="replace")[:2000]
    ]
    return sorted({*found, *(path for path in left if path not in wanted)})


def _captured(root: Path, release: str) -> Catalogue:
    path = root / "nodes" / _file(release)
    if not path.is_file():
        raise DefinitionError(
            f"{path}: no such file; the captured definitions are in the project's repository, not in an installation"
        )
    return read_definitions(path, release=release)


def _file(release: str) -> str:
    return f"comfyui-{release}.json"
