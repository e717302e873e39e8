"""Edits: what changes, what stays, and what is refused."""

from __future__ import annotations

import copy
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfygraph import Catalogue, Graph
from comfygraph.errors import EditError, GraphError
from comfygraph.node import Node
from comfygraph.nodes import (
    BatchImagesNode,
    CheckpointLoaderSimple,
    CLIPTextEncode,
    EmptyImage,
    EmptyLatentImage,
    ImageInvert,
    ImageScaleBy,
    KSampler,
    LatentUpscaleBy,
    LoraLoader,
    LoraLoaderModelOnly,
    PreviewAny,
    PreviewImage,
    ResizeImageMaskNode,
    SaveImage,
    SolidMask,
    VAEEncode,
)

from .corpus import catalogue, prompts
from .pipelines import SDXL_JSON, sdxl

BOTH = pytest.mark.parametrize("graph", [sdxl()[0], Graph.from_api(SDXL_JSON)], ids=["built", "loaded"])


@BOTH
def test_set_is_checked_like_the_constructor(graph: Graph) -> None:
    sampler = graph.one(KSampler)
    before = graph.to_api()
    edited = graph.set(sampler, steps=8, sampler_name="dpmpp_2m")
    assert edited.to_api()[graph.id(sampler)]["inputs"] == {
        **before[graph.id(sampler)]["inputs"],
        "steps": 8,
        "sampler_name": "dpmpp_2m",
    }
    assert graph.to_api() == before
    for wrong, message in (
        ({"steps": 0}, "steps is 0, below its minimum"),
        ({"stepz": 3}, "no input 'stepz'"),
        ({"model": graph.one(CheckpointLoaderSimple).CLIP}, "of its outputs, .MODEL fits"),
        ({"model": None}, "model is needed, and None was given"),
    ):
        with pytest.raises(GraphError, match=re.escape(message)) as caught:
            graph.set(sampler, **wrong)
        assert "test_edits.py:" in (caught.value.problems[0].where or "")


def test_set_of_a_dynamic_combo_takes_the_old_options_inputs_away() -> None:
    node = ResizeImageMaskNode(input=EmptyImage(), resize_type=ResizeImageMaskNode.ScaleDimensions(width=8, height=8))
    graph = Graph(PreviewImage(images=node))
    inputs = graph.set(node, resize_type=ResizeImageMaskNode.ScaleByMultiplier(multiplier=2.0))[node].inputs
    assert {name: inputs[name] for name in inputs if name.startswith("resize_type")} == {
        "resize_type": "scale by multiplier",
        "resize_type.multiplier": 2.0,
    }
    assert graph.set(node, **{"resize_type.width": 9})[node].inputs["resize_type.width"] == 9  # type: ignore[arg-type]
    with pytest.raises(GraphError, match=r"did you mean 'resize_type.width'"):
        graph.set(node, **{"resize_type.widht": 9})  # type: ignore[arg-type]


def test_set_with_a_new_node_brings_the_node_along() -> None:
    graph, ckpt, sampled, _ = sdxl()
    picture = VAEEncode(pixels=EmptyImage(width=64, height=64), vae=ckpt.VAE)
    edited = graph.set(sampled, latent_image=picture, denoise=0.5)
    assert edited.id(picture) == "9"
    assert edited[sampled].inputs["latent_image"]._node == picture
    assert [p.code for p in edited.check()] == ["unused_node"]  # the empty latent; `set` never drops a node
    assert edited.prune().check() == []


def test_set_that_would_close_a_cycle_is_refused() -> None:
    first = ImageInvert(image=EmptyImage())
    second = ImageInvert(image=first)
    graph = Graph(PreviewImage(images=second))
    with pytest.raises(EditError, match="close a cycle"):
        graph.set(first, image=second)


@BOTH
def test_splice_puts_a_node_behind_an_output(graph: Graph) -> None:
    ckpt = graph.one(CheckpointLoaderSimple)
    edited = graph.splice(ckpt.MODEL, lambda m: LoraLoaderModelOnly(model=m, lora_name="x.safetensors"))
    lora = edited.one(LoraLoaderModelOnly)
    assert lora.inputs["model"] == edited[ckpt].MODEL
    assert edited.one(KSampler).inputs["model"]._node == lora
    assert set(graph.ids) < set(edited.ids)
    assert lora.id == str(max(int(i) for i in graph.ids) + 1)
    assert edited.check() == []
    with pytest.raises(GraphError, match="takes MODEL, and would be given LATENT"):
        graph.splice(ckpt.MODEL, lambda m: EmptyLatentImage())  # type: ignore[arg-type,return-value]
    with pytest.raises(EditError, match="takes a link and returns one"):
        graph.splice(ckpt.MODEL, lambda m: None)  # type: ignore[arg-type,return-value]


def test_splice_that_needs_what_it_feeds_is_refused() -> None:
    first = ImageInvert(image=EmptyImage())
    second = ImageInvert(image=first)
    graph = Graph(PreviewImage(images=second))
    with pytest.raises(EditError, match="close a cycle"):
        graph.splice(first.IMAGE, lambda _: graph[second])


@BOTH
def test_replace_rewires_and_drops_what_nothing_needs(graph: Graph) -> None:
    latent = graph.one(EmptyLatentImage)
    wide = EmptyLatentImage(width=1536, height=640)
    edited = graph.replace(latent.LATENT, wide.LATENT)
    assert latent not in edited
    assert edited.one(KSampler).inputs["latent_image"]._node == wide
    assert edited.check() == []
    with pytest.raises(GraphError, match="takes LATENT, and would be given IMAGE"):
        graph.replace(latent.LATENT, EmptyImage().IMAGE)  # type: ignore[type-var]
    with pytest.raises(EditError, match="not in the graph"):
        graph.replace(EmptyLatentImage().LATENT, wide.LATENT)


def test_replace_by_something_made_from_the_old_keeps_the_old_for_it() -> None:
    graph, _, sampled, _ = sdxl()
    bigger = LatentUpscaleBy(samples=sampled, upscale_method="bislerp", scale_by=1.5)
    edited = graph.replace(sampled.LATENT, bigger.LATENT)
    assert edited[bigger].inputs["samples"]._node == sampled
    assert edited.check() == []


def test_bypass_passes_inputs_through_as_the_editor_does() -> None:
    ckpt = CheckpointLoaderSimple(ckpt_name="a")
    lora = LoraLoader(model=ckpt.MODEL, clip=ckpt.CLIP, lora_name="b")
    text = CLIPTextEncode(clip=lora.CLIP, text="")
    sampled = KSampler(
        model=lora.MODEL,
        positive=text,
        negative=text,
        latent_image=EmptyLatentImage(),
        sampler_name="euler",
        scheduler="normal",
    )
    save = SaveImage(images=ImageScaleBy(image=EmptyImage(), upscale_method="area", scale_by=2.0))
    graph = Graph(save, sampled)
    edited = graph.bypass(lora)
    assert lora not in edited
    assert edited[sampled].inputs["model"] == edited[ckpt].MODEL
    assert edited[text].inputs["clip"] == edited[ckpt].CLIP
    with pytest.raises(EditError, match="none of its inputs is a MODEL"):
        graph.bypass(ckpt)
    assert len(graph.bypass(save)) == len(graph) - 1


def test_without_and_prune() -> None:
    graph, _, sampled, save = sdxl()
    with pytest.raises(EditError, match=r"5 \(KSampler\) cannot be taken out: 6 \(VAEDecode\)\.samples needs it"):
        graph.without(sampled)
    bare = graph.without(save)
    assert len(bare) == 6
    assert len(bare.prune()) == 0
    assert len(bare.prune(sampled)) == 5


def test_merge_keeps_ids_apart_and_handles_valid() -> None:
    one, _, sampled, _ = sdxl()
    two, _, other, _ = sdxl()
    both = one.merge(two)
    assert len(both) == 14
    assert both.id(sampled) == "5"
    assert both.id(other) == "12"
    assert both[other].inputs["model"]._node == two.one(CheckpointLoaderSimple)
    assert both.check() == []
    assert one.merge(one) == one
    with pytest.raises(EditError, match="edited differently"):
        one.merge(one.set(sampled, steps=3))


def test_extract_up_down_and_paths() -> None:
    graph, ckpt, sampled, save = sdxl()
    part = graph.extract(save, starts=[sampled.LATENT])
    assert {node.class_type for node in part} == {"VAEDecode", "SaveImage", "CheckpointLoaderSimple"}
    assert "samples" not in part.one("VAEDecode").inputs
    assert [node.id for node in graph.upstream(sampled)] == ["1", "2", "3", "4"]
    assert [node.id for node in graph.downstream(sampled)] == ["6", "7"]
    assert [[node.id for node in path] for path in graph.paths(ckpt, sampled)] == [
        ["1", "5"],
        ["1", "2", "5"],
        ["1", "3", "5"],
    ]
    assert graph.paths(save, ckpt) == []


# -- official workflows -----------------------------------------------------------------------------------------------


def unchanged_elsewhere(before: Graph, after: Graph, touched: set[str]) -> bool:
    old, new = before.to_api(check=False), after.to_api(check=False)
    return all(new[i] == old[i] for i in old if i not in touched and i in new)


def errors(graph: Graph) -> set[tuple[str | None, str | None, str]]:
    return {(p.node_id, p.input, p.code) for p in graph.check(catalogue()) if p.severity == "error"}


def model_file(node: Node) -> Any:
    return node.output("MODEL")


@pytest.mark.parametrize("template", sorted(prompts()))
def test_official_workflows_survive_edits(template: str) -> None:
    graph = Graph.from_api(prompts()[template])
    known = errors(graph)
    lora_names = catalogue()["LoraLoaderModelOnly"].inputs["lora_name"].options or ("none.safetensors",)
    # A LoRA behind every model loader.
    for loader in [
        n for n in graph if "MODEL" in n.output_names and not any(type(v) is not str for v in n.inputs.values())
    ]:
        edited = graph.splice(model_file(loader), lambda m: LoraLoaderModelOnly(model=m, lora_name=lora_names[0]))
        assert errors(edited) == known
    # Another latent for every sampler.
    for sampler in graph.find(KSampler):
        old = sampler.inputs["latent_image"]
        edited = graph.replace(old, EmptyLatentImage(width=512, height=512).LATENT)
        assert errors(edited) <= known
    # Every second node that can be is bypassed.
    edited = graph
    for node in list(graph)[::2]:
        with suppress(EditError):
            edited = edited.bypass(node)
    allowed = {"prompt_no_outputs"} if not any(catalogue()[n.class_type].output_node for n in edited) else set()
    assert {code for _, _, code in errors(edited) - known} <= allowed


# -- properties -------------------------------------------------------------------------------------------------------


@st.composite
def image_graphs(draw: st.DrawFn) -> tuple[Graph, list[Node]]:
    """A random graph of picture nodes, and handles to all of them."""
    nodes: list[Any] = [EmptyImage(width=draw(st.integers(1, 64)), height=8)]
    for _ in range(draw(st.integers(1, 12))):
        source = draw(st.sampled_from(nodes))
        match draw(st.integers(0, 2)):
            case 0:
                nodes.append(ImageInvert(image=source))
            case 1:
                nodes.append(ImageScaleBy(image=source, upscale_method="area", scale_by=draw(st.floats(0.5, 2.0))))
            case _:
                nodes.append(BatchImagesNode(images=draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=3))))
    saves = [PreviewImage(images=node) for node in nodes]
    graph = Graph(*saves)
    if draw(st.booleans()):
        ids = [graph.id(node) for node in [*nodes, *saves]]
        graph = Graph.from_api(graph.to_api())
        return graph, [graph[i] for i in ids]
    return graph, [*nodes, *saves]


@settings(max_examples=120, deadline=None)
@given(image_graphs(), st.data())
def test_edits_leave_everything_else_alone(made: tuple[Graph, list[Node]], data: st.DataObject) -> None:
    graph, handles = made
    before = graph.to_api()
    ids = {graph.id(handle): handle for handle in handles}
    target = data.draw(st.sampled_from([h for h in handles if h.class_type != "PreviewImage"]))
    match data.draw(st.sampled_from(["splice", "replace", "set", "bypass"])):
        case "splice":
            edited = graph.splice(target.output(0), lambda link: ImageInvert(image=link))
            dropped: set[str] = set()
        case "replace":
            edited = graph.replace(target.output(0), EmptyImage().IMAGE)
            dropped = set(before) - set(edited.ids)
        case "set":
            if target.class_type != "EmptyImage":
                return
            edited, dropped = graph.set(target, width=33), set()
        case _:
            if target.class_type == "EmptyImage":
                return
            edited, dropped = graph.bypass(target), {graph.id(target)}
    assert graph.to_api() == before
    assert [p for p in edited.check() if p.severity == "error"] == []
    for node_id, handle in ids.items():
        if node_id not in dropped:
            assert edited.id(handle) == node_id
            assert edited[handle].class_type == handle.class_type


@settings(max_examples=60, deadline=None)
@given(image_graphs(), st.data())
def test_replace_there_and_back_gives_the_same(made: tuple[Graph, list[Node]], data: st.DataObject) -> None:
    graph, handles = made
    before = graph.to_api()
    target = data.draw(st.sampled_from([h for h in handles if h.class_type != "PreviewImage"]))
    inverted = ImageInvert(image=target.output(0))
    there = graph.replace(target.output(0), inverted.IMAGE)
    assert there.to_api() != before
    assert there.replace(inverted.IMAGE, target.output(0)).to_api() == before


# -- found in review --------------------------------------------------------------------------------------------------


def reloaded_errors(graph: Graph) -> list[str]:
    return sorted({p.code for p in Graph.from_api(graph.to_api(check=False)).check() if p.severity == "error"})


def test_a_checked_node_is_looked_at_again_when_what_feeds_it_changes() -> None:
    image = EmptyImage(width=64, height=64)
    resized = ResizeImageMaskNode(input=image, resize_type=ResizeImageMaskNode.ScaleWidth(width=8))
    graph = Graph(SaveImage(images=resized))
    changed = graph.replace(image.IMAGE, SolidMask(value=1.0, width=64, height=64).MASK)  # type: ignore[type-var]
    assert [p.code for p in changed.check()] == ["return_type_mismatch"]
    nested = Graph(PreviewImage(images=ImageInvert(image=SaveImage(images=image))))
    assert [p.code for p in nested.check(Catalogue.bundled("0.23.0"))] == ["output_index_out_of_range"]


def test_an_extra_given_later_changes_no_graph_made_before() -> None:
    image = EmptyImage(width=64, height=64)
    graph = Graph(PreviewImage(images=image))
    before = graph.to_json()
    image.extra(bogus=1)
    assert graph.to_json() == before
    with pytest.raises(EditError, match="reads as a link by id"):
        image.extra(bogus=["77", 0])
    later = ImageInvert(image=image)
    image.extra(loop=later)
    assert "dependency_cycle" in {p.code for p in Graph(PreviewImage(images=later)).check()}


def test_values_are_not_shared_with_the_caller() -> None:
    curve: dict[str, Any] = {"points": [[0.0, 0.0]], "interpolation": "linear"}
    node = Catalogue.bundled().node("CurveEditor")(curve=curve)
    graph = Graph(node)
    before = graph.to_json(check=False)
    curve["points"].append("changed")
    graph[node].inputs["curve"]["points"].append("changed")
    default = Catalogue.bundled().node("CurveEditor")()
    default.inputs["curve"]["points"].append("changed")
    assert graph.to_json(check=False) == before
    assert "changed" not in str(Catalogue.bundled().node("CurveEditor")().inputs)


def test_bypass_goes_by_the_definition_whatever_the_order_of_the_file() -> None:
    control = {"image": ["1", 0], "control_net": ["9", 0], "negative": ["3", 0], "positive": ["2", 0]}
    rest = {"strength": 1.0, "start_percent": 0.0, "end_percent": 1.0}
    graph = Graph.from_api(
        {
            "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
            "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "p", "clip": ["4", 1]}},
            "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "n", "clip": ["4", 1]}},
            "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}},
            "9": {"class_type": "ControlNetLoader", "inputs": {"control_net_name": "c"}},
            "5": {"class_type": "ControlNetApplyAdvanced", "inputs": {**control, **rest}},
            "6": {"class_type": "KSampler", "inputs": {"positive": ["5", 0], "negative": ["5", 1]}},
        }
    )
    inputs = graph.bypass("5").to_api(check=False)["6"]["inputs"]
    assert inputs == {"positive": ["2", 0], "negative": ["3", 0]}


def test_merge_of_graphs_that_share_nodes_and_of_odd_ids() -> None:
    ckpt = CheckpointLoaderSimple(ckpt_name="a")
    one = Graph(PreviewAny(source=CLIPTextEncode(clip=ckpt.CLIP, text="1")))
    two = Graph(PreviewAny(source=CLIPTextEncode(clip=ckpt.CLIP, text="2")))
    assert len(one.merge(two)) == 5
    image = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}
    big = {str(10**15 - 1): image, str(10**15): image}
    assert len(Graph.from_api(big).merge(Graph.from_api(big))) == 4
    dangling = Graph.from_api({"7": {"class_type": "ImageInvert", "inputs": {"image": ["5", 0]}}})
    merged = Graph.from_api({"5": image}).merge(dangling)
    assert [p.code for p in merged.check() if p.node_id == "7"] == ["linked_node_missing"]


def test_extract_leaves_the_border_open_even_where_its_node_is_kept() -> None:
    graph, ckpt, sampled, _ = sdxl()
    part = graph.extract(sampled, starts=[ckpt.MODEL])
    assert "model" not in part[sampled].inputs
    assert ckpt in part


def test_handles_of_loaded_custom_nodes_are_of_the_class_asked_for() -> None:
    known = Catalogue.from_object_info(
        {"Mine": {"input": {"required": {"k": ["INT", {"max": 9}]}}, "output": ["IMAGE"]}}
    )
    mine = known.node("Mine")
    graph = Graph.from_api({"1": {"class_type": "Mine", "inputs": {"k": 3}}})
    node = graph.one(mine)  # type: ignore[call-overload]
    assert repr(node.IMAGE) == "Mine.IMAGE"
    with pytest.raises(GraphError, match="k is 99, above its maximum"):
        graph.set(node, k=99)


def test_handles_do_not_change_and_copies_keep_them() -> None:
    graph, _, sampled, _ = sdxl()
    for change in (graph[sampled].named, graph[sampled].titled):
        with pytest.raises(EditError, match="graphs do not change"):
            change("x")
    assert copy.deepcopy(graph)[sampled] == sampled
    assert hash(Graph.from_api(graph.to_api())) == hash(Graph.from_api(dict(reversed(graph.to_api().items()))))
    graph = graph.with_rules(never)
    assert Graph(PreviewImage(images=graph["6"].output(0))).rules == (never,)


def never(graph: Graph) -> list[Any]:
    return []


@pytest.mark.parametrize("odd", [["a"], {"a": 1}, 5, True])
def test_a_class_type_that_is_no_text_is_a_problem_and_no_crash(odd: Any) -> None:
    graph = Graph.from_api(
        {"1": {"class_type": odd, "inputs": {"a": ["2", 0]}}, "2": {"class_type": "EmptyImage", "inputs": {}}}
    )
    assert "missing_node_type" in {p.code for p in graph.check()}
    assert len(list(graph)) == 2
    assert graph.find("EmptyImage")[0].id == "2"
    assert graph.partner_nodes() == []
    assert graph.prune().to_api(check=False)
    assert graph.set("1", a=3)["1"].inputs["a"] == 3


def test_what_is_no_node_is_said_to_be_none() -> None:
    graph, _, sampled, save = sdxl()
    with pytest.raises(EditError, match=r'3 is no node and no id; give graph\["3"\]'):
        graph[3]  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"made of nodes.*write Graph\(save\)"):
        Graph([save])  # type: ignore[arg-type]
    assert Graph(sampled.LATENT) == Graph(sampled)  # type: ignore[arg-type]
    with pytest.raises(EditError, match="is no output"):
        graph.replace("1", sampled)  # type: ignore[arg-type,type-var]


def test_problems_of_a_huge_broken_graph_take_linear_time() -> None:
    nodes = {str(i): {"class_type": "ImageInvert", "inputs": {"image": [f"x{i}", 0]}} for i in range(4_000)}
    nodes |= {f"n{i}": {"class_type": f"Unknown{i % 7}", "inputs": {}} for i in range(4_000)}
    assert (
        len([p for p in Graph.from_api(nodes).check() if p.severity == "error"]) == 8_001
    )  # and that there is no output
