"""Subgraphs of editor workflows: ids, links through the boundary, shown widgets, and what older files say of those."""

from __future__ import annotations

from typing import Any

import pytest

from comfygraph.catalogue import Catalogue
from comfygraph.errors import FormatError
from comfygraph.formats.workflow import to_api

from .drawing import Drawing

CATALOGUE = Catalogue.bundled()


def scaler(first: int = 10) -> Drawing:
    """Inside: an ImageScaleBy whose factor is shown outside; its method is not."""
    part = Drawing(first)
    scale = part.node("ImageScaleBy", "area", 2, outputs=("IMAGE",))
    part.takes("picture", "IMAGE", (scale, "image"))
    part.takes("factor", "FLOAT", (scale, "scale_by"), widget=True)
    part.gives("scaled", "IMAGE", scale)
    return part


def around(part: dict[str, Any], *values: Any, **more: Any) -> Drawing:
    """Outside: EmptyImage -> the part -> SaveImage, with ids 1, 2 and 3."""
    drawing = Drawing()
    image = drawing.node("EmptyImage", 64, 64, 1, 0, outputs=("IMAGE",))
    host = drawing.node(part["id"], *values, outputs=("IMAGE",), **more)
    save = drawing.node("SaveImage", "fox")
    drawing.join(image, 0, host, "picture", "IMAGE")
    drawing.join(host, 0, save, "images", "IMAGE")
    return drawing


def convert(drawing: Drawing, *subgraphs: dict[str, Any]) -> dict[str, Any]:
    return to_api(drawing.file(*subgraphs), CATALOGUE)


def test_inner_nodes_have_the_outer_nodes_id_before_theirs() -> None:
    part = scaler().definition("part")
    prompt = convert(around(part), part)
    assert set(prompt) == {"1", "2:10", "3"}
    assert prompt["2:10"]["inputs"] == {"image": ["1", 0], "upscale_method": "area", "scale_by": 2}
    assert prompt["3"]["inputs"]["images"] == ["2:10", 0]


def test_the_outer_value_counts_and_each_use_has_its_own() -> None:
    part = scaler().definition("part")
    drawing = around(part, 3)
    second = drawing.node("part", 5, outputs=("IMAGE",))
    drawing.join(1, 0, second, "picture", "IMAGE")
    prompt = convert(drawing, part)
    assert prompt["2:10"]["inputs"]["scale_by"] == 3
    assert prompt["4:10"]["inputs"]["scale_by"] == 5


def test_outer_values_by_name() -> None:
    part = scaler().definition("part")
    assert convert(around(part, widgets_values={"factor": 7}), part)["2:10"]["inputs"]["scale_by"] == 7


def test_an_outer_link_counts_more_than_a_value() -> None:
    part = scaler().definition("part")
    drawing = around(part, 3)
    number = drawing.node("PrimitiveFloat", 1.5, outputs=("FLOAT",))
    drawing.join(number, 0, 2, "factor", "FLOAT")
    assert convert(drawing, part)["2:10"]["inputs"]["scale_by"] == ["4", 0]


def test_nothing_outside_leaves_a_socket_empty() -> None:
    part = scaler().definition("part")
    drawing = Drawing(2)
    drawing.node("part", 3, outputs=("IMAGE",))
    assert convert(drawing, part)["2:10"]["inputs"] == {"upscale_method": "area", "scale_by": 3}


def test_subgraphs_nest_and_the_outermost_value_counts() -> None:
    inner = scaler(10)
    outer = Drawing(20)
    host = outer.node("inner", 4, outputs=("IMAGE",))
    outer.takes("picture", "IMAGE", (host, "picture"))
    outer.takes("size", "FLOAT", (host, "factor"), widget=True)
    outer.gives("scaled", "IMAGE", host)
    parts = [outer.definition("part"), inner.definition("inner")]
    assert convert(around(parts[0], 6), *parts)["2:20:10"]["inputs"] == {
        "image": ["1", 0],
        "upscale_method": "area",
        "scale_by": 6,
    }
    # Without a value of its own, the outer node shows that of the inner one.
    assert convert(around(parts[0]), *parts)["2:20:10"]["inputs"]["scale_by"] == 4


def test_definitions_may_stand_within_definitions() -> None:
    inner = scaler(10).definition("inner")
    outer = Drawing(20)
    host = outer.node("inner", outputs=("IMAGE",))
    outer.takes("picture", "IMAGE", (host, "picture"))
    outer.gives("scaled", "IMAGE", host)
    part = {**outer.definition("part"), "definitions": {"subgraphs": [inner]}}
    assert set(convert(around(part), part)) == {"1", "2:20:10", "3"}


@pytest.mark.parametrize(("mode", "expected"), [(2, None), (4, ["1", 0])])
def test_a_muted_or_bypassed_subgraph(mode: int, expected: list[Any] | None) -> None:
    part = scaler().definition("part")
    prompt = convert(around(part, 3, mode=mode), part)
    assert set(prompt) == {"1", "3"}
    assert prompt["3"]["inputs"].get("images") == expected


def test_a_bypassed_subgraph_within_a_subgraph_is_passed_by_but_its_nodes_stay() -> None:
    # The editor looks at the mode of a subgraph's node on the top level only.
    inner = scaler(10)
    outer = Drawing(20)
    host = outer.node("inner", outputs=("IMAGE",), mode=4)
    outer.takes("picture", "IMAGE", (host, "picture"))
    outer.gives("scaled", "IMAGE", host)
    parts = [outer.definition("part"), inner.definition("inner")]
    prompt = convert(around(parts[0]), *parts)
    assert set(prompt) == {"1", "2:20:10", "3"}
    assert prompt["3"]["inputs"]["images"] == ["1", 0]


def test_a_wire_straight_through_a_subgraph() -> None:
    part = Drawing(10)
    part.node("Note", "nothing here")
    part.inputs.append({"id": "a", "name": "picture", "type": "IMAGE", "linkIds": [7]})
    part.outputs.append({"id": "b", "name": "scaled", "type": "IMAGE", "linkIds": [7]})
    part.links.append([7, -10, 0, -20, 0, "IMAGE"])
    definition = part.definition("part")
    assert convert(around(definition), definition)["3"]["inputs"]["images"] == ["1", 0]


def test_ports_without_a_list_of_links_are_found_by_the_links() -> None:
    part = scaler().definition("part")
    for port in (*part["inputs"], *part["outputs"]):
        del port["linkIds"]
    prompt = convert(around(part, 3), part)
    assert prompt["2:10"]["inputs"] == {"image": ["1", 0], "upscale_method": "area", "scale_by": 3}
    assert prompt["3"]["inputs"]["images"] == ["2:10", 0]


def test_an_inner_id_that_is_taken_is_replaced_as_the_editor_does() -> None:
    # Inside there is a node 1, too: it gets the next number after the last.
    part = scaler(1).definition("part")
    prompt = convert(around(part, 3), part)
    assert set(prompt) == {"1", "2:4", "3"}
    assert prompt["2:4"]["inputs"]["image"] == ["1", 0]


# Older files: properties.proxyWidgets


def proxied(*entries: list[str], values: tuple[Any, ...] = ()) -> dict[str, Any]:
    part = scaler().definition("part")
    drawing = around(part, *values, properties={"proxyWidgets": list(entries)})
    return convert(drawing, part)["2:10"]["inputs"]


def test_a_proxy_shows_a_widget_that_no_input_leads_to() -> None:
    got = proxied(["10", "upscale_method"], values=("lanczos",))
    assert got["upscale_method"] == "lanczos"


def test_values_go_by_the_order_of_the_proxies() -> None:
    got = proxied(["10", "upscale_method"], ["10", "scale_by"], values=("lanczos", 9))
    assert (got["upscale_method"], got["scale_by"]) == ("lanczos", 9)


def test_a_proxy_of_the_node_itself_sets_its_own_input() -> None:
    assert proxied(["-1", "factor"], values=(9,))["scale_by"] == 9


@pytest.mark.parametrize(
    "entry", [["99", "scale_by"], ["10", "no such widget"], ["10", "$$canvas-image-preview"], ["10", "image"]]
)
def test_a_proxy_of_nothing_is_nothing(entry: list[str]) -> None:
    assert proxied(entry)["scale_by"] == 2


def test_one_bad_proxy_spoils_them_all() -> None:
    part = scaler().definition("part")
    rows = [["10", "upscale_method"], [10, "scale_by"]]
    drawing = around(part, "lanczos", properties={"proxyWidgets": rows})
    # Then the value belongs to the first input that shows a widget.
    got = convert(drawing, part)["2:10"]["inputs"]
    assert (got["upscale_method"], got["scale_by"]) == ("area", "lanczos")


def test_old_names_of_nested_proxies_carry_ids() -> None:
    inner = scaler(10)
    outer = Drawing(20)
    host = outer.node("inner", 4, outputs=("IMAGE",))
    outer.takes("picture", "IMAGE", (host, "picture"))
    outer.gives("scaled", "IMAGE", host)
    parts = [outer.definition("part"), inner.definition("inner")]
    drawing = around(parts[0], 8, properties={"proxyWidgets": [["20", "10: scale_by"]]})
    assert convert(drawing, *parts)["2:20:10"]["inputs"]["scale_by"] == 8


def test_a_second_use_of_a_subgraph_has_the_inputs_that_the_first_one_made() -> None:
    part = scaler().definition("part")
    drawing = around(part, "lanczos", properties={"proxyWidgets": [["10", "upscale_method"]]})
    drawing.node("part", outputs=("IMAGE",))
    drawing.node("part", "bicubic", outputs=("IMAGE",), properties={"proxyWidgets": [["10", "upscale_method"]]})
    prompt = convert(drawing, part)
    methods = [prompt[f"{host}:10"]["inputs"]["upscale_method"] for host in (2, 4, 5)]
    assert methods == ["lanczos", "area", "bicubic"]


def test_a_proxy_of_a_primitive_takes_its_place() -> None:
    part = Drawing(10)
    scale = part.node("ImageScaleBy", "area", 2, outputs=("IMAGE",))
    number = part.node("PrimitiveNode", 3, "fixed", outputs=("FLOAT",))
    part.takes("picture", "IMAGE", (scale, "image"))
    part.gives("scaled", "IMAGE", scale)
    for name in ("upscale_method", "scale_by"):
        part.socket(scale, name, "FLOAT" if name == "scale_by" else "COMBO", widget=True)
    part.join(number, 0, scale, "scale_by", "FLOAT", widget=True)
    definition = part.definition("part")
    plain = convert(around(definition), definition)["2:10"]["inputs"]
    assert plain["scale_by"] == 3
    drawing = around(definition, 6, properties={"proxyWidgets": [[str(number), "value"]]})
    assert convert(drawing, definition)["2:10"]["inputs"]["scale_by"] == 6


def test_values_that_the_editor_set_aside_count() -> None:
    part = scaler().definition("part")
    kept = [{"originalEntry": ["-1", "factor"], "reason": "missingSourceNode", "hostValue": 11}]
    drawing = around(part, 3, properties={"proxyWidgetErrorQuarantine": kept})
    assert convert(drawing, part)["2:10"]["inputs"]["scale_by"] == 11


def test_unknown_inner_nodes_are_named_with_their_whole_id() -> None:
    part = Drawing(10)
    part.node("Sharpen It", outputs=("IMAGE",))
    drawing = Drawing()
    drawing.node("part")
    with pytest.raises(FormatError, match="'Sharpen It': node 1:10"):
        convert(drawing, part.definition("part"))
