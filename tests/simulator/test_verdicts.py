"""The simulator's verdicts against those of a real ComfyUI, on 100 official workflows and 2,167 mutations of them."""

from __future__ import annotations

import copy

import pytest

from comfygraph.simulator.definitions import Definitions
from comfygraph.simulator.models import ModelFiles
from comfygraph.simulator.store import Store
from comfygraph.simulator.validation import Verdict, fits, validate
from tests import corpus

# Where an error lies behind two links at once, the server reports it for the one that its set happened to give first:
# the node is the same, the input or the kind of exception is not.
CHANCE = 12
FILES = ("LoadImage.image", "LoadAudio.audio", "LoadVideo.file", "Load3D.model_file")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Input folders with (empty) files of every name that the server had."""
    store = Store(tmp_path_factory.mktemp("store"))
    for place in FILES:
        class_type, name = place.split(".")
        spec = corpus.catalogue().record(class_type)["input"]["required"][name]
        for file in spec[0] if isinstance(spec[0], list) else spec[1]["options"]:
            path = store.folders["input"] / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return store


def test_verdicts_are_the_servers(store: Store) -> None:
    definitions = Definitions(corpus.catalogue(), ModelFiles(), store, hide=frozenset({"SaveImageWebsocket"}))
    rows = wrong = other = 0
    for row in corpus.rows():
        rows += 1
        verdict = validate(copy.deepcopy(row.prompt), definitions, store)
        clean = verdict.ok and not verdict.node_errors
        wrong += clean != row.clean
        other += clean == row.clean and _errors(verdict) != row.errors
    assert rows == 2267
    assert wrong == 0
    assert other <= CHANCE


def _errors(verdict: Verdict) -> frozenset[tuple[str, str | None, str]]:
    return frozenset(
        (node_id, error["extra_info"].get("input_name"), error["type"])
        for node_id, found in verdict.node_errors.items()
        for error in found["errors"]
    )


@pytest.mark.parametrize(
    ("received", "wanted", "expected"),
    [
        ("IMAGE", "IMAGE", True),
        ("IMAGE", "MASK", False),
        ("*", "MASK", True),
        ("IMAGE", "IMAGE,MASK", True),
        ("INT,FLOAT", "FLOAT, STRING", True),
        ("COMFY_MATCHTYPE_V3", "LATENT", True),
        ("FLOAT", "INT", False),
        (["a"], "COMBO", True),
        ("STRING", ["a", "b"], False),
        (["a"], ["a"], True),
    ],
)
def test_which_types_fit(received: object, wanted: object, expected: bool) -> None:
    assert fits(received, wanted) is expected
