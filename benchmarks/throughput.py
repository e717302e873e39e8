"""How fast many small jobs get through, and how much memory they take.

Run it from the project's folder::

    python -m benchmarks.throughput              # 500 jobs of 64x64 pixels, on a simulator in a process of its own
    python -m benchmarks.throughput --server http://127.0.0.1:8188

Three ways on one server, each with fresh pictures so that nothing is cached:

* **bare**: ``requests.post`` of every prompt on one connection, waiting for nothing; the clock stops when the server has
  run them all. What a server can do.
* **map**: ``client.map(graphs, save_to=…)``: checked, submitted ahead, waited for, downloaded.
* **loop**: the usual loop: post, ask the history every second, download.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from comfygraph import Client

T = TypeVar("T")
_colours = itertools.count(int(time.time()) % 2**22)


def prompt() -> dict[str, Any]:
    """A tiny job that no cache has seen."""
    return {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": next(_colours) % 2**24},
        },
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "bench"}},
    }


@contextmanager
def server(url: str | None) -> Iterator[str]:
    """The server at `url`, or a simulator in a process of its own."""
    if url is not None:
        yield url
        return
    code = (
        "import sys; from comfygraph.simulator import Simulator\n"
        "with Simulator() as sim:\n"
        "    print(sim.url, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.communicate(input="", timeout=20)


def bare(url: str, count: int) -> float:
    """Jobs a second when nobody waits for any of them."""
    import requests

    session = requests.Session()
    began = time.perf_counter()
    for _ in range(count):
        session.post(f"{url}/prompt", json={"prompt": prompt()}, timeout=30).raise_for_status()
    deadline = time.monotonic() + 600
    while session.get(f"{url}/prompt", timeout=30).json()["exec_info"]["queue_remaining"]:
        if time.monotonic() > deadline:
            raise SystemExit("the server did not run them in ten minutes")
        time.sleep(0.005)
    return count / (time.perf_counter() - began)


def mapped(url: str, count: int, folder: str) -> float:
    """Jobs a second through ``client.map``, every picture on disk."""
    with Client(url) as client:
        client.catalogue()
        began = time.perf_counter()
        paths = [result.saved for result in client.map((prompt() for _ in range(count)), save_to=folder)]
        seconds = time.perf_counter() - began
    if len(paths) != count or not all(len(saved) == 1 and saved[0].stat().st_size for saved in paths):
        raise SystemExit("a picture is missing")
    return count / seconds


def loop(url: str, count: int, folder: str) -> float:
    """Jobs a second in the usual loop: post, ask every second, download."""
    import requests

    session = requests.Session()
    began = time.perf_counter()
    for _ in range(count):
        prompt_id = session.post(f"{url}/prompt", json={"prompt": prompt()}, timeout=30).json()["prompt_id"]
        while True:
            entry = session.get(f"{url}/history/{prompt_id}", timeout=30).json().get(prompt_id)
            if entry:
                break
            time.sleep(1.0)
        for image in entry["outputs"]["2"]["images"]:
            data = session.get(f"{url}/view", params=image, timeout=30).content
            (Path(folder) / f"{prompt_id}.png").write_bytes(data)
    return count / (time.perf_counter() - began)


def memory(url: str, count: int) -> tuple[float, float]:
    """Bytes that each waiting job takes, in kB, and the peak while `count` jobs go through ``map``, in MB."""
    with Client(url) as client:
        client.run(prompt())
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        jobs = [client.submit(prompt()) for _ in range(200)]
        each = (tracemalloc.get_traced_memory()[0] - before) / len(jobs) / 1e3
        for job in jobs:
            job.wait()
        del jobs
        tracemalloc.reset_peak()
        base = tracemalloc.get_traced_memory()[0]
        for _ in client.map(prompt() for _ in range(count)):
            pass
        peak = (tracemalloc.get_traced_memory()[1] - base) / 1e6
        tracemalloc.stop()
    return each, peak


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", help="a server that runs already; by default a simulator is started")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    count: int = arguments.jobs

    def measured(how: Callable[[str, str], T]) -> T:
        # Each on a fresh server: one that has saved thousands of pictures looks for the next free name for longer.
        with server(arguments.server) as url, tempfile.TemporaryDirectory() as folder:
            bare(url, 20)
            return how(url, folder)

    rounds = [
        (measured(lambda url, _: bare(url, count)), measured(lambda url, folder: mapped(url, count, folder)))
        for _ in range(arguments.rounds)
    ]
    slow = measured(lambda url, folder: loop(url, 8, folder))
    each, peak = measured(lambda url, _: memory(url, count))
    best = [statistics.median(values) for values in zip(*rounds)]
    ratios = sorted(b / a for a, b in rounds)
    print(f"jobs                      {count}, median of {arguments.rounds} rounds")
    print(f"bare posts, no waiting    {best[0]:8.1f} jobs/s")
    print(
        f"client.map with download  {best[1]:8.1f} jobs/s   {best[1] / best[0]:.2f} of bare ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )
    print(f"post, poll, download      {slow:8.1f} jobs/s   client.map is {best[1] / slow:.0f} times as fast")
    print(f"memory                    {each:8.1f} kB a waiting job, {peak:.1f} MB at most over {count} jobs")


if __name__ == "__main__":
    main()
