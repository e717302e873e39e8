"""Widget values of a file: which value belongs to which input, and which inputs there are."""

from __future__ import annotations

from typing import Any

import pytest

from comfygraph.catalogue import Catalogue
from comfygraph.definition import InputDef
from comfygraph.formats.editor_order import in_editor_order
from comfygraph.formats.editor_text import dynamic_prompt
from comfygraph.formats.workflow import to_api

from .drawing import Drawing

CATALOGUE = Catalogue.bundled()


def inputs_of(kind: str, *values: Any, **more: Any) -> dict[str, Any]:
    drawing = Drawing()
    drawing.node(kind, *values, **more)
    return to_api(drawing.file(), CATALOGUE)["1"]["inputs"]


def record(kind: str, **inputs: list[Any]) -> Catalogue:
    """A catalogue with one node of these required inputs."""
    info = {"input": {"required": inputs}, "output": [], "output_name": [], "output_is_list": [], "name": kind}
    more = {"display_name": kind, "description": "", "category": "", "output_node": False, "python_module": "x"}
    return Catalogue.from_object_info({kind: {**info, **more}})


def of_record(catalogue: Catalogue, *values: Any, **more: Any) -> dict[str, Any]:
    drawing = Drawing()
    drawing.node(next(iter(catalogue)), *values, **more)
    return to_api(drawing.file(), catalogue)["1"]["inputs"]


def test_a_seed_is_followed_by_the_editors_control_value() -> None:
    assert inputs_of("KSampler", 7, "randomize", 20, 8.0, "euler", "normal", 0.5) == {
        "seed": 7,
        "steps": 20,
        "cfg": 8,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 0.5,
    }


@pytest.mark.parametrize(
    ("spec", "values", "expected"),
    [
        (["INT", {"control_after_generate": True}], [1, "fixed", 2], {"x": 1, "y": 2}),
        (["INT", {"control_after_generate": "then"}], [1, "fixed", 2], {"x": 1, "y": 2}),
        (["INT", {}], [1, 2], {"x": 1, "y": 2}),
        (["FLOAT", {"control_after_generate": True}], [0.5, "fixed", 2], {"x": 0.5, "y": 2}),
        (["COMBO", {"options": ["a"], "control_after_generate": True}], ["a", "fixed", "", 2], {"x": "a", "y": 2}),
        ([["a", "b"], {}], ["b", 2], {"x": "b", "y": 2}),
        (["BOUNDING_BOX", {}], [{"x": 1, "y": 2, "width": 3, "height": 4}, 1, 2, 3, 4, 9], {"y": 9}),
        (["IMAGECOMPARE", {}], [2], {"x": {"__value__": ["", ""]}, "y": 2}),
        (["MODEL", {}], [2], {"y": 2}),
        (["STRING", {"forceInput": True}], [2], {"y": 2}),
        (["FLOAT,INT", {"widgetType": "FLOAT", "default": 1.5}], [0.25, 2], {"x": 0.25, "y": 2}),
    ],
)
def test_values_by_place(spec: list[Any], values: list[Any], expected: dict[str, Any]) -> None:
    got = of_record(record("Probe", x=spec, y=["INT", {}]), *values)
    assert {**got, **expected} == got
    assert set(got) <= {"x", "y"}


def test_seeds_have_a_control_without_asking_unless_it_is_declined() -> None:
    assert of_record(record("Probe", seed=["INT", {}], y=["INT", {}]), 1, "fixed", 2) == {"seed": 1, "y": 2}
    declined = record("Probe", seed=["INT", {"control_after_generate": False}], y=["INT", {}])
    assert of_record(declined, 1, 2) == {"seed": 1, "y": 2}


def test_values_of_inputs_that_lost_their_widget_are_skipped() -> None:
    # Files from before frontend 1.16 hold a value for each, and are known by their number of values.
    catalogue = record("Probe", x=["INT", {"forceInput": True}], y=["INT", {}])
    assert of_record(catalogue, 1, 2) == {"y": 2}
    assert of_record(catalogue, 2) == {"y": 2}


def test_values_that_are_missing_are_the_defaults() -> None:
    got = inputs_of("EmptyImage", 64)
    definition = CATALOGUE["EmptyImage"].inputs
    assert got == {name: 64 if name == "width" else definition[name].default for name in definition}


def test_a_combo_without_a_value_has_its_first_option() -> None:
    catalogue = record("Probe", x=[["a", "b"], {}], y=["INT", {}])
    assert of_record(catalogue, None, 2) == {"x": "a", "y": 2}


def test_values_by_name() -> None:
    drawing = Drawing()
    drawing.node("KSampler", widgets_values={"steps": 9, "seed": 5, "videopreview": {"hidden": True}})
    inputs = to_api(drawing.file(), CATALOGUE)["1"]["inputs"]
    assert (inputs["seed"], inputs["steps"], inputs["cfg"]) == (5, 9, 8)
    assert "videopreview" not in inputs


def test_values_by_name_in_a_dynamic_combo() -> None:
    values = {"resize_type": "scale by multiplier", "resize_type.multiplier": 2, "scale_method": "area"}
    got = inputs_of("ResizeImageMaskNode", widgets_values=values)
    assert got == values


def test_lists_are_wrapped_and_curves_say_what_they_are() -> None:
    assert of_record(record("Probe", x=["COLORS", {}]), ["#fff", "#000"]) == {"x": {"__value__": ["#fff", "#000"]}}
    assert of_record(record("Probe", x=["CURVE", {}]), [[0, 0], [1, 1]]) == {
        "x": {"__type__": "CURVE", "__value__": [[0, 0], [1, 1]]}
    }


def test_upload_buttons_hold_a_value_that_is_not_sent() -> None:
    assert inputs_of("LoadImage", "fox.png", "image") == {"image": "fox.png"}
    assert inputs_of("LoadAudio", "fox.mp3", "", "") == {"audio": "fox.mp3"}


def test_a_dynamic_combo_has_the_inputs_of_its_option_in_the_editors_order() -> None:
    # crop comes last in the editor; sorted by name it would be first.
    got = inputs_of("ResizeImageMaskNode", "scale dimensions", 640, 480, "disabled", "area")
    assert got == {
        "resize_type": "scale dimensions",
        "resize_type.width": 640,
        "resize_type.height": 480,
        "resize_type.crop": "disabled",
        "scale_method": "area",
    }
    assert inputs_of("ResizeImageMaskNode", "scale by multiplier", 2.5, "area") == {
        "resize_type": "scale by multiplier",
        "resize_type.multiplier": 2.5,
        "scale_method": "area",
    }


def test_an_unknown_option_of_a_dynamic_combo_has_no_inputs() -> None:
    assert inputs_of("ResizeImageMaskNode", "no such option", "area") == {
        "resize_type": "no such option",
        "scale_method": "area",
    }


def test_dynamic_combos_nest_and_a_new_option_takes_over_the_links_of_its_names() -> None:
    nested = ["COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "p", "inputs": {"required": {"q": ["INT", {}]}}}]}]
    options = [
        {"key": "one", "inputs": {"required": {"z": ["INT", {}], "a": ["INT", {}]}}},
        {"key": "two", "inputs": {"required": {"pick": nested, "image": ["IMAGE", {}]}}},
    ]
    catalogue = record("Probe", mode=["COMFY_DYNAMICCOMBO_V3", {"options": options}], y=["INT", {}], i=["IMAGE", {}])
    # A server's own order is kept: z before a.
    assert of_record(catalogue, "one", 1, 2, 3) == {"mode": "one", "mode.z": 1, "mode.a": 2, "y": 3}
    drawing = Drawing()
    probe = drawing.node("Probe", "two", "p", 5, 9)
    other = drawing.node("Probe", "one", 1, 2, 3)
    drawing.join(other, 0, probe, "mode.image", "IMAGE")
    drawing.join(other, 0, probe, "mode.gone", "IMAGE")
    got = to_api(drawing.file(), catalogue)["1"]["inputs"]
    assert got == {"mode": "two", "mode.pick": "p", "mode.pick.q": 5, "mode.image": ["2", 0], "y": 9}


def test_growing_inputs_keep_their_dotted_names() -> None:
    drawing = Drawing()
    image = drawing.node("EmptyImage", 64, 64, 1, 0, outputs=("IMAGE",))
    batch = drawing.node("BatchImagesNode", outputs=("IMAGE",))
    for place in (0, 1, 2):
        drawing.join(image, 0, batch, f"images.image{place}", "IMAGE")
    drawing.socket(batch, "images.image3", "IMAGE")
    got = to_api(drawing.file(), CATALOGUE)["2"]["inputs"]
    assert got == {f"images.image{place}": ["1", 0] for place in (0, 1, 2)}


def test_growing_inputs_below_a_dynamic_combo_keep_links_as_far_as_they_follow_on_each_other() -> None:
    drawing = Drawing()
    image = drawing.node("EmptyImage", 64, 64, 1, 0, outputs=("IMAGE",))
    definition = CATALOGUE["GeminiNanoBanana2V2"]
    option = next(iter(definition.inputs["model"].choices or {}))
    node = drawing.node("GeminiNanoBanana2V2", "a fox", option, outputs=("IMAGE",))
    for place in (1, 2, 3, 5):
        drawing.join(image, 0, node, f"model.images.image_{place}", "IMAGE")
    got = to_api(drawing.file(), CATALOGUE)["2"]["inputs"]
    # The editor rebuilds the row one slot at a time, so what comes after a gap has no slot to go to.
    assert {name for name in got if "images" in name} == {f"model.images.image_{place}" for place in (1, 2, 3)}


def test_a_custom_combo_sends_its_options_and_which_of_them_is_chosen() -> None:
    assert inputs_of("CustomCombo", "b", 0, "a", "b", "") == {
        "choice": "b",
        "index": 1,
        "option1": "a",
        "option2": "b",
        "option3": "",
    }
    assert inputs_of("CustomCombo", "z", 0, "a", "")["index"] == -1


def test_viewers_send_their_empty_value_along() -> None:
    assert inputs_of("SaveGLB", "3d/fox", "")["image"] == ""
    got = inputs_of("Load3D", "fox.glb", "upload3dmodel", "uploadExtraResources", "clear", "", 640, 480)
    assert (got["model_file"], got["image"], got["width"], got["height"]) == ("fox.glb", "", 640, 480)


def test_whole_numbers_are_written_without_a_point() -> None:
    inputs = inputs_of("KSampler", 7.0, "fixed", 20.0, 8.0, "euler", "normal", 1.0)
    assert all(type(inputs[name]) is int for name in ("seed", "steps", "cfg", "denoise"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a fox", "a fox"),
        ("a {red|green} fox", "a red fox"),
        ("a {red {big|small}|green} fox", "a red big fox"),
        ("a {fox}", "a fox"),
        (r"a \{fox\|hare\}", "a {fox|hare}"),
        ("a fox // in snow\nat dusk /* or\ndawn */ now", "a fox \nat dusk  now"),
        ("http://x", "http:"),
        ("/* open // gone", "/* open "),
        ("{never|closed", "never"),
        ("}{", "}"),
        ("", ""),
    ],
)
def test_dynamic_prompts(text: str, expected: str) -> None:
    assert dynamic_prompt(text) == expected


def test_dynamic_prompts_are_resolved_where_the_definition_says_so_only() -> None:
    assert inputs_of("CLIPTextEncode", "a {red|green} fox")["text"] == "a red fox"
    assert inputs_of("PrimitiveString", "a {red|green} fox")["value"] == "a {red|green} fox"


def test_the_order_table_is_asked_for_sorted_definitions_only() -> None:
    def item(name: str, required: bool = True) -> InputDef:
        return InputDef(name, "INT", "number", required)

    def names(*items: InputDef) -> list[str]:
        return [entry.name for entry in in_editor_order(items)]

    assert names(item("crop"), item("height"), item("width")) == ["width", "height", "crop"]
    assert names(item("height"), item("crop"), item("width")) == ["height", "crop", "width"]
    assert names(item("a"), item("b")) == ["a", "b"]
    assert names(item("height"), item("crop", required=False), item("width", required=False)) == [
        "height",
        "width",
        "crop",
    ]
