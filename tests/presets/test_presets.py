"""The presets: their graphs, values, handles, seeds, files, and how they travel."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from comfygraph import Catalogue, Graph, GraphError
from comfygraph.links import Link
from comfygraph.node import Node
from comfygraph.nodes import CLIPTextEncode, LoraLoader, SaveImage
from comfygraph.presets import PresetResult, flux_dev, flux_schnell, sdxl

from ..pipelines import SDXL_JSON

ALL = pytest.mark.parametrize("preset", [sdxl, flux_schnell, flux_dev])
Preset = Callable[..., PresetResult]


def shape(api: dict[str, Any], node_id: str) -> Any:
    """A node and all above it, without ids."""
    node = api[node_id]
    inputs = {n: [shape(api, v[0]), v[1]] if isinstance(v, list) else v for n, v in node["inputs"].items()}
    return [node["class_type"], inputs]


def test_sdxl_is_the_usual_graph() -> None:
    p = sdxl(
        prompt="a photorealistic red fox in snow, golden hour lighting",
        negative="blurry, low quality, watermark, text",
        seed=42,
        filename_prefix=SDXL_JSON["9"]["inputs"]["filename_prefix"],
    )
    api = p.graph.to_api()
    assert len(api) == len(SDXL_JSON) == 7
    assert shape(api, p.graph.id(p.save)) == shape(SDXL_JSON, "9")


def test_flux_schnell_is_what_it_says() -> None:
    p = flux_schnell(prompt="a fox", seed=7, width=768, height=512, filename_prefix="fox")
    image = ["VAEDecode", {}]
    api = p.graph.to_api()
    by_class = {node["class_type"]: node["inputs"] for node in api.values()}
    assert len(api) == 9
    assert by_class["UNETLoader"] == {"unet_name": "flux1-schnell.safetensors", "weight_dtype": "fp8_e4m3fn"}
    assert by_class["DualCLIPLoader"]["type"] == "flux"
    assert by_class["DualCLIPLoader"]["clip_name1"] == "clip_l.safetensors"
    assert by_class["VAELoader"] == {"vae_name": "ae.safetensors"}
    assert by_class["EmptySD3LatentImage"] == {"width": 768, "height": 512, "batch_size": 1}
    sampler = by_class["KSampler"]
    assert (sampler["steps"], sampler["cfg"], sampler["sampler_name"], sampler["scheduler"]) == (
        4,
        1.0,
        "euler",
        "simple",
    )
    assert (sampler["seed"], sampler["denoise"]) == (7, 1.0)
    assert api[sampler["negative"][0]]["inputs"]["text"] == ""
    assert api[sampler["positive"][0]]["inputs"]["text"] == "a fox"
    assert api[by_class["SaveImage"]["images"][0]]["class_type"] == image[0]


def test_flux_dev_guides_by_an_input_of_the_model() -> None:
    p = flux_dev(prompt="a fox", guidance=2.5, steps=28)
    assert p.graph[p.guidance].inputs["guidance"] == 2.5
    assert p.graph[p.sampler].inputs["positive"] == p.guidance.CONDITIONING
    assert p.graph[p.sampler].inputs["steps"] == 28
    assert p.graph[p.sampler].inputs["cfg"] == 1.0


@ALL
@pytest.mark.parametrize("release", ["0.33.0", "0.23.0"])
def test_nothing_is_wrong_with_them(preset: Preset, release: str) -> None:
    assert preset(prompt="a fox").graph.check(Catalogue.bundled(release)) == []


@ALL
def test_every_handle_is_in_the_graph(preset: Preset) -> None:
    p = preset(prompt="a fox", negative="", seed=3)
    for name, value in vars(p).items():
        if isinstance(value, Link):
            assert value._node in p.graph, name
        elif isinstance(value, Node):
            assert value in p.graph, name
    assert p.graph[p.sampler].inputs["seed"] == p.seed == 3
    assert p.graph[p.sampler].inputs["latent_image"] == p.latent.LATENT
    assert p.graph[p.save].inputs["images"] == p.image.IMAGE
    assert p.graph[p.image].inputs["vae"]._node == p.vae._node
    assert p.graph[p.positive].inputs["text"] == "a fox"
    assert p.graph[p.negative].inputs["text"] == ""


@ALL
def test_every_value_is_a_parameter(preset: Preset) -> None:
    steps, cfg = (3, 1.0) if preset is flux_schnell else (21, 1.0)
    values = {
        "width": 640,
        "height": 704,
        "batch_size": 2,
        "steps": steps,
        "cfg": cfg,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "seed": 2**64 - 1,
        "filename_prefix": "in/here",
    }
    files = (
        {"checkpoint": "a.safetensors"}
        if preset is sdxl
        else {"unet": "u.gguf", "clip_l": "c", "t5xxl": "t", "vae": "v"}
    )
    p = preset(prompt="p", **values, **files)
    sent = [value for node in p.graph.to_api().values() for value in node["inputs"].values()]
    for value in [*values.values(), *files.values()]:
        assert value in sent
    assert [file.name for file in p.models] == list(files.values())
    assert {file["url"] for file in p.models} == {None}


@ALL
def test_a_seed_is_drawn_and_said(preset: Preset) -> None:
    drawn = {preset(prompt="p").seed for _ in range(20)}
    assert len(drawn) == 20
    assert all(0 <= seed < 2**64 for seed in drawn)
    assert max(drawn) > 2**32  # 64 bits, not 32: the odds against it are 2 ** 640
    p = preset(prompt="p")
    assert p.graph[p.sampler].inputs["seed"] == p.seed


@ALL
@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(preset: Preset, seed: int) -> None:
    with pytest.raises(GraphError, match="seed"):
        preset(prompt="p", seed=seed)


@ALL
def test_arguments_are_keywords(preset: Preset) -> None:
    with pytest.raises(TypeError):
        preset("a fox")
    with pytest.raises(TypeError, match="prompt"):
        preset()


@pytest.mark.parametrize(
    ("values", "word"),
    [({"width": 8}, "width"), ({"cfg": 101.0}, "cfg"), ({"sampler_name": "eulr"}, "euler"), ({"steps": 0}, "steps")],
)
def test_a_bad_value_is_an_error_at_the_call(values: dict[str, Any], word: str) -> None:
    with pytest.raises(GraphError, match=word) as caught:
        sdxl(prompt="p", **values)
    assert "test_presets.py:" in str(caught.value.problems[0].where)


@ALL
def test_the_files_are_named_with_folder_and_address(preset: Preset) -> None:
    p = preset(prompt="p")
    sent = [value for node in p.graph.to_api().values() for value in node["inputs"].values()]
    for file in p.models:
        assert file["name"] == file.name
        assert file.name in sent
        assert file.folder in ("checkpoints", "diffusion_models", "text_encoders", "vae")
        assert file.url is not None
        assert file.url.startswith("https://huggingface.co/")
        assert file.url.endswith(f"/{file.name}")
    assert json.loads(json.dumps(p.models))[0] == p.models[0]


@ALL
def test_the_result_is_frozen_and_short(preset: Preset) -> None:
    p = preset(prompt="p", seed=5)
    with pytest.raises(AttributeError):
        p.seed = 6  # type: ignore[misc]
    assert repr(p).endswith("seed 5>")


@ALL
def test_the_result_pickles_handles_and_all(preset: Preset) -> None:
    p = preset(prompt="p", seed=5)
    q = pickle.loads(pickle.dumps(p))
    assert type(q) is type(p)
    assert q.graph == p.graph
    assert q.graph.rules == p.graph.rules
    assert q.seed == 5
    assert q.models == p.models
    edited = q.graph.set(q.sampler, seed=6).set(q.positive, text="other")
    assert edited[q.sampler].inputs["seed"] == 6
    assert edited.replace(q.model, LoraLoader(model=q.model, clip=q.clip, lora_name="l").MODEL).check() == []


@ALL
def test_going_on_building(preset: Preset) -> None:
    p = preset(prompt="p")
    more = Graph(p.save, SaveImage(images=p.image, filename_prefix="again"))
    assert len(more) == len(p.graph) + 1
    other = CLIPTextEncode(clip=p.clip, text="another prompt")
    replaced = p.graph.replace(p.positive, other)
    assert p.positive not in replaced
    assert replaced.check() == []


def test_importing_them_is_light() -> None:
    code = (
        "import sys, comfygraph.presets as p; p.sdxl\n"
        "heavy = {'pydantic', 'networkx', 'requests', 'PIL', 'aiohttp', 'rich', 'typer', 'comfygraph.graph'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.strip() == "[]"
