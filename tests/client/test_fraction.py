"""The fraction of a whole graph never goes back, and samplers weigh their steps."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from comfygraph.client.fraction import Fraction
from comfygraph.client.messages import NodeState

PROMPT: dict[str, Any] = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {}},
    "2": {"class_type": "KSampler", "inputs": {"steps": 20, "noise": 1}},
    "3": {"class_type": "VAEDecode", "inputs": {}},
    "4": {"class_type": "SaveImage", "inputs": {}},
}


def test_samplers_weigh_their_steps() -> None:
    fraction = Fraction(PROMPT)
    fraction.done("1")
    assert round(fraction.value, 3) == round(2 / 24, 3)
    fraction.step("2", "2", 10, 20)
    assert 0.45 < fraction.value < 0.5
    fraction.done("2")
    assert round(fraction.value, 3) == round(22 / 24, 3)


def test_cached_nodes_count_and_only_success_is_the_whole() -> None:
    fraction = Fraction(PROMPT)
    fraction.cached(["1", "2", "3", "4"])
    assert fraction.value == 0.999
    fraction.finish()
    assert fraction.value == 1.0


def test_inner_nodes_count_for_the_one_they_came_from() -> None:
    fraction = Fraction({"5": {"class_type": "Expand", "inputs": {}}})
    fraction.states([NodeState("5.0.0.1", "5", "finished", 1, 1)])
    assert fraction.value == 0.5
    fraction.states([NodeState("5.0.0.1", "5", "finished", 1, 1), NodeState("5.0.0.2", "5", "running", 0, 1)])
    assert fraction.value == 0.5
    fraction.states([NodeState("5", "5", "finished", 1, 1)])
    assert fraction.value == 0.999


def test_prompts_of_any_shape() -> None:
    for prompt in ({}, {"1": None}, {"1": []}, {"1": {"class_type": "KSampler", "inputs": {"steps": ["2", 0]}}}):
        fraction = Fraction(prompt)
        fraction.done("1")
        assert 0.0 <= fraction.value <= 1.0


_node = st.sampled_from(["1", "2", "3", "4", "5", "2.0.0.1"])
_state = st.builds(
    NodeState, _node, _node, st.sampled_from(["running", "finished", "error"]), st.floats(0, 30), st.floats(0, 30)
)
_act = st.one_of(
    st.tuples(st.just("states"), st.lists(_state, max_size=4)),
    st.tuples(st.just("done"), _node),
    st.tuples(st.just("cached"), st.lists(_node, max_size=3)),
    st.tuples(st.just("step"), _node, _node, st.floats(-5, 50), st.floats(-5, 50)),
)


@given(st.lists(_act, max_size=30))
def test_it_never_goes_back(acts: list[Any]) -> None:
    fraction = Fraction(PROMPT)
    before = 0.0
    for name, *arguments in acts:
        getattr(fraction, name)(*arguments)
        assert before <= fraction.value < 1.0
        before = fraction.value
