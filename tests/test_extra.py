"""`Node.extra`, `OMITTED` and `custom_node`: what the typed signature of a node does not take."""

from __future__ import annotations

import pytest

from comfygraph import OMITTED, Graph, custom_node
from comfygraph.errors import EditError
from comfygraph.nodes import BatchImagesNode, ImageStitch, LoadImage, PreviewImage, ResizeImageMaskNode, SaveImage


def test_extra_inputs_are_sent_and_linked() -> None:
    image = LoadImage(image="a.png")
    preview = PreviewImage(images=image.IMAGE).extra(mask=image.MASK, **{"a.b": [1]})
    inputs = Graph(preview).to_api(check=False)["2"]["inputs"]
    assert inputs == {"images": ["1", 0], "mask": ["1", 1], "a.b": [1]}


def test_an_extra_input_takes_the_place_of_a_declared_one() -> None:
    first, second = LoadImage(image="a.png"), LoadImage(image="b.png")
    graph = Graph(PreviewImage(images=first.IMAGE).extra(images=second.IMAGE))
    assert len(graph) == 2
    assert graph.one(LoadImage).inputs["image"] == "b.png"


def test_check_sees_extra_inputs() -> None:
    image = LoadImage(image="a.png")
    graph = Graph(PreviewImage(images=image.IMAGE).extra(mask=image.MASK))
    assert [p.code for p in graph.check()] == ["unknown_input"]


def test_extra_refuses_a_node_of_several_outputs() -> None:
    image = LoadImage(image="a.png")
    with pytest.raises(EditError, match=r"say which: \.IMAGE, \.MASK"):
        PreviewImage(images=image.IMAGE).extra(mask=image)


def test_extra_does_not_change_a_graph() -> None:
    graph = Graph(PreviewImage(images=LoadImage(image="a.png").IMAGE))
    with pytest.raises(EditError, match=r"use graph\.set"):
        graph.one(PreviewImage).extra(mask=1)


def test_omitted_inputs_are_not_sent_and_are_reported_where_needed() -> None:
    image = LoadImage(image="a.png").IMAGE
    stitched = ImageStitch(image1=OMITTED, image2=image, direction=OMITTED)
    graph = Graph(SaveImage(images=stitched, filename_prefix=OMITTED))
    assert "direction" not in graph[stitched].inputs
    missing = {(p.class_type, p.input) for p in graph.check() if p.code == "required_input_missing"}
    assert missing == {("ImageStitch", "image1"), ("ImageStitch", "direction"), ("SaveImage", "filename_prefix")}


def test_dynamic_inputs_can_be_omitted() -> None:
    image = LoadImage(image="a.png").IMAGE
    assert dict(BatchImagesNode(images=OMITTED).inputs) == {}
    assert set(ResizeImageMaskNode(input=image, resize_type=OMITTED).inputs) == {"input", "scale_method"}


def test_a_custom_node_is_sent_as_it_is() -> None:
    faces = custom_node("Face Detailer", guide_size=512, image=LoadImage(image="a.png").IMAGE)
    graph = Graph(PreviewImage(images=faces.output(0)))
    assert graph.to_api(check=False)["2"] == {
        "class_type": "Face Detailer",
        "inputs": {"guide_size": 512, "image": ["1", 0]},
    }
    assert [p.code for p in graph.check()] == ["missing_node_type"]
    assert faces.where is not None
    assert "test_extra.py" in faces.where
