"""What writes `comfygraph.nodes`, `comfygraph.kinds` and the bundled definitions from the captured files in ``nodes/``."""
