"""All classes of `comfygraph.nodes`: they import, construct, and say what their definitions say."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import pytest

import comfygraph.nodes
from comfygraph import kinds
from comfygraph.catalogue import RELEASES, Catalogue
from comfygraph.definition import MISSING, InputDef, NodeDef
from comfygraph.errors import GraphError
from comfygraph.fields import default_of
from comfygraph.generator.kinds import kinds_of
from comfygraph.graph import Graph
from comfygraph.links import Link, Output
from comfygraph.naming import class_name, input_name, kind_name, output_names
from comfygraph.node import Node, Node1
from comfygraph.nodes import options

from .samples import arguments, dynamic, option, source, value

CATALOGUE = Catalogue.bundled()
EVERY = sorted(CATALOGUE)


def typed(class_type: str) -> type[Node]:
    found = getattr(comfygraph.nodes, class_name(class_type))
    assert isinstance(found, type)
    assert issubclass(found, Node)
    return found


def inputs_of(class_type: str) -> list[InputDef]:
    return list(CATALOGUE[class_type].inputs.values())


def test_the_library_has_every_class_once() -> None:
    classes = [typed(class_type) for class_type in EVERY]
    assert [cls.class_type for cls in classes] == EVERY
    assert len({cls.__name__ for cls in classes}) == len(EVERY) == 849


def test_the_index_lists_and_loads_lazily() -> None:
    names = {cls for cls in comfygraph.nodes.__all__ if cls != "definitions"}
    assert names == {class_name(class_type) for class_type in EVERY}
    assert names <= set(dir(comfygraph.nodes))
    assert typed("KSampler").__module__ == "comfygraph.nodes.sampling"
    with pytest.raises(AttributeError, match="KSampIer"):
        comfygraph.nodes.KSampIer  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore


@pytest.mark.parametrize("class_type", EVERY)
def test_the_signature_says_what_the_definition_says(class_type: str) -> None:
    parameters = list(inspect.signature(typed(class_type).__init__).parameters.values())[1:]
    inputs = inputs_of(class_type)
    assert [p.name for p in parameters] == [input_name(item.name) for item in inputs]
    for p, item in zip(parameters, inputs):
        assert p.kind is inspect.Parameter.KEYWORD_ONLY
        same_default(p, item)


def same_default(p: inspect.Parameter, item: InputDef) -> None:
    wanted = default_of(item)
    if wanted is MISSING:
        assert p.default is inspect.Parameter.empty, p.name
    elif isinstance(wanted, dict):
        assert p.default is None, p.name  # filled in fresh at each call: see test_defaults_are_not_shared
    elif wanted == []:
        assert p.default == (), p.name
    else:
        assert (p.default, type(p.default)) == (wanted, type(wanted)), p.name


@pytest.mark.parametrize("class_type", EVERY)
def test_it_constructs_with_what_it_needs(class_type: str) -> None:
    inputs = inputs_of(class_type)
    cls = typed(class_type)
    node = cls(**arguments(inputs, cls))
    for item in inputs:
        if item.form in ("dynamic_combo", "autogrow") or default_of(item) is None:
            continue
        given = node.inputs[item.name]
        if default_of(item) is not MISSING:
            # A list is sent wrapped: bare, the server would read it as a link.
            assert given == ({"__value__": []} if default_of(item) == [] else default_of(item))
    serialised(node)


@pytest.mark.parametrize("class_type", EVERY)
def test_it_constructs_with_everything(class_type: str) -> None:
    inputs = inputs_of(class_type)
    cls = typed(class_type)
    node = cls(**arguments(inputs, cls, everything=True))
    for item in inputs:
        if item.grow is not None:
            assert [f"{item.name}.{slot}" in node.inputs for slot in item.grow.slots] == [True] * len(item.grow.slots)
        else:
            assert item.name in node.inputs
    serialised(node)


def serialised(node: Node) -> None:
    """The API form holds what the node holds, and our checks find nothing wrong but the placeholders' class."""
    graph = Graph(node)
    api: dict[str, Any] = graph.to_api(check=False)
    written = api[graph.id(node)]
    assert written["class_type"] == node.class_type
    assert list(written["inputs"]) == list(node.inputs)
    for name, given in node.inputs.items():
        if isinstance(given, Link):
            assert written["inputs"][name] == [graph.id(given._node), given._slot]
        else:
            assert written["inputs"][name] == given
    errors = [p for p in graph.check() if p.severity == "error"]
    assert [p for p in errors if p.class_type == node.class_type and p.code != "prompt_no_outputs"] == []


@pytest.mark.parametrize("class_type", EVERY)
def test_outputs(class_type: str) -> None:
    definition: NodeDef = CATALOGUE[class_type]
    cls = typed(class_type)
    assert issubclass(cls, Node1) == (len(definition.outputs) == 1)
    node = cls(**arguments(inputs_of(class_type), cls))
    for slot, name in enumerate(output_names(o.name for o in definition.outputs)):
        out = getattr(node, name)
        assert isinstance(out, Output)
        assert (out._slot, out._node) == (slot, node)
        if definition.outputs[slot].template is None:
            assert out._kind == definition.outputs[slot].type


OPTIONS = [
    (class_type, item.name, key)
    for class_type in EVERY
    for item, key, _ in dynamic(inputs_of(class_type), typed(class_type))
]


def test_every_option_is_an_option_class() -> None:
    assert len(OPTIONS) > 300
    assert len({row[0] for row in OPTIONS}) > 50


@pytest.mark.parametrize("class_type", sorted({row[0] for row in OPTIONS}))
@pytest.mark.parametrize("most", [False, True], ids=["least", "most"])
def test_every_option_of_every_dynamic_combo(class_type: str, most: bool) -> None:
    cls = typed(class_type)
    inputs = inputs_of(class_type)
    base = arguments(inputs, cls)
    for item, key, scope in dynamic(inputs, cls):
        chosen = option(item, key, scope, most=most)
        assert chosen.key == key
        assert type(chosen).__doc__
        nested = list((item.choices or {})[key])
        parameters = list(inspect.signature(type(chosen).__init__).parameters.values())[1:]
        assert [p.name for p in parameters] == [input_name(n.name) for n in nested]
        for p, n in zip(parameters, nested):
            same_default(p, n)
        if scope is cls:
            node = cls(**{**base, input_name(item.name): chosen})
            assert node.inputs[item.name] == key
            assert {f"{item.name}.{name}" for name in chosen.inputs} <= set(node.inputs)
            serialised(node)


GROWING = [(c, item.name) for c in EVERY for item in inputs_of(c) if item.grow is not None]


@pytest.mark.parametrize(("class_type", "name"), GROWING)
def test_autogrow_from_least_to_most(class_type: str, name: str) -> None:
    cls = typed(class_type)
    item = CATALOGUE[class_type].inputs[name]
    assert item.grow is not None
    base = arguments(inputs_of(class_type), cls)
    one = value(item.grow.item, cls)
    for count in {item.grow.min, len(item.grow.slots)}:
        node = cls(**{**base, input_name(name): [one] * count})
        assert [k for k in node.inputs if k.startswith(f"{name}.")] == [f"{name}.{s}" for s in item.grow.slots[:count]]
    by_name = cls(**{**base, input_name(name): dict.fromkeys(item.grow.slots, one)})
    assert f"{name}.{item.grow.slots[-1]}" in by_name.inputs
    with pytest.raises(GraphError, match="at most"):
        cls(**{**base, input_name(name): [one] * (len(item.grow.slots) + 1)})
    if item.grow.min:
        with pytest.raises(GraphError, match="at least"):
            cls(**{**base, input_name(name): [one] * (item.grow.min - 1)})


def test_defaults_are_not_shared() -> None:
    first = comfygraph.nodes.CurveEditor()
    second = comfygraph.nodes.CurveEditor()
    assert first.inputs["curve"] == second.inputs["curve"] == CATALOGUE["CurveEditor"].inputs["curve"].default
    assert first.inputs["curve"] is not second.inputs["curve"]


def test_defaults_that_the_editor_never_sends_are_left_out() -> None:
    """SAM3_Detect.bboxes has a default and ``forceInput``: no widget, so a prompt without a link has no such input."""
    node = comfygraph.nodes.SAM3_Detect(model=source("MODEL"), image=source("IMAGE"))
    assert "bboxes" not in node.inputs


def test_match_types_pass_on_the_kind() -> None:
    sized = comfygraph.nodes.ResizeImageMaskNode(
        input=source("MASK"), resize_type=comfygraph.nodes.ResizeImageMaskNode.ScaleWidth(width=64)
    )
    assert sized._kind == "MASK"
    with pytest.raises(GraphError, match="IMAGE or MASK"):
        comfygraph.nodes.ResizeImageMaskNode(
            input=source("LATENT"), resize_type=comfygraph.nodes.ResizeImageMaskNode.ScaleWidth(width=64)
        )


def test_docstrings_state_facts() -> None:
    text = typed("KSampler").__doc__ or ""
    for fact in ("steps: INT, 1 .. 10000, default 20", "sampler_name: one of 44 options", "model: MODEL", "0.33.0"):
        assert fact in text
    assert "Partner node" in (typed("KlingTextToVideoNode").__doc__ or "")
    for class_type in EVERY:
        assert typed(class_type).__doc__


def test_kinds_cover_both_releases() -> None:
    for release in RELEASES:
        for wire in kinds_of(Catalogue.bundled(release).values()):
            assert kinds.BY_WIRE[wire] is getattr(kinds, kind_name(wire))
            assert wire in (kinds.BY_WIRE[wire].__doc__ or "")
    assert "Choice" not in {kind.__name__ for kind in kinds.BY_WIRE.values()}


def test_option_lists_are_there_at_run_time() -> None:
    assert get_args(options.SamplerName) == CATALOGUE["KSampler"].inputs["sampler_name"].options
    assert get_args(options.SchedulerName) == CATALOGUE["KSampler"].inputs["scheduler"].options
