"""Differences between graphs: found by node and input, blind to numbering, readable."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from comfygraph.definition import MISSING
from comfygraph.formats.diff import Difference, End, count, diff, render
from comfygraph.formats.diff_match import unwrapped
from comfygraph.formats.editor import to_workflow
from comfygraph.graph import Graph
from comfygraph.nodes import CheckpointLoaderSimple, CLIPTextEncode, KSampler, LoraLoaderModelOnly, SaveImage
from comfygraph.presets import sdxl

from ..corpus import catalogue, prompts

Prompt = dict[str, dict[str, Any]]


def renumbered(prompt: Prompt, seed: int) -> tuple[Prompt, dict[str, str]]:
    """The same graph with other ids and in another order, and which id became which."""
    dice = random.Random(seed)
    ids = list(prompt)
    numbers = list(range(1, len(ids) + 1))
    dice.shuffle(numbers)
    new = {node_id: str(number) for node_id, number in zip(ids, numbers)}
    dice.shuffle(ids)
    return {
        new[node_id]: {
            **prompt[node_id],
            "inputs": {
                name: [new[value[0]], value[1]] if isinstance(value, list) else value
                for name, value in prompt[node_id]["inputs"].items()
            },
        }
        for node_id in ids
    }, new


def compared(a: Prompt, b: Prompt) -> list[Difference]:
    return diff(Graph.from_api(a), Graph.from_api(b))


@pytest.mark.parametrize("template", sorted(prompts()))
def test_renumbered_is_the_same(template: str) -> None:
    prompt = prompts()[template]
    assert compared(prompt, prompt) == []
    assert compared(prompt, renumbered(prompt, 1)[0]) == []


@pytest.mark.parametrize("template", sorted(prompts()))
def test_one_edit_is_one_difference_also_when_renumbered(template: str) -> None:
    prompt = prompts()[template]
    dice = random.Random(template)
    places = [
        (node_id, name)
        for node_id, entry in prompt.items()
        for name, value in entry["inputs"].items()
        if not isinstance(value, list)
    ]
    node_id, name = dice.choice(places)
    edited: Prompt = json.loads(json.dumps(prompt))
    edited[node_id]["inputs"][name] = "something else"
    (found,) = compared(prompt, edited)
    assert (found.kind, found.node_id, found.other_id, found.input) == ("changed", node_id, node_id, name)
    assert found.before == unwrapped(prompt[node_id]["inputs"][name])
    assert found.after == "something else"
    other, new = renumbered(edited, 2)
    (found,) = compared(prompt, other)
    assert (found.kind, found.input, found.after) == ("changed", name, "something else")
    assert prompt[found.node_id or ""]["class_type"] == other[new[node_id]]["class_type"]


def test_through_the_editors_file(tmp_path: Path) -> None:
    for template, prompt in list(prompts().items())[:20]:
        path = tmp_path / f"{template}.json"
        graph = Graph.from_api(prompt)
        path.write_text(json.dumps(to_workflow(graph, catalogue())))
        if template != "image_ernie_image":  # its value on a socket needs a primitive there
            assert diff(graph, Graph.load(path, catalogue())) == []


def graph() -> Graph:
    return sdxl(prompt="a fox", negative="blurry", seed=4).graph


def test_changed() -> None:
    a = graph()
    b = a.set(a.one(KSampler), steps=8, cfg=2.0)
    found = diff(a, b)
    assert [(d.kind, d.input, d.before, d.after) for d in found] == [
        ("changed", "steps", 20, 8),
        ("changed", "cfg", 7.0, 2.0),
    ]
    assert render(found) == "~ 5 KSampler.steps: 20 -> 8\n~ 5 KSampler.cfg: 7.0 -> 2.0\n2 inputs changed"
    assert found[0].to_dict() == {
        "kind": "changed",
        "node_id": "5",
        "other_id": "5",
        "class_type": "KSampler",
        "input": "steps",
        "before": 20,
        "after": 8,
    }


def test_added_removed_and_rewired() -> None:
    a = graph()
    model = a.one(CheckpointLoaderSimple).MODEL
    b = a.splice(model, lambda m: LoraLoaderModelOnly(model=m, lora_name="x.safetensors", strength_model=0.5))
    assert render(diff(a, b)) == (
        "~ 5 KSampler.model: 1 CheckpointLoaderSimple.MODEL -> 8 LoraLoaderModelOnly.MODEL\n"
        "+ 8 LoraLoaderModelOnly\n"
        "    lora_name: 'x.safetensors'\n"
        "    strength_model: 0.5\n"
        "    model: 1 CheckpointLoaderSimple.MODEL\n"
        "1 node added, 1 input rewired"
    )
    back = diff(b, a)
    assert [d.kind for d in back] == ["rewired", "removed"]
    assert back[0].to_dict()["before"] == {
        "node_id": "8",
        "class_type": "LoraLoaderModelOnly",
        "slot": 0,
        "name": "MODEL",
    }
    assert back[1].before["model"] == End("1", "CheckpointLoaderSimple", 0, "MODEL")
    json.dumps([d.to_dict() for d in back])


def test_another_class_under_the_same_id_is_another_node() -> None:
    a = graph().to_api()
    b = json.loads(json.dumps(a))
    b["7"]["class_type"] = "PreviewImage"
    assert [(d.kind, d.class_type) for d in compared(a, b)] == [("removed", "SaveImage"), ("added", "PreviewImage")]


def test_swapped_ids_are_no_difference_but_swapped_prompts_are() -> None:
    a = graph()
    positive, negative = a.find(CLIPTextEncode)
    swapped = a.set(positive, text="blurry").set(negative, text="a fox")
    found = diff(a, swapped)
    assert {(d.input, d.before, d.after) for d in found if d.kind == "changed"} == {
        ("text", "a fox", "blurry"),
        ("text", "blurry", "a fox"),
    } or [d.kind for d in found] == ["rewired", "rewired"]
    sampler = a.one(KSampler)
    links = swapped[sampler].inputs
    assert diff(a, swapped.set(sampler, positive=links["negative"], negative=links["positive"])) == []


def test_names_and_titles() -> None:
    prompt = graph().to_api()
    named: Prompt = {("base" if node_id == "5" else node_id): entry for node_id, entry in prompt.items()}
    named["6"]["inputs"] = {**named["6"]["inputs"], "samples": ["base", 0]}
    assert compared(prompt, named) == []  # a number is no name
    other: Prompt = {("refiner" if node_id == "base" else node_id): entry for node_id, entry in named.items()}
    other["6"] = {**named["6"], "inputs": {**named["6"]["inputs"], "samples": ["refiner", 0]}}
    other["7"] = {**other["7"], "_meta": {"title": "Keep this"}}
    found = compared(named, other)
    assert [d.kind for d in found] == ["renamed", "retitled"]
    assert render(found) == (
        "~ base KSampler: now called refiner\n"
        "~ 7 SaveImage, title: (none) -> 'Keep this'\n"
        "1 node renamed, 1 node retitled"
    )
    own = {**prompt, "7": {**prompt["7"], "_meta": {"title": "Save Image"}}}
    assert compared(prompt, own) == []  # the title that the editor gives every SaveImage


def test_what_the_server_takes_alike_is_alike() -> None:
    def one(value: Any) -> Prompt:
        return {"1": {"class_type": "Any", "inputs": {"x": value}}}

    assert compared(one(8), one(8.0)) == []
    assert compared(one({"__value__": [1, 2]}), one({"__value__": [1.0, 2]}))[0].before == [1, 2]
    assert compared(one({"__value__": [1, 2, 3]}), one([1, 2, 3])) == []
    assert len(compared(one(1), one(True))) == 1
    assert len(compared(one("1"), one(1))) == 1
    assert compared(one(float("nan")), one(float("nan"))) == []


def test_default_that_one_side_leaves_out() -> None:
    a = {"1": {"class_type": "CLIPLoader", "inputs": {"clip_name": "a", "type": "flux"}}}
    for device, differences in (("default", 0), ("cpu", 1)):
        b = {"1": {"class_type": "CLIPLoader", "inputs": {**a["1"]["inputs"], "device": device}}}
        assert len(compared(a, b)) == len(compared(b, a)) == differences
    assert compared(a, {"1": {**a["1"], "inputs": {"type": "flux"}}})[0].after is MISSING


def test_long_texts_are_cut_to_where_they_differ() -> None:
    a = {"1": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox in the snow, " * 20}}}
    text = "a fox in the snow, " * 9 + "a hare in the snow, " + "a fox in the snow, " * 10
    shown = render(compared(a, {"1": {"class_type": "CLIPTextEncode", "inputs": {"text": text}}}))
    assert shown.splitlines() == [
        "~ 1 CLIPTextEncode.text:",
        "    - '…a fox in the snow, a fox in the snow, a fox in…'",
        "    + '…a fox in the snow, a hare in the snow, a fox in…'",
        "1 input changed",
    ]


def test_nothing_in_a_file_reaches_the_terminal_raw() -> None:
    evil = "\x1b[2J\u202e"
    a = {"1": {"class_type": f"A{evil}", "inputs": {f"x{evil}": evil}, "_meta": {"title": evil}}}
    b = {f"2{evil}": {"class_type": f"B{evil}", "inputs": {f"x{evil}": [f"9{evil}", 0]}}}
    assert all(part.isprintable() for part in render(compared(a, b)).splitlines())


def test_missing_sources_and_circles() -> None:
    a: Prompt = {"1": {"class_type": "ImageInvert", "inputs": {"image": ["9", 0]}}}
    assert compared(a, a) == []
    assert compared(a, {"1": {"class_type": "ImageInvert", "inputs": {"image": ["8", 0]}}})[0].kind == "rewired"
    circle: Prompt = {
        "1": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    }
    assert compared(circle, circle) == []
    assert render(compared({}, {})) == "no differences"


def test_long_chain() -> None:
    length = 10_000
    a: Prompt = {"1": {"class_type": "EmptyImage", "inputs": {"width": 64}}}
    a.update(
        {str(i): {"class_type": "ImageInvert", "inputs": {"image": [str(i - 1), 0]}} for i in range(2, length + 1)}
    )
    b, new = renumbered(a, 3)
    b[new["1"]]["inputs"]["width"] = 128
    assert [(d.node_id, d.other_id, d.after) for d in compared(a, b)] == [("1", new["1"], 128)]


def test_count() -> None:
    a = graph()
    assert count(diff(a, Graph())) == "7 nodes removed"
    assert count(diff(Graph(), Graph(*a.find(SaveImage)))) == "7 nodes added"
