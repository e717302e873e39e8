"""The node implementations against the definitions, and what the nodes do."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from comfygraph.catalogue import Catalogue
from comfygraph.simulator import Simulator
from comfygraph.simulator.definitions import Definitions
from comfygraph.simulator.models import ModelFiles
from comfygraph.simulator.nodes import _functions  # pyright: ignore[reportPrivateUsage]
from comfygraph.simulator.nodes.logic import evaluate
from comfygraph.simulator.nodes.tools import inverted
from comfygraph.simulator.store import Store

from .talk import Talk

RELEASES = ("0.33.0", "0.23.0")


@pytest.fixture(scope="module")
def talk() -> Iterator[Talk]:
    with Simulator(latency=0.0) as sim, Talk(sim.url) as talk:
        yield talk


@pytest.mark.parametrize("release", RELEASES)
def test_every_implementation_takes_what_its_node_declares(release: str, tmp_path: Any) -> None:
    definitions = Definitions(Catalogue.bundled(release), ModelFiles(), Store(tmp_path))
    missing: list[str] = []
    for class_type, function in _functions().items():
        node = definitions.get(class_type)
        if node is None:
            missing.append(class_type)
            continue
        # What a node is called with: its inputs at the top level, with dynamic ones as one mapping each.
        record = definitions.record(class_type)["input"]
        required, optional = list(record.get("required", ())), list(record.get("optional", ()))
        signature = inspect.signature(function)
        for names in (required, [*required, *optional]):
            try:
                signature.bind("context", **dict.fromkeys(names))
            except TypeError as error:
                pytest.fail(f"{class_type} of {release}: {error}; it declares {names}")
    # Some classes exist in one release only; none exists in neither.
    assert len(missing) < 30
    assert all(any(name in Catalogue.bundled(each) for each in RELEASES) for name in missing), missing


def test_images_really_run(talk: Talk) -> None:
    graph = {
        "1": _node("EmptyImage", width=40, height=20, batch_size=2, color=0x336699),
        "2": _node("ImageInvert", image=["1", 0]),
        "3": _node("ImageScale", image=["2", 0], upscale_method="nearest-exact", width=80, height=0, crop="disabled"),
        "4": _node("ImagePadForOutpaint", image=["3", 0], left=10, top=0, right=0, bottom=4, feathering=0),
        "5": _node("SaveImage", images=["4", 0], filename_prefix="really"),
        "6": _node("GetImageSize", image=["4", 0]),
        "7": _node("PreviewAny", source=["6", 0]),
    }
    done = talk.run(graph)
    images = talk.images(done, "5")
    assert [image.size for image in images] == [(90, 44)] * 2
    assert images[0].getpixel((50, 20)) == (0xCC, 0x99, 0x65)
    assert images[0].getpixel((3, 20)) == (127, 127, 127)
    assert done["outputs"]["7"]["text"] == ["90"]


def test_a_png_carries_its_prompt_and_all_that_was_sent_along(talk: Talk) -> None:
    graph = {
        "1": _node("EmptyImage", width=8, height=8, batch_size=1, color=1),
        "2": _node("SaveImage", images=["1", 0], filename_prefix="meta"),
    }
    done = talk.run(graph, extra_data={"extra_pnginfo": {"workflow": {"id": 7}, "mine": [1, "zwei"]}})
    (image,) = talk.images(done, "2")
    text: dict[str, str] = image.text  # type: ignore[attr-defined]
    assert json.loads(text["prompt"]) == graph
    assert json.loads(text["workflow"]) == {"id": 7}
    assert json.loads(text["mine"]) == [1, "zwei"]
    assert "comfygraph" not in text  # nothing in it was simulated


def test_names_and_numbers_of_files(talk: Talk) -> None:
    def save(prefix: str, color: int, batch: int = 1) -> list[str]:
        graph = {
            "1": _node("EmptyImage", width=16, height=9, batch_size=batch, color=color),
            "2": _node("SaveImage", images=["1", 0], filename_prefix=prefix),
        }
        return [
            "/".join(filter(None, (f["subfolder"], f["filename"]))) for f in talk.run(graph)["outputs"]["2"]["images"]
        ]

    assert save("count", 1) == ["count_00001_.png"]
    assert save("count", 2, batch=2) == ["count_00002_.png", "count_00003_.png"]
    assert save("countless", 3) == ["countless_00001_.png"]
    assert save("deep/er/%width%x%height%", 4) == ["deep/er/16x9_00001_.png"]
    assert save("b%batch_num%", 5, batch=2) == ["b0_00001_.png", "b1_00002_.png"]


def test_a_prefix_that_leads_out_fails(talk: Talk) -> None:
    graph = {
        "1": _node("EmptyImage", width=8, height=8, batch_size=1, color=1),
        "2": _node("SaveImage", images=["1", 0], filename_prefix="../../out"),
    }
    assert "leads out of the output folder" in talk.fail(graph)["exception_message"]


def test_fractions_are_cut_off_as_a_server_does(talk: Talk) -> None:
    """Seen on a real 0.33.0: 1 - v/255 in float32 and then whole numbers, 159 of 256 one below 255 - v; 0.5 is 127."""
    ramp = Image.new("L", (256, 1))
    ramp.putdata(list(range(256)))
    found = list(inverted(ramp).tobytes())
    assert [255 - value - got for value, got in enumerate(found)].count(1) == 159
    assert {255 - value - got for value, got in enumerate(found)} == {0, 1}
    graph = {
        "1": _node("EmptyImage", width=8, height=8, batch_size=1, color=0xC86432),
        "2": _node("ImageInvert", image=["1", 0]),
        "3": _node("PreviewImage", images=["2", 0]),
    }
    for offset, value in ((10, 0.5), (20, 0.25), (30, 1.0)):
        graph[str(offset)] = _node("SolidMask", value=value, width=8, height=8)
        graph[str(offset + 1)] = _node("MaskToImage", mask=[str(offset), 0])
        graph[str(offset + 2)] = _node("PreviewImage", images=[str(offset + 1), 0])
    done = talk.run(graph)
    assert talk.images(done, "3")[0].getpixel((3, 3)) == (54, 155, 205)
    assert [talk.images(done, node)[0].getpixel((3, 3)) for node in ("12", "22", "32")] == [
        (127, 127, 127),
        (63, 63, 63),
        (255, 255, 255),
    ]


def test_masks_and_alpha(talk: Talk) -> None:
    graph = {
        "1": _node("EmptyImage", width=10, height=10, batch_size=1, color=0xFF0000),
        "2": _node("SolidMask", value=1.0, width=10, height=10),
        "3": _node("SolidMask", value=0.0, width=4, height=4),
        "4": _node("MaskComposite", destination=["2", 0], source=["3", 0], x=0, y=0, operation="multiply"),
        "5": _node("InvertMask", mask=["4", 0]),
        "6": _node("JoinImageWithAlpha", image=["1", 0], alpha=["5", 0]),
        "7": _node("SaveImage", images=["6", 0], filename_prefix="alpha"),
    }
    (image,) = talk.images(talk.run(graph), "7")
    assert image.mode == "RGBA"
    assert image.getpixel((1, 1)) == (255, 0, 0, 0)
    assert image.getpixel((8, 8)) == (255, 0, 0, 255)


def test_latents_go_to_a_file_and_back(talk: Talk) -> None:
    graph = {
        "1": _node("EmptyImage", width=64, height=64, batch_size=1, color=0x102030),
        "2": _node("VAELoader", vae_name="ae.safetensors"),
        "3": _node("VAEEncode", pixels=["1", 0], vae=["2", 0]),
        "4": _node("SaveLatent", samples=["3", 0], filename_prefix="keep"),
    }
    (saved,) = talk.run(graph)["outputs"]["4"]["latents"]
    back = {
        "1": _node("LoadLatent", latent=f"{saved['filename']} [output]"),
        "2": _node("VAELoader", vae_name="ae.safetensors"),
        "3": _node("VAEDecode", samples=["1", 0], vae=["2", 0]),
        "4": _node("SaveImage", images=["3", 0], filename_prefix="back"),
    }
    (image,) = talk.images(talk.run(back), "4")
    assert image.getpixel((5, 5)) == (0x10, 0x20, 0x30)


def test_animations(talk: Talk) -> None:
    graph = {
        "1": _node("EmptyImage", width=16, height=16, batch_size=1, color=0xFF0000),
        "2": _node("EmptyImage", width=16, height=16, batch_size=1, color=0x0000FF),
        "3": _node("ImageBatch", image1=["1", 0], image2=["2", 0]),
        "4": _node(
            "SaveAnimatedWEBP",
            images=["3", 0],
            filename_prefix="a",
            fps=4.0,
            lossless=True,
            quality=80,
            method="default",
        ),
        "5": _node("SaveAnimatedPNG", images=["3", 0], filename_prefix="a", fps=4.0, compress_level=1),
    }
    done = talk.run(graph)
    for node in ("4", "5"):
        assert done["outputs"][node]["animated"] == [True]
        (image,) = talk.images(done, node)
        assert image.n_frames == 2  # type: ignore[attr-defined]


def test_texts_and_numbers(talk: Talk) -> None:
    graph = {
        "1": _node("StringConcatenate", string_a="a", string_b="b", delimiter="-"),
        "2": _node("RegexReplace", string=["1", 0], regex_pattern="[ab]", replace="x"),
        "3": _node("StringLength", string=["2", 0]),
        "4": {
            "class_type": "ComfyMathExpression",
            "inputs": {"expression": "max(a, 2) ** 2 if a > 1 else 0", "values.a": ["3", 0]},
        },
        "5": _node("PreviewAny", source=["2", 0]),
        "6": _node("PreviewAny", source=["4", 1]),
    }
    done = talk.run(graph)
    assert done["outputs"]["5"]["text"] == ["x-x"]
    assert done["outputs"]["6"]["text"] == ["9"]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "().__class__",
        "'a' * 9",
        "a.b",
        "lambda: 1",
        "[1]",
        "9 ** 9 ** 9",
        "values[0]",
        "f'{1}'",
        "a" * 3000,
        "(" * 500,
    ],
)
def test_an_expression_is_arithmetic_only(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        evaluate(text, {"a": 1, "values": [1]})


def test_lists_fan_out_and_are_shown_together(talk: Talk) -> None:
    graph = {
        "1": _node("EmptyImage", width=8, height=8, batch_size=1, color=1),
        "2": _node("EmptyImage", width=16, height=8, batch_size=1, color=2),
        "3": {"class_type": "CreateList", "inputs": {"inputs.input0": ["1", 0], "inputs.input1": ["2", 0]}},
        "4": _node("ImageScaleBy", image=["3", 0], upscale_method="area", scale_by=2.0),
        "5": _node("SaveImage", images=["4", 0], filename_prefix="fan"),
    }
    sizes = [image.size for image in talk.images(talk.run(graph), "5")]
    assert sizes == [(16, 16), (32, 16)]


def test_only_the_wanted_side_of_a_switch_runs(talk: Talk) -> None:
    graph = {
        "1": _node("EmptyImage", width=8, height=8, batch_size=1, color=0x010203),
        "2": _node("LoadImage", image="corrupt.png"),
        "3": _node("ComfySwitchNode", switch=True, on_true=["1", 0], on_false=["2", 0]),
        "4": _node("SaveImage", images=["3", 0], filename_prefix="switch"),
    }
    talk.upload("corrupt.png", b"not a picture")
    (image,) = talk.images(talk.run(graph), "4")
    assert image.getpixel((0, 0)) == (1, 2, 3)


def test_what_cannot_be_run_says_so(talk: Talk) -> None:
    graph = {
        "1": _node("EmptyImage", width=8, height=8, batch_size=1, color=1),
        "2": _node("Morphology", image=["1", 0], operation="open", kernel_size=3),
        "3": _node("SaveImage", images=["2", 0], filename_prefix="no"),
    }
    failure = talk.fail(graph)
    assert failure["node_id"] == "2"
    assert failure["exception_type"] == "comfygraph.simulator.CannotRun"
    assert failure["exception_message"].startswith("the comfygraph simulator cannot run Morphology: ")


def test_a_partner_node_is_not_called(talk: Talk) -> None:
    graph = {
        "1": _node("OpenAIChatNode", model="gpt-5", persist_context=False, prompt="hello"),
        "2": _node("PreviewAny", source=["1", 0]),
    }
    assert "paid service" in talk.fail(graph, extra_data={"api_key_comfy_org": "key"})["exception_message"]


def test_pictures_are_bounded(talk: Talk) -> None:
    graph = {
        "1": _node("EmptyImage", width=16384, height=16384, batch_size=4096, color=1),
        "2": _node("PreviewImage", images=["1", 0]),
    }
    assert "holds at most" in talk.fail(graph)["exception_message"]


def test_an_uploaded_picture_is_loaded_upright(talk: Talk, tmp_path: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    Image.new("RGB", (20, 10), (1, 2, 3)).save(tmp_path / "turned.jpg", exif=exif)
    talk.upload("turned.jpg", (tmp_path / "turned.jpg").read_bytes())
    graph = {
        "1": _node("LoadImage", image="turned.jpg"),
        "2": _node("SaveImage", images=["1", 0], filename_prefix="up"),
    }
    assert talk.images(talk.run(graph), "2")[0].size == (10, 20)


def test_your_own_nodes() -> None:
    record = {"input": {"required": {"text": ["STRING", {}]}}, "output": ["STRING"]}

    def shout(context: Any, /, *, text: str) -> tuple[str]:
        return (text.upper(),)

    with Simulator(nodes={"Shout": record}, functions={"Shout": shout}) as sim, Talk(sim.url) as own:
        done = own.run({"1": _node("Shout", text="hello"), "2": _node("PreviewAny", source=["1", 0])})
        assert done["outputs"]["2"]["text"] == ["HELLO"]
        assert own.get("/object_info/Shout").json()["Shout"]["output_name"] == ["STRING"]


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}
