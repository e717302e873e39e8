"""Catalogues: bundled releases, files, untrusted answers, fitting a graph to a server, nodes that nobody generated."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from comfygraph import Catalogue, Graph
from comfygraph.definition import MISSING
from comfygraph.errors import DefinitionError, GraphError
from comfygraph.nodes import EmptyImage, PreviewImage

from .pipelines import sdxl


def test_bundled_releases() -> None:
    new, old = Catalogue.bundled(), Catalogue.bundled("0.23.0")
    assert (len(new), len(old), new.release, old.release) == (849, 761, "0.33.0", "0.23.0")
    assert Catalogue.bundled() is new
    steps = new["KSampler"].inputs["steps"]
    assert (steps.min, steps.max, steps.default, steps.form) == (1, 10000, 20, "number")
    assert new["CheckpointLoaderSimple"].inputs["ckpt_name"].options is None  # no server, so no list of files
    assert new["CLIPTextEncode"].inputs["text"].default is MISSING
    assert [o.name for o in new["SaveImage"].outputs] == ["images"]
    assert old["SaveImage"].outputs == ()
    with pytest.raises(DefinitionError, match=r"no definitions of ComfyUI '9.9.9'.*0.33.0, 0.23.0"):
        Catalogue.bundled("9.9.9")


def test_captured_files_hold_no_prose() -> None:
    for release in ("0.33.0", "0.23.0"):
        text = json.dumps(Catalogue.bundled(release).object_info())
        assert "tooltip" not in text
        assert '"description"' not in text


def record(**inputs: Any) -> dict[str, Any]:
    return {"input": {"required": inputs}, "output": ["IMAGE"], "output_name": ["IMAGE"], "name": "X", "category": "c"}


def test_from_file_plain_and_packed(tmp_path: Path) -> None:
    data = json.dumps({"X": record(a=["INT", {"default": 1}])}).encode()
    (tmp_path / "a.json").write_bytes(data)
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(data))
    one, two = Catalogue.from_file(tmp_path / "a.json"), Catalogue.from_file(tmp_path / "b.json.gz")
    assert one["X"] == two["X"]
    assert one.digest == two.digest != Catalogue.bundled().digest


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nonsense", "not JSON"),
        (b"[]", "not node definitions"),
        (b'{"X": 5}', "not node definitions"),
        (b'{"X": {"input": {"required": {"a": 5}}}}', "input 'a': the spec is not a list"),
        (b'{"X": {"input": {"required": {"a": ["INT", {"min": "low"}]}}}}', "its min is not a number"),
        (b'{"X": {"input": {"required": {"a": ["COMFY_DYNAMICCOMBO_V3", {}]}}}}', "dynamic combo without options"),
        (b'{"X": {"input": {"required": {"a": ["COMFY_AUTOGROW_V3", {"template": {}}]}}}}', "needs names, or a prefix"),
        (b"\x1f\x8bbroken", "cannot be read"),
    ],
)
def test_definitions_that_cannot_be_read(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "info.json"
    file.write_bytes(content)
    with pytest.raises(DefinitionError, match=message) as caught:
        Catalogue.from_file(file)
    assert "\n" not in str(caught.value)


def test_one_broken_custom_node_does_not_spoil_the_rest() -> None:
    known = Catalogue.from_object_info(
        {"X": record(a=["INT", {"default": 1}]), "Bad": {"input": {"required": {"a": 5}}}}
    )
    assert list(known) == ["X"]
    assert "spec is not a list" in known.faults["Bad"]
    graph = Graph.from_api({"1": {"class_type": "Bad", "inputs": {}}})
    found = [p for p in graph.check(known) if p.node_id == "1"]
    assert [(p.severity, p.code) for p in found] == [("warning", "unreadable_definition")]


def test_what_custom_nodes_leave_out_is_read_all_the_same() -> None:
    known = Catalogue.from_object_info(
        {"X": {"input": {"required": {"a": [["x", "y"]]}, "optional": None}, "output": None}}
    )
    assert known["X"].outputs == ()
    assert known["X"].inputs["a"].options == ("x", "y")
    assert known["X"].inputs["a"].legacy


def test_untyped_nodes_are_checked_at_run_time() -> None:
    known = Catalogue.from_object_info(
        {"My Node (v2)": record(image=["IMAGE"], amount=["FLOAT", {"default": 0.5, "max": 1.0}])}
    )
    node_class = known.node("My Node (v2)")
    node = node_class(image=EmptyImage())  # type: ignore[call-arg]
    graph = Graph(PreviewImage(images=node.output("IMAGE")))
    assert graph.to_api(check=False)["2"] == {
        "class_type": "My Node (v2)",
        "inputs": {"image": ["1", 0], "amount": 0.5},
    }
    assert graph.check() == []  # its class brings the definition along
    elsewhere = Catalogue.bundled("0.23.0").object_info()
    [problem] = graph.check(Catalogue.from_object_info(elsewhere))
    assert (problem.code, problem.hint) == (
        "missing_node_type",
        "it is of a custom node pack that this server lacks: install the pack there, or use another node",
    )
    with pytest.raises(GraphError) as caught:
        node_class(image=EmptyImage(), amout=2.0)  # type: ignore[call-arg]
    assert caught.value.problems[0].hint == "did you mean 'amount'?"
    with pytest.raises(GraphError, match=r"amount is 2.0, above its maximum"):
        node_class(image=EmptyImage(), amount=2.0)  # type: ignore[call-arg]
    with pytest.raises(DefinitionError, match=r"no node class 'My Nod'.*did you mean 'My Node \(v2\)'"):
        known.node("My Nod")


def server_with(files: list[str], **changes: Any) -> Catalogue:
    """A server's catalogue: the bundled release with these checkpoints, and inputs put into other nodes."""
    records = copy.deepcopy(Catalogue.bundled().object_info())
    records["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"] = [files]
    for place, spec in changes.items():
        records[place.partition("__")[0]]["input"]["required"][place.partition("__")[2]] = spec
    return Catalogue.from_object_info(records)


@pytest.mark.parametrize(
    ("files", "meant"),
    [
        (["SDXL\\sd_xl_base_1.0.safetensors"], "SDXL\\sd_xl_base_1.0.safetensors"),
        (["x.safetensors", "a/b/SD_XL_base_1.0.safetensors"], "a/b/SD_XL_base_1.0.safetensors"),
        (["a/sd_xl_base_1.0.safetensors", "b/sd_xl_base_1.0.safetensors"], None),
        (["sd_xl_base_2.0.safetensors"], None),
    ],
)
def test_a_file_that_can_only_be_one_is_taken_as_meant(files: list[str], meant: str | None) -> None:
    graph, ckpt, _, _ = sdxl()
    known = server_with(files)
    fitted, notes = graph.fit(known)
    if meant is None:
        assert (fitted, notes) == (graph, [])
        errors = [p for p in graph.check(known) if p.severity == "error"]
        assert [(p.code, p.input) for p in errors] == [("value_not_in_list", "ckpt_name")]
        assert "did you mean" in errors[0].hint
    else:
        assert [(p.severity, p.code, p.node_id) for p in notes] == [("warning", "file_taken_as_meant", "1")]
        assert fitted[ckpt].inputs["ckpt_name"] == meant
        assert fitted.check(known) == []


def test_an_input_that_only_the_server_needs_is_filled_from_its_default() -> None:
    graph, _, sampled, _ = sdxl()
    known = server_with(
        ["sd_xl_base_1.0.safetensors"], KSampler__eta=["FLOAT", {"default": 0.25}], KSampler__guide=["GUIDE"]
    )
    fitted, notes = graph.fit(known)
    assert [(p.code, p.input) for p in notes] == [("input_filled", "eta")]
    assert fitted[sampled].inputs["eta"] == 0.25
    assert [(p.code, p.input) for p in fitted.check(known)] == [("required_input_missing", "guide")]


def test_a_name_that_is_no_text_spoils_nothing_else() -> None:
    known = Catalogue.from_object_info(
        {"X": record(a=["INT"]), "\ud800": record(a=["INT"]), "y" * 301: record(a=["INT"])}
    )
    assert list(known) == ["X"]
    assert len(known.faults) == 2
