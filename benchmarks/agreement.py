"""How far `Graph.check` agrees with a real ComfyUI 0.33.0, over recorded verdicts.

    python -m benchmarks.agreement

A graph should have an error if and only if the server's verdict is not clean. Where the server accepts what cannot run as
written (see ``tests/corpus.py``), an error is right too, and is counted apart.
"""

from __future__ import annotations

import time
from collections import Counter

from comfygraph import Graph
from tests.corpus import catalogue, rows

# Where the server only says that its own validation raised, or counts an index from the end, ours says what is wrong.
OURS_SAYS_MORE = {"exception_during_validation", "exception_during_inner_validation"}


def main() -> None:
    """Print rows, missed, false alarms, and the share of the server's (node, input, type) that ours names too."""
    known = catalogue()
    count: Counter[str] = Counter()
    seconds = 0.0
    for row in rows():
        graph = Graph.from_api(row.prompt)
        start = time.perf_counter()
        problems = graph.check(known)
        seconds += time.perf_counter() - start
        errors = [p for p in problems if p.severity == "error"]
        count["rows"] += 1
        count["missed"] += not row.clean and not errors
        if row.clean and errors:
            count["fails when run" if row.fails_when_run else "false alarms"] += 1
        ours = {(p.node_id, p.input, p.code) for p in errors}
        nodes = {p.node_id for p in errors}
        for error in row.errors:
            if error[2] in OURS_SAYS_MORE:
                count["exceptions"] += 1
                count["exceptions at the same node"] += error[0] in nodes
            else:
                count["named"] += 1
                count["named alike"] += error in ours
    print(f"rows                                      {count['rows']}")
    print(f"missed                                    {count['missed']}")
    print(f"false alarms                              {count['false alarms']}")
    print(f"errors on what is accepted but cannot run {count['fails when run']}")
    print(f"(node, input, type) as the server's       {count['named alike']} of {count['named']}")
    print(f"server raised an exception, same node     {count['exceptions at the same node']} of {count['exceptions']}")
    print(f"check() in all                            {seconds:.2f} s, {seconds / count['rows'] * 1e6:.0f} µs a graph")


if __name__ == "__main__":
    main()
