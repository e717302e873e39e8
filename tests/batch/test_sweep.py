"""`sweep`: variants of one graph."""

from __future__ import annotations

import itertools
import pickle

import pytest

import comfygraph
from comfygraph import Client, Graph, GraphError
from comfygraph.batch import Variant, sweep
from comfygraph.errors import EditError
from comfygraph.nodes import LoraLoaderModelOnly
from comfygraph.presets import flux_schnell

from .conftest import Made


def test_one_value_after_the_other(made: Made) -> None:
    variants = list(sweep(made.graph, {(made.sampler, "seed"): range(5)}))
    assert [v[made.sampler].inputs["seed"] for v in variants] == [0, 1, 2, 3, 4]
    assert [v.values for v in variants] == [{("sampler", "seed"): i} for i in range(5)]
    assert all(isinstance(v, Graph) and v.ids == made.graph.ids and not v.check() for v in variants)
    assert made.graph[made.sampler].inputs["seed"] == 0


def test_the_last_key_changes_fastest(made: Made) -> None:
    keys = {
        (made.sampler, "seed"): [1, 2],
        ("sampler", "cfg"): (3.0, 4.0, 5.0),
        ("sampler", "steps"): {6: None, 7: None},
    }
    seen = [tuple(v.values.values()) for v in sweep(made.graph, keys)]
    assert seen == list(itertools.product([1, 2], [3.0, 4.0, 5.0], [6, 7]))


def test_it_is_lazy_and_the_first_axis_may_be_endless(made: Made) -> None:
    endless = sweep(made.graph, {(made.sampler, "seed"): itertools.count(), (made.sampler, "steps"): [1, 2]})
    first = list(itertools.islice(endless, 5))
    assert [(v[made.sampler].inputs["seed"], v[made.sampler].inputs["steps"]) for v in first] == [
        (0, 1),
        (0, 2),
        (1, 1),
        (1, 2),
        (2, 1),
    ]


def test_a_preset_keeps_its_rules() -> None:
    preset = flux_schnell(prompt="a fox", seed=1)
    variants = list(sweep(preset, {(preset.sampler, "steps"): [4, 20]}))
    assert [[p.code for p in v.check()] for v in variants] == [[], ["rule_steps"]]


def test_links_are_values_too(made: Made) -> None:
    model = made.sampler.inputs["model"]
    patched = LoraLoaderModelOnly(model=model, lora_name="x.safetensors")
    plain, with_lora = sweep(made.graph, {(made.sampler, "model"): [model, patched]})
    assert len(with_lora) == len(plain) + 1
    assert with_lora.check() == []


def test_what_is_wrong_is_said_at_the_call(made: Made) -> None:
    other = flux_schnell(prompt="a fox").sampler
    with pytest.raises(EditError, match="not in the graph"):
        sweep(made.graph, {(other, "seed"): [1]})
    with pytest.raises(EditError, match="no node '99'"):
        sweep(made.graph, {("99", "seed"): [1]})
    with pytest.raises(TypeError, match=r"seed: the values to take.*not '123'"):
        sweep(made.graph, {(made.sampler, "seed"): "123"})
    with pytest.raises(TypeError, match="seed: the values to take"):
        sweep(made.graph, {(made.sampler, "seed"): 7})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="needs a value"):
        sweep(made.graph, {})
    with pytest.raises(ValueError, match=r"sampler\.cfg: there is no value"):
        sweep(made.graph, {(made.sampler, "seed"): [1], (made.sampler, "cfg"): []})


def test_a_value_that_does_not_fit_is_refused_in_its_turn(made: Made) -> None:
    variants = sweep(made.graph, {(made.sampler, "steps"): [1, "many"]})
    assert next(variants)[made.sampler].inputs["steps"] == 1
    with pytest.raises(GraphError, match="steps"):
        next(variants)


def test_a_variant_pickles_and_says_what_it_is(made: Made) -> None:
    (variant,) = sweep(made.graph, {(made.sampler, "seed"): [7]})
    again = pickle.loads(pickle.dumps(variant))
    assert isinstance(again, Variant)
    assert again.to_api() == variant.to_api()
    assert again.values == {("sampler", "seed"): 7}
    assert repr(variant) == "<Variant: 7 nodes, sampler.seed=7>"


def test_client_map_takes_it(client: Client, made: Made, tmp_path: object) -> None:
    results = list(client.map(comfygraph.sweep(made.graph, {(made.sampler, "seed"): range(3)}), save_to=str(tmp_path)))
    assert [len(result.images) for result in results] == [1, 1, 1]
    assert len({result.saved[0] for result in results}) == 3
