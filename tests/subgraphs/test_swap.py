"""`Graph.swap`: one part in the place of another."""

from __future__ import annotations

from typing import Any

import pytest

from comfygraph import Graph, GraphError
from comfygraph import kinds as k
from comfygraph.errors import EditError
from comfygraph.links import Link
from comfygraph.nodes import (
    EmptyImage,
    ImageBlend,
    ImageInvert,
    ImageScaleBy,
    ImageToMask,
    LoadImage,
    MaskToImage,
    PreviewImage,
    SaveImage,
)
from comfygraph.presets import flux_schnell, sdxl
from comfygraph.subgraphs import hires_fix, subgraph, upscale_model

from .parts import Two, both, both_softly, load, outer, sharpen, soften


def image() -> EmptyImage:
    return EmptyImage(width=64, height=64)


def test_another_part_in_its_place() -> None:
    save = SaveImage(images=soften(image()))
    graph = Graph(save)
    swapped = graph.swap(soften, sharpen, amount=2.0)
    assert swapped.ids == ("1", "2", "sharpen:1", "sharpen:2")
    assert swapped.check() == []
    assert swapped[save].inputs["images"] == swapped._output("sharpen:2", 0)
    assert swapped["sharpen:1"].inputs["image"] == swapped._output("1", 0)
    assert swapped["sharpen:2"].inputs["alpha"] == 2.0
    assert graph.ids == ("1", "soften:1", "2")  # the one before stays as it was


def test_there_and_back() -> None:
    graph = Graph(SaveImage(images=outer(image())))
    back = graph.swap(outer, sharpen).swap(sharpen, outer)
    assert back == graph


def test_the_same_part_with_other_values() -> None:
    graph = Graph(SaveImage(images=soften(image())))
    wider = graph.swap(soften, soften, radius=9)
    assert wider.ids == ("1", "2", "soften:1")
    assert wider.part(soften).values == {"radius": 9}


def test_one_of_several() -> None:
    graph = Graph(SaveImage(images=soften(soften(image()))))
    swapped = graph.swap("soften_2", sharpen)
    assert [part.id for part in swapped.parts()] == ["soften", "sharpen"]
    swapped = graph.swap(graph.parts(soften)[0], sharpen)
    assert [part.id for part in swapped.parts()] == ["soften_2", "sharpen"]
    assert swapped.part("soften_2").inputs == {"image": swapped._output("sharpen:2", 0)}


def test_a_nested_part() -> None:
    graph = Graph(SaveImage(images=outer(image())))
    first = graph.swap("outer:soften", sharpen)
    assert first.check() == []
    assert [part.id for part in first.parts()] == ["outer", "outer:sharpen", "outer:sharpen_2"]
    assert first["outer:sharpen_2:1"].title == "outer / sharpen / first"
    assert first.part(outer).inputs == {"image": first._output("1", 0)}
    last = first.swap("outer:sharpen", soften)
    assert last.check() == []
    assert last.part(outer).outputs == {"": last._output("outer:soften:1", 0)}
    for nested in (graph, first, last):
        whole = nested.swap(outer, both_ways)
        assert whole.ids == ("1", "2", "both_ways:1", "both_ways:2")
        assert whole.check() == []


@subgraph
def both_ways(image: Link[k.Image]) -> Link[k.Image]:
    return ImageInvert(image=ImageInvert(image=image))


def test_nothing_in_its_place() -> None:
    graph = Graph(SaveImage(images=soften(image())))
    assert graph.swap(soften, lambda image: image).ids == ("1", "2")


def test_a_plain_function_in_its_place() -> None:
    def inverted(image: Link[k.Image]) -> Link[k.Image]:
        return ImageInvert(image=image)

    swapped = Graph(SaveImage(images=soften(image()))).swap(soften, inverted)
    assert swapped.ids == ("1", "2", "inverted:1")


def test_edits_before_it_count() -> None:
    start = image()
    graph = Graph(SaveImage(images=soften(start)))
    graph = graph.splice(start, lambda link: ImageInvert(image=link))
    graph = graph.splice(graph.part(soften).outputs[""], lambda link: ImageScaleBy(image=link, upscale_method="area"))
    swapped = graph.swap(soften, sharpen)
    assert swapped.check() == []
    assert swapped.one(ImageScaleBy).inputs["image"] == swapped._output("sharpen:2", 0)
    assert swapped["sharpen:1"].inputs["image"]._node.class_type == "ImageInvert"


def test_what_was_spliced_into_it_goes_with_it() -> None:
    graph = Graph(SaveImage(images=sharpen(image())))
    graph = graph.splice(graph["sharpen:1"].output(0), lambda link: ImageScaleBy(image=link, upscale_method="area"))
    assert len(graph) == 5
    assert graph.swap(sharpen, soften).ids == ("1", "2", "soften:1")


def test_a_use_of_its_middle_is_refused() -> None:
    graph = Graph(SaveImage(images=sharpen(image())))
    middle = graph["sharpen:1"].output(0)
    graph = Graph(*graph, PreviewImage(images=middle))
    with pytest.raises(EditError, match=r"PreviewImage\).images uses sharpen:1 \(ImageInvert\), which is inside it"):
        graph.swap(sharpen, soften)


def test_what_only_it_needed_goes_too() -> None:
    @subgraph
    def blended(image: Link[k.Image], other: Link[k.Image]) -> Link[k.Image]:
        return ImageBlend(image1=image, image2=other, blend_factor=0.5, blend_mode="screen")

    graph = Graph(SaveImage(images=blended(image(), ImageInvert(image=image()))))
    assert len(graph) == 5
    assert graph.swap(blended, soften).ids == ("1", "4", "soften:1")


def test_several_outputs_by_name() -> None:
    source = load("a.png")
    done = both(source.IMAGE, source.MASK)
    graph = Graph(SaveImage(images=done.image), PreviewImage(images=MaskToImage(mask=done.mask)))
    swapped = graph.swap(both, both_softly)
    assert swapped.check() == []
    assert swapped.one(MaskToImage).inputs["mask"] == swapped.one(LoadImage).MASK
    assert swapped.one(SaveImage).inputs["images"]._node.class_type == "ImageBlur"


def test_an_output_that_is_missing_is_refused_where_it_is_used() -> None:
    source = load("a.png")
    done = both(source.IMAGE, source.MASK)
    unused = Graph(SaveImage(images=done.image))

    @subgraph
    def only(image: Link[k.Image]) -> dict[str, Link[k.Image]]:
        return {"image": ImageInvert(image=image)}

    assert unused.swap(both, only).check() == []
    used = Graph(SaveImage(images=done.image), PreviewImage(images=MaskToImage(mask=done.mask)))
    with pytest.raises(EditError) as caught:
        used.swap(both, only)
    assert str(caught.value).splitlines() == [
        "only cannot take the place of 'both': only returns no mask, which 2 (MaskToImage).mask takes",
        "  both(image: IMAGE, mask: MASK) -> image: IMAGE, mask: MASK",
        "  only(image: Image) -> dict[str, Image]",
    ]


def refused(graph: Graph, new: Any, **given: Any) -> list[str]:
    with pytest.raises(EditError) as caught:
        graph.swap(soften, new, **given)
    return str(caught.value).splitlines()


def test_mismatched_surfaces_are_refused_with_both_listed() -> None:
    graph = Graph(SaveImage(images=soften(image())))
    assert refused(graph, both) == [
        "both cannot take the place of 'soften': it needs mask, which 'soften' has no link for: give it as mask=…",
        "  soften(image: IMAGE) -> IMAGE",
        "  both(image: Image, mask: Mask) -> Two",
    ]

    @subgraph
    def masked(image: Link[k.Image]) -> Link[k.Mask]:
        return ImageToMask(image=image, channel="red")

    assert refused(graph, masked) == [
        "masked cannot take the place of 'soften': masked returns MASK where IMAGE is needed",
        "  soften(image: IMAGE) -> IMAGE",
        "  masked(image: Image) -> Mask",
    ]

    @subgraph
    def takes_mask(image: Link[k.Mask]) -> Link[k.Image]:
        return MaskToImage(mask=image)

    assert refused(graph, takes_mask) == [
        "takes_mask cannot take the place of 'soften': MaskToImage: mask takes MASK, and EmptyImage.IMAGE gives IMAGE",
        "  soften(image: IMAGE) -> IMAGE",
        "  takes_mask(image: Mask) -> Image",
    ] or refused(graph, takes_mask)[1:] == ["  soften(image: IMAGE) -> IMAGE", "  takes_mask(image: Mask) -> Image"]
    assert refused(graph, sharpen, amuont=2.0)[0].endswith("sharpen has no parameter 'amuont'")


def test_a_bad_value_is_the_constructors_to_refuse() -> None:
    graph = Graph(SaveImage(images=soften(image())))
    with pytest.raises(GraphError, match="blur_radius"):
        graph.swap(soften, soften, radius=-5)


def test_a_cycle_is_refused() -> None:
    graph = Graph(SaveImage(images=ImageInvert(image=soften(image()))))
    below = graph.one(ImageInvert)
    with pytest.raises(EditError, match="close a cycle"):
        graph.swap(soften, sharpen, image=below)


def test_its_own_node_is_no_replacement() -> None:
    graph = Graph(SaveImage(images=sharpen(image())))
    inside = graph["sharpen:1"].output(0)
    with pytest.raises(EditError, match="a node of the part 'sharpen'"):
        graph.swap(sharpen, lambda image: inside)


def test_no_such_part() -> None:
    with pytest.raises(EditError, match="has no part soften"):
        Graph(SaveImage(images=image())).swap(soften, sharpen)


def test_rules_stay() -> None:
    p = flux_schnell(prompt="a fox")
    graph = p.graph.splice(p.image, soften).swap(soften, sharpen)
    assert graph.rules == p.graph.rules
    assert [problem.code for problem in graph.set(p.sampler, steps=9).check()] == ["rule_steps"]


def test_hires_fix_and_upscale_model() -> None:
    p = sdxl(prompt="a fox", seed=1)
    links: dict[str, Any] = {"model": p.model, "positive": p.positive, "negative": p.negative, "vae": p.vae}
    larger = p.graph.splice(p.image, lambda image: hires_fix(image, seed=1, **links))
    quick = larger.swap(hires_fix, upscale_model)
    assert quick.check() == []
    assert [part.id for part in quick.parts()] == ["upscale_model"]
    with pytest.raises(EditError, match="needs model, positive, negative, vae, seed"):
        quick.swap(upscale_model, hires_fix)
    again = quick.swap(upscale_model, hires_fix, seed=1, **links)
    assert again == larger


def test_handles_stay_valid() -> None:
    start, save = image(), SaveImage(images=soften(image()))
    graph = Graph(save, PreviewImage(images=start)).swap(soften, sharpen)
    assert start in graph
    assert save in graph
    assert graph.id(save) == "3"


def test_a_named_tuple_type_is_a_surface() -> None:
    assert both.surface == "both(image: Image, mask: Mask) -> Two"
    assert Two._fields == ("image", "mask")
