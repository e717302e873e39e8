"""``comfygraph generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from ..definitions import saved
from ..guard import USAGE, Failed
from ..output import say, show
from ..servers import connect

NEEDS_ARGUMENTS = True
SHOWN: Final = 5


def command(
    server: Annotated[
        str | None, typer.Option(metavar="URL|FILE", help="The server, or a saved answer of its /object_info.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="The package to write, such as my_nodes.")] = None,
    no_tooltips: Annotated[bool, typer.Option("--no-tooltips", help="Leave the nodes' descriptions out.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="In comfygraph's own source tree: is what is committed what is generated?")
    ] = False,
) -> None:
    """Write a Python package with a typed class for every node of a server, its custom nodes included.

    It needs comfygraph and nothing else, and passes mypy --strict and pyright strict:

        comfygraph generate --server http://127.0.0.1:8188 --out my_nodes

    then: from my_nodes import SomeCustomNode
    """
    if check:
        if server is not None or out is not None:
            raise Failed(
                "--check compares comfygraph's own generated files; it takes neither --server nor --out", USAGE
            )
        _check()
        return
    if out is None:
        raise Failed("--out names the package to write, such as --out my_nodes", USAGE)
    from ...generator.names import usable
    from ...generator.write import write_package

    if not usable(out.absolute().name):
        raise Failed(f"--out {out}: no name for a Python package; use letters, digits and underscores", USAGE)
    if out.exists() and not out.is_dir():
        raise Failed(f"--out {out}: a file is there", USAGE)

    file = Path(server).expanduser() if server is not None else None
    if file is not None and not file.exists() and file.suffix in (".json", ".gz"):
        raise Failed(f"{server}: no such file", USAGE)
    if file is not None and file.exists():
        catalogue = saved(file)
    else:
        with connect(server) as client:
            catalogue = client.catalogue()
    for name, fault in sorted(catalogue.faults.items())[:SHOWN]:
        say(f"warning: {name} is left out: its definition cannot be read: {fault}")
    written = write_package(catalogue, out, tooltips=not no_tooltips)
    show(str(out))
    say(f"{len(catalogue)} nodes in {len(written)} files; from {out.absolute().name} import …")


def _check() -> None:
    from ...generator.tree import ROOT, check

    if not (ROOT / "nodes").is_dir():
        raise Failed("this is an installed comfygraph: its generated files are compared in its source tree")
    changed = check()
    if changed:
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        raise Failed(
            f"not what the generator writes: {', '.join(changed[:SHOWN])}{more}; run python -m comfygraph.generator"
        )
    show("generated files are up to date")
