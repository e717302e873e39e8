"""The library of subgraphs: each does what it says, is checked, and is found as one part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import comfygraph.subgraphs as library
from comfygraph import Catalogue, Graph, GraphError
from comfygraph.nodes import Canny, CheckpointLoaderSimple, EmptyImage, KSampler, KSamplerAdvanced, LoadImage, SaveImage
from comfygraph.presets import SdxlResult, flux_dev, flux_schnell, sdxl
from comfygraph.subgraphs import (
    Subgraph,
    base_and_refiner,
    controlnet,
    flux_guidance,
    hires_fix,
    img2img,
    inpaint,
    lora_chain,
    lora_model_chain,
    text_encoders,
    upscale_model,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
RELEASES = [Catalogue.bundled("0.33.0"), Catalogue.bundled("0.23.0")]


@pytest.fixture
def p() -> SdxlResult:
    return sdxl(prompt="a fox", negative="blurry", seed=1)


def clean(graph: Graph) -> None:
    for release in RELEASES:
        assert graph.check(release) == []


def classes(graph: Graph, which: Subgraph[..., Any]) -> list[str]:
    return [node.class_type for node in graph.part(which).nodes]


def test_lora_chain(p: SdxlResult) -> None:
    patched = lora_chain(p.model, p.clip, loras=["a.safetensors", ("b.safetensors", 0.6)])
    graph = p.graph.replace(p.model, patched.model).replace(p.clip, patched.clip)
    clean(graph)
    first, second = graph.part(lora_chain).nodes
    assert (first.inputs["lora_name"], first.inputs["strength_model"], first.inputs["strength_clip"]) == (
        "a.safetensors",
        1.0,
        1.0,
    )
    assert (second.inputs["strength_model"], second.inputs["strength_clip"]) == (0.6, 0.6)
    assert graph[p.sampler].inputs["model"] == second.output("MODEL")
    assert graph[p.positive].inputs["clip"] == graph[p.negative].inputs["clip"] == second.output("CLIP")
    assert first.inputs["model"] == p.model
    assert lora_chain(p.model, p.clip, loras=[]) == (p.model, p.clip)
    with pytest.raises(GraphError, match="strength"):
        lora_chain(p.model, p.clip, loras=[("a", 1000.0)])


def test_lora_model_chain() -> None:
    q = flux_schnell(prompt="a fox")
    graph = q.graph.splice(q.model, lambda m: lora_model_chain(m, loras=["a", ("b", 0.5)]))
    clean(graph)
    assert classes(graph, lora_model_chain) == ["LoraLoaderModelOnly"] * 2
    assert [problem.code for problem in graph.set(q.sampler, cfg=2.0).check()] == ["rule_cfg"]


def test_controlnet(p: SdxlResult) -> None:
    edges = Canny(image=EmptyImage())
    guided = controlnet(p.positive, p.negative, edges, control_net_name="c.safetensors", strength=0.8, end_percent=0.5)
    graph = p.graph.set(p.sampler, positive=guided.positive, negative=guided.negative)
    clean(graph)
    applied = graph.one("ControlNetApplyAdvanced")
    assert "vae" not in applied.inputs
    assert (applied.inputs["strength"], applied.inputs["start_percent"], applied.inputs["end_percent"]) == (
        0.8,
        0.0,
        0.5,
    )
    assert graph[p.sampler].inputs["positive"] == applied.output(0)
    assert graph[p.sampler].inputs["negative"] == applied.output(1)
    with_vae = controlnet(p.positive, p.negative, edges, control_net_name="c", vae=p.vae)
    assert p.graph.set(p.sampler, positive=with_vae.positive).one("ControlNetApplyAdvanced").inputs["vae"] == p.vae


def test_img2img(p: SdxlResult) -> None:
    start = img2img(LoadImage(image="a.png").IMAGE, p.vae, megapixels=0.5)
    graph = p.graph.set(p.sampler, latent_image=start, denoise=0.6).prune()
    clean(graph)
    assert p.latent not in graph
    assert classes(graph, img2img) == ["ImageScaleToTotalPixels", "VAEEncode"]
    assert graph.part(img2img).nodes[0].inputs["megapixels"] == 0.5
    as_it_is = img2img(LoadImage(image="a.png").IMAGE, p.vae, megapixels=None)
    assert classes(p.graph.replace(p.latent, as_it_is), img2img) == ["VAEEncode"]


def test_inpaint(p: SdxlResult) -> None:
    loaded = LoadImage(image="a.png")
    part = inpaint(loaded.IMAGE, loaded.MASK, positive=p.positive, negative=p.negative, vae=p.vae)
    graph = p.graph.set(p.sampler, positive=part.positive, negative=part.negative, latent_image=part.latent).prune()
    clean(graph)
    node = graph.one("InpaintModelConditioning")
    assert [graph[p.sampler].inputs[name] for name in ("positive", "negative", "latent_image")] == [
        node.output(slot) for slot in range(3)
    ]


def test_hires_fix(p: SdxlResult) -> None:
    graph = p.graph.splice(
        p.image,
        lambda image: hires_fix(
            image, model=p.model, positive=p.positive, negative=p.negative, vae=p.vae, seed=5, scale=2.0, denoise=0.4
        ),
    )
    clean(graph)
    assert classes(graph, hires_fix) == ["ImageScaleBy", "VAEEncode", "KSampler", "VAEDecode"]
    second = graph.find(KSampler)[1]
    assert (second.inputs["denoise"], second.inputs["seed"]) == (0.4, 5)


def test_hires_fix_of_a_flux_is_held_to_its_rule() -> None:
    q = flux_schnell(prompt="a fox")
    links: dict[str, Any] = {"model": q.model, "positive": q.positive, "negative": q.negative, "vae": q.vae}
    wrong = q.graph.splice(q.image, lambda image: hires_fix(image, seed=5, **links))
    assert [problem.code for problem in wrong.check()] == ["rule_cfg", "rule_steps"]
    clean(
        q.graph.splice(q.image, lambda image: hires_fix(image, seed=5, cfg=1.0, steps=4, scheduler="simple", **links))
    )


def test_upscale_model(p: SdxlResult) -> None:
    graph = p.graph.splice(p.image, upscale_model)
    clean(graph)
    assert classes(graph, upscale_model) == ["UpscaleModelLoader", "ImageUpscaleWithModel"]
    sized = p.graph.splice(p.image, lambda image: upscale_model(image, model_name="x4.pth", resize=0.5))
    clean(sized)
    assert classes(sized, upscale_model)[-1] == "ImageScaleBy"


def test_flux_guidance() -> None:
    q = flux_dev(prompt="a fox")
    graph = q.graph.replace(q.guidance, flux_guidance(q.positive, guidance=2.0))
    clean(graph)
    assert q.guidance not in graph
    assert graph.one("FluxGuidance").inputs["guidance"] == 2.0


@pytest.mark.parametrize(("steps", "share", "switch"), [(25, 0.8, 20), (2, 0.8, 1), (10, 1.0, 9), (10, 0.0, 1)])
def test_base_and_refiner(p: SdxlResult, steps: int, share: float, switch: int) -> None:
    both = base_and_refiner(
        p.model, p.positive, p.negative, p.latent, prompt="a fox", seed=7, steps=steps, refine_from=share
    )
    graph = p.graph.replace(p.sampler, both)
    clean(graph)
    base, refiner = graph.find(KSamplerAdvanced)
    assert (base.title, refiner.title) == ("base_and_refiner / base", "base_and_refiner / refiner")
    assert (base.inputs["start_at_step"], base.inputs["end_at_step"], base.inputs["steps"]) == (0, switch, steps)
    assert (refiner.inputs["start_at_step"], refiner.inputs["add_noise"]) == (switch, "disable")
    assert base.inputs["return_with_leftover_noise"] == "enable"
    assert refiner.inputs["latent_image"] == base.LATENT
    loaders = {loader.inputs["ckpt_name"] for loader in graph.find(CheckpointLoaderSimple)}
    assert loaders == {"sd_xl_base_1.0.safetensors", "sd_xl_refiner_1.0.safetensors"}
    assert graph[p.image].inputs["vae"] == p.vae


def test_text_encoders() -> None:
    q = flux_schnell(prompt="a fox")
    graph = q.graph.replace(q.clip, text_encoders("a", "b", type="flux"))
    clean(graph)
    assert q.text_encoders not in graph
    loaders = {
        1: ("CLIPLoader", {"type": "sd3"}),
        2: ("DualCLIPLoader", {"type": "sdxl"}),
        3: ("TripleCLIPLoader", {}),
        4: ("QuadrupleCLIPLoader", {}),
    }
    for count, (class_type, family) in loaders.items():
        names = [f"{number}.safetensors" for number in range(count)]
        link: Any = text_encoders(*names, **family)
        assert link.class_type == class_type
        assert [value for name, value in link.inputs.items() if name.startswith("clip_name")] == names
    with pytest.raises(GraphError, match="1 to 4 files, and was given 0"):
        text_encoders()
    with pytest.raises(GraphError, match="type"):
        text_encoders("a")
    with pytest.raises(GraphError, match="flux"):
        text_encoders("a", type="flux")


def test_where_a_node_was_made_is_the_callers_line(p: SdxlResult) -> None:
    graph = Graph(SaveImage(images=upscale_model(p.image)))
    assert all("test_library.py:" in str(node.where) for node in graph.part(upscale_model).nodes)
    with pytest.raises(GraphError) as caught:
        upscale_model(p.image, resize=-1.0)
    assert "test_library.py:" in str(caught.value.problems[0].where)


def test_each_has_an_example() -> None:
    sources = "\n".join(file.read_text(encoding="utf-8") for file in EXAMPLES.glob("*.py"))
    for name in library.__all__:
        if isinstance(getattr(library, name), Subgraph) and name != "lora_model_chain":
            assert f"{name}(" in sources or f", {name}" in sources, name


def test_all_of_it_is_there() -> None:
    assert set(library.__all__) <= set(dir(library))
    with pytest.raises(AttributeError, match="nothing"):
        library.nothing  # type: ignore[attr-defined]  # noqa: B018
