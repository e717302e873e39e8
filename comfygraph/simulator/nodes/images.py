"""Nodes that make pictures and change their size, really run."""

from __future__ import annotations

import math
from typing import Any, Final

from PIL import Image, ImageColor

from ..context import Context, Function
from ..values import Images, fit
from .tools import joined, level, matched, pictures, resize, rgb, scale


def empty_image(
    context: Context, /, *, width: int, height: int, batch_size: int = 1, color: int = 0
) -> tuple[Any, ...]:
    """EmptyImage."""
    fit(width, height, batch_size)
    image = Image.new("RGB", (width, height), rgb(color))
    return ((image,) * batch_size,)


def image_scale(
    context: Context, /, *, image: Images, upscale_method: str, width: int, height: int, crop: str
) -> tuple[Any, ...]:
    """ImageScale: a side of 0 follows the other one."""
    batch = pictures(image)
    if width == 0 and height == 0:
        return (batch,)
    old_width, old_height = batch[0].size
    width = width or max(1, round(old_width * height / old_height))
    height = height or max(1, round(old_height * width / old_width))
    return (scale(batch, width, height, upscale_method, crop),)


def image_scale_by(context: Context, /, *, image: Images, upscale_method: str, scale_by: float) -> tuple[Any, ...]:
    """ImageScaleBy."""
    batch = pictures(image)
    width, height = (round(side * scale_by) for side in batch[0].size)
    return (scale(batch, width, height, upscale_method),)


def image_scale_to_total_pixels(
    context: Context, /, *, image: Images, upscale_method: str, megapixels: float, resolution_steps: int = 1
) -> tuple[Any, ...]:
    """ImageScaleToTotalPixels."""
    batch = pictures(image)
    old_width, old_height = batch[0].size
    factor = math.sqrt(megapixels * 1024 * 1024 / (old_width * old_height))
    steps = max(1, resolution_steps)
    width, height = (max(steps, round(side * factor / steps) * steps) for side in (old_width, old_height))
    return (scale(batch, width, height, upscale_method),)


def image_scale_to_max(
    context: Context, /, *, image: Images, upscale_method: str, largest_size: int
) -> tuple[Any, ...]:
    """ImageScaleToMaxDimension."""
    batch = pictures(image)
    return (scale(batch, *_with_longest(batch[0].size, largest_size), upscale_method),)


def flux_kontext_scale(context: Context, /, *, image: Images) -> tuple[Any, ...]:
    """FluxKontextImageScale: about a megapixel, in multiples of 16."""
    batch = pictures(image)
    old_width, old_height = batch[0].size
    factor = math.sqrt(1024 * 1024 / (old_width * old_height))
    width, height = (max(16, round(side * factor / 16) * 16) for side in (old_width, old_height))
    return (scale(batch, width, height, "lanczos", "center"),)


def resize_image_mask(
    context: Context, /, *, input: Images, resize_type: dict[str, Any], scale_method: str
) -> tuple[Any, ...]:
    """ResizeImageMaskNode: the size by one of nine ways."""
    batch = pictures(input, "IMAGE or MASK")
    old = batch[0].size
    chosen: str = resize_type["resize_type"]
    crop = resize_type.get("crop", "disabled")
    match chosen:
        case "scale dimensions":
            width, height = resize_type["width"], resize_type["height"]
            size = _other_side(old, width, height)
        case "scale by multiplier":
            size = (round(old[0] * resize_type["multiplier"]), round(old[1] * resize_type["multiplier"]))
        case "scale longer dimension":
            size = _with_longest(old, resize_type["longer_size"])
        case "scale shorter dimension":
            factor = resize_type["shorter_size"] / min(old)
            size = (round(old[0] * factor), round(old[1] * factor))
        case "scale width":
            size = _other_side(old, resize_type["width"], 0)
        case "scale height":
            size = _other_side(old, 0, resize_type["height"])
        case "scale total pixels":
            factor = math.sqrt(resize_type["megapixels"] * 1024 * 1024 / (old[0] * old[1]))
            size = (round(old[0] * factor), round(old[1] * factor))
        case "match size":
            size = pictures(resize_type["match"], "IMAGE or MASK")[0].size
        case _:  # "scale to multiple": as large as fits, the rest cut away
            multiple = max(1, int(resize_type["multiple"]))
            size = (max(multiple, old[0] // multiple * multiple), max(multiple, old[1] // multiple * multiple))
            crop = "center"
    return (scale(batch, max(1, size[0]), max(1, size[1]), scale_method, crop),)


def resize_and_pad(
    context: Context,
    /,
    *,
    image: Images,
    target_width: int,
    target_height: int,
    padding_color: str,
    interpolation: str,
) -> tuple[Any, ...]:
    """ResizeAndPadImage."""
    batch = pictures(image)
    fit(target_width, target_height, len(batch))
    factor = min(target_width / batch[0].width, target_height / batch[0].height)
    width, height = (max(1, round(side * factor)) for side in batch[0].size)
    result: list[Image.Image] = []
    for each in batch:
        page = Image.new("RGB", (target_width, target_height), padding_color)
        page.paste(
            resize(each, width, height, interpolation), ((target_width - width) // 2, (target_height - height) // 2)
        )
        result.append(page)
    return (tuple(result),)


def image_crop(context: Context, /, *, image: Images, width: int, height: int, x: int, y: int) -> tuple[Any, ...]:
    """ImageCrop: what lies outside is left off."""
    batch = pictures(image)
    left, top = min(x, batch[0].width - 1), min(y, batch[0].height - 1)
    box = (left, top, min(left + width, batch[0].width), min(top + height, batch[0].height))
    return (tuple(each.crop(box) for each in batch),)


def image_crop_region(context: Context, /, *, image: Images, crop_region: dict[str, int]) -> tuple[Any, ...]:
    """ImageCropV2."""
    region = {
        key: int(crop_region.get(key, default))
        for key, default in (("x", 0), ("y", 0), ("width", 512), ("height", 512))
    }
    return image_crop(context, image=image, **region)


def image_batch(context: Context, /, *, image1: Images, image2: Images) -> tuple[Any, ...]:
    """ImageBatch."""
    return (joined([pictures(image1), pictures(image2)]),)


def batch_images(context: Context, /, *, images: dict[str, Images]) -> tuple[Any, ...]:
    """BatchImagesNode."""
    return (joined([pictures(each) for each in images.values()]),)


def repeat_batch(context: Context, /, *, image: Images, amount: int) -> tuple[Any, ...]:
    """RepeatImageBatch."""
    batch = pictures(image)
    fit(*batch[0].size, len(batch) * amount)
    return (batch * amount,)


def image_from_batch(context: Context, /, *, image: Images, batch_index: int, length: int) -> tuple[Any, ...]:
    """ImageFromBatch."""
    batch = pictures(image)
    start = min(batch_index, len(batch) - 1)
    return (batch[start : start + max(1, length)],)


def rebatch_images(context: Context, /, *, images: list[Images], batch_size: list[int]) -> tuple[Any, ...]:
    """RebatchImages: gets and gives whole lists."""
    every = [image for batch in images for image in pictures(batch)]
    size = max(1, batch_size[0])
    return ([tuple(every[start : start + size]) for start in range(0, len(every), size)],)


def image_size(context: Context, /, *, image: Images) -> tuple[Any, ...]:
    """GetImageSize."""
    batch = pictures(image)
    return (batch[0].width, batch[0].height, len(batch))


def image_stitch(
    context: Context,
    /,
    *,
    image1: Images,
    direction: str = "right",
    match_image_size: bool = True,
    spacing_width: int = 0,
    spacing_color: str = "white",
    image2: Images | None = None,
) -> tuple[Any, ...]:
    """ImageStitch."""
    first = pictures(image1)
    if image2 is None:
        return (first,)
    second = pictures(image2)
    flat = direction in ("right", "left")
    if match_image_size:
        factor = first[0].height / second[0].height if flat else first[0].width / second[0].width
        second = scale(
            second, max(1, round(second[0].width * factor)), max(1, round(second[0].height * factor)), "lanczos"
        )
    pages: list[Image.Image] = []
    for index in range(max(len(first), len(second))):
        pair = [first[min(index, len(first) - 1)], second[min(index, len(second) - 1)]]
        if direction in ("left", "up"):
            pair.reverse()
        width = sum(each.width for each in pair) + spacing_width if flat else max(each.width for each in pair)
        height = max(each.height for each in pair) if flat else sum(each.height for each in pair) + spacing_width
        fit(width, height)
        page = Image.new("RGB", (width, height), ImageColor.getrgb(spacing_color))
        page.paste(pair[0], (0, 0))
        page.paste(pair[1], (pair[0].width + spacing_width, 0) if flat else (0, pair[0].height + spacing_width))
        pages.append(page)
    return (tuple(pages),)


def image_pad(
    context: Context, /, *, image: Images, left: int, top: int, right: int, bottom: int, feathering: int
) -> tuple[Any, ...]:
    """ImagePadForOutpaint: the picture on grey, and a mask of what is to be filled, soft at the seam."""
    batch = pictures(image)
    width, height = batch[0].size
    size = (width + left + right, height + top + bottom)
    fit(*size, len(batch))
    pages: list[Image.Image] = []
    for each in batch:
        page = Image.new("RGB", size, (level(0.5),) * 3)
        page.paste(each, (left, top))
        pages.append(page)
    inner = Image.new("L", (width, height), 0)
    reach = min(feathering, width // 2, height // 2)
    for distance in range(reach):
        value = level(((reach - distance) / reach) ** 2)
        edges = (
            (left, (distance, distance, distance + 1, height - distance)),
            (right, (width - distance - 1, distance, width - distance, height - distance)),
            (top, (distance, distance, width - distance, distance + 1)),
            (bottom, (distance, height - distance - 1, width - distance, height - distance)),
        )
        for wanted, box in edges:
            if wanted:
                inner.paste(value, box)
    mask = Image.new("L", size, 255)
    mask.paste(inner, (left, top))
    return (tuple(pages), (mask,))


def image_grid(
    context: Context,
    /,
    *,
    images: list[Images],
    columns: list[int],
    cell_width: list[int],
    cell_height: list[int],
    padding: list[int],
) -> tuple[Any, ...]:
    """ImageGrid: gets a whole list."""
    every = [image for batch in images for image in pictures(batch)]
    across, width, height, gap = columns[0], cell_width[0], cell_height[0], padding[0]
    down = math.ceil(len(every) / across)
    size = (across * width + (across - 1) * gap, down * height + (down - 1) * gap)
    fit(*size)
    page = Image.new("RGB", size)
    for index, image in enumerate(every):
        small = matched((image.convert("RGB"),), (width, height), "lanczos")[0]
        page.paste(small, ((index % across) * (width + gap), (index // across) * (height + gap)))
    return ((page,),)


def _with_longest(size: tuple[int, int], longest: int) -> tuple[int, int]:
    factor = longest / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _other_side(old: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """A size with a side of 0 filled in; both 0: the old one."""
    if not width and not height:
        return old
    return width or max(1, round(old[0] * height / old[1])), height or max(1, round(old[1] * width / old[0]))


TABLE: Final[dict[str, Function]] = {
    "BatchImagesNode": batch_images,
    "EmptyImage": empty_image,
    "FluxKontextImageScale": flux_kontext_scale,
    "GetImageSize": image_size,
    "ImageBatch": image_batch,
    "ImageCrop": image_crop,
    "ImageCropV2": image_crop_region,
    "ImageFromBatch": image_from_batch,
    "ImageGrid": image_grid,
    "ImagePadForOutpaint": image_pad,
    "ImageScale": image_scale,
    "ImageScaleBy": image_scale_by,
    "ImageScaleToMaxDimension": image_scale_to_max,
    "ImageScaleToTotalPixels": image_scale_to_total_pixels,
    "ImageStitch": image_stitch,
    "RebatchImages": rebatch_images,
    "RepeatImageBatch": repeat_batch,
    "ResizeAndPadImage": resize_and_pad,
    "ResizeImageMaskNode": resize_image_mask,
}
