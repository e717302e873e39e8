"""A graph in the editor's format: reading it again gives the graph back, and nothing is drawn on top of anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from comfygraph.catalogue import Catalogue
from comfygraph.definition import InputDef, NodeDef
from comfygraph.expand import declared
from comfygraph.formats.diff import diff
from comfygraph.formats.editor import OURS, original_ids, to_workflow, with_original_ids
from comfygraph.formats.editor_literal import as_typed
from comfygraph.formats.editor_sizes import TITLE
from comfygraph.formats.editor_text import dynamic_prompt
from comfygraph.formats.editor_widgets import widget_type
from comfygraph.formats.workflow import to_api
from comfygraph.graph import Graph
from comfygraph.presets import flux_schnell, sdxl

from ..corpus import catalogue, prompts

Prompt = dict[str, dict[str, Any]]
PRIMITIVES = {"PrimitiveBoolean", "PrimitiveInt", "PrimitiveFloat", "PrimitiveStringMultiline"}


def written(prompt: Prompt, definitions: Catalogue | None = None) -> dict[str, Any]:
    return json.loads(json.dumps(to_workflow(Graph.from_api(prompt), definitions)))


def read_back(prompt: Prompt, definitions: Catalogue) -> Prompt:
    """The prompt that the editor's file gives, with the graph's own ids, and without the primitives that were added."""
    workflow = written(prompt, definitions)
    back = with_original_ids(to_api(workflow, definitions), workflow)
    added = {k: v["inputs"].get("value") for k, v in back.items() if v["class_type"] in PRIMITIVES and k not in prompt}
    for node_id in added:
        del back[node_id]
    for entry in back.values():
        for name, value in entry["inputs"].items():
            if isinstance(value, list):
                entry["inputs"][name] = added.get(value[0], value)
    return back


def overlaps(workflow: dict[str, Any]) -> list[tuple[int, int]]:
    rectangles = [
        (n["id"], n["pos"][0], n["pos"][1] - TITLE, n["pos"][0] + n["size"][0], n["pos"][1] + n["size"][1])
        for n in workflow["nodes"]
    ]
    rectangles.sort(key=lambda rectangle: rectangle[1])
    found: list[tuple[int, int]] = []
    for i, (one, _, top, right, bottom) in enumerate(rectangles):
        for other, left, above, _, below in rectangles[i + 1 :]:
            if left >= right:
                break
            if above < bottom and top < below:
                found.append((one, other))
    return found


@pytest.mark.parametrize("template", sorted(prompts()))
def test_official_prompt_comes_back(template: str) -> None:
    prompt = prompts()[template]
    assert json.dumps(read_back(prompt, catalogue()), sort_keys=True) == json.dumps(prompt, sort_keys=True)


@pytest.mark.parametrize("template", sorted(prompts()))
def test_nothing_overlaps_and_links_run_right(template: str) -> None:
    workflow = written(prompts()[template], catalogue())
    assert overlaps(workflow) == []
    place = {node["id"]: node for node in workflow["nodes"]}
    for _, source, _, target, _, _ in workflow["links"]:
        assert place[source]["pos"][0] + place[source]["size"][0] < place[target]["pos"][0]


def test_links_and_slots_agree() -> None:
    workflow = written(prompts()["template_image_speech_to_video"], catalogue())
    nodes = {node["id"]: node for node in workflow["nodes"]}
    for number, source, slot, target, place, kind in workflow["links"]:
        assert number in nodes[source]["outputs"][slot]["links"]
        assert nodes[source]["outputs"][slot]["type"] == kind
        assert nodes[target]["inputs"][place]["link"] == number
        assert nodes[source]["order"] < nodes[target]["order"]
    assert workflow["last_link_id"] == len(workflow["links"])
    assert workflow["last_node_id"] == max(nodes)


@pytest.mark.parametrize("graph", [sdxl(prompt="a fox", seed=7).graph, flux_schnell(prompt="a fox", seed=7).graph])
def test_preset(graph: Graph) -> None:
    workflow = to_workflow(graph)
    back = to_api(workflow, Catalogue.bundled())
    wanted = graph.to_api()
    for node_id, entry in wanted.items():
        # What the graph leaves to the node (DualCLIPLoader.device), the editor writes out.
        assert back[node_id]["class_type"] == entry["class_type"]
        assert back[node_id]["inputs"].items() >= entry["inputs"].items()
    assert diff(graph, Graph.from_api(back)) == []
    sampler = next(node for node in workflow["nodes"] if node["type"] == "KSampler")
    assert sampler["widgets_values"][:2] == [7, "fixed"]
    assert sampler["properties"] == {"Node name for S&R": "KSampler", "cnr_id": "comfy-core", "ver": "0.33.0"}
    assert "title" not in sampler


# -- every node class -------------------------------------------------------------------------------------------------


def value_for(item: InputDef, name: str) -> Any:
    """A value that is not the default and not that of a neighbour."""
    match widget_type(item):
        case "INT":
            wanted = len(name) + 3
            return max(item.min or 0, min(wanted, item.max if item.max is not None else wanted))
        case "FLOAT":
            wanted = len(name) + 0.25
            return max(item.min or 0, min(wanted, item.max if item.max is not None else wanted))
        case "BOOLEAN":
            return item.default is not True
        case "COMBO":
            return item.options[-1] if item.options else f"{name}.bin"
        case "STRING":
            return f"{name} {{a|b}} // \\{{c"
        case "COLOR":
            return "#123456"
        case "BOUNDING_BOX":
            return {"x": 1, "y": 2, "width": 3, "height": 4}
        case _:
            return None


def cases(definition: NodeDef) -> Iterator[dict[str, Any]]:
    """Inputs for a node: for each option of its dynamic combos (and theirs) once, every widget set and every socket linked."""
    waiting: list[dict[str, Any]] = [{}]
    while waiting:
        keys = waiting.pop()
        known = declared(definition, keys)
        unset = [name for name, (item, _) in known.items() if item.choices and name not in keys]
        if unset:
            choices = known[unset[0]][0].choices or {}
            if waiting or len(unset) == 1:
                waiting += [{**keys, unset[0]: key} for key in choices]
            else:  # several combos beside one another: not all combinations
                others = {name: next(iter(known[name][0].choices or {})) for name in unset[1:]}
                waiting += [{**keys, **others, unset[0]: key} for key in choices]
            continue
        inputs = dict(keys)
        for name, (item, _) in known.items():
            grown = "." in name and name.partition(".")[0] not in keys
            if name in inputs or (grown and not name.endswith(("0", "1", "2", ".a", ".b"))):
                continue
            value = value_for(item, name) if not grown else None
            if value is not None:
                inputs[name] = value
            elif widget_type(item) is None or grown:
                inputs[name] = ["source", 0]
        yield inputs


@pytest.mark.parametrize("release", ["0.33.0", "0.23.0"])
def test_every_class_comes_back(release: str) -> None:
    definitions = Catalogue.bundled(release)
    prompt: Prompt = {"source": {"class_type": "EmptyImage", "inputs": {}}}
    for class_type, definition in definitions.items():
        for i, inputs in enumerate(cases(definition)):
            prompt[f"{class_type} {i}"] = {"class_type": class_type, "inputs": inputs}
    assert len(prompt) > len(definitions)
    back = read_back(prompt, definitions)
    for node_id, entry in prompt.items():
        found = back[node_id]["inputs"]
        assert {name: found.get(name) for name in entry["inputs"]} == entry["inputs"], node_id


# -- ids, titles, groups ----------------------------------------------------------------------------------------------


def image(**more: Any) -> dict[str, Any]:
    return {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}, **more}


def invert(source: Any) -> dict[str, Any]:
    return {"class_type": "ImageInvert", "inputs": {"image": [source, 0]}}


def test_ids_and_titles() -> None:
    prompt = {
        "12": image(_meta={"title": "Canvas"}),
        "sampler": invert("12"),
        "007": invert("sampler"),
        "-10": invert("007"),
        "5:3": invert("-10"),
    }
    workflow = written(prompt)
    assert [node["id"] for node in workflow["nodes"]] == [12, 13, 14, 15, 16]
    assert original_ids(workflow) == {"13": "sampler", "14": "007", "15": "-10", "16": "5:3"}
    assert [node.get("title") for node in workflow["nodes"]] == ["Canvas", None, None, None, None]


def test_original_ids_survive_copies_in_the_editor() -> None:
    workflow = written({"canvas": image(), "2": invert("canvas"), "3": invert("2")})
    copy = json.loads(json.dumps(workflow["nodes"][0]))
    copy["id"] = 9
    workflow["nodes"].append(copy)
    back = with_original_ids(to_api(workflow, Catalogue.bundled()), workflow)
    assert sorted(back) == ["2", "3", "9", "canvas"]
    assert back["2"]["inputs"]["image"] == ["canvas", 0]
    foreign = {"nodes": [{"id": 2}, {"id": 1, "properties": {OURS: {"id": "3"}}}, None]}
    assert with_original_ids({"1": image(), "3": invert("1")}, foreign) == {"1": image(), "3": invert("1")}


def test_subgraphs_are_groups() -> None:
    prompt = {"1": image(), "fix:1": invert("1"), "fix:2": invert("fix:1"), "2": invert("fix:2"), "9:1": invert("2")}
    workflow = written(prompt)
    (group,) = workflow["groups"]
    assert group["title"] == "fix"  # and none for 9: one node is no group
    x, y, width, height = group["bounding"]
    for node in workflow["nodes"]:
        left, top = node["pos"][0], node["pos"][1] - TITLE
        inside = x <= left and left + node["size"][0] <= x + width and y <= top and top + node["size"][1] <= y + height
        outside = left + node["size"][0] <= x or x + width <= left
        assert inside if original_ids(workflow).get(str(node["id"]), "").startswith("fix") else outside


def test_group_that_links_leave_and_enter_again_is_dropped() -> None:
    prompt = {"a:1": image(), "2": invert("a:1"), "a:2": invert("2")}
    assert written(prompt)["groups"] == []


# -- what cannot be drawn as it is ------------------------------------------------------------------------------------


def test_unknown_class_is_kept() -> None:
    prompt = {
        "1": image(),
        "2": {
            "class_type": "Mystery",
            "inputs": {"image": ["1", 0], "seed": 3, "text": "x"},
            "_meta": {"title": "What"},
        },
        "3": {"class_type": "ImageInvert", "inputs": {"image": ["2", 1]}},
    }
    node = written(prompt)["nodes"][1]
    assert (node["type"], node["title"], node["widgets_values"]) == ("Mystery", "What", [3, "fixed", "x"])
    assert [(slot["name"], slot["link"]) for slot in node["inputs"]] == [("image", 1)]
    assert [output["links"] for output in node["outputs"]] == [None, [2]]


def test_value_without_widget_comes_from_a_primitive() -> None:
    prompt = {"1": {"class_type": "PreviewAny", "inputs": {"source": 1024}}}
    workflow = written(prompt)
    back = to_api(workflow, Catalogue.bundled())
    assert back["1"]["inputs"] == {"source": ["2", 0]}
    assert (back["2"]["class_type"], back["2"]["inputs"]) == ("PrimitiveInt", {"value": 1024})
    assert original_ids(workflow) == {}


def test_what_nothing_holds_is_kept_in_properties() -> None:
    prompt = {"1": {"class_type": "ImageInvert", "inputs": {"image": ["77", 0], "bogus": 3, "far": ["1", 10**9]}}}
    (node,) = written(prompt)["nodes"]
    assert node["properties"][OURS] == {"inputs": {"bogus": 3, "image": ["77", 0], "far": ["1", 10**9]}}
    assert all(slot["link"] is None for slot in node["inputs"])


@pytest.mark.parametrize(
    "prompt",
    [
        {},
        {"1": {"class_type": None, "inputs": {}}},
        {"1": {"class_type": "ImageInvert"}},
        {"1": {"class_type": ["x"], "inputs": {"image": ["1", 0]}, "_meta": "no"}},
        {"1": invert("2"), "2": invert("1")},
        {"1": {"class_type": "ImageInvert", "inputs": {"image": ["1", -1], "x": [["1", 0], 2], "y": {"a": [1]}}}},
        {"1": {"class_type": "ResizeImageMaskNode", "inputs": {"resize_type": ["1", 0], "input": 3}}},
        {"1": {"class_type": "BatchImagesNode", "inputs": {"images.image9999": ["1", 0], "images.zzz": ["1", 0]}}},
    ],
)
def test_bad_graphs_are_drawn_too(prompt: Prompt) -> None:
    workflow = written(prompt)
    assert len(workflow["nodes"]) >= len(prompt)
    assert overlaps(workflow) == []


def test_prompts_mean_what_they_say() -> None:
    for text in ("{a|b}", "\\{", "\\\\{x", "http://x", "/* no */", "///", "a } b | c", "\\/*", "{//}", ""):
        assert dynamic_prompt(as_typed(text)) == text


def test_uploads_have_the_servers_names() -> None:
    from comfygraph.nodes import LoadImage, SaveImage

    graph = Graph(SaveImage(images=LoadImage(image=b"not really a picture").IMAGE))
    (upload,) = graph.uploads()
    workflow = to_workflow(graph, uploaded={upload.name: "server (1).png"})
    assert workflow["nodes"][0]["widgets_values"][0] == "server (1).png"


def test_same_graph_same_file() -> None:
    prompt = prompts()["image_ernie_image"]
    assert written(prompt, catalogue()) == written(json.loads(json.dumps(prompt)), catalogue())
