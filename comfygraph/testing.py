"""pytest fixtures for programs that use comfygraph. Installing the package registers them: nothing is to be imported.

``comfy_simulator`` is a running `Simulator` for one test, and ``comfy_simulator_factory`` makes any number of them with
arguments of your own; all are stopped when the test ends::

    def test_my_pipeline(comfy_simulator):
        with Client(comfy_simulator.url) as client:
            result = client.run(build(prompt="a fox"))
        assert result.images

    def test_survives_a_lost_socket(comfy_simulator):
        comfy_simulator.faults.drop_socket(after=5)
        ...

    def test_on_an_older_server(comfy_simulator_factory):
        sim = comfy_simulator_factory(release="0.23.0", latency=0.1)
        ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .simulator import Simulator


@pytest.fixture
def comfy_simulator_factory() -> Iterator[Callable[..., Simulator]]:
    """Makes running simulators; its arguments are those of `comfygraph.simulator.Simulator`."""
    from .simulator import Simulator

    with ExitStack() as stack:

        def make(**options: Any) -> Simulator:
            return stack.enter_context(Simulator(**options))

        yield make


@pytest.fixture
def comfy_simulator(comfy_simulator_factory: Callable[..., Simulator]) -> Simulator:
    """A running simulator whose sampler steps take no time."""
    return comfy_simulator_factory(latency=0.0)
