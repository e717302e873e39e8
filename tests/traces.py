"""Recorded traffic of real ComfyUI servers, for every test that wants to be judged by it.

``tests/data/traces/README.md`` says how it was recorded and what one looks like.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "data" / "traces"
RELEASES: Final = ("0.33.0", "0.23.0")


@cache
def load(release: str) -> dict[str, dict[str, Any]]:
    """All the scenarios recorded on one release, by name. They are shared: copy before changing one.

    Example:
        >>> load("0.33.0")["success_save_image"]["events"][0]["kind"]
        'ws_open'
    """
    with gzip.open(FOLDER / f"traces-{release}.json.gz", "rt", encoding="utf-8") as file:
        scenarios: dict[str, dict[str, Any]] = json.load(file)
    return scenarios
