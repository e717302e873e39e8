"""Whether a long batch grows: the process's memory after 500 jobs and after 5,000, downloads included.

python -m benchmarks.memory [--jobs 5000]
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
from pathlib import Path

from comfygraph import Client

from .throughput import prompt, server


def resident() -> float:
    """MB of memory that this process has (Linux)."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Run the jobs and print the memory on the way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=5_000)
    wanted = parser.parse_args()
    early = 0.0
    with tempfile.TemporaryDirectory() as folder, server(None, Path(folder, "server")) as url, Client(url) as client:
        graphs = (prompt() for _ in range(wanted.jobs))
        for done, result in enumerate(client.map(graphs, save_to=Path(folder, "saved")), 1):
            assert len(result.images) == 1
            if done == wanted.jobs // 10:
                early = resident()
                print(f"after {done:6,} jobs {early:7.1f} MB")
        late = resident()
        print(f"after {wanted.jobs:6,} jobs {late:7.1f} MB, {late - early:+.1f} MB (at most 20)")


if __name__ == "__main__":
    main()
