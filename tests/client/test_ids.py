"""Ids are canonical, and never drawn twice: not by threads, not by a forked process."""

from __future__ import annotations

import os
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from comfygraph.client.ids import new_id


def test_ids_are_canonical_and_all_different() -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: new_id(), range(2_000)))
    assert len(set(ids)) == 2_000
    assert all(str(uuid.UUID(i)) == i and uuid.UUID(i).version == 4 for i in ids)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_draws_its_own() -> None:
    new_id()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, new_id().encode())
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100).decode() != new_id()
    os.close(read)
    os.close(write)
