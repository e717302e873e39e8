"""What comfygraph claims in figures, measured. Each module prints its own: ``python -m benchmarks.speed``."""
