"""The rules, one by one: code, place, and the text that a person reads."""

from __future__ import annotations

from typing import Any

import pytest

from comfygraph import Catalogue, Graph
from comfygraph.errors import ArgumentError, GraphError
from comfygraph.nodes import (
    BatchImagesNode,
    CheckpointLoaderSimple,
    CLIPTextEncode,
    ComfySwitchNode,
    EmptyImage,
    ImageInvert,
    ImageScale,
    KSampler,
    LoadImage,
    PreviewAny,
    PreviewImage,
    ResizeImageMaskNode,
    SaveImage,
    SaveVideo,
    StringFormat,
)
from comfygraph.problems import Problem, render

from .pipelines import BROKEN_FLUX_JSON, SDXL_JSON, chain, sdxl

IMAGE = {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}}
SAVE = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}


def graph_with(**nodes: Any) -> Graph:
    """EmptyImage -> SaveImage, with nodes added or put in place: ``n3={...}``."""
    return Graph.from_api({"1": IMAGE, "2": SAVE, **{name[1:]: node for name, node in nodes.items()}})


def codes(problems: list[Problem]) -> list[tuple[str, str, str | None, str | None]]:
    return [(p.severity, p.code, p.node_id, p.input) for p in problems]


def scaled(**inputs: Any) -> dict[str, Any]:
    base = {"image": ["1", 0], "upscale_method": "area", "width": 64, "height": 64, "crop": "disabled"}
    return {"class_type": "ImageScale", "inputs": {**base, **inputs}}


GOLDEN: list[tuple[str, dict[str, Any], str]] = [
    (
        "unknown class",
        {"n1": {"class_type": "EmptyImagee", "inputs": {}}},
        "error[missing_node_type]: there is no node class 'EmptyImagee' in ComfyUI 0.33.0\n"
        "  at: node 1 (EmptyImagee)\n"
        "  hint: did you mean 'EmptyImage'?",
    ),
    ("no class", {"n1": {"inputs": {}}}, "error[missing_node_type]: the node has no class_type\n  at: node 1"),
    (
        "missing input, and a name that looks like it",
        {"n1": {"class_type": "EmptyImage", "inputs": {"widht": 64, "height": 64, "batch_size": 1, "color": 0}}},
        "error[required_input_missing]: EmptyImage needs width (INT), and it is not there\n"
        "  at: node 1 (EmptyImage)\n"
        "  hint: 'widht' is no input of EmptyImage: is 'width' meant?\n"
        "warning[unknown_input]: EmptyImage has no input 'widht': the server ignores it\n"
        "  at: node 1 (EmptyImage)\n"
        "  hint: did you mean 'width'?\n"
        "1 error, 1 warning",
    ),
    (
        "missing link",
        {"n2": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}},
        "error[required_input_missing]: SaveImage needs images (IMAGE), and it is not there\n"
        "  at: node 2 (SaveImage)\n"
        "  hint: in this graph, 1 (EmptyImage).IMAGE, 2 (SaveImage).IMAGES would fit\n"
        "warning[unused_node]: 1 (EmptyImage) feeds no output node, so the server will not run it\n"
        "  at: node 1 (EmptyImage)\n"
        "  hint: link it to an output, or leave it out\n"
        "1 error, 1 warning",
    ),
    (
        "wrong kind",
        {
            "n3": {"class_type": "VAEDecode", "inputs": {"samples": ["1", 0], "vae": ["4", 2]}},
            "n4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}},
            "n2": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "x"}},
        },
        "error[return_type_mismatch]: samples takes LATENT, and 1 (EmptyImage).IMAGE gives IMAGE\n"
        "  at: node 3 (VAEDecode)\n"
        "  hint: no node of this graph gives LATENT",
    ),
    (
        "wrong output of the right node",
        {
            "n3": {
                "class_type": "VAEDecodeTiled",
                "inputs": {
                    "samples": ["5", 0],
                    "vae": ["4", 1],
                    "tile_size": 512,
                    "overlap": 64,
                    "temporal_size": 64,
                    "temporal_overlap": 8,
                },
            },
            "n4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}},
            "n5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
            "n2": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "x"}},
            "n1": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
        },
        "error[return_type_mismatch]: vae takes VAE, and 4 (CheckpointLoaderSimple).CLIP gives CLIP\n"
        "  at: node 3 (VAEDecodeTiled)\n"
        "  hint: of its outputs, VAE (output 2) fits",
    ),
    (
        "output index",
        {"n2": {"class_type": "SaveImage", "inputs": {"images": ["1", 3], "filename_prefix": "x"}}},
        "error[output_index_out_of_range]: images is linked to output 3 of 1 (EmptyImage), which does not exist\n"
        "  at: node 2 (SaveImage)\n"
        "  hint: its outputs are 0 IMAGE",
    ),
    (
        "link to nothing",
        {"n3": {"class_type": "SaveImage", "inputs": {"images": ["11", 0], "filename_prefix": "x"}}},
        "error[linked_node_missing]: images is linked to node '11', which does not exist\n"
        "  at: node 3 (SaveImage)\n"
        "  hint: did you mean '1'?",
    ),
    (
        "a list that is no link",
        {"n1": {"class_type": "EmptyImage", "inputs": {**IMAGE["inputs"], "color": [1, 2, 3]}}},
        "error[bad_linked_input]: color holds [1, 2, 3]: a list is read as a link, and a link is [node id, output index]\n"
        "  at: node 1 (EmptyImage)\n"
        '  hint: a list that is a value goes into {"__value__": [...]}',
    ),
    (
        "a value on a socket",
        {"n2": {"class_type": "SaveImage", "inputs": {"images": "fox.png", "filename_prefix": "x"}}},
        "error[link_expected]: images takes a link of kind IMAGE, not 'fox.png': the server takes it, and the run fails\n"
        "  at: node 2 (SaveImage)\n"
        "  hint: in this graph, 1 (EmptyImage).IMAGE, 2 (SaveImage).IMAGES would fit\n"
        "warning[unused_node]: 1 (EmptyImage) feeds no output node, so the server will not run it\n"
        "  at: node 1 (EmptyImage)\n"
        "  hint: link it to an output, or leave it out\n"
        "1 error, 1 warning",
    ),
    (
        "no number",
        {"n1": {"class_type": "EmptyImage", "inputs": {**IMAGE["inputs"], "width": "wide"}}},
        "error[invalid_input_type]: width takes a whole number (INT), not 'wide'\n"
        "  at: node 1 (EmptyImage)\n"
        "  hint: range 1 .. 16384",
    ),
    (
        "too small",
        {"n1": {"class_type": "EmptyImage", "inputs": {**IMAGE["inputs"], "width": 0}}},
        "error[value_smaller_than_min]: width is 0, below its minimum\n  at: node 1 (EmptyImage)\n  hint: range 1 .. 16384",
    ),
    (
        "too big",
        {"n1": {"class_type": "EmptyImage", "inputs": {**IMAGE["inputs"], "width": 16385}}},
        "error[value_bigger_than_max]: width is 16385, above its maximum\n  at: node 1 (EmptyImage)\n  hint: range 1 .. 16384",
    ),
    (
        "coerced",
        {"n1": {"class_type": "EmptyImage", "inputs": {**IMAGE["inputs"], "width": "64"}}},
        "warning[value_coerced]: width takes a whole number (INT); the server will turn '64' into 64\n"
        "  at: node 1 (EmptyImage)\n"
        "  hint: write 64 if that is meant",
    ),
    (
        "not in the list",
        {"n1": scaled(image=["3", 0], upscale_method="lanczoss"), "n3": IMAGE},
        "error[value_not_in_list]: upscale_method: 'lanczoss' is no option\n"
        "  at: node 1 (ImageScale)\n"
        "  hint: did you mean 'lanczos'?",
    ),
    (
        "no output node",
        {"n2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}},
        "error[prompt_no_outputs]: the graph has no output node, so the server has nothing to run\n"
        "  hint: add a SaveImage or a PreviewImage",
    ),
    (
        "a cycle",
        {
            "n1": {"class_type": "ImageInvert", "inputs": {"image": ["3", 0]}},
            "n3": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        },
        "error[dependency_cycle]: 1 (ImageInvert) needs its own result: image comes from 3 (ImageInvert), which is in a cycle with it\n"
        "  at: node 1 (ImageInvert)\n"
        "  hint: take one of the links out\n"
        "error[dependency_cycle]: 3 (ImageInvert) needs its own result: image comes from 1 (ImageInvert), which is in a cycle with it\n"
        "  at: node 3 (ImageInvert)\n"
        "  hint: take one of the links out\n"
        "2 errors",
    ),
    (
        "an unknown option of a dynamic combo",
        {
            "n1": {
                "class_type": "ResizeImageMaskNode",
                "inputs": {"input": ["3", 0], "resize_type": "scale widht", "scale_method": "area"},
            },
            "n3": IMAGE,
        },
        "error[unknown_option]: resize_type has no option 'scale widht'\n"
        "  at: node 1 (ResizeImageMaskNode)\n"
        "  hint: did you mean 'scale width'?",
    ),
    (
        "an input that the node does not have",
        {"n1": {"class_type": "EmptyImage", "inputs": {**IMAGE["inputs"], "colour": 3}}},
        "warning[unknown_input]: EmptyImage has no input 'colour': the server ignores it\n"
        "  at: node 1 (EmptyImage)\n"
        "  hint: did you mean 'color'?",
    ),
    (
        "the first graph that kills a server",
        {"n1": {"class_type": "EmptyImage", "inputs": {**IMAGE["inputs"], "bogus": ["77", 0]}}},
        "error[linked_node_missing]: EmptyImage has no input 'bogus', and it holds a link to node '77', which does not exist: "
        "this stops a real server's only worker for good\n"
        "  at: node 1 (EmptyImage)\n"
        "  hint: there are: 'width', 'height', 'batch_size', 'color'",
    ),
    (
        "the second graph that kills a server",
        {"n2": {"class_type": "SaveImage", "inputs": {"images": {"__value__": ["1", 0]}, "filename_prefix": "x"}}},
        "error[bad_linked_input]: images holds a wrapped list that the server reads as a link to node '1' when it runs, "
        "unchecked: a link to nothing stops its only worker for good\n"
        "  at: node 2 (SaveImage)\n"
        "  hint: send another value: no list of a text and a whole number can be sent\n"
        "warning[unused_node]: 1 (EmptyImage) feeds no output node, so the server will not run it\n"
        "  at: node 1 (EmptyImage)\n"
        "  hint: link it to an output, or leave it out\n"
        "1 error, 1 warning",
    ),
    (
        "a node that feeds nothing",
        {"n3": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}},
        "warning[unused_node]: 3 (ImageInvert) feeds no output node, so the server will not run it\n"
        "  at: node 3 (ImageInvert)\n"
        "  hint: link it to an output, or leave it out",
    ),
    (
        "a partner node",
        {
            "n1": {
                "class_type": "FluxProUltraImageNode",
                "inputs": {
                    "prompt": "a fox",
                    "prompt_upsampling": False,
                    "seed": 1,
                    "aspect_ratio": "16:9",
                    "raw": False,
                },
            }
        },
        "warning[partner_node]: 1 (FluxProUltraImageNode): run by a partner for credits of a Comfy account\n"
        "  hint: the client needs api_key=…",
    ),
]


@pytest.mark.parametrize(("nodes", "text"), [(n, t) for _, n, t in GOLDEN], ids=[name for name, _, _ in GOLDEN])
def test_messages_read_as_they_should(nodes: dict[str, Any], text: str) -> None:
    assert render(graph_with(**nodes).check()) == text


def test_the_flux_workflow_of_the_tutorials_is_taken_apart() -> None:
    problems = Graph.from_api(BROKEN_FLUX_JSON).check()
    assert codes(problems) == [
        ("error", "prompt_no_outputs", None, None),
        ("error", "required_input_missing", "1", "unet_name"),
        ("error", "linked_node_missing", "5", "negative"),
        ("error", "linked_node_missing", "5", "latent_image"),
        ("warning", "unknown_input", "1", "model_name"),
    ]


def test_twelve_problems_are_twelve_problems() -> None:
    nodes = {str(i): {"class_type": "EmptyImage", "inputs": {**IMAGE["inputs"], "width": -i}} for i in range(1, 13)}
    batch = {f"images.image{i}": [str(i + 1), 0] for i in range(12)}
    nodes["20"] = {"class_type": "BatchImagesNode", "inputs": batch}
    nodes["21"] = {"class_type": "SaveImage", "inputs": {"images": ["20", 0], "filename_prefix": "x"}}
    with pytest.raises(GraphError) as caught:
        Graph.from_api(nodes).to_api()
    assert len(caught.value.problems) == 12
    assert str(caught.value).endswith("\n12 errors")


def test_errors_in_a_node_that_feeds_nothing_are_warnings() -> None:
    graph = graph_with(n3=scaled(width=-1))
    assert codes(graph.check()) == [
        ("warning", "value_smaller_than_min", "3", "width"),
        ("warning", "unused_node", "3", None),
    ]
    graph.to_api()


def test_the_class_of_a_node_that_feeds_nothing_counts() -> None:
    assert ("error", "missing_node_type", "3", None) in codes(
        graph_with(n3={"class_type": "Nope", "inputs": {}}).check()
    )


def test_a_cycle_beside_the_outputs_is_not_looked_at_by_the_server() -> None:
    loop = {"class_type": "ImageInvert", "inputs": {"image": ["3", 0]}}
    assert [p.severity for p in graph_with(n3=loop).check()] == ["warning"]


def test_an_undeclared_link_is_a_dependency() -> None:
    loop = {"class_type": "EmptyImage", "inputs": {**IMAGE["inputs"], "extra": ["1", 0]}}
    assert ("error", "dependency_cycle", "1", None) in codes(graph_with(n1=loop).check())
    fine = graph_with(n3={"class_type": "PreviewImage", "inputs": {"images": ["1", 0], "extra": ["2", 0]}})
    assert codes(fine.check()) == [("error", "unknown_input", "3", "extra")]


def test_depth_is_counted_in_links_however_the_graph_came() -> None:
    for length, found in ((299, []), (300, ["deep_chain"])):  # the save is one link more
        built = Graph(chain(length))
        assert [p.code for p in built.check()] == found
        assert [p.code for p in Graph.from_api(built.to_api()).check()] == found


# -- dynamic inputs ---------------------------------------------------------------------------------------------------


def test_match_types_carry_their_kind_on() -> None:
    def resized(source: list[Any]) -> dict[str, Any]:
        return {
            "class_type": "ResizeImageMaskNode",
            "inputs": {"input": source, "resize_type": "scale width", "resize_type.width": 8, "scale_method": "area"},
        }

    mask = {"class_type": "SolidMask", "inputs": {"value": 1.0, "width": 8, "height": 8}}
    fits = graph_with(n3=resized(["1", 0]), n4={"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}})
    assert fits.check() == []
    wrong = graph_with(n5=mask, n3=resized(["5", 0]), n4={"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}})
    assert codes(wrong.check()) == [("error", "return_type_mismatch", "4", "images")]
    not_allowed = graph_with(
        n5={"class_type": "EmptyLatentImage", "inputs": {"width": 16, "height": 16, "batch_size": 1}},
        n3=resized(["5", 0]),
        n4={"class_type": "PreviewAny", "inputs": {"source": ["3", 0]}},
    )
    assert codes(not_allowed.check()) == [("error", "return_type_mismatch", "3", "input")]


def test_constructors_know_match_types_too() -> None:
    latent = sdxl()[2]
    with pytest.raises(GraphError, match=r"input takes IMAGE or MASK, and KSampler.LATENT.* gives LATENT"):
        ResizeImageMaskNode(input=latent, resize_type=ResizeImageMaskNode.ScaleWidth(width=8))  # type: ignore[type-var]
    for switch, fits in ((True, True), (False, False)):
        mixed = ComfySwitchNode(switch=switch, on_true=EmptyImage(), on_false=latent)
        if fits:  # the other side is not run
            assert PreviewImage(images=mixed).inputs  # type: ignore[arg-type]
        else:
            with pytest.raises(GraphError, match=r"images takes IMAGE.*gives LATENT"):
                PreviewImage(images=mixed)  # type: ignore[arg-type]
    switched = ComfySwitchNode(switch=True, on_true=latent, on_false=latent)
    with pytest.raises(GraphError, match=r"images takes IMAGE.*gives LATENT"):
        PreviewImage(images=switched)  # type: ignore[arg-type]


def test_autogrow_fills_slots_in_order_or_by_name() -> None:
    a, b = EmptyImage(), EmptyImage()
    batch = BatchImagesNode(images=[a, b])
    assert list(batch.inputs) == ["images.image0", "images.image1"]
    assert list(BatchImagesNode(images={"image0": a, "image5": b}).inputs) == ["images.image0", "images.image5"]
    assert (
        Graph(PreviewAny(source=StringFormat(f_string="{a}", values={"a": 3}))).to_api()["1"]["inputs"]["values.a"] == 3
    )
    for images, message in (
        ([], "needs at least 1, and image0 is missing"),
        ([a] * 51, "takes at most 50, and 51 were given"),
        ({"image0": a, "imge1": b}, "did you mean 'image1'"),
        (a, "takes a list"),
        ([a, sdxl()[2]], "takes IMAGE, and KSampler.LATENT"),
    ):
        with pytest.raises(GraphError, match=message):
            BatchImagesNode(images=images)  # type: ignore[arg-type]


def test_dynamic_combos_are_written_out_dotted() -> None:
    video = Graph.from_api(SDXL_JSON)["9"]
    assert video.class_type == "SaveImage"
    option = SaveVideo.H264(encoding=SaveVideo.H264.ReEncode(crf=20.0))
    assert dict(option.inputs) == {"encoding": "re-encode", "encoding.crf": 20.0}
    with pytest.raises(GraphError, match="not the bare text 'scale width'") as caught:
        ResizeImageMaskNode(input=EmptyImage(), resize_type="scale width")  # type: ignore[arg-type]
    assert caught.value.problems[0].hint == "write ResizeImageMaskNode.ScaleWidth(…)"
    with pytest.raises(GraphError, match="width is -1, below its minimum"):
        ResizeImageMaskNode.ScaleWidth(width=-1)


def test_another_release_has_other_nodes() -> None:
    graph = Graph(PreviewImage(images=SaveImage(images=EmptyImage())))
    assert graph.check() == []
    old = graph.check(Catalogue.bundled("0.23.0"))
    assert codes(old) == [("error", "output_index_out_of_range", "3", "images")]
    assert old[0].hint == "it has no outputs"


# -- what a constructor knows -----------------------------------------------------------------------------------------


def test_a_constructor_names_all_that_is_wrong_and_the_line() -> None:
    ckpt = CheckpointLoaderSimple(ckpt_name="a")
    text = CLIPTextEncode(clip=ckpt.CLIP, text="")
    with pytest.raises(GraphError) as caught:
        KSampler(
            model=ckpt.CLIP,  # type: ignore[arg-type]
            positive=ckpt,  # type: ignore[arg-type]
            negative=text,
            latent_image=5,  # type: ignore[arg-type]
            steps=0,
            sampler_name="eular",  # type: ignore[arg-type]
            scheduler="normal",
        )
    problems = caught.value.problems
    assert [(p.code, p.input, p.hint) for p in problems] == [
        ("return_type_mismatch", "model", "of its outputs, .MODEL fits"),
        ("value_smaller_than_min", "steps", "range 1 .. 10000"),
        ("value_not_in_list", "sampler_name", "did you mean 'euler'?"),
        ("return_type_mismatch", "positive", "none of .MODEL, .CLIP, .VAE fits"),
        ("link_expected", "latent_image", "give it a LATENT output of another node"),
    ]
    assert {(p.where or "").rpartition(":")[0].replace("\\", "/").rpartition("/")[2] for p in problems} == {
        "test_checks.py"
    }
    assert "CheckpointLoaderSimple.CLIP (ckpt, " in problems[0].message


def test_a_constructor_called_with_wrong_names() -> None:
    with pytest.raises(ArgumentError) as caught:
        ImageInvert(imgae=EmptyImage())  # type: ignore[call-arg]
    assert [(p.code, p.input, p.hint) for p in caught.value.problems] == [
        ("unknown_input", "imgae", "did you mean 'image'?"),
        ("required_input_missing", "image", "give it an IMAGE output of another node"),
    ]
    with pytest.raises(TypeError, match="takes its inputs by name"):
        ImageInvert(EmptyImage())  # type: ignore[misc]


def test_a_value_that_the_server_coerces_is_taken_and_warned_of() -> None:
    graph = Graph(SaveImage(images=EmptyImage(width="64")))  # type: ignore[arg-type]
    assert codes(graph.check()) == [("warning", "value_coerced", "1", "width")]
    assert graph.to_api()["1"]["inputs"]["width"] == "64"
    option = ResizeImageMaskNode.ScaleWidth(width="8")  # type: ignore[arg-type]
    graph = Graph(PreviewImage(images=ResizeImageMaskNode(input=EmptyImage(), resize_type=option)))
    assert codes(graph.check()) == [("warning", "value_coerced", "2", "resize_type.width")]


def test_numbers_of_other_libraries_become_pythons_own() -> None:
    class Int64:  # as numpy's: an integer that is no int
        def __index__(self) -> int:
            return 64

    width = EmptyImage(width=Int64()).inputs["width"]  # type: ignore[arg-type]
    assert (type(width), width) == (int, 64)


def test_files_are_only_known_to_a_server() -> None:
    graph = Graph(PreviewImage(images=LoadImage(image="no_such_file.png").IMAGE))
    assert graph.check() == []
    from .corpus import catalogue

    assert codes(graph.check(catalogue())) == [("error", "custom_validation_failed", "1", "image")]
    elsewhere = Graph(PreviewImage(images=LoadImage(image="sub/no_such_file.png").IMAGE))
    assert elsewhere.check(catalogue()) == []  # the list has only the folder itself


def test_rules_travel_with_the_graph() -> None:
    graph, _, sampled, _ = sdxl()
    ruled = graph.with_rules(few_steps)
    assert ruled.check() == []
    edited = ruled.set(sampled, steps=30)
    assert [p.code for p in edited.check()] == ["too_many_steps"]
    with pytest.raises(GraphError, match="at most 25"):
        edited.to_api()


def few_steps(graph: Graph) -> list[Problem]:
    steps = graph.one(KSampler).inputs["steps"]
    return [Problem("error", "too_many_steps", "at most 25 steps")] if steps > 25 else []


def test_a_deprecated_node_is_warned_of() -> None:
    deprecated = next(d for d in Catalogue.bundled().values() if d.deprecated and d.class_type == "ImageBatch")
    assert deprecated
    batch = Graph.from_api(
        {
            "1": IMAGE,
            "3": {"class_type": "ImageBatch", "inputs": {"image1": ["1", 0], "image2": ["1", 0]}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "x"}},
        }
    )
    assert codes(batch.check()) == [("warning", "deprecated_node", "3", None)]


def test_image_scale_is_used() -> None:
    node = ImageScale(image=EmptyImage(), upscale_method="area", width=8, height=8, crop="disabled")
    assert Graph(PreviewImage(images=node)).check() == []


def test_a_class_that_another_release_has_is_said_to_be_there() -> None:
    gone = sorted(set(Catalogue.bundled("0.23.0")) - set(Catalogue.bundled("0.33.0")))
    hints = {graph_with(n3={"class_type": name, "inputs": {}}).check()[0].hint for name in gone}
    assert "ComfyUI 0.23.0 has it: the server is of another release" in hints


def test_what_passes_a_switch_is_compared_as_a_run_would() -> None:
    def switched(source: Any) -> dict[str, Any]:
        return {"class_type": "ComfySwitchNode", "inputs": {"switch": True, "on_false": source, "on_true": source}}

    def through(kind: str, source: Any) -> list[Problem]:
        wanted = {
            "FLOAT": ("SolidMask", {"value": ["4", 0], "width": 8, "height": 8}),
            "IMAGE": ("ImageInvert", {"image": ["4", 0]}),
        }
        class_type, inputs = wanted[kind]
        nodes = {"n4": switched(source), "n5": {"class_type": class_type, "inputs": inputs}}
        nodes["n6"] = {"class_type": "PreviewAny", "inputs": {"source": ["5", 0]}}
        nodes["n7"] = {"class_type": "PrimitiveInt", "inputs": {"value": 1}}
        nodes["n8"] = {"class_type": "PrimitiveString", "inputs": {"value": "1"}}
        return [p for p in graph_with(**nodes).check() if p.severity == "error"]

    assert through("FLOAT", ["7", 0]) == []  # a whole number is a number, where nobody compares types
    assert through("FLOAT", 5) == []
    assert [p.code for p in through("FLOAT", ["8", 0])] == ["return_type_mismatch"]
    assert [p.code for p in through("IMAGE", ["7", 0])] == ["return_type_mismatch"]


def test_an_undeclared_link_to_no_output_kills_a_worker_too() -> None:
    odd = {"class_type": "EmptyImage", "inputs": {**IMAGE["inputs"], "extra": ["3", 9]}}
    graph = graph_with(n1=odd, n3=IMAGE)
    assert ("error", "output_index_out_of_range", "1", "extra") in codes(graph.check())


def test_a_value_that_is_nested_too_deeply_kills_a_worker() -> None:
    value: Any = 1
    for _ in range(150):
        value = {"a": [value]}
    graph = graph_with(n3={"class_type": "PreviewAny", "inputs": {"source": value}})
    assert codes(graph.check()) == [("error", "value_too_deep", "3", "source")]
    fine = graph_with(n3={"class_type": "PreviewAny", "inputs": {"source": {"a": {"b": [1]}}}})
    assert fine.check() == []


def test_a_switch_of_two_kinds_is_written_as_python_too() -> None:
    nodes = {
        "n3": {"class_type": "SolidMask", "inputs": {"value": 1.0, "width": 8, "height": 8}},
        "n5": {"class_type": "PrimitiveBoolean", "inputs": {"value": True}},
        "n4": {
            "class_type": "ComfySwitchNode",
            "inputs": {"switch": ["5", 0], "on_false": ["3", 0], "on_true": ["1", 0]},
        },
        "n6": {"class_type": "PreviewAny", "inputs": {"source": ["4", 0]}},
    }
    graph = graph_with(**nodes)
    assert graph["4"].outputs_by_name == {"OUTPUT": "MASK,IMAGE"}
    compile(graph.to_python(), "pipeline.py", "exec")
