"""Nodes that change what a picture shows, really run."""

from __future__ import annotations

import random
from typing import Any, Final

from PIL import Image, ImageChops, ImageFilter, ImageOps

from ..context import Context, Function
from ..painting import stamp
from ..values import Images, Model
from .tools import at, inverted, matched, pictures, scale

_ROTATIONS: Final = {
    "90 degrees": Image.Transpose.ROTATE_270,  # the node turns clockwise
    "180 degrees": Image.Transpose.ROTATE_180,
    "270 degrees": Image.Transpose.ROTATE_90,
}
_UPSCALE_BAND: Final = "SIMULATED by comfygraph · enlarged without a model"


def image_invert(context: Context, /, *, image: Images) -> tuple[Any, ...]:
    """ImageInvert."""
    return (tuple(inverted(each.convert("RGB")) for each in pictures(image)),)


def image_blur(context: Context, /, *, image: Images, blur_radius: int, sigma: float) -> tuple[Any, ...]:
    """ImageBlur."""
    if blur_radius == 0:
        return (pictures(image),)
    return (
        tuple(each.filter(ImageFilter.GaussianBlur(min(blur_radius, sigma * 3) / 1.5)) for each in pictures(image)),
    )


def image_sharpen(
    context: Context, /, *, image: Images, sharpen_radius: int, sigma: float, alpha: float
) -> tuple[Any, ...]:
    """ImageSharpen."""
    if sharpen_radius == 0:
        return (pictures(image),)
    mask = ImageFilter.UnsharpMask(radius=min(sharpen_radius, sigma * 3), percent=round(alpha * 100), threshold=0)
    return (tuple(each.filter(mask) for each in pictures(image)),)


def image_flip(context: Context, /, *, image: Images, flip_method: str) -> tuple[Any, ...]:
    """ImageFlip."""
    upright = flip_method.startswith("x")
    return (tuple((ImageOps.flip if upright else ImageOps.mirror)(each) for each in pictures(image)),)


def image_rotate(context: Context, /, *, image: Images, rotation: str) -> tuple[Any, ...]:
    """ImageRotate."""
    turn = _ROTATIONS.get(rotation)
    return (pictures(image) if turn is None else tuple(each.transpose(turn) for each in pictures(image)),)


def image_blend(
    context: Context, /, *, image1: Images, image2: Images, blend_factor: float, blend_mode: str
) -> tuple[Any, ...]:
    """ImageBlend."""
    first = pictures(image1)
    second = matched(pictures(image2), first[0].size, "bicubic")
    result: list[Image.Image] = []
    for index, image in enumerate(first):
        below, above = image.convert("RGB"), at(second, index).convert("RGB")
        modes = {
            "normal": above,
            "multiply": ImageChops.multiply(below, above),
            "screen": ImageChops.screen(below, above),
            "overlay": ImageChops.overlay(below, above),
            "soft_light": ImageChops.soft_light(below, above),
            "difference": ImageChops.difference(below, above),
        }
        result.append(Image.blend(below, modes[blend_mode], blend_factor))
    return (tuple(result),)


def image_quantize(context: Context, /, *, image: Images, colors: int, dither: str) -> tuple[Any, ...]:
    """ImageQuantize; the ordered dithers are stood in for by Floyd-Steinberg's."""
    how = Image.Dither.NONE if dither == "none" else Image.Dither.FLOYDSTEINBERG
    result: list[Image.Image] = []
    for each in pictures(image):
        palette = each.convert("RGB").quantize(colors=colors, dither=Image.Dither.NONE)
        result.append(each.convert("RGB").quantize(colors=colors, palette=palette, dither=how).convert("RGB"))
    return (tuple(result),)


def image_add_noise(context: Context, /, *, image: Images, seed: int, strength: float) -> tuple[Any, ...]:
    """ImageAddNoise."""
    rng = random.Random(seed)
    result: list[Image.Image] = []
    for each in pictures(image):
        noise = Image.frombytes("RGB", each.size, rng.randbytes(each.width * each.height * 3))
        result.append(Image.blend(each.convert("RGB"), noise, min(1.0, strength)))
    return (tuple(result),)


def composite_masked(
    context: Context,
    /,
    *,
    destination: Images,
    source: Images,
    x: int,
    y: int,
    resize_source: bool,
    mask: Images | None = None,
) -> tuple[Any, ...]:
    """ImageCompositeMasked."""
    below = pictures(destination)
    above = pictures(source)
    if resize_source:
        above = scale(above, *below[0].size, "bilinear")
    result: list[Image.Image] = []
    for index, image in enumerate(below):
        page, part = image.convert("RGB"), at(above, index).convert("RGB")
        cover = None if mask is None else at(pictures(mask, "MASK"), index).convert("L").resize(part.size)
        page.paste(part, (x, y), cover)
        result.append(page)
    return (tuple(result),)


def upscale_with_model(context: Context, /, *, upscale_model: Model, image: Images) -> tuple[Any, ...]:
    """ImageUpscaleWithModel: four (or two) times larger, by Lanczos, and it says so."""
    batch = pictures(image)
    factor = 2 if "x2" in upscale_model.label.lower() or upscale_model.label.lower().startswith("2x") else 4
    width, height = batch[0].width * factor, batch[0].height * factor
    enlarged = scale(batch, width, height, "lanczos")
    for step in range(len(batch)):
        context.pause(context.step_seconds)
        context.progress(step + 1, len(batch))
    return (tuple(stamp(each, [upscale_model.label], _UPSCALE_BAND) for each in enlarged),)


def canny(context: Context, /, *, image: Images, low_threshold: float, high_threshold: float) -> tuple[Any, ...]:
    """Canny: edges, by Pillow's own filter."""
    result: list[Image.Image] = []
    for each in pictures(image):
        edges = each.convert("L").filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.FIND_EDGES)
        level = round(255 * (low_threshold + high_threshold) / 4)
        result.append(edges.point([255 if value > level else 0 for value in range(256)]).convert("RGB"))
    return (tuple(result),)


TABLE: Final[dict[str, Function]] = {
    "Canny": canny,
    "ImageAddNoise": image_add_noise,
    "ImageBlend": image_blend,
    "ImageBlur": image_blur,
    "ImageCompositeMasked": composite_masked,
    "ImageFlip": image_flip,
    "ImageInvert": image_invert,
    "ImageQuantize": image_quantize,
    "ImageRotate": image_rotate,
    "ImageSharpen": image_sharpen,
    "ImageUpscaleWithModel": upscale_with_model,
}
