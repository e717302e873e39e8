"""Kill ``comfygraph batch`` with SIGKILL at random moments, resume it, and count what was lost or done twice.

    python -m benchmarks.kill_resume [--rounds 20] [--items 12] [--seed N]

A simulator runs in this process; the batches are processes of their own. Each round starts a batch, kills it at a random
moment of its work, and resumes it. A last batch is killed again and again until it is done. Everything must be there
exactly once and whole, and nothing that was whole may have run again; exit code 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from comfygraph import Graph, Simulator
from comfygraph.batch import Manifest
from comfygraph.nodes import CheckpointLoaderSimple, CLIPTextEncode, EmptyLatentImage, KSampler, SaveImage, VAEDecode

ROOT = Path(__file__).parents[1]
LIMIT = 120.0
"""Seconds that one batch may take."""


@dataclass
class Found:
    """What the rounds came to."""

    rounds: int = 0
    kills: int = 0
    items: int = 0
    whole: list[int] = field(default_factory=list[int])
    sent: int = 0
    faults: list[str] = field(default_factory=list[str])


def workflow(path: Path) -> None:
    """A small graph with a sampler."""
    ckpt = CheckpointLoaderSimple(ckpt_name="sd_xl_base_1.0.safetensors")
    sampled = KSampler(
        model=ckpt.MODEL,
        positive=CLIPTextEncode(clip=ckpt.CLIP, text="a red fox in snow"),
        negative=CLIPTextEncode(clip=ckpt.CLIP, text=""),
        latent_image=EmptyLatentImage(width=64, height=64),
        seed=0,
        steps=8,
        sampler_name="euler",
        scheduler="normal",
    ).named("sampler")
    save = SaveImage(images=VAEDecode(samples=sampled, vae=ckpt.VAE), filename_prefix="fox")
    path.write_text(Graph(save).to_json(), encoding="utf-8")


def begun(out: Path, since: int) -> bool:
    """Whether a batch that was started then (in ns since 1970) is at its work: it has written its plan."""
    try:
        return (out / "batch.json").stat().st_mtime_ns >= since
    except OSError:
        return False


def start(folder: Path, out: Path, url: str, seeds: range, *, resume: bool) -> subprocess.Popen[bytes]:
    """The batch command as a process."""
    command = [
        sys.executable,
        "-m",
        "comfygraph",
        "batch",
        str(folder / "workflow.json"),
        "--server",
        url,
        "--no-progress",
    ]
    command += ["--set", f"sampler.seed={seeds[0]}..{seeds[-1]}", "--out", str(out)]
    if resume:
        command.append("--resume")
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes], found: Found) -> None:
    """Let a batch end by itself; it must end well."""
    try:
        out, errors = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        found.faults.append(f"a batch did not end within {LIMIT:g} s")
        return
    if process.returncode:
        found.faults.append(f"exit code {process.returncode}: {out.decode()} {errors.decode()}")


def kill(process: subprocess.Popen[bytes], out: Path, since: int, moment: float) -> bool:
    """SIGKILL, `moment` seconds after the batch was at its work. Whether it still ran."""
    end = time.monotonic() + LIMIT
    while not begun(out, since) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    time.sleep(moment)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return alive and process.returncode == -signal.SIGKILL


def whole_items(out: Path) -> set[int]:
    """The items that the manifest has and whose files are as it says."""
    manifest = out / "manifest.jsonl"
    if not manifest.exists():
        return set()
    return {row.item for row in Manifest(out) if row.is_whole(out)}


def runs(url: str) -> Counter[int]:
    """How often each seed has run, or is to run, on the server."""
    with urlopen(f"{url}/history", timeout=30) as answer:
        history: dict[str, Any] = json.load(answer)
    with urlopen(f"{url}/queue", timeout=30) as answer:
        queue: dict[str, Any] = json.load(answer)
    prompts = [entry["prompt"][2] for entry in history.values()]
    prompts += [entry[2] for name in ("queue_running", "queue_pending") for entry in queue[name]]
    return Counter(prompt["sampler"]["inputs"]["seed"] for prompt in prompts)


def judge(out: Path, url: str, seeds: range, kept: set[int], before: Counter[int], found: Found) -> None:
    """What is there after the end, against what has to be."""
    lines = (out / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    items = Counter(json.loads(line)["item"] for line in lines)
    if items != Counter(range(len(seeds))):
        found.faults.append(f"{out.name}: the manifest has the items {sorted(items.elements())}")
    rows = {row.item: row for row in Manifest(out)}
    for item, row in rows.items():
        if not row.is_whole(out) or not row.files:
            found.faults.append(f"{out.name}: item {item} is not whole")
        if row.seed != seeds[item]:
            found.faults.append(f"{out.name}: item {item} has the seed {row.seed}")
    known = {path for row in rows.values() for file in row.files for path in [out / file.path]}
    allowed = {out / "manifest.jsonl", out / "batch.json"}
    for path in out.rglob("*"):
        if path.is_file() and path not in known | allowed:
            found.faults.append(f"{out.name}: {path.relative_to(out)} was left over")
    after = runs(url)
    for item in kept:
        if after[seeds[item]] != before[seeds[item]]:
            found.faults.append(f"{out.name}: item {item} was whole and ran again")
    found.items += len(seeds)
    found.sent += sum(after[seed] for seed in seeds)


def one_kill(folder: Path, url: str, number: int, count: int, moment: float, found: Found) -> None:
    """One batch, killed once and resumed."""
    seeds, out = range(number * 1000, number * 1000 + count), folder / f"round_{number}"
    since = time.time_ns()
    if kill(start(folder, out, url, seeds, resume=False), out, since, moment):
        found.kills += 1
    kept, before = whole_items(out), runs(url)
    found.whole.append(len(kept))
    finish(start(folder, out, url, seeds, resume=True), found)
    judge(out, url, seeds, kept, before, found)
    found.rounds += 1


def many_kills(folder: Path, url: str, number: int, count: int, moments: list[float], found: Found) -> None:
    """One batch, killed at every one of these moments after it was resumed."""
    seeds, out = range(number * 1000, number * 1000 + count), folder / "again_and_again"
    kept: set[int] = set()
    before: Counter[int] = Counter()
    for moment in moments:
        since = time.time_ns()
        if kill(start(folder, out, url, seeds, resume=out.exists()), out, since, moment):
            found.kills += 1
        now = runs(url)
        for item in kept:
            if now[seeds[item]] != before[seeds[item]]:
                found.faults.append(f"{out.name}: item {item} was whole and ran again")
        kept, before = whole_items(out), now
    finish(start(folder, out, url, seeds, resume=True), found)
    judge(out, url, seeds, kept, before, found)
    found.rounds += 1


def main() -> int:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--items", type=int, default=12)
    parser.add_argument("--seed", type=int, default=None, help="of the random moments")
    options = parser.parse_args()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    dice = random.Random(seed)
    found = Found()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, Simulator(latency=0.005, history_limit=100_000) as sim:
        folder = Path(name)
        workflow(folder / "workflow.json")
        first, since = time.monotonic(), time.time_ns()
        out = folder / "undisturbed"
        process = start(folder, out, sim.url, range(options.items), resume=False)
        while not begun(out, since) and time.monotonic() < first + LIMIT:
            time.sleep(0.005)
        work = time.monotonic()
        finish(process, found)
        work = time.monotonic() - work
        for number in range(1, options.rounds + 1):
            one_kill(folder, sim.url, number, options.items, dice.uniform(0, work), found)
        moments = [dice.uniform(0.02, work / 4) for _ in range(options.rounds)]
        many_kills(folder, sim.url, options.rounds + 1, options.items * 3, moments, found)
    print(f"random moments            seed {seed}, over {work:.2f} s of work")
    print(f"batches                   {found.rounds}, of {found.items} items")
    print(f"SIGKILLs that hit         {found.kills}")
    print(f"whole when killed         {', '.join(map(str, found.whole))} of {options.items} items")
    print(
        f"in the manifest           {'every item exactly once, every file whole' if not found.faults else 'NOT all well'}"
    )
    print(f"prompts the server got    {found.sent} for {found.items} items ({found.sent - found.items} sent again)")
    print(f"run again though whole    {sum('ran again' in fault for fault in found.faults)}")
    print(f"faults                    {len(found.faults)}")
    for fault in found.faults:
        print(f"  {fault}")
    print(f"seconds                   {time.monotonic() - began:.0f}")
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
