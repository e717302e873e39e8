"""``--set``: keys in a graph, texts as values, ranges and lists of a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comfygraph import Catalogue, Graph
from comfygraph.cli import axes, settings
from comfygraph.cli.guard import Failed
from comfygraph.cli.sources import FileSource, PresetSource, find
from comfygraph.nodes import (
    CheckpointLoaderSimple,
    CLIPTextEncode,
    EmptyLatentImage,
    KSampler,
    LoadImage,
    ResizeImageMaskNode,
    SaveImage,
    VAEDecode,
)


def graph() -> Graph:
    ckpt = CheckpointLoaderSimple(ckpt_name="a.safetensors").named("loader")
    sampler = KSampler(
        model=ckpt.MODEL,
        positive=CLIPTextEncode(clip=ckpt.CLIP, text="a fox").named("6").titled("Positive v1.5"),
        negative=CLIPTextEncode(clip=ckpt.CLIP, text="").named("7").titled("Negative"),
        latent_image=EmptyLatentImage().named("5"),
        seed=1,
        sampler_name="euler",
        scheduler="normal",
    ).named("375:3")
    return Graph(SaveImage(images=VAEDecode(samples=sampler, vae=ckpt.VAE).named("8")).named("9"))


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("375:3.seed", ("375:3", "seed")),
        ("KSampler.seed", ("375:3", "seed")),
        ("ksampler.steps", ("375:3", "steps")),
        ("Positive v1.5.text", ("6", "text")),
        ("negative.text", ("7", "text")),
        ("loader.ckpt_name", ("loader", "ckpt_name")),
        ("seed", ("375:3", "seed")),
        ("width", ("5", "width")),
        ("filename_prefix", ("9", "filename_prefix")),
    ],
)
def test_a_key_names_an_input(key: str, found: tuple[str, str]) -> None:
    target = settings.resolve(graph(), key)
    assert (target.node_id, target.input) == found
    assert target.definition is not None


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("text", "2 nodes have an input 'text': 6 (Positive v1.5), 7 (Negative); say 6.text"),
        ("CLIPTextEncode.text", "'CLIPTextEncode' names 2 nodes: 6 (Positive v1.5), 7 (Negative); say which by its id"),
        ("sed", "no input 'sed' in the graph; did you mean 'seed'?"),
        ("KSampler.sed", "375:3 (KSampler) has no input 'sed'; did you mean 'seed'?"),
        ("KSamplr.seed", "no node 'KSamplr' in the graph; did you mean 'KSampler'?"),
        ("99.seed", "no node '99' in the graph"),
    ],
)
def test_a_key_that_names_none_says_what_there_is(key: str, said: str) -> None:
    with pytest.raises(Failed, match="--set") as error:
        settings.resolve(graph(), key)
    assert said in str(error.value)
    assert error.value.code == 2


def test_a_nested_input_is_named_as_on_the_wire() -> None:
    resized = ResizeImageMaskNode(
        input=LoadImage(image="a.png").IMAGE,
        resize_type=ResizeImageMaskNode.ScaleWidth(width=64),
        scale_method="area",
    ).named("3")
    nested = Graph(SaveImage(images=resized))
    target = settings.resolve(nested, "3.resize_type.width")
    assert (target.node_id, target.input) == ("3", "resize_type.width")
    assert settings.apply(nested, {target: 99}).to_api()["3"]["inputs"]["resize_type.width"] == 99


def test_an_unknown_class_takes_what_it_is_given() -> None:
    prompt = {"1": {"class_type": "FromSomePack", "inputs": {"amount": 3}}}
    target = settings.resolve(Graph.from_api(prompt), "1.whatever")
    assert (target.node_id, target.input, target.definition) == ("1", "whatever", None)


@pytest.mark.parametrize(
    ("node", "name", "text", "value"),
    [
        ("KSampler", "seed", "18446744073709551615", 2**64 - 1),
        ("KSampler", "cfg", "7", 7),
        ("KSampler", "cfg", "7.5", 7.5),
        ("KSampler", "cfg", "NaN", "NaN"),
        ("KSampler", "cfg", "lots", "lots"),
        ("KSampler", "sampler_name", "euler", "euler"),
        ("KSampler", "sampler_name", '"euler"', "euler"),
        ("CLIPTextEncode", "text", "123", "123"),
        ("CLIPTextEncode", "text", "true", "true"),
        ("CLIPTextEncode", "text", "[1, 2]", "[1, 2]"),
        ("CLIPTextEncode", "text", "a fox = red", "a fox = red"),
        ("CLIPTextEncode", "text", '"two\\nlines"', "two\nlines"),
        ("CLIPTextEncode", "text", "", ""),
        ("CheckpointLoaderSimple", "ckpt_name", "1.5", "1.5"),
        ("KSamplerAdvanced", "add_noise", "enable", "enable"),
        ("ImageToMask", "channel", "red", "red"),
        ("PrimitiveBoolean", "value", "True", True),
        ("PrimitiveBoolean", "value", "false", False),
        ("PrimitiveBoolean", "value", "perhaps", "perhaps"),
    ],
)
def test_a_text_is_read_as_its_input_takes_it(node: str, name: str, text: str, value: object) -> None:
    read = settings.value_of(text, Catalogue.bundled()[node].inputs[name])
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ('{"a": 1}', {"a": 1}), ("null", None), ("a b", "a b"), ("[" * 99999, "[" * 99999)]
)
def test_a_text_for_something_unknown_is_json_or_text(text: str, value: object) -> None:
    assert settings.value_of(text, None) == value


def test_a_value_from_a_file(tmp_path: Path) -> None:
    text = CLIPTextEncode._definition_or_none()
    assert text is not None
    d = text.inputs["text"]
    (tmp_path / "prompt.txt").write_text("a fox\nin snow\n", encoding="utf-8")

    def read(value: str) -> Any:
        return settings.single(value, lambda t: settings.value_of(t, d), d)

    assert read(f"@{tmp_path / 'prompt.txt'}") == "a fox\nin snow"
    assert read("@@home") == "@home"
    with pytest.raises(Failed, match="cannot be read: No such file"):
        read(f"@{tmp_path / 'none.txt'}")
    (tmp_path / "prompt.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Failed, match="not UTF-8"):
        read(f"@{tmp_path / 'prompt.txt'}")


def test_a_file_for_an_input_that_takes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fox.png").touch()
    d = Catalogue.bundled()["LoadImage"].inputs["image"]
    assert settings.wants_file(d)
    assert settings.single("@fox.png", lambda t: settings.value_of(t, d), d) == Path("fox.png")
    assert settings.single("fox.png", lambda t: settings.value_of(t, d), d) == "fox.png"
    with pytest.raises(Failed, match=r"nope[.]png: no such file"):
        settings.single("@nope.png", lambda t: settings.value_of(t, d), d)


def _many(text: str, setting: str = "seed") -> Any:
    source = find("sdxl")
    return axes.many(setting, text, source.setting(setting))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0..3", [0, 1, 2, 3]),
        ("3..0", [3, 2, 1, 0]),
        ("5..5", [5]),
        ("-2..2..2", [-2, 0, 2]),
        ("0..1..0.25", [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("0.1..0.3..0.1", [0.1, 0.2, 0.3]),
        ("1.5..3", [1.5, 2.5]),
        ("18446744073709551614..18446744073709551615", [2**64 - 2, 2**64 - 1]),
        ("[1, 5, 9]", [1, 5, 9]),
        ('["euler", "heun"]', ["euler", "heun"]),
        ("7", None),
        ("@@x", None),
    ],
)
def test_the_values_of_a_batch(text: str, values: list[Any] | None) -> None:
    setting = "cfg" if any(isinstance(value, float) for value in values or []) else "seed"
    assert _many(text, setting) == values
    assert [type(v) for v in values or []] == [type(v) for v in _many(text, setting) or []]


@pytest.mark.parametrize("text", ["1..3..0.5", "1.5..3"])
def test_a_range_of_whole_numbers_has_no_halves(text: str) -> None:
    with pytest.raises(Failed, match="seed takes whole numbers") as caught:
        _many(text)
    assert caught.value.code == 2


def test_a_list_that_lost_its_quotes() -> None:
    with pytest.raises(Failed) as caught:
        _many("[euler,heun]", "sampler_name")
    assert """'sampler_name=["euler","heun"]'""" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0..9..-1", "has no end"),
        ("0..9..0", "has no end"),
        ("0..99999999999", "at most 1000000"),
        ("[]", "an empty list"),
        ("@nothing.txt", "cannot be read"),
    ],
)
def test_values_that_cannot_be(text: str, said: str) -> None:
    with pytest.raises(Failed, match="--set") as error:
        _many(text)
    assert said in str(error.value)


def test_a_text_that_looks_like_a_range_is_a_text() -> None:
    assert _many("0..9", "prompt") is None


def test_prompts_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("﻿a fox\n\n  a crow  \n123\n", encoding="utf-8")
    assert _many(f"@{file}", "prompt") == ["a fox", "a crow", "123"]
    file.write_text("\n \n", encoding="utf-8")
    with pytest.raises(Failed, match="has no value"):
        _many(f"@{file}", "prompt")


def test_files_for_an_input_that_takes_one(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "c.txt"):
        (tmp_path / name).write_bytes(b"x")
    source = FileSource("x", tmp_path, Graph(SaveImage(images=LoadImage(image="a.png").named("3").IMAGE)))
    known = source.setting("3.image")
    assert axes.many("3.image", f"@{tmp_path}/*.png", known) == [tmp_path / "a.png", tmp_path / "b.png"]
    assert axes.many("3.image", f"@{tmp_path}", known) == [tmp_path / n for n in ("a.png", "b.png", "c.txt")]
    with pytest.raises(Failed, match="has no value"):
        axes.many("3.image", f"@{tmp_path}/*.gif", known)


def test_two_spellings_of_one_setting_are_one() -> None:
    source = find("flux_schnell")
    assert isinstance(source, PresetSource)
    assert source.name == "flux-schnell"
    with pytest.raises(Failed, match="batch_size is set twice"):
        axes.axes_of(source, ["batch_size=1", "batch-size=2"])
    with pytest.raises(Failed, match="is set twice"):
        axes.axes_of(source, ["KSampler.denoise=1", "ksampler.denoise=0.5"])


def test_a_preset_takes_inputs_of_its_graph_too() -> None:
    source = find("sdxl")
    made = source.build({"seed": 3, source.setting("KSampler.denoise").key: 0.5})
    assert made.one(KSampler).inputs["denoise"] == 0.5
    assert made.one(KSampler).inputs["seed"] == 3
    assert all(node.where is None for node in made)
