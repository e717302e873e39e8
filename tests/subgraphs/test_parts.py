"""`@subgraph`: ids, titles, finding, showing, nesting."""

from __future__ import annotations

import inspect
import pickle
import threading
from typing import Any

import pytest

from comfygraph import Graph, GraphError
from comfygraph.errors import EditError
from comfygraph.links import Link
from comfygraph.nodes import EmptyImage, ImageInvert, ImageScaleBy, InvertMask, MaskToImage, PreviewImage, SaveImage
from comfygraph.subgraphs import Subgraph, hires_fix, subgraph

from . import parts
from .parts import both, load, outer, sharpen, soften


def image() -> EmptyImage:
    return EmptyImage(width=64, height=64)


def test_a_call_gives_what_the_function_gives() -> None:
    assert type(soften(image())).__name__ == "ImageBlur"
    assert soften.__name__ == soften.name == "soften"
    assert soften.__doc__ == "Blur a picture."
    assert list(inspect.signature(soften).parameters) == ["image", "radius"]
    assert repr(soften) == "<subgraph soften(image: Image, …) -> Image>"
    with pytest.raises(TypeError):
        soften()  # type: ignore[call-arg]


def test_ids_and_titles_carry_the_name() -> None:
    graph = Graph(SaveImage(images=sharpen(soften(image()))))
    assert graph.ids == ("1", "soften:1", "sharpen:1", "sharpen:2", "2")
    titles = [node.title for node in graph]
    assert titles == [None, "soften / Blur Image", "sharpen / first", "sharpen / Sharpen Image", None]
    assert graph.to_api()["soften:1"]["_meta"] == {"title": "soften / Blur Image"}
    assert graph.check() == []


def test_several_calls_are_told_apart() -> None:
    graph = Graph(SaveImage(images=soften(soften(soften(image())))))
    assert graph.ids == ("1", "soften:1", "soften_2:1", "soften_3:1", "2")
    assert [part.id for part in graph.parts(soften)] == ["soften", "soften_2", "soften_3"]
    with pytest.raises(EditError, match="3 parts soften: 'soften', 'soften_2', 'soften_3'; say which"):
        graph.part(soften)
    assert graph.part("soften_2").ids == ("soften_2:1",)


def test_ids_are_a_matter_of_the_graph_alone() -> None:
    for _ in range(2):
        assert Graph(SaveImage(images=soften(image()))).ids == ("1", "soften:1", "2")
    blurred = soften(image())
    one, two = Graph(SaveImage(images=blurred)), Graph(PreviewImage(images=blurred))
    assert one.ids == two.ids


def test_names_that_are_taken_are_passed_over() -> None:
    loaded = Graph.from_api({"soften:1": {"class_type": "EmptyImage", "inputs": dict(image().inputs)}})
    graph = Graph(SaveImage(images=soften(loaded._output("soften:1", 0))))
    assert graph.ids == ("soften:1", "soften_2:1", "1")


def test_a_node_of_a_part_may_have_a_name() -> None:
    @subgraph
    def two(start: Link[Any], second: str) -> Link[Any]:
        return ImageInvert(image=ImageInvert(image=start).named("first")).named(second)

    assert Graph(SaveImage(images=two(image(), "last"))).ids == ("1", "two:first", "two:last", "2")
    assert Graph(SaveImage(images=two(two(image(), "b"), "b"))).ids[1:5] == (
        "two:first",
        "two:b",
        "two_2:first",
        "two_2:b",
    )
    with pytest.raises(GraphError, match="two nodes want the id 'two:first'"):
        Graph(SaveImage(images=two(image(), "first")))


def test_nested() -> None:
    graph = Graph(SaveImage(images=outer(image())))
    assert graph.ids == ("1", "outer:soften:1", "outer:1", "outer:sharpen:1", "outer:sharpen:2", "2")
    assert graph["outer:soften:1"].title == "outer / soften / Blur Image"
    assert [part.id for part in graph.parts()] == ["outer", "outer:soften", "outer:sharpen"]
    assert graph.part(outer).ids == graph.ids[1:5]
    assert graph.part(soften).ids == ("outer:soften:1",)
    assert graph.part("outer:sharpen").subgraph is sharpen


def test_what_a_part_was_given_and_gives() -> None:
    start = image()
    graph = Graph(SaveImage(images=soften(start, radius=5)))
    part = graph.part(soften)
    assert part.name == part.id == "soften"
    assert part.values == {"radius": 5}
    assert part.inputs == {"image": graph._output("1", 0)}
    assert part.outputs == {"": graph._output("soften:1", 0)}
    assert [node.class_type for node in part.nodes] == ["ImageBlur"]
    assert str(part).splitlines() == [
        "soften, made by soften",
        "  image <- 1 EmptyImage.IMAGE",
        "  radius = 5",
        "  node soften:1 ImageBlur",
        "  -> IMAGE",
    ]


def test_inputs_follow_the_edits() -> None:
    start = image()
    graph = Graph(SaveImage(images=outer(start)))
    spliced = graph.splice(start, lambda link: ImageScaleBy(image=link, upscale_method="area"))
    (scaled,) = [node for node in spliced.find(ImageScaleBy) if node.id == "3"]
    assert spliced.part(outer).inputs == {"image": scaled.IMAGE}
    assert spliced.part(soften).inputs == {"image": scaled.IMAGE}
    assert graph.part(outer).inputs == {"image": graph._output("1", 0)}


def test_an_input_that_edits_have_split() -> None:
    @subgraph
    def twice(start: Link[Any]) -> Link[Any]:
        from comfygraph.nodes import ImageBlend

        return ImageBlend(image1=start, image2=start, blend_factor=0.5, blend_mode="screen")

    graph = Graph(SaveImage(images=twice(image()))).set("twice:1", image2=ImageInvert(image=image()))
    with pytest.raises(EditError, match=r"start is now linked to several nodes: .* say which by start="):
        graph.part(twice).inputs  # noqa: B018
    with pytest.raises(EditError, match="say which"):
        graph.swap(twice, twice)
    swapped = graph.swap(twice, twice, start=graph["1"].output(0))
    assert swapped.check() == []


def test_several_outputs() -> None:
    source = load("a.png")
    done = both(source.IMAGE, source.MASK)
    graph = Graph(SaveImage(images=done.image), PreviewImage(images=MaskToImage(mask=done.mask)))
    assert {name: link._kind for name, link in graph.part(both).outputs.items()} == {"image": "IMAGE", "mask": "MASK"}
    assert {name: link._kind for name, link in graph.part(load).outputs.items()} == {"image": "IMAGE", "mask": "MASK"}
    assert graph.part("source").values == {"name": "a.png"}


def test_what_comes_later_joins_its_part() -> None:
    source = load("a.png")
    done = both(source.IMAGE, source.MASK)
    graph = Graph(SaveImage(images=done.image))
    assert graph.part(both).ids == ("both:1",)
    later = graph.set(graph.one(SaveImage), images=MaskToImage(mask=done.mask))
    assert later.part(both).ids == ("both:1", "both:2")


def test_a_result_without_a_link_is_refused() -> None:
    @subgraph
    def nothing(image: Link[Any]) -> None:
        SaveImage(images=image)

    with pytest.raises(GraphError, match="nothing returned None, and a subgraph returns links") as caught:
        nothing(image())
    assert "test_parts.py:" in str(caught.value.problems[0].where)


def test_tuples_and_mappings() -> None:
    @subgraph
    def pair(start: Link[Any]) -> tuple[Link[Any], Link[Any]]:
        return ImageInvert(image=start), InvertMask(mask=load("a").MASK)

    @subgraph
    def table(start: Link[Any]) -> dict[str, Link[Any]]:
        return {"a": ImageInvert(image=start)}

    assert list(Graph(PreviewImage(images=pair(image())[0])).part(pair).outputs) == ["0"]
    assert list(Graph(PreviewImage(images=table(image())["a"])).part(table).outputs) == ["a"]


@pytest.mark.parametrize("name", ["", "a:b", "a\nb"])
def test_a_name_begins_ids(name: str) -> None:
    with pytest.raises(ValueError, match="cannot"):
        subgraph(name=name)(lambda image: image)


def test_no_part() -> None:
    graph = Graph(SaveImage(images=soften(image())))
    with pytest.raises(EditError, match="has no part sharpen; there is: 'soften'"):
        graph.part(sharpen)
    with pytest.raises(EditError, match="did you mean 'soften'"):
        graph.part("softn")
    with pytest.raises(EditError, match="not after JSON"):
        Graph.from_api(graph.to_api()).part(soften)
    assert Graph(SaveImage(images=image())).parts() == []


def test_a_part_of_an_older_graph_is_found_in_a_newer_one() -> None:
    graph = Graph(SaveImage(images=sharpen(soften(image()))))
    part = graph.part(soften)
    newer = graph.set(part.nodes[0], blur_radius=9)
    assert newer.part(part).nodes[0].inputs["blur_radius"] == 9
    assert part.nodes[0].inputs["blur_radius"] == 3
    with pytest.raises(EditError, match="no part 'soften' any more"):
        newer.bypass("soften:1").part(part)


def test_merged_graphs_keep_their_parts() -> None:
    one, two = (Graph(SaveImage(images=soften(image()))) for _ in range(2))
    merged = one.merge(two)
    assert len(merged.parts(soften)) == 2
    assert merged.check() == []


def test_where_nodes_were_made() -> None:
    graph = Graph(SaveImage(images=soften(image())))
    assert "parts.py:" in str(graph.one("ImageBlur").where)


def test_subgraphs_pickle_as_functions_do() -> None:
    assert pickle.loads(pickle.dumps(soften)) is soften
    assert pickle.loads(pickle.dumps(hires_fix)) is hires_fix
    assert isinstance(parts.load, Subgraph)


def test_threads_do_not_mix() -> None:
    graphs: list[Graph] = []

    def build() -> None:
        for _ in range(50):
            graphs.append(Graph(SaveImage(images=outer(image()))))

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(graphs) == 200
    assert {graph.ids for graph in graphs} == {
        ("1", "outer:soften:1", "outer:1", "outer:sharpen:1", "outer:sharpen:2", "2")
    }


def test_a_failing_function_leaves_nothing_behind() -> None:
    @subgraph
    def fails(image: Link[Any]) -> Link[Any]:
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fails(image())
    assert Graph(SaveImage(images=soften(image()))).ids == ("1", "soften:1", "2")
