"""Which node definitions: a server's, a saved answer's, or a bundled release's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .guard import USAGE, Failed
from .servers import connect

if TYPE_CHECKING:
    from ..catalogue import Catalogue

ByServer = Annotated[
    str | None, typer.Option("--server", metavar="URL", help="By this server's nodes and model files.")
]
ByFile = Annotated[
    Path | None,
    typer.Option("--definitions", metavar="FILE", help="By a saved answer of /object_info (JSON, or gzip)."),
]
ByRelease = Annotated[str | None, typer.Option("--release", metavar="VERSION", help="By this ComfyUI release.")]


def definitions(server: str | None, file: Path | None, release: str | None) -> tuple[Catalogue, str]:
    """The definitions that are meant, and what they are called. Without any of the three, the newest bundled release's.

    Raises:
        Failed: several of them, or a release that is not bundled.
    """
    from ..catalogue import RELEASES, Catalogue

    given = [name for name, value in {"--server": server, "--definitions": file, "--release": release}.items() if value]
    if len(given) > 1:
        raise Failed(f"{' and '.join(given)}: give one of them", USAGE)
    if server is not None:
        with connect(server) as client:
            return client.catalogue(), f"the nodes and files of {client.url}"
    if file is not None:
        return saved(file), f"the definitions in {file}"
    release = release or RELEASES[0]
    if release not in RELEASES:
        raise Failed(f"--release: there are {', '.join(RELEASES)}", USAGE)
    return Catalogue.bundled(release), f"ComfyUI {release}"


def saved(file: Path) -> Catalogue:
    """The definitions in a saved answer. Raises Failed where no file is, or an empty one."""
    from ..catalogue import Catalogue

    if not file.exists():
        raise Failed(f"{file}: no such file", USAGE)
    if file.is_file() and not file.stat().st_size:
        raise Failed(f"{file}: the file is empty")
    return Catalogue.from_file(file)
