"""Presets by name with settings from outside."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from comfygraph import GraphError, presets


def messages(name: str, given: dict[str, object]) -> list[str]:
    with pytest.raises(GraphError) as caught:
        presets.build(name, given)
    assert all("\n" not in problem.message for problem in caught.value.problems)
    return [problem.message for problem in caught.value.problems]


def test_the_names() -> None:
    assert set(presets.names()) == {"flux-dev", "flux-schnell", "sdxl"}


@pytest.mark.parametrize("name", presets.names())
def test_every_parameter_is_a_setting(name: str) -> None:
    table = presets.settings(name)
    function = {"sdxl": presets.sdxl, "flux-dev": presets.flux_dev, "flux-schnell": presets.flux_schnell}[name]
    parameters = inspect.signature(function).parameters
    assert list(table) == list(parameters)
    for key, setting in table.items():
        assert setting.name == key
        if key != "prompt":
            assert setting.default == parameters[key].default
        if setting.default is not None:
            assert isinstance(setting.default, setting.type)
        if setting.options is not None:
            assert setting.default in setting.options


def test_what_they_take() -> None:
    table = presets.settings("flux_schnell")
    assert (table["steps"].minimum, table["steps"].maximum) == (1, 4)
    assert (table["seed"].minimum, table["seed"].maximum, table["seed"].default) == (0, 2**64 - 1, None)
    assert table["unet"].folder == "diffusion_models"
    assert table["vae"].wanted == "a file name of the server's vae"
    assert presets.settings("sdxl")["cfg"].wanted == "a number from 0.0 to 100.0"


def test_texts_are_read() -> None:
    p = presets.build("flux-schnell", {"steps": "3", "seed": "18446744073709551615", "prompt": "x", "width": "512"})
    inputs = p.graph[p.sampler].inputs
    assert (inputs["steps"], inputs["seed"]) == (3, 2**64 - 1)
    assert p.graph[p.latent].inputs["width"] == 512
    assert presets.build("sdxl", {"cfg": "6", "filename-prefix": "a/b"}).graph.check() == []


def test_nothing_need_be_given() -> None:
    for name in presets.names():
        assert presets.build(name).graph.check() == []
    assert presets.build("sdxl", {"seed": None}).seed >= 0


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("sdxl", {"steps": "three"}, "steps of sdxl is a whole number from 1 to 10000, and 'three' is not"),
        ("sdxl", {"steps": "2.5"}, "whole number"),
        ("sdxl", {"steps": True}, "whole number"),
        ("sdxl", {"width": "8"}, "from 16 to 16384"),
        ("sdxl", {"cfg": "nan"}, "a number from 0.0 to 100.0"),
        ("sdxl", {"seed": "-1"}, "18446744073709551615"),
        ("sdxl", {"seed": str(2**64)}, "18446744073709551615"),
        ("sdxl", {"prompt": 5}, "a text"),
        ("flux-dev", {"weight_dtype": "fp16"}, "weight_dtype of flux-dev has no option 'fp16'"),
        ("flux-schnell", {"steps": "9"}, "Flux Schnell takes 1 to 4"),
        ("flux-schnell", {"cfg": "3.5"}, "cfg 1.0 only"),
        ("flux-schnell", {"negative": "blurry"}, "the server skips it"),
    ],
)
def test_a_wrong_one_is_one_clear_line(name: str, given: dict[str, Any], words: str) -> None:
    (message,) = messages(name, given)
    assert words in message


def test_all_wrong_ones_at_once() -> None:
    assert len(messages("sdxl", {"steps": "x", "widht": 5, "cfg": "y"})) == 3


def test_did_you_mean() -> None:
    with pytest.raises(GraphError, match="did you mean 'steps'"):
        presets.build("sdxl", {"stesp": 3})
    with pytest.raises(GraphError, match="did you mean 'euler'"):
        presets.build("sdxl", {"sampler_name": "eulr"})
    with pytest.raises(GraphError, match="did you mean 'sdxl'"):
        presets.build("sdlx")
