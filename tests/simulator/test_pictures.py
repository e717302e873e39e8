"""The drawn pictures: the same for the same recipe, other for any other, and never without their stamp."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from comfygraph.simulator import Simulator
from comfygraph.simulator.painting import NOTE, Recipe, blend, caption, paint, stamp

from .talk import Talk

RECIPE = Recipe("a red fox in snow, golden hour", seed=42, steps=20, cfg=7.0, model="sd_xl_base_1.0")


@pytest.fixture(scope="module")
def talk() -> Iterator[Talk]:
    with Simulator(latency=0.0) as sim, Talk(sim.url) as talk:
        yield talk


def _apart(one: Image.Image, two: Image.Image) -> float:
    """How far two pictures are apart: the mean difference of a pixel's channel, 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), two.convert("RGB"))).mean) / 3


def test_the_same_recipe_gives_the_same_pixels() -> None:
    assert paint(RECIPE, 160, 120).tobytes() == paint(RECIPE, 160, 120).tobytes()


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a red fox in snow, golden hour, wide angle"},
        {"negative": "blurry"},
        {"seed": 43},
        {"steps": 3},
        {"cfg": 1.0},
        {"sampler": "dpmpp_2m"},
        {"scheduler": "karras"},
        {"model": "other"},
        {"extras": ("pixel-art-xl 1",)},
        {"index": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_shows(change: dict[str, Any]) -> None:
    assert _apart(paint(RECIPE, 160, 120), paint(replace(RECIPE, **change), 160, 120)) > 0.3


@pytest.mark.parametrize("size", [(8, 8), (1, 1), (2048, 64), (64, 2048), (1000, 700)])
def test_any_size(size: tuple[int, int]) -> None:
    picture = stamp(paint(RECIPE, *size), caption(RECIPE))
    assert (picture.size, picture.mode) == (size, "RGB")


@pytest.mark.parametrize("prompt", ["", "日本の山", "\x00\ud800", "word " * 3000])
def test_any_prompt(prompt: str) -> None:
    recipe = replace(RECIPE, prompt=prompt)
    assert stamp(paint(recipe, 200, 200), caption(recipe)).size == (200, 200)


def test_the_stamp_is_there_to_be_read() -> None:
    plain = paint(RECIPE, 512, 512)
    stamped = stamp(plain, caption(RECIPE))
    assert _apart(plain.crop((0, 0, 512, 400)), stamped.crop((0, 0, 512, 400))) == 0
    band = stamped.crop((0, 455, 512, 512)).convert("L")
    low, high = band.getextrema()
    assert low < 60  # dark ground
    assert high > 230  # light letters


def test_a_lower_denoise_keeps_more_of_the_picture() -> None:
    base = Image.radial_gradient("L").convert("RGB").resize((160, 120))
    painted = paint(RECIPE, 160, 120)
    distances = [_apart(base, blend(base, painted, share)) for share in (0.0, 0.3, 0.6, 1.0)]
    assert distances == sorted(distances)
    assert distances[0] == 0
    assert _apart(painted, blend(base, painted, 1.0)) == 0


def test_a_mask_keeps_what_is_black_in_it() -> None:
    base, painted = Image.new("RGB", (40, 40), (1, 2, 3)), paint(RECIPE, 40, 40)
    mask = Image.new("L", (40, 40), 0)
    mask.paste(255, (20, 0, 40, 40))
    both = blend(base, painted, 1.0, mask)
    assert both.getpixel((5, 5)) == (1, 2, 3)
    assert both.getpixel((30, 30)) == painted.getpixel((30, 30))


def test_a_generated_picture_says_so_in_its_metadata(talk: Talk) -> None:
    done = talk.run(sdxl(steps=2))
    (image,) = talk.images(done, "9")
    assert image.size == (256, 192)
    said = json.loads(image.text["comfygraph"])  # type: ignore[attr-defined]
    assert said == {"simulated": True, "note": NOTE}


def test_batches_differ_and_reruns_do_not(talk: Talk) -> None:
    first = talk.images(talk.run(sdxl(batch=2)), "9")
    talk.post("/free", json={"free_memory": True})
    talk.run({"1": {"class_type": "PreviewAny", "inputs": {"source": "so that nothing is left in the cache"}}})
    second = talk.images(talk.run(sdxl(batch=2)), "9")
    assert [image.tobytes() for image in first] == [image.tobytes() for image in second]
    assert first[0].tobytes() != first[1].tobytes()


def test_image_to_image_and_upscaling(talk: Talk) -> None:
    graph = sdxl(steps=2)
    graph["10"] = {
        "class_type": "LatentUpscaleBy",
        "inputs": {"samples": ["3", 0], "upscale_method": "bislerp", "scale_by": 2.0},
    }
    graph["11"] = {
        "class_type": "KSampler",
        "inputs": {**graph["3"]["inputs"], "latent_image": ["10", 0], "denoise": 0.4, "seed": 9},
    }
    graph["12"] = {"class_type": "VAEDecode", "inputs": {"samples": ["11", 0], "vae": ["4", 2]}}
    graph["13"] = {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "RealESRGAN_x2plus.pth"}}
    graph["14"] = {"class_type": "ImageUpscaleWithModel", "inputs": {"upscale_model": ["13", 0], "image": ["12", 0]}}
    graph["15"] = {"class_type": "SaveImage", "inputs": {"images": ["14", 0], "filename_prefix": "up"}}
    done = talk.run(graph)
    (small,), (large,) = talk.images(done, "9"), talk.images(done, "15")
    assert large.size == (1024, 768)
    top = (0, 0, 256, 130)
    near = _apart(small.crop(top), large.resize((256, 192)).crop(top))
    far = _apart(small.crop(top), paint(replace(RECIPE, seed=9, prompt="something else"), 256, 192).crop(top))
    assert near < far / 2


def sdxl(*, steps: int = 2, batch: int = 1, width: int = 256, height: int = 192) -> dict[str, Any]:
    """The usual seven nodes."""
    return {
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": width, "height": height, "batch_size": batch}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox in snow", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 1,
                "steps": steps,
                "cfg": 7.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
                "model": ["4", 0],
                "positive": ["6", 0],
                "negative": ["7", 0],
                "latent_image": ["5", 0],
            },
        },
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "sdxl"}},
    }
