"""Editor workflows to API format: nodes, links, modes, and the nodes that exist in the editor only."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

import pytest

from comfygraph.catalogue import Catalogue
from comfygraph.errors import FormatError
from comfygraph.formats.workflow import is_workflow, to_api

from .drawing import Drawing

CATALOGUE = Catalogue.bundled()


def convert(drawing: Drawing, *subgraphs: dict[str, Any], **extra: Any) -> dict[str, Any]:
    return to_api(drawing.file(*subgraphs, **extra), CATALOGUE)


def picture() -> tuple[Drawing, int]:
    drawing = Drawing()
    return drawing, drawing.node("EmptyImage", 64, 32, 1, 255, outputs=("IMAGE",))


def test_a_node_has_its_values_by_name_and_its_links_by_id() -> None:
    drawing, image = picture()
    save = drawing.node("SaveImage", "fox", title="Keep it")
    drawing.join(image, 0, save, "images", "IMAGE")
    assert convert(drawing) == {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 32, "batch_size": 1, "color": 255},
            "_meta": {"title": CATALOGUE["EmptyImage"].display_name},
        },
        "2": {
            "class_type": "SaveImage",
            "inputs": {"images": ["1", 0], "filename_prefix": "fox"},
            "_meta": {"title": "Keep it"},
        },
    }


def test_the_schema_of_1_0_reads_the_same() -> None:
    drawing, image = picture()
    drawing.join(image, 0, drawing.node("SaveImage", "fox"), "images", "IMAGE")
    old = drawing.file()
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    new = {**old, "version": 1, "links": [dict(zip(keys, link, strict=True)) for link in old["links"]]}
    assert to_api(new, CATALOGUE) == to_api(old, CATALOGUE)


def test_the_file_is_left_as_it_was_and_the_result_shares_nothing_with_it() -> None:
    drawing = Drawing()
    drawing.node("CurveEditor", {"points": [[0, 0], [1, 1.0]], "interpolation": "linear"})
    file = drawing.file()
    before = copy.deepcopy(file)
    prompt = to_api(file, CATALOGUE)
    prompt["1"]["inputs"]["curve"]["points"].append("mine")
    assert file == before


def test_is_workflow_tells_the_editors_format_from_api_format() -> None:
    assert is_workflow(Drawing().file())
    assert not is_workflow({"1": {"class_type": "SaveImage", "inputs": {}}})
    assert not is_workflow([])


@pytest.mark.parametrize("mode", [2, 4])
def test_a_muted_or_bypassed_node_is_left_out(mode: int) -> None:
    drawing, image = picture()
    invert = drawing.node("ImageInvert", outputs=("IMAGE",), mode=mode)
    save = drawing.node("SaveImage", "fox")
    drawing.join(image, 0, invert, "image", "IMAGE")
    drawing.join(invert, 0, save, "images", "IMAGE")
    prompt = convert(drawing)
    assert set(prompt) == {"1", "3"}
    # What comes into a bypassed node passes through; nothing comes out of a muted one.
    assert prompt["3"]["inputs"].get("images") == (["1", 0] if mode == 4 else None)


def test_a_bypassed_node_passes_on_the_input_whose_type_fits() -> None:
    drawing = Drawing()
    loader = drawing.node("CheckpointLoaderSimple", "a.safetensors", outputs=("MODEL", "CLIP", "VAE"))
    lora = drawing.node("LoraLoader", "b.safetensors", 1, 1, outputs=("MODEL", "CLIP"), mode=4)
    text = drawing.node("CLIPTextEncode", "a fox", outputs=("CONDITIONING",))
    drawing.join(loader, 0, lora, "model", "MODEL")
    drawing.join(loader, 1, lora, "clip", "CLIP")
    drawing.join(lora, 1, text, "clip", "CLIP")
    assert convert(drawing)["3"]["inputs"] == {"clip": ["1", 1], "text": "a fox"}


def test_a_bypassed_node_without_a_fitting_input_passes_nothing_on() -> None:
    drawing, image = picture()
    encode = drawing.node("VAEEncode", outputs=("LATENT",), mode=4)
    decode = drawing.node("VAEDecode", outputs=("IMAGE",))
    drawing.join(image, 0, encode, "pixels", "IMAGE")
    drawing.join(encode, 0, decode, "samples", "LATENT")
    assert convert(drawing)["3"]["inputs"] == {}


def test_reroutes_are_looked_through_also_before_a_bypassed_node() -> None:
    drawing, image = picture()
    first = drawing.node("Reroute", outputs=("*",))
    invert = drawing.node("ImageInvert", outputs=("IMAGE",), mode=4)
    second = drawing.node("Reroute", outputs=("*",))
    save = drawing.node("SaveImage", "fox")
    drawing.join(image, 0, first, "", "*")
    drawing.join(first, 0, invert, "image", "IMAGE")
    drawing.join(invert, 0, second, "", "*")
    drawing.join(second, 0, save, "images", "IMAGE")
    prompt = convert(drawing)
    assert set(prompt) == {"1", "5"}
    assert prompt["5"]["inputs"]["images"] == ["1", 0]


def test_native_reroutes_are_drawing_only() -> None:
    drawing, image = picture()
    link = drawing.join(image, 0, drawing.node("SaveImage", "fox"), "images", "IMAGE")
    reroutes = [{"id": 1, "pos": [0, 0], "linkIds": [link]}]
    prompt = convert(drawing, reroutes=reroutes, linkExtensions=[{"id": link, "parentId": 1}])
    assert prompt["2"]["inputs"]["images"] == ["1", 0]


def test_notes_are_left_out() -> None:
    drawing, _ = picture()
    drawing.node("Note", "read me")
    drawing.node("MarkdownNote", "# read me")
    assert set(convert(drawing)) == {"1"}


def test_a_primitive_writes_its_value_into_the_widgets_that_it_feeds() -> None:
    drawing = Drawing()
    size = drawing.node("PrimitiveNode", 96, "fixed", outputs=("INT",))
    image = drawing.node("EmptyImage", 64, 64, 1, 0, outputs=("IMAGE",))
    drawing.join(size, 0, image, "width", "INT", widget=True)
    drawing.join(size, 0, image, "height", "INT", widget=True)
    assert convert(drawing) == {"2": convert(drawing)["2"]}
    inputs = convert(drawing)["2"]["inputs"]
    assert (inputs["width"], inputs["height"]) == (96, 96)


@pytest.mark.parametrize(("typed_in", "width"), [(1000, 1000), (1004, 1008), (3, 16), (99999, 16384)])
def test_a_primitive_keeps_to_the_bounds_and_the_step_of_what_it_feeds(typed_in: int, width: int) -> None:
    drawing = Drawing()
    size = drawing.node("PrimitiveNode", typed_in, "fixed", outputs=("INT",))
    latent = drawing.node("EmptyLatentImage", 512, 512, 1, outputs=("LATENT",))
    drawing.join(size, 0, latent, "width", "INT", widget=True)
    definition = CATALOGUE["EmptyLatentImage"].inputs["width"]
    assert (definition.min, definition.max, definition.step) == (16, 16384, 8)
    assert convert(drawing)["2"]["inputs"]["width"] == width


def test_a_wire_by_name_is_followed() -> None:
    drawing, image = picture()
    setter = drawing.node("SetNode", "shot", outputs=("IMAGE",))
    getter = drawing.node("GetNode", "shot", outputs=("IMAGE",))
    drawing.join(image, 0, setter, "IMAGE", "IMAGE")
    save = drawing.node("SaveImage", "fox")
    drawing.join(getter, 0, save, "images", "IMAGE")
    prompt = convert(drawing)
    assert set(prompt) == {"1", "4"}
    assert prompt["4"]["inputs"]["images"] == ["1", 0]


def test_a_link_that_the_definition_does_not_know_stays() -> None:
    # The editor keeps sockets that a file has and the class no longer has.
    drawing, image = picture()
    save = drawing.node("SaveImage", "fox")
    drawing.join(image, 0, save, "images", "IMAGE")
    drawing.join(image, 0, save, "second", "IMAGE")
    assert convert(drawing)["2"]["inputs"]["second"] == ["1", 0]


def test_unknown_classes_are_one_error_with_all_of_them_and_their_packs() -> None:
    drawing, _ = picture()
    drawing.node("Sharpen It", title="Crisp", properties={"cnr_id": "sharp-pack"})
    drawing.node("Sharpen It")
    drawing.node("Blur It", properties={"aux_id": "somebody/blur-pack"})
    drawing.node("Muted It", mode=2)
    with pytest.raises(FormatError) as caught:
        convert(drawing)
    message = str(caught.value)
    for part in ("'Sharpen It'", "sharp-pack", "2 ('Crisp'), 3", "'Blur It'", "somebody/blur-pack", "node 4"):
        assert part in message
    assert "Muted It" not in message
    assert "\n" not in message


def test_very_old_sampler_names_are_mended() -> None:
    drawing = Drawing()
    drawing.node("KSampler", 1, True, 20, 8.0, "sample_euler", "normal", 1)
    inputs = convert(drawing)["1"]["inputs"]
    assert (inputs["sampler_name"], inputs["scheduler"], inputs["denoise"]) == ("euler", "normal", 1)


def test_file_name_patterns_are_replaced() -> None:
    drawing = Drawing()
    image = drawing.node("EmptyImage", 64, 32, 1, 0, outputs=("IMAGE",), properties={"Node name for S&R": "Canvas"})
    save = drawing.node("SaveImage", "%date:yyyy-MM-dd%/%Canvas.width%x%Canvas.height%_%Canvas.nothing%_%width%")
    drawing.join(image, 0, save, "images", "IMAGE")
    prompt = to_api(drawing.file(), CATALOGUE, now=datetime(2026, 3, 9, 7, 5))
    assert prompt["2"]["inputs"]["filename_prefix"] == "2026-03-09/64x32_%Canvas.nothing%_%width%"


def test_a_group_node_becomes_a_subgraph_with_new_ids() -> None:
    drawing, image = picture()
    group = drawing.node("workflow>Both", 0.5, "soft", outputs=("IMAGE",))
    save = drawing.node("SaveImage", "fox")
    drawing.join(image, 0, group, "image", "IMAGE")
    drawing.join(group, 0, save, "images", "IMAGE")
    inner = {
        "nodes": [
            {"type": "ImageInvert", "inputs": [{"name": "image", "type": "IMAGE"}], "outputs": [{"type": "IMAGE"}]},
            {"type": "ImageScaleBy", "inputs": [{"name": "image", "type": "IMAGE"}], "widgets_values": ["area", 1]},
        ],
        "links": [[0, 0, 1, 0, 1, "IMAGE"]],
        "external": [],
    }
    next(node for node in drawing.nodes if node["id"] == group)["widgets_values"] = ["lanczos", 2]
    prompt = convert(drawing, groupNodes={"Both": inner})
    assert set(prompt) == {"1", "3", "6:4", "6:5"}
    assert prompt["6:4"]["inputs"] == {"image": ["1", 0]}
    assert prompt["6:5"]["inputs"] == {"image": ["6:4", 0], "upscale_method": "lanczos", "scale_by": 2}
    assert prompt["3"]["inputs"]["images"] == ["6:5", 0]
