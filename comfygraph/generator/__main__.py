"""``python -m comfygraph.generator [--check]``: write the generated files, or compare them with what is there."""

from __future__ import annotations

import argparse
import sys

from ..errors import ComfyError
from .tree import check, generate

SHOWN = 5


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns the exit code: 0, or 1 when files differ or a definition cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m comfygraph.generator", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 and name the first files that differ"
    )
    options = parser.parse_args(arguments)
    try:
        changed = check() if options.check else generate()
    except ComfyError as error:
        print(error, file=sys.stderr)
        return 1
    if options.check and changed:
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        print(
            f"not what the generator writes: {', '.join(changed[:SHOWN])}{more}; run python -m comfygraph.generator",
            file=sys.stderr,
        )
        return 1
    print("generated files are up to date" if options.check else f"{len(changed)} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
