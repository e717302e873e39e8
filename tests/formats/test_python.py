"""Graphs as Python programs: what comes out builds the same graph again, and reads as a person would write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comfygraph import Catalogue, Graph, custom_node, raw
from comfygraph.errors import FormatError
from comfygraph.formats.python import to_python
from comfygraph.formats.python_groups import names_in
from comfygraph.nodes import (
    BatchImagesNode,
    CheckpointLoaderSimple,
    CLIPTextEncode,
    EmptyLatentImage,
    ImageInvert,
    KSampler,
    LoadImage,
    LoraLoaderModelOnly,
    ModelSamplingSD3,
    PreviewImage,
    SaveImage,
    UNETLoader,
    VAEDecode,
)
from tests.corpus import prompts

from .programs import canonical, run


def sdxl() -> Graph:
    checkpoint = CheckpointLoaderSimple(ckpt_name="sd_xl_base_1.0.safetensors")
    sampled = KSampler(
        model=checkpoint.MODEL,
        positive=CLIPTextEncode(clip=checkpoint.CLIP, text="a red fox in snow"),
        negative=CLIPTextEncode(clip=checkpoint.CLIP, text="blurry"),
        latent_image=EmptyLatentImage(width=1024, height=1024),
        seed=42,
        steps=20,
        cfg=7.0,
        sampler_name="euler",
        scheduler="normal",
    )
    return Graph(SaveImage(images=VAEDecode(samples=sampled, vae=checkpoint.VAE), filename_prefix="fox"))


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def written_again(prompt: dict[str, Any], **options: Any) -> dict[str, Any]:
    return run(to_python(Graph.from_api(prompt), **options)).to_api(check=False)


@pytest.mark.parametrize("template", sorted(prompts()))
def test_official_workflows_survive(template: str) -> None:
    prompt = prompts()[template]
    assert canonical(written_again(prompt)) == canonical(prompt)
    assert written_again(prompt, keep_ids=True) == prompt


def test_a_program_reads_as_a_person_would_write_it() -> None:
    source = to_python(sdxl(), name="a fox in snow")
    assert source.startswith('"""A fox in snow.\n')
    body = source.partition('    """The pipeline')[2].partition('"""\n')[2].partition("\n\n\ndef main")[0]
    assert body == (
        "    checkpoint = CheckpointLoaderSimple(ckpt_name=ckpt_name)\n"
        "\n"
        "    positive = CLIPTextEncode(text=prompt, clip=checkpoint.CLIP)\n"
        "    negative = CLIPTextEncode(text=negative_prompt, clip=checkpoint.CLIP)\n"
        "    latent = EmptyLatentImage(width=width, height=height, batch_size=batch_size)\n"
        "    sampled = KSampler(\n"
        "        model=checkpoint.MODEL,\n"
        "        seed=seed,\n"
        "        steps=steps,\n"
        "        cfg=cfg,\n"
        '        sampler_name="euler",\n'
        '        scheduler="normal",\n'
        "        positive=positive,\n"
        "        negative=negative,\n"
        "        latent_image=latent,\n"
        "    )\n"
        "\n"
        "    decoded = VAEDecode(samples=sampled, vae=checkpoint.VAE)\n"
        '    save = SaveImage(images=decoded, filename_prefix="fox")\n'
        "    return Graph(save)"
    )


def test_build_takes_what_people_change() -> None:
    source = to_python(sdxl())
    graph = run(source, prompt="a hare", seed=7, width=512, ckpt_name="other.safetensors", steps=8, cfg=2.0)
    sampler = graph.one(KSampler)
    assert (sampler.inputs["seed"], sampler.inputs["steps"], sampler.inputs["cfg"]) == (7, 8, 2.0)
    assert graph.one(EmptyLatentImage).inputs["width"] == 512
    assert graph.one(CheckpointLoaderSimple).inputs["ckpt_name"] == "other.safetensors"
    assert {n.inputs["text"] for n in graph.find(CLIPTextEncode)} == {"a hare", "blurry"}


def test_models_are_told_apart_by_their_files() -> None:
    def sampled(name: str, latent: Any, seed: int) -> KSampler:
        model = ModelSamplingSD3(model=UNETLoader(unet_name=name, weight_dtype="default"), shift=8.0)
        return KSampler(
            model=model,
            positive=positive,
            negative=positive,
            latent_image=latent,
            seed=seed,
            sampler_name="euler",
            scheduler="simple",
        )

    checkpoint = CheckpointLoaderSimple(ckpt_name="c.safetensors")
    positive = CLIPTextEncode(clip=checkpoint.CLIP, text="a fox")
    first = sampled("wan2.2_high_noise_14B.safetensors", EmptyLatentImage(), 1)
    second = sampled("wan2.2_low_noise_14B.safetensors", first, 2)
    source = to_python(Graph(SaveImage(images=VAEDecode(samples=second, vae=checkpoint.VAE))))
    assert "high_noise_model = ModelSamplingSD3(model=high_noise_unet" in source
    assert "low_noise_sampled = KSampler(" in source
    assert "high_noise_unet_name: str" in source


def test_parts_that_come_again_are_functions() -> None:
    def model(unet: str, lora: str) -> ModelSamplingSD3:
        loaded = UNETLoader(unet_name=unet, weight_dtype="default")
        return ModelSamplingSD3(model=LoraLoaderModelOnly(model=loaded, lora_name=lora), shift=5.0)

    checkpoint = CheckpointLoaderSimple(ckpt_name="c.safetensors")
    text = CLIPTextEncode(clip=checkpoint.CLIP, text="a fox")
    latent: Any = EmptyLatentImage()
    for i in range(2):
        latent = KSampler(
            model=model(f"unet{i}.safetensors", f"lora{i}.safetensors"),
            positive=text,
            negative=text,
            latent_image=latent,
            sampler_name="euler",
            scheduler="simple",
        )
    graph = Graph(SaveImage(images=VAEDecode(samples=latent, vae=checkpoint.VAE)))
    source = to_python(graph)
    assert "def load_model(*, unet_name: str, lora_name: str) -> ModelSamplingSD3:" in source
    assert source.count(" load_model(unet_name=") == 2
    assert canonical(run(source).to_api()) == canonical(graph.to_api())
    assert "def load_model" not in to_python(graph, keep_ids=True)


def test_ids_and_titles_are_kept_on_request() -> None:
    image = LoadImage(image="fox.png").named("375:4").titled("The fox's picture")
    graph = Graph(PreviewImage(images=image.IMAGE))
    assert run(to_python(graph, keep_ids=True)).to_api() == graph.to_api()
    assert "375:4" not in to_python(graph)


def test_values_that_a_type_would_refuse_are_raw() -> None:
    prompt = {
        "1": node(
            "KSampler", seed="12", steps=True, cfg=None, sampler_name="res_4s", scheduler=5, denoise=[1, 2, 3], model=1
        ),
    }
    source = to_python(Graph.from_api(prompt))
    assert 'sampler_name=raw("res_4s")' in source
    assert "positive=OMITTED" in source
    assert written_again(prompt) == prompt


def test_inputs_that_a_class_does_not_have_are_given_by_extra() -> None:
    prompt = {
        "1": node("CustomCombo", choice="red", option1="red", index=0, **{"two words": 1}),
        "2": node("PreviewAny", source=["1", 0], also=["1", 1]),
    }
    source = to_python(Graph.from_api(prompt))
    assert 'choice.extra(option1="red", index=0, **{"two words": 1})' in source
    assert "preview.extra(also=choice.INDEX)" in source
    assert written_again(prompt) == prompt


def test_slots_with_gaps_are_a_mapping() -> None:
    image = LoadImage(image="a.png").IMAGE
    whole = Graph(PreviewImage(images=BatchImagesNode(images=[image, image])))
    assert "images=[image.IMAGE, image.IMAGE]" in to_python(whole)
    gap = {
        "1": node("LoadImage", image="a.png"),
        "2": node("BatchImagesNode", **{"images.image0": ["1", 0], "images.image3": ["1", 0]}),
    }
    assert '"image3": image.IMAGE' in to_python(Graph.from_api(gap))
    assert written_again(gap) == gap


def test_options_of_dynamic_combos_are_classes() -> None:
    prompt = {
        "1": node("LoadImage", image="a.png"),
        "2": node(
            "ResizeImageMaskNode",
            input=["1", 0],
            resize_type="scale width",
            scale_method="area",
            **{"resize_type.width": 640},
        ),
    }
    assert "resize_type=ResizeImageMaskNode.ScaleWidth(width=640)" in to_python(Graph.from_api(prompt))
    assert written_again(prompt) == prompt
    prompt["2"]["inputs"]["resize_type"] = "no such option"
    assert written_again(prompt) == prompt


def test_nodes_that_nobody_typed() -> None:
    image = custom_node("Face Detailer+", **{"guide size": 512, "model": raw("x")})
    graph = Graph(PreviewImage(images=image.output(1)))
    source = to_python(graph)
    assert 'custom_node("Face Detailer+", model="x", **{"guide size": 512})' in source
    assert run(source) == graph


def test_a_catalogue_names_what_untyped_nodes_hold() -> None:
    record = {"input": {"required": {}}, "output": ["LATENT"], "output_name": ["LATENT"], "output_node": False}
    catalogue = Catalogue.from_object_info({"MyLatent": {**record, "name": "MyLatent", "category": "x"}})
    prompt = {"1": node("MyLatent"), "2": node("PreviewAny", source=["1", 0])}
    source = to_python(Graph.from_api(prompt), catalogue=catalogue)
    assert 'latent = custom_node("MyLatent")' in source


def test_files_to_upload_are_paths(tmp_path: Path) -> None:
    file = tmp_path / "a b.png"
    file.write_bytes(b"\x89PNG not really")
    graph = Graph(PreviewImage(images=LoadImage(image=file).IMAGE))
    assert run(to_python(graph)).uploads() == graph.uploads()


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ({"1": node("ImageInvert", image=["2", 0]), "2": node("ImageInvert", image=["1", 0])}, "cycle"),
        ({"1": node("ImageInvert", image=["1", 0])}, "cycle"),
        ({"1": node("ImageInvert", image=["9", 0])}, "'9', which is not in the graph"),
        ({"1": node("LoadImage", image="a"), "2": node("ImageInvert", image=["1", 7])}, "which has 2 outputs"),
        ({"1": {"inputs": {}}}, "has no class"),
    ],
)
def test_what_no_constructor_can_build_is_refused(prompt: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        to_python(Graph.from_api(prompt))


@pytest.mark.parametrize("keep_ids", [False, True])
def test_long_chains_need_no_recursion(keep_ids: bool) -> None:
    image: Any = LoadImage(image="a.png").IMAGE
    for _ in range(10_000):
        image = ImageInvert(image=image)
    graph = Graph(PreviewImage(images=image))
    again = run(to_python(graph, keep_ids=keep_ids))
    assert again.to_api(check=False) == graph.to_api(check=False)


def test_a_graph_of_nothing() -> None:
    assert len(run(to_python(Graph()))) == 0


EDITOR_FILE = {
    "nodes": [{"id": 88, "type": "a1b2"}, {"id": 89, "type": "a1b2"}, {"id": 3, "type": "SaveImage"}, "damaged"],
    "definitions": {"subgraphs": [{"id": "a1b2", "name": "Invert (thrice)"}, None]},
}


def test_subgraphs_of_the_editor_are_subgraph_functions() -> None:
    prompt = {"1": node("LoadImage", image="a.png"), "3": node("SaveImage", images=["88:3", 0], filename_prefix="x")}
    for part, source in (("88", "1"), ("89", "88:3")):
        prompt[f"{part}:1"] = node("ImageInvert", image=[source, 0])
        prompt[f"{part}:2"] = node("ImageInvert", image=[f"{part}:1", 0])
        prompt[f"{part}:3"] = node("ImageBlur", image=[f"{part}:2", 0], blur_radius=int(part) - 80, sigma=1)
    prompt["3"]["inputs"]["images"] = ["89:3", 0]
    source = to_python(Graph.from_api(prompt), subgraphs=names_in(EDITOR_FILE))
    assert "@subgraph\ndef invert(*, image: Link[k.Image], blur_radius: int) -> ImageBlur:" in source
    assert "blurred = invert(image=image.IMAGE, blur_radius=8)" in source
    graph = run(source)
    assert canonical(graph.to_api()) == canonical(prompt)
    assert "invert:1" in graph
    assert "@subgraph" not in to_python(Graph.from_api(prompt), subgraphs=names_in(EDITOR_FILE), keep_ids=True)


@pytest.mark.parametrize("data", [None, [], {}, {"nodes": 5}, {"nodes": [1], "definitions": {"subgraphs": {"id": 1}}}])
def test_files_without_subgraphs_have_no_names(data: object) -> None:
    assert names_in(data) == {}


def test_parts_that_show_something_on_the_way_give_it_too() -> None:
    def part(name: str, seed: int) -> list[Any]:
        latent = EmptyLatentImage(width=512, height=512)
        sampled = KSampler(
            model=checkpoint.MODEL,
            positive=text,
            negative=text,
            latent_image=latent,
            seed=seed,
            sampler_name="euler",
            scheduler="normal",
        )
        decoded = VAEDecode(samples=sampled, vae=checkpoint.VAE)
        inverted = ImageInvert(image=decoded)
        return [PreviewImage(images=decoded), SaveImage(images=inverted, filename_prefix=name)]

    checkpoint = CheckpointLoaderSimple(ckpt_name="c.safetensors")
    text = CLIPTextEncode(clip=checkpoint.CLIP, text="a fox")
    graph = Graph(*part("a", 1), *part("b", 2))
    source = to_python(graph)
    assert "-> tuple[PreviewImage, SaveImage]:" in source
    assert "preview_2, save_2 = save_image(" in source
    assert canonical(run(source).to_api()) == canonical(graph.to_api())
