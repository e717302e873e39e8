"""What the client says when a server fails: one row a fault, each really done to a simulator.

Run it from the project's folder; it prints the page ``docs/faults.md``::

    python -m benchmarks.faults > docs/faults.md
    python -m benchmarks.faults --quick          # without the minute of silence and the 2,000 jobs

A row's node counts how often it ran, so that a job that ran twice is seen; files are counted too. The command fails when a
row does not end as it has to.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comfygraph import Client
from comfygraph.client import Job
from comfygraph.errors import ComfyError
from comfygraph.simulator import Context, NodeFailure, Simulator

TICK = 0.05
_numbers = itertools.count(1)

WORK = {
    "input": {
        "required": {
            "number": ["INT", {"default": 0, "min": 0, "max": 2**31}],
            "seconds": ["FLOAT", {"default": 0.5, "min": 0.0, "max": 600.0}],
            "silent": ["BOOLEAN", {"default": False}],
            "width": ["INT", {"default": 64, "min": 1, "max": 4096}],
        }
    },
    "input_order": {"required": ["number", "seconds", "silent", "width"]},
    "is_input_list": False,
    "output": ["IMAGE"],
    "output_is_list": [False],
    "output_name": ["IMAGE"],
    "name": "Work",
    "display_name": "Work",
    "description": "",
    "python_module": "custom_nodes.work",
    "category": "work",
    "output_node": False,
}


@dataclass
class Bench:
    """A simulator with a node that works for a while and counts its runs, and a client.

    Attributes:
        sim, client: the two.
        runs: how often each number was worked on.
        folder: where results are saved.
    """

    sim: Simulator
    client: Client
    folder: Path
    runs: Counter[int] = field(default_factory=Counter[int])
    saved: list[Path] = field(default_factory=list[Path])

    def graph(self, seconds: float = 0.5, *, silent: bool = False, outputs: int = 1) -> tuple[int, dict[str, Any]]:
        """A job that takes so long, and its number."""
        number = next(_numbers)
        graph: dict[str, Any] = {
            "1": {
                "class_type": "Work",
                "inputs": {"number": number, "seconds": seconds, "silent": silent, "width": 64},
            }
        }
        for n in range(outputs):
            graph[str(2 + n)] = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "fault"}}
        return number, graph

    def submit(self, seconds: float = 0.5, *, silent: bool = False) -> Job:
        """Submit such a job."""
        return self.client.submit(self.graph(seconds, silent=silent)[1])

    def finish(self, job: Job, timeout: float = 90.0) -> str:
        """Wait for it and save what it made; what to tell of it."""
        paths = job.wait(timeout=timeout).save(self.folder)
        self.saved += paths
        whole = all(path.stat().st_size > 50 for path in paths)
        return f"success, {len(paths)} file" if whole and len(paths) == 1 else "success, and a file is missing"

    def runs_soon(self, job: Job) -> None:
        """Return when the job runs."""
        until(lambda: job.status == "running", "the job to run")


def until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {seconds} s for {what}")
        time.sleep(0.005)


def work(runs: Counter[int]) -> Callable[..., tuple[Any, ...]]:
    """The node's implementation."""
    lock = threading.Lock()

    def function(context: Context, *, number: int, seconds: float, silent: bool, width: int) -> tuple[Any, ...]:
        from PIL import Image

        with lock:
            runs[number] += 1
        left, total = seconds, max(int(seconds / TICK), 1)
        for step in range(total):
            context.pause(min(TICK, left))
            left -= TICK
            if not silent:
                context.progress(step + 1, total)
        if number < 0:
            raise NodeFailure("unreachable")
        return ((Image.new("RGB", (width, width), (number % 256, 90, 30)),),)

    return function


# -- the faults: each does something to the server and gives what the client said --------------------------------------


def socket_dropped(bench: Bench) -> str:
    job = bench.submit(1.0)
    bench.runs_soon(job)
    bench.sim.faults.drop_socket()
    return bench.finish(job)


def socket_dropped_at_the_end(bench: Bench) -> str:
    bench.sim.faults.drop_socket(after=22)
    job = bench.submit(0.5)
    return bench.finish(job)


def socket_refused(bench: Bench) -> str:
    bench.sim.faults.answer(403, path="/ws", method="GET", times=None)
    return bench.finish(bench.submit(0.5))


def socket_deaf(bench: Bench) -> str:
    bench.sim.faults.silence(600)
    return bench.finish(bench.submit(0.5))


def silent_minute(bench: Bench) -> str:
    return bench.finish(bench.submit(60.0, silent=True))


def crash(bench: Bench) -> str:
    job = bench.submit(30.0)
    bench.runs_soon(job)
    bench.sim.crash()
    return bench.finish(job)


def crash_silent(bench: Bench) -> str:
    job = bench.submit(30.0, silent=True)
    bench.runs_soon(job)
    time.sleep(2.0)
    began[0] = time.monotonic()
    bench.sim.crash()
    return bench.finish(job)


def restart(bench: Bench) -> str:
    job = bench.submit(30.0)
    bench.runs_soon(job)
    bench.sim.restart()
    return bench.finish(job)


def restart_waiting(bench: Bench) -> str:
    bench.submit(30.0)
    job = bench.submit(1.0)
    until(lambda: len(bench.client.queue()) == 2, "two in the queue")
    bench.sim.restart()
    return bench.finish(job)


def forget_running(bench: Bench) -> str:
    job = bench.submit(30.0, silent=True)
    bench.runs_soon(job)
    bench.sim.faults.forget(job.prompt_id)
    return bench.finish(job)


def forget_waiting(bench: Bench) -> str:
    bench.submit(3.0, silent=True)
    job = bench.submit(1.0)
    time.sleep(0.2)
    bench.sim.faults.forget(job.prompt_id)
    return bench.finish(job)


def deleted(bench: Bench) -> str:
    bench.submit(3.0)
    job = bench.submit(1.0)
    with Client(bench.sim.url) as other:
        other.attach(job.prompt_id).cancel()
    return bench.finish(job)


def interrupted(bench: Bench) -> str:
    job = bench.submit(30.0)
    bench.runs_soon(job)
    with Client(bench.sim.url) as other:
        other.interrupt()
    return bench.finish(job)


def cancelled(bench: Bench) -> str:
    other = bench.submit(0.8)
    job = bench.submit(30.0)
    job.cancel()
    bench.finish(other)
    return bench.finish(job)


def reply_lost(bench: Bench) -> str:
    bench.client.catalogue()
    bench.sim.faults.lose_reply("POST", "/prompt")
    return bench.finish(bench.submit(0.5))


def request_lost(bench: Bench) -> str:
    bench.client.catalogue()
    bench.sim.faults.lose_reply("POST", "/prompt", when="before")
    return bench.finish(bench.submit(0.5))


def server_errors(bench: Bench) -> str:
    job = bench.submit(1.0)
    bench.runs_soon(job)
    bench.sim.faults.answer(500, path="/history/*", times=5)
    bench.sim.faults.answer(502, path="/queue", times=5)
    return bench.finish(job)


def garbage(bench: Bench) -> str:
    job = bench.submit(0.5)
    bench.sim.faults.answer(b"<<garbage>>", path="/history/*", times=4)
    return bench.finish(job)


def gateway(bench: Bench) -> str:
    bench.client.catalogue()
    bench.sim.faults.answer(502, path="/prompt", method="POST")
    return bench.finish(bench.submit(0.5))


def partly(bench: Bench) -> str:
    _, graph = bench.graph(5.0, outputs=1)
    graph["8"] = {"class_type": "EmptyImage", "inputs": {"width": 0, "height": 64, "batch_size": 1, "color": 0}}
    graph["9"] = {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "bad"}}
    try:
        return bench.finish(bench.client.submit(graph, check=False))
    finally:
        until(lambda: len(bench.client.queue()) == 0, "an empty queue")


def refused(bench: Bench) -> str:
    _, graph = bench.graph()
    graph["1"]["inputs"]["width"] = 0
    return bench.finish(bench.client.submit(graph, check=False))


def node_fails(bench: Bench) -> str:
    bench.sim.faults.fail("1", "Sizes do not match")
    return bench.finish(bench.submit(0.1))


def out_of_memory(bench: Bench) -> str:
    bench.sim.faults.out_of_memory("1")
    return bench.finish(bench.submit(0.1))


def late_history(bench: Bench) -> str:
    bench.sim.faults.late_history(1.0)
    return bench.finish(bench.submit(0.2))


def truncated_once(bench: Bench) -> str:
    job = bench.submit(0.1)
    job.wait(timeout=30)
    bench.sim.faults.truncate_download()
    return bench.finish(job)


def truncated_always(bench: Bench) -> str:
    job = bench.submit(0.1)
    job.wait(timeout=30)
    bench.sim.faults.truncate_download(times=None)
    return bench.finish(job)


def file_gone(bench: Bench) -> str:
    job = bench.submit(0.1)
    job.wait(timeout=30)
    for path in bench.sim.store.folders["output"].rglob("*.png"):
        path.unlink()
    return bench.finish(job)


def name_reused(bench: Bench) -> str:
    bench.finish(bench.submit(0.05))
    before = {path: path.read_bytes() for path in bench.saved}
    bench.sim.faults.reuse_filename()
    said = bench.finish(bench.submit(0.05))
    kept = all(path.read_bytes() == content for path, content in before.items()) and len(set(bench.saved)) == 2
    return f"{said}; the earlier file is {'untouched' if kept else 'overwritten'}"


def timed_out(bench: Bench) -> str:
    job = bench.submit(30.0)
    try:
        return bench.finish(job, timeout=1.0)
    finally:
        job.cancel()


def stalled(bench: Bench) -> str:
    job = bench.submit(1.0)
    bench.runs_soon(job)
    bench.sim.faults.delay(4.0, path="/history/*", times=1)
    bench.sim.faults.delay(4.0, path="/queue", times=1)
    return bench.finish(job)


def nobody_there(bench: Bench) -> str:
    bench.sim.crash()
    return bench.finish(bench.submit(0.1))


def many(bench: Bench) -> str:
    count = 2000
    numbers: list[int] = []
    # A first job opens the socket, so that all are followed over it.
    bench.client.run(bench.graph(0.0)[1])

    def graphs() -> Any:
        for _ in range(count):
            number, graph = bench.graph(0.0, silent=True)
            graph["2"]["class_type"] = "PreviewImage"
            del graph["2"]["inputs"]["filename_prefix"]
            numbers.append(number)
            yield graph

    done = sum(1 for result in bench.client.map(graphs()) if len(result.previews) == 1)
    return f"{done} of {count} succeeded, {sum(bench.runs[n] != 1 for n in numbers)} not run once"


def many_polled(bench: Bench) -> str:
    bench.sim.faults.answer(403, path="/ws", method="GET", times=None)
    return many(bench)


def many_dropped(bench: Bench) -> str:
    stop = threading.Event()

    def drop() -> None:
        while not stop.wait(0.2):
            bench.sim.faults.drop_socket()

    thread = threading.Thread(target=drop)
    thread.start()
    try:
        return many(bench)
    finally:
        stop.set()
        thread.join()


@dataclass(frozen=True)
class Row:
    """One fault: what is done, how it is done, what the client has to say, and in how many seconds at most."""

    what: str
    do: Callable[[Bench], str]
    says: str
    within: float
    runs: int | None = 1
    slow: bool = False


ROWS = [
    Row("the socket is cut in the middle of a job", socket_dropped, "success", 5),
    Row("the socket is cut while the job ends", socket_dropped_at_the_end, "success", 5),
    Row("no socket is to be had (403)", socket_refused, "success", 5),
    Row("the socket is open and says nothing any more", socket_deaf, "success", 10),
    Row("a healthy job says nothing for 60 s", silent_minute, "success", 66, slow=True),
    Row("the server is killed while the job runs", crash, "ServerUnreachable", 5),
    Row("the server is killed after 2 s without a word", crash_silent, "ServerUnreachable", 5),
    Row("the server is restarted, empty, while the job runs", restart, "JobLost", 5),
    Row("the server is restarted, empty, while the job waits", restart_waiting, "JobLost", 5, runs=None),
    Row("the server forgets the running job", forget_running, "JobLost", 5),
    Row("the server forgets the waiting job", forget_waiting, "JobLost", 5, runs=None),
    Row("somebody deletes the waiting job", deleted, "JobDeleted", 5, runs=None),
    Row("somebody interrupts the running job", interrupted, "Interrupted", 5),
    Row("the client cancels a waiting job, another goes on", cancelled, "JobDeleted", 5, runs=None),
    Row("the prompt is taken and the reply is lost", reply_lost, "success", 5),
    Row("the connection breaks before the prompt is taken", request_lost, "ServerUnreachable", 10, runs=None),
    Row("a gateway answers 502 for a prompt that never came", gateway, "BadAnswer", 10, runs=None),
    Row("the queue answers 502 and the history 500, five times each", server_errors, "success", 15),
    Row("the history answers garbage, four times", garbage, "success", 10),
    Row("no answer to HTTP for 4 s", stalled, "success", 15),
    Row("the history is written a second late", late_history, "success", 5),
    Row("a prompt is refused (400)", refused, "PromptRefused", 5, runs=None),
    Row("a prompt is taken in part (200 with node_errors)", partly, "PartlyRefused", 5, runs=None),
    Row("a node fails", node_fails, "ExecutionError", 5, runs=None),
    Row("a node runs out of memory", out_of_memory, "OutOfMemory", 5, runs=None),
    Row("the job takes longer than the caller waits (1 s)", timed_out, "WaitTimeout", 5),
    Row("a download breaks off once", truncated_once, "success", 5),
    Row("every download breaks off", truncated_always, "DownloadError", 5),
    Row("the file is gone from the server", file_gone, "DownloadError", 5),
    Row(
        "the server uses a file name again", name_reused, "success, 1 file; the earlier file is untouched", 5, runs=None
    ),
    Row("nothing listens at the address", nobody_there, "ServerUnreachable", 5, runs=None),
    Row("2,000 jobs of a few milliseconds", many, "2000 of 2000 succeeded, 0 not run once", 300, None, slow=True),
    Row("the same without a socket", many_polled, "2000 of 2000 succeeded, 0 not run once", 300, None, slow=True),
    Row(
        "the same, the socket cut five times a second",
        many_dropped,
        "2000 of 2000 succeeded, 0 not run once",
        300,
        None,
        True,
    ),
]
began = [0.0]


@dataclass(frozen=True)
class Seen:
    """What happened: what the client said, in seconds, and whether all was as it has to be."""

    said: str
    text: str
    seconds: float
    twice: int
    left_over: int
    ok: bool


def see(row: Row, release: str = "0.33.0") -> Seen:
    """Do it."""
    runs: Counter[int] = Counter()
    simulator = Simulator(release=release, latency=0.0, nodes={"Work": WORK}, functions={"Work": work(runs)})
    with simulator as sim, tempfile.TemporaryDirectory() as folder, Client(sim.url) as client:
        bench = Bench(sim, client, Path(folder), runs)
        client.system_stats()
        began[0] = time.monotonic()
        try:
            said = text = row.do(bench)
        except ComfyError as error:
            said, text = type(error).__name__, str(error)
        seconds = time.monotonic() - began[0]
        parts = sum(1 for path in Path(folder).iterdir() if path not in bench.saved)
    twice = sum(count > 1 for count in runs.values())
    once = row.runs is None or sum(runs.values()) == row.runs
    ok = said.startswith(row.says) and seconds <= row.within and not twice and not parts and once
    return Seen(said, text, seconds, twice, parts, ok)


def main() -> int:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes")
    parser.add_argument("--release", default="0.33.0", help="which ComfyUI the simulator is")
    parser.add_argument("--only", help="only rows with this word in them")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print("# What the client says when a server fails\n")
    print(
        "Made by `python -m benchmarks.faults`: each row was really done to a simulator of ComfyUI "
        f"{arguments.release}.\nSeconds are from the submission (of a crash after silence: from the crash) to the client's "
        "answer, files\nsaved included. “Run twice” counts jobs whose nodes ran more than once, “left over” files that are "
        "not whole.\n"
    )
    print("| what was done | what the client said | seconds | run twice | left over |")
    print("|---|---|---:|---:|---:|")
    bad = 0
    for row in ROWS:
        if (row.slow and arguments.quick) or (arguments.only and arguments.only not in row.what):
            continue
        seen = see(row, arguments.release)
        bad += not seen.ok
        detail = seen.text.splitlines()[0].replace("|", "\\|") if seen.text != seen.said else ""
        port_free = detail.replace("127.0.0.1:", "HOST:")
        said = f"**{seen.said}**" + (f": {shorten(port_free)}" if detail else "")
        mark = "" if seen.ok else " ✗"
        print(f"| {row.what} | {said}{mark} | {seen.seconds:.1f} | {seen.twice} | {seen.left_over} |", flush=True)
    if bad:
        print(f"\n{bad} rows did not end as they have to.", file=sys.stderr)
    return 1 if bad else 0


def shorten(text: str, length: int = 110) -> str:
    """A line of a table."""
    import re

    plain = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", re.sub(r"HOST:\d+", "HOST", text))
    return plain if len(plain) <= length else plain[: length - 1] + "…"


if __name__ == "__main__":
    raise SystemExit(main())
