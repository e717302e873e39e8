"""Masks, really run. A mask is a batch of ``L`` pictures, 255 for 1.0."""

from __future__ import annotations

from typing import Any, Final

from PIL import Image, ImageChops, ImageFilter

from ..context import Context, Function
from ..values import Images, fit
from .tools import at, inverted, joined, level, pictures, rgb


def solid_mask(context: Context, /, *, value: float, width: int, height: int) -> tuple[Any, ...]:
    """SolidMask."""
    fit(width, height)
    return ((Image.new("L", (width, height), level(value)),),)


def invert_mask(context: Context, /, *, mask: Images) -> tuple[Any, ...]:
    """InvertMask."""
    return (tuple(inverted(each) for each in pictures(mask, "MASK")),)


def mask_to_image(context: Context, /, *, mask: Images) -> tuple[Any, ...]:
    """MaskToImage."""
    return (tuple(each.convert("RGB") for each in pictures(mask, "MASK")),)


def image_to_mask(context: Context, /, *, image: Images, channel: str) -> tuple[Any, ...]:
    """ImageToMask."""
    letter = channel[0].upper()
    return (tuple(each.convert("RGBA").getchannel(letter) for each in pictures(image)),)


def color_to_mask(context: Context, /, *, image: Images, color: int) -> tuple[Any, ...]:
    """ImageColorToMask: white where the picture has exactly this colour."""
    result: list[Image.Image] = []
    for each in pictures(image):
        apart = ImageChops.difference(each.convert("RGB"), Image.new("RGB", each.size, rgb(color)))
        red, green, blue = apart.split()
        most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
        result.append(most.point([255, *([0] * 255)]))
    return (tuple(result),)


def crop_mask(context: Context, /, *, mask: Images, x: int, y: int, width: int, height: int) -> tuple[Any, ...]:
    """CropMask."""
    return (
        tuple(
            each.crop((x, y, min(x + width, each.width), min(y + height, each.height)))
            for each in pictures(mask, "MASK")
        ),
    )


def mask_composite(
    context: Context, /, *, destination: Images, source: Images, x: int, y: int, operation: str
) -> tuple[Any, ...]:
    """MaskComposite."""
    operations: dict[str, Any] = {
        "multiply": ImageChops.multiply,
        "add": ImageChops.add,
        "subtract": ImageChops.subtract,
        "and": ImageChops.darker,
        "or": ImageChops.lighter,
        "xor": ImageChops.difference,
    }
    result: list[Image.Image] = []
    for index, each in enumerate(pictures(destination, "MASK")):
        part = at(pictures(source, "MASK"), index)
        page = each.copy()
        box = (x, y, min(x + part.width, page.width), min(y + part.height, page.height))
        if box[2] > box[0] and box[3] > box[1]:
            part = part.crop((0, 0, box[2] - box[0], box[3] - box[1]))
            page.paste(operations[operation](page.crop(box), part), box)
        result.append(page)
    return (tuple(result),)


def feather_mask(context: Context, /, *, mask: Images, left: int, top: int, right: int, bottom: int) -> tuple[Any, ...]:
    """FeatherMask."""
    result: list[Image.Image] = []
    for each in pictures(mask, "MASK"):
        width, height = each.size
        across = [
            min((x + 1) / left if left else 1.0, (width - x) / right if right else 1.0, 1.0) for x in range(width)
        ]
        down = [
            min((y + 1) / top if top else 1.0, (height - y) / bottom if bottom else 1.0, 1.0) for y in range(height)
        ]
        row, column = Image.new("L", (width, 1)), Image.new("L", (1, height))
        row.putdata([level(value) for value in across])
        column.putdata([level(value) for value in down])
        fade = ImageChops.multiply(row.resize(each.size), column.resize(each.size))
        result.append(ImageChops.multiply(each, fade))
    return (tuple(result),)


def grow_mask(context: Context, /, *, mask: Images, expand: int, tapered_corners: bool) -> tuple[Any, ...]:
    """GrowMask: negative shrinks. `tapered_corners` is left out: corners stay square."""
    reach = min(abs(expand), 255)
    if reach == 0:
        return (pictures(mask, "MASK"),)
    kind = ImageFilter.MaxFilter if expand > 0 else ImageFilter.MinFilter
    result: list[Image.Image] = []
    for each in pictures(mask, "MASK"):
        left = reach
        grown = each
        while left > 0:  # a large filter is a row of small ones
            step = min(left, 8)
            grown = grown.filter(kind(2 * step + 1))
            left -= step
        result.append(grown)
    return (tuple(result),)


def threshold_mask(context: Context, /, *, mask: Images, value: float) -> tuple[Any, ...]:
    """ThresholdMask."""
    table = [255 if level / 255 > value else 0 for level in range(256)]
    return (tuple(each.point(table) for each in pictures(mask, "MASK")),)


def batch_masks(context: Context, /, *, masks: dict[str, Images]) -> tuple[Any, ...]:
    """BatchMasksNode."""
    return (joined([pictures(each, "MASK") for each in masks.values()]),)


def join_alpha(context: Context, /, *, image: Images, alpha: Images) -> tuple[Any, ...]:
    """JoinImageWithAlpha: the mask is what is transparent."""
    result: list[Image.Image] = []
    for index, each in enumerate(pictures(image)):
        page = each.convert("RGB").copy()
        page.putalpha(ImageChops.invert(at(pictures(alpha, "MASK"), index).resize(each.size)))
        result.append(page)
    return (tuple(result),)


def split_alpha(context: Context, /, *, image: Images) -> tuple[Any, ...]:
    """SplitImageWithAlpha."""
    batch = pictures(image)
    alphas = tuple(ImageChops.invert(each.convert("RGBA").getchannel("A")) for each in batch)
    return (tuple(each.convert("RGB") for each in batch), alphas)


TABLE: Final[dict[str, Function]] = {
    "BatchMasksNode": batch_masks,
    "CropMask": crop_mask,
    "FeatherMask": feather_mask,
    "GrowMask": grow_mask,
    "ImageColorToMask": color_to_mask,
    "ImageToMask": image_to_mask,
    "InvertMask": invert_mask,
    "JoinImageWithAlpha": join_alpha,
    "MaskComposite": mask_composite,
    "MaskToImage": mask_to_image,
    "SolidMask": solid_mask,
    "SplitImageWithAlpha": split_alpha,
    "ThresholdMask": threshold_mask,
}
