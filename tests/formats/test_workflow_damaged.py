"""Damaged and hostile workflow files: one clear line, in bounded time and memory."""

from __future__ import annotations

from typing import Any

import pytest

from comfygraph.catalogue import Catalogue
from comfygraph.errors import FormatError
from comfygraph.formats.workflow import to_api

from .drawing import Drawing

CATALOGUE = Catalogue.bundled()


def refusal(data: object) -> str:
    with pytest.raises(FormatError) as caught:
        to_api(data, CATALOGUE)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 1000
    return message


def one_node(kind: str = "SaveImage", **more: Any) -> dict[str, Any]:
    return {"id": 1, "type": kind, "mode": 0, "inputs": [], "outputs": [], "properties": {}, **more}


def part(identifier: str, *kinds: str, first: int) -> dict[str, Any]:
    drawing = Drawing(first)
    for kind in kinds:
        drawing.node(kind)
    return drawing.definition(identifier, identifier)


@pytest.mark.parametrize(
    ("data", "part_of_message"),
    [
        (None, "no editor workflow"),
        ([], "no editor workflow"),
        ({"1": {"class_type": "SaveImage", "inputs": {}}}, "no editor workflow"),
        ({"nodes": [5], "links": []}, "has no id"),
        ({"nodes": [{"type": "SaveImage"}], "links": []}, "has no id"),
        ({"nodes": [{"id": True, "type": "SaveImage"}], "links": []}, "has no id"),
        ({"nodes": [{"id": 1}], "links": []}, "has no type"),
        ({"nodes": [one_node(), one_node("Note")], "links": []}, "have the id '1': 'SaveImage' and 'Note'"),
        ({"nodes": [], "links": [[1, 2]]}, "is not [id, from, slot, to, slot, type]"),
        ({"nodes": [], "links": [{"id": 1}]}, "is not [id, from, slot, to, slot, type]"),
        ({"nodes": [], "links": [], "definitions": {"subgraphs": [5]}}, "without id or nodes"),
        ({"nodes": [], "links": [], "definitions": {"subgraphs": [part("a", first=1)] * 2}}, "have the id 'a'"),
    ],
)
def test_what_is_no_workflow_or_a_damaged_one(data: object, part_of_message: str) -> None:
    assert part_of_message in refusal(data)


def test_what_does_not_matter_is_not_looked_at() -> None:
    data = {"nodes": [one_node("Note", pos="?", inputs=5, outputs=[None], properties=[])], "links": 5, "extra": "x"}
    assert to_api({**data, "groups": 1, "definitions": []}, CATALOGUE) == {}


def test_a_link_to_nothing() -> None:
    slot = {"name": "images", "type": "IMAGE", "link": 7}
    assert "has link 7, and there is no such link" in refusal({"nodes": [one_node(inputs=[slot])], "links": []})
    links = [[7, 99, 0, 1, 0, "IMAGE"]]
    message = refusal({"nodes": [one_node(inputs=[slot])], "links": links})
    assert "comes from node '99', and there is no such node" in message


def test_an_output_that_a_subgraph_does_not_have() -> None:
    drawing = Drawing()
    host = drawing.node("a", outputs=("IMAGE",))
    drawing.join(host, 3, drawing.node("SaveImage", "fox"), "images", "IMAGE")
    assert "output 3" in refusal(drawing.file(part("a", "Note", first=10)))


def test_links_in_a_circle() -> None:
    drawing = Drawing()
    first = drawing.node("Reroute", outputs=("*",))
    second = drawing.node("Reroute", outputs=("*",))
    drawing.join(first, 0, second, "")
    drawing.join(second, 0, first, "")
    drawing.join(second, 0, drawing.node("SaveImage", "fox"), "images", "IMAGE")
    assert "run in a circle" in refusal(drawing.file())


def test_a_circle_of_nodes_that_run_is_for_the_check_to_say() -> None:
    drawing = Drawing()
    first = drawing.node("ImageInvert", outputs=("IMAGE",))
    second = drawing.node("ImageInvert", outputs=("IMAGE",))
    drawing.join(first, 0, second, "image", "IMAGE")
    drawing.join(second, 0, first, "image", "IMAGE")
    assert to_api(drawing.file(), CATALOGUE)["1"]["inputs"] == {"image": ["2", 0]}


def test_a_subgraph_that_contains_itself() -> None:
    drawing = Drawing()
    drawing.node("a")
    assert "contains itself" in refusal(drawing.file(part("a", "b", first=10), part("b", "a", first=20)))


def test_ten_thousand_nested_subgraphs() -> None:
    drawing = Drawing()
    drawing.node("s0")
    parts = [part(f"s{n}", f"s{n + 1}" if n < 9_999 else "VAELoader", first=n + 2) for n in range(10_000)]
    assert "nest more than 1,000 deep" in refusal(drawing.file(*parts))


def test_subgraphs_that_double_at_every_level() -> None:
    drawing = Drawing()
    drawing.node("s0")
    parts = [part(f"s{n}", *[f"s{n + 1}" if n < 59 else "VAELoader"] * 2, first=2 * n + 2) for n in range(60)]
    assert "unfolded" in refusal(drawing.file(*parts))


def test_many_inputs_on_many_uses() -> None:
    drawing = Drawing()
    for _ in range(3_000):
        drawing.node("a")
    wide = part("a", "VAELoader", first=5_000)
    wide["inputs"] = [{"id": str(n), "name": f"i{n}", "type": "*", "linkIds": []} for n in range(3_000)]
    assert "too many" in refusal(drawing.file(wide))


def test_more_nodes_than_a_workflow_has() -> None:
    assert "too large" in refusal({"nodes": [{"id": n, "type": "Note"} for n in range(100_001)], "links": []})


@pytest.mark.parametrize("kind", ["Reroute", "ImageInvert"])
def test_long_chains_of_nodes_that_are_looked_through(kind: str) -> None:
    drawing = Drawing()
    count = 5_000
    nodes = [{"id": 1, "type": "EmptyImage", "mode": 0, "outputs": [{"name": "IMAGE", "type": "IMAGE"}]}]
    links: list[list[Any]] = []
    for number in range(2, count):
        slot = {"name": "image", "type": "IMAGE", "link": number}
        outputs = [{"name": "IMAGE", "type": "IMAGE"}]
        nodes.append({"id": number, "type": kind, "mode": 4, "inputs": [slot], "outputs": outputs})
        nodes.append(
            {"id": count + number, "type": "SaveImage", "inputs": [{"name": "images", "link": count + number}]}
        )
        links += [[number, number - 1, 0, number, 0, "*"], [count + number, number, 0, count + number, 0, "*"]]
    prompt = to_api({**drawing.file(), "nodes": nodes, "links": links}, CATALOGUE)
    assert len(prompt) == count - 1
    assert all(node["inputs"].get("images", ["1", 0]) == ["1", 0] for node in prompt.values())


@pytest.mark.parametrize(
    "text", ["{" * 100_000, "/*" * 100_000, "//" * 100_000, "{a|" * 50_000 + "}" * 50_000, "\\" * 99_999]
)
def test_texts_that_would_never_end(text: str) -> None:
    drawing = Drawing()
    drawing.node("CLIPTextEncode", text)
    assert isinstance(to_api(drawing.file(), CATALOGUE)["1"]["inputs"]["text"], str)


def test_a_combo_with_a_million_options() -> None:
    drawing = Drawing()
    drawing.node("CustomCombo", "a", 0, *["x"] * 1_000_000)
    assert len(to_api(drawing.file(), CATALOGUE)["1"]["inputs"]) <= 10_000


def test_titles_and_packs_stay_text_in_messages() -> None:
    drawing = Drawing()
    drawing.node("Nope", title='"\n__import__("os")' * 500, properties={"cnr_id": "p\x1b[31m" * 500})
    message = refusal(drawing.file())
    assert "\x1b" not in message
