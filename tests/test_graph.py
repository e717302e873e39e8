"""Graphs: ids, handles, lookup, serialisation."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import pytest

from comfygraph import Graph, raw
from comfygraph.errors import EditError, FormatError, GraphError
from comfygraph.nodes import (
    CheckpointLoaderSimple,
    CLIPTextEncode,
    EmptyImage,
    ImageInvert,
    KSampler,
    PreviewImage,
    SaveImage,
)

from .corpus import catalogue, prompts
from .pipelines import SDXL_JSON, chain, sdxl


def test_built_graph_is_numbered_in_order_of_creation_and_serialises() -> None:
    graph, ckpt, sampled, save = sdxl()
    api = graph.to_api()
    assert list(api) == ["1", "2", "3", "4", "5", "6", "7"]
    assert (graph.id(ckpt), graph.id(sampled), graph.id(save)) == ("1", "5", "7")
    assert api["5"]["inputs"]["model"] == ["1", 0]
    assert api["6"]["inputs"]["vae"] == ["1", 2]
    assert api["5"]["inputs"]["denoise"] == 1.0  # defaults are written out
    assert json.loads(graph.to_json()) == api
    assert json.loads(graph.to_json(indent=2)) == api


def test_sdxl_json_goes_through_unchanged() -> None:
    assert Graph.from_api(SDXL_JSON).to_api() == SDXL_JSON


def test_official_prompts_go_through_unchanged() -> None:
    refused: dict[str, list[tuple[str | None, str]]] = {}
    for template, prompt in prompts().items():
        graph = Graph.from_api(prompt)
        assert graph.to_api(check=False) == prompt, template
        errors = [p for p in graph.check(catalogue()) if p.severity == "error"]
        if errors:
            refused[template] = [(p.node_id, p.code) for p in errors]
    assert refused == {"templates_graphic_design_recomposer": [("143:157", "value_not_in_list")]}


def test_official_prompts_serialise_with_the_bundled_check_but_for_the_one() -> None:
    refused = []
    for template, prompt in prompts().items():
        try:
            assert Graph.from_api(prompt).to_api() == prompt
        except GraphError as error:
            refused.append((template, error.problems[0].node_id))
    assert refused == [("templates_graphic_design_recomposer", "143:157")]


@pytest.mark.parametrize(
    ("node", "kept"),
    [
        ({"class_type": "X", "inputs": {"a": [1, 2, 3]}, "_meta": {"title": "t"}, "other": [1]}, "everything"),
        ({"class_type": "X"}, "no inputs"),
        ({"inputs": {}}, "no class"),
        ({"class_type": None, "inputs": {"a": ["1", 0], "b": ["1", True], "c": ["1", 0.0], "d": [["1"]]}}, "odd links"),
        ({"class_type": "X", "inputs": {"a": {"__value__": ["1", 0]}, "b": None, "c": {"d": [1]}}}, "wrapped"),
    ],
)
def test_what_is_loaded_comes_out_as_it_was(node: dict[str, Any], kept: str) -> None:
    assert Graph.from_api({"1": node}).to_api(check=False) == {"1": node}, kept


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ([], "an object of nodes"),
        ({"1": 5}, "node '1' is 5"),
        ({"1": {"inputs": []}}, "inputs are \\[\\]"),
        ({"1": {}}, "neither class_type nor inputs"),
        ({"nodes": [], "links": []}, "editor's format"),
        ({"prompt": {}, "client_id": "x"}, "body of a POST /prompt"),
        ({1: {"class_type": "X", "inputs": {}}}, "ids are texts"),
        ({"1": {"class_type": "X", "inputs": {"a": {"b": json.loads("[" * 900 + "]" * 900)}}}}, "nested too deeply"),
    ],
)
def test_what_is_no_graph_is_refused_in_one_line(data: Any, word: str) -> None:
    with pytest.raises(FormatError, match=word) as caught:
        Graph.from_api(data)
    assert "\n" not in str(caught.value)


def test_the_result_of_to_api_is_the_callers_own() -> None:
    source: dict[str, Any] = {
        "1": {"class_type": "CurveEditor", "inputs": {"curve": {"points": [[0, 0]]}}, "_meta": {"title": "c"}}
    }
    graph = Graph.from_api(source)
    source["1"]["inputs"]["curve"]["points"].append("changed")
    first = graph.to_api(check=False)
    first["1"]["inputs"]["curve"]["points"].append("changed")
    first["1"]["_meta"]["title"] = "changed"
    assert graph.to_api(check=False)["1"] == {
        "class_type": "CurveEditor",
        "inputs": {"curve": {"points": [[0, 0]]}},
        "_meta": {"title": "c"},
    }


def test_names_and_titles() -> None:
    picture = EmptyImage().named("picture").titled("The picture")
    graph = Graph(SaveImage(images=picture))
    assert graph.ids == ("picture", "1")
    assert graph.to_api()["picture"]["_meta"] == {"title": "The picture"}
    assert graph["picture"].title == "The picture"
    with pytest.raises(GraphError, match="two nodes want the id 'a'"):
        Graph(PreviewImage(images=EmptyImage().named("a")), PreviewImage(images=EmptyImage().named("a")))


def test_automatic_ids_keep_clear_of_names() -> None:
    graph = Graph(SaveImage(images=ImageInvert(image=EmptyImage().named("2"))))
    assert sorted(graph.ids) == ["1", "2", "3"] or len(set(graph.ids)) == 3
    assert graph.to_api()[graph.id(graph.one(ImageInvert))]["inputs"]["image"] == ["2", 0]


def test_a_handle_is_the_same_node_in_every_graph() -> None:
    graph, _, sampled, _ = sdxl()
    edited = graph.set(sampled, steps=8)
    assert graph[sampled] == sampled == edited[sampled]
    assert len({graph[sampled], sampled, edited["5"]}) == 1
    assert (graph[sampled].inputs["steps"], edited[sampled].inputs["steps"], sampled.inputs["steps"]) == (20, 8, 20)
    assert sampled in edited
    assert "5" in edited
    assert EmptyImage() not in edited


def test_looking_up_nodes() -> None:
    graph = Graph.from_api({**SDXL_JSON, "7": {**SDXL_JSON["7"], "_meta": {"title": "Negative"}}})
    assert type(graph.one(KSampler)) is KSampler
    assert graph.one("KSampler") == graph["3"]
    assert [node.id for node in graph.find(CLIPTextEncode)] == ["6", "7"]
    assert graph.one(CLIPTextEncode, title="Negative").inputs["text"].startswith("blurry")
    assert repr(graph["8"].inputs["vae"]) == "CheckpointLoaderSimple.VAE"
    with pytest.raises(EditError, match=r"has 2 CLIPTextEncode: '6', '7' \(Negative\)"):
        graph.one(CLIPTextEncode)
    with pytest.raises(EditError, match=r"no PreviewImage.*did you mean 'SaveImage'"):
        graph.one(PreviewImage)
    with pytest.raises(EditError, match=r"no node '33'.*did you mean '3'"):
        graph["33"]


def test_a_new_node_may_be_built_on_a_loaded_graph() -> None:
    loaded = Graph.from_api(SDXL_JSON)
    preview = PreviewImage(images=loaded["8"].output("IMAGE"))
    graph = Graph(preview)
    assert set(graph.ids) == {"3", "4", "5", "6", "7", "8", "9"}  # the save is not upstream; its id is free
    assert graph.to_api()[graph.id(preview)] == {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}


def test_nodes_of_two_variants_do_not_mix() -> None:
    graph, _, sampled, _ = sdxl()
    other = graph.set(sampled, steps=8)
    with pytest.raises(EditError, match="two graphs"):
        Graph(PreviewImage(images=graph["6"].output(0)), PreviewImage(images=other["6"].output(0)))


def test_a_long_chain_needs_no_recursion() -> None:
    graph = Graph(chain(10_000))
    assert [p.code for p in graph.check()] == ["deep_chain"]
    assert len(graph.to_api()) == 10_002
    loaded = Graph.from_api(graph.to_api(check=False))
    assert [p.code for p in loaded.check()] == ["deep_chain"]
    assert len(pickle.loads(pickle.dumps(graph))) == 10_002


def test_a_pickled_graph_is_the_same_graph() -> None:
    graph, *_ = sdxl()
    assert pickle.loads(pickle.dumps(graph)).to_api() == graph.to_api()


def test_raw_values_pass_bundled_definitions_and_not_a_servers() -> None:
    graph, _, sampled, _ = sdxl()
    graph = graph.set(sampled, sampler_name=raw("res_4s"))
    assert graph.check() == []
    assert graph.to_api()["5"]["inputs"]["sampler_name"] == "res_4s"
    assert [p.code for p in graph.check(catalogue())] == ["value_not_in_list"]
    assert json.loads(graph.to_json()) == graph.to_api()


def test_importing_is_light() -> None:
    code = (
        "import sys; from comfygraph import Graph, Client; from comfygraph.nodes import KSampler; "
        "heavy = 'pydantic networkx requests websocket PIL aiohttp rich typer asyncio'.split(); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_kinds_through_a_long_chain_of_match_types_need_no_recursion() -> None:
    prompt: dict[str, Any] = {"0": {"class_type": "EmptyImage", "inputs": {}}}
    for i in range(1, 5000):
        both = [str(i - 1), 0]
        prompt[str(i)] = {
            "class_type": "ComfySwitchNode",
            "inputs": {"switch": True, "on_true": both, "on_false": both},
        }
    graph = Graph.from_api(prompt)
    assert graph["4999"].outputs_by_name == {"OUTPUT": "IMAGE"}
    looped = Graph.from_api(
        {**prompt, "1": {"class_type": "ComfySwitchNode", "inputs": {"switch": True, "on_true": ["4999", 0]}}}
    )
    assert looped["4999"].outputs_by_name == {"OUTPUT": "*"}


def test_problems_name_the_line_and_the_variable() -> None:
    wide = EmptyImage(width="512")  # type: ignore[arg-type]
    graph = Graph(SaveImage(images=wide))
    [problem] = graph.check()
    line = (problem.where or "").rpartition(":")[2]
    assert (problem.variable, line.isdigit()) == ("wide", True)
    assert f"  at: node 1 (EmptyImage), wide = … in {problem.where}" in str(problem)
    assert "test_graph.py" in (problem.where or "")


def test_pickled_handles_still_find_their_nodes() -> None:
    graph, _, sampled, _ = sdxl()
    again, handle = pickle.loads(pickle.dumps((graph, graph[sampled])))
    assert handle in again
    assert again.set(handle, steps=3)[handle].inputs["steps"] == 3
    assert pickle.loads(pickle.dumps(sampled)).inputs["seed"] == 42


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("model", "did you mean 'MODEL'?"),
        ("LATENT", "there are: 'MODEL', 'CLIP', 'VAE'"),
        ("ckpt_name", "it is an input: .inputs['ckpt_name'] reads it"),
    ],
)
def test_an_attribute_that_is_not_there(name: str, hint: str) -> None:
    loader = CheckpointLoaderSimple(ckpt_name="x.safetensors")
    with pytest.raises(AttributeError, match=f"CheckpointLoaderSimple has no attribute '{name}'") as caught:
        getattr(loader, name)
    assert hint in str(caught.value)
    assert not hasattr(loader, name)
    assert not hasattr(loader, "__iter__")
