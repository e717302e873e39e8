"""What writes `comfygraph.nodes`, `comfygraph.kinds` and the bundled definitions from the captured files in ``nodes/``.

`tree` writes and compares the project's own files, `write` makes a typed package for any server's catalogue. The rest
goes from the small to the large: `text` (literals, docstrings), `names`, `annotations` (an input), `classes` (a node),
`package` (all of them).
"""

from __future__ import annotations

from .tree import check, generate
from .write import write_package

__all__ = ["check", "generate", "write_package"]
