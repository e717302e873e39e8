"""How fast many small jobs get through, and how much memory they take.

Run it from the project's folder::

    python -m benchmarks.throughput              # 500 jobs of 64x64 pixels, on a simulator in a process of its own
    python -m benchmarks.throughput --server http://127.0.0.1:8188 [--checkpoint NAME]

Two kinds of tiny jobs, each with numbers that no cache has seen:

* **picture**: EmptyImage and SaveImage: next to nothing for a server to do, so that what is measured is the talk around it.
* **sample**: the smallest prompt that samples: a checkpoint, two texts, one step at 64x64, a saved picture. The simulator takes
  10 ms for a step; a real server needs a checkpoint for it.

Four ways, each on a server that has run twenty jobs before:

* **bare**: ``requests.post`` of every prompt on one connection, waiting for nothing; the clock stops when the server has
  run them all. What a server can do.
* **map**: ``client.map(graphs, save_to=…)``: checked, submitted ahead, waited for, downloaded.
* **bare, then fetched**: as bare, and then every picture by ``requests.get``: the least that has the pictures too.
* **loop**: the usual loop: post, ask the history every second, download.

Nothing is deleted before all is measured: ext4 makes new files ten times more slowly for half a minute after thousands were
deleted. Wait as long between two runs.
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
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from comfygraph import Client

T = TypeVar("T")
Make = Callable[[], dict[str, Any]]
_fresh = itertools.count(int(time.time()) % 2**22)


def prompt(prefix: str = "bench") -> dict[str, Any]:
    """A tiny job that no cache has seen: a picture of one colour."""
    return {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": next(_fresh) % 2**24},
        },
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}},
    }


def sample(checkpoint: str, prefix: str) -> dict[str, Any]:
    """A tiny job that samples."""
    sampler = {
        "seed": next(_fresh),
        "steps": 1,
        "cfg": 1.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 1.0,
    }
    links = {"model": ["1", 0], "positive": ["2", 0], "negative": ["3", 0], "latent_image": ["4", 0]}
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["1", 1]}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}},
        "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "5": {"class_type": "KSampler", "inputs": {**sampler, **links}},
        "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
        "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": prefix}},
    }


@contextmanager
def server(url: str | None, folder: Path) -> Iterator[str]:
    """The server at `url`, or a simulator in a process of its own that keeps its files in `folder`."""
    if url is not None:
        yield url
        return
    code = (
        "import sys; from comfygraph.simulator import Simulator\n"
        "with Simulator(folder=sys.argv[1]) as sim:\n"
        "    print(sim.url, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.communicate(input="", timeout=20)


def bare(url: str, make: Make, count: int, fetch_to: Path | None = None) -> float:
    """Jobs a second when nobody waits for any of them; with `fetch_to` every picture is there too at the end."""
    import requests

    session = requests.Session()
    began = time.perf_counter()
    for _ in range(count):
        session.post(f"{url}/prompt", json={"prompt": make()}, timeout=30).raise_for_status()
    deadline = time.monotonic() + 600
    while session.get(f"{url}/prompt", timeout=30).json()["exec_info"]["queue_remaining"]:
        if time.monotonic() > deadline:
            raise SystemExit("the server did not run them in ten minutes")
        time.sleep(0.005)
    if fetch_to is not None:
        for prompt_id, entry in session.get(f"{url}/history?max_items={count}", timeout=60).json().items():
            _fetch(session, url, entry, fetch_to / f"{prompt_id}.png")
    return count / (time.perf_counter() - began)


def _fetch(session: Any, url: str, entry: Any, path: Path) -> None:
    for output in entry["outputs"].values():
        for image in output["images"]:
            path.write_bytes(session.get(f"{url}/view", params=image, timeout=30).content)


def mapped(url: str, make: Make, count: int, folder: Path) -> float:
    """Jobs a second through ``client.map``, every picture on disk."""
    with Client(url) as client:
        # What is loaded and fetched once, as `bare` has done by its first jobs.
        for _ in client.map([make()], save_to=folder / "first"):
            pass
        began = time.perf_counter()
        paths = [result.saved for result in client.map((make() for _ in range(count)), save_to=folder)]
        seconds = time.perf_counter() - began
    if len(paths) != count or not all(len(saved) == 1 and saved[0].stat().st_size for saved in paths):
        raise SystemExit("a picture is missing")
    return count / seconds


def loop(url: str, make: Make, count: int, folder: Path) -> float:
    """Jobs a second in the usual loop: post, ask every second, download."""
    import requests

    session = requests.Session()
    began = time.perf_counter()
    for _ in range(count):
        prompt_id = session.post(f"{url}/prompt", json={"prompt": make()}, timeout=30).json()["prompt_id"]
        while True:
            entry = session.get(f"{url}/history/{prompt_id}", timeout=30).json().get(prompt_id)
            if entry:
                break
            time.sleep(1.0)
        _fetch(session, url, entry, folder / f"{prompt_id}.png")
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
    parser.add_argument("--checkpoint", help="a checkpoint of that server, to sample with")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    count: int = arguments.jobs
    checkpoint = arguments.checkpoint or ("" if arguments.server else "sd_xl_base_1.0.safetensors")
    kinds: dict[str, Callable[[str], dict[str, Any]]] = {"picture": prompt}
    if checkpoint:
        kinds["sample"] = partial(sample, checkpoint)
    ways: dict[str, Callable[[str, Make, Path], float]] = {
        "bare posts, no waiting": lambda url, make, _: bare(url, make, count),
        "client.map with download": lambda url, make, folder: mapped(url, make, count, folder),
        "bare posts, then fetched": lambda url, make, folder: bare(url, make, count, folder),
    }
    parts = itertools.count()
    with tempfile.TemporaryDirectory() as everything:

        def measured(kind: str, how: Callable[[str, Make, Path], T]) -> T:
            # Each with folders of its own: a server that has saved thousands of pictures in one looks for the next free name
            # for longer.
            folder = Path(everything, str(next(parts)))
            (folder / "saved").mkdir(parents=True)
            make = partial(kinds[kind], f"throughput/{time.time_ns()}/fox")
            with server(arguments.server, folder) as url:
                bare(url, make, 20)
                return how(url, make, folder / "saved")

        print(f"{count} jobs a round, median of {arguments.rounds} rounds; in brackets the lowest and the highest")
        for kind in kinds:
            rounds = [{way: measured(kind, how) for way, how in ways.items()} for _ in range(arguments.rounds)]
            slow = measured(kind, lambda url, make, folder: loop(url, make, 8, folder))
            first, second, *_ = ways
            for way in ways:
                speed = statistics.median(each[way] for each in rounds)
                shares = sorted(each[way] / each[first] for each in rounds)
                share = f"{statistics.median(shares):.2f} of bare ({shares[0]:.2f} to {shares[-1]:.2f})"
                print(f"{kind:8} {way:26} {speed:8.1f} jobs/s   {share if way != first else ''}".rstrip())
            factor = statistics.median(each[second] for each in rounds) / slow
            print(f"{kind:8} {'post, poll, download':26} {slow:8.1f} jobs/s   client.map is {factor:.0f} times as fast")
        each, peak = measured("picture", lambda url, *_: memory(url, count))
        print(f"memory: {each:.1f} kB a waiting job, {peak:.1f} MB at most over {count} jobs")


if __name__ == "__main__":
    main()
