"""Latents: empty ones, encoded pictures, and what is done to either. A latent holds its pictures, not a model's numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from PIL import Image, ImageChops, ImageOps

from ..context import Context, Function
from ..values import Conditioning, Images, Latent, fit
from .tools import at, matched, pictures, scale

MAX_VIDEO_FRAMES: Final = 64  # frames of a clip that are drawn
_TURNS: Final = {
    "90 degrees": Image.Transpose.ROTATE_270,
    "180 degrees": Image.Transpose.ROTATE_180,
    "270 degrees": Image.Transpose.ROTATE_90,
}


def latent(value: Any) -> Latent:
    """The value as a latent. A plain value on the socket gets here as it is, and fails here."""
    if not isinstance(value, Latent):
        if isinstance(value, tuple):
            raise IndexError("an IMAGE or MASK where a LATENT belongs")
        raise TypeError(f"'{type(value).__name__}' object is no LATENT")
    return value


def empty(context: Context, /, *, width: int, height: int, batch_size: int = 1, **more: Any) -> tuple[Any, ...]:
    """EmptyLatentImage and its kin for other models: `more` is what only a model would make use of."""
    fit(width, height, batch_size)
    return (Latent(width // 8 * 8 or 8, height // 8 * 8 or 8, batch_size),)


def empty_video(
    context: Context, /, *, width: int, height: int, length: int, batch_size: int = 1, **more: Any
) -> tuple[Any, ...]:
    """EmptyHunyuanLatentVideo and its kin: a clip has `length` frames."""
    frames = max(1, min(length, MAX_VIDEO_FRAMES))
    fit(width, height, batch_size * frames)
    return (Latent(width, height, batch_size, frames=frames),)


def empty_layers(context: Context, /, *, width: int, height: int, layers: int, batch_size: int = 1) -> tuple[Any, ...]:
    """EmptyQwenImageLayeredLatentImage: one picture more than layers."""
    return empty_video(context, width=width, height=height, length=layers + 1, batch_size=batch_size)


def encode(context: Context, /, *, pixels: Images, vae: Any, **more: Any) -> tuple[Any, ...]:
    """VAEEncode, VAEEncodeTiled."""
    return (_encoded(pictures(pixels)),)


def encode_for_inpaint(
    context: Context, /, *, pixels: Images, vae: Any, mask: Images, grow_mask_by: int
) -> tuple[Any, ...]:
    """VAEEncodeForInpaint: what the mask covers is greyed out first."""
    batch = pictures(pixels)
    masks = tuple(at(pictures(mask, "MASK"), index).resize(each.size) for index, each in enumerate(batch))
    grey = Image.new("RGB", batch[0].size, (128, 128, 128))
    masked = tuple(Image.composite(grey, each.convert("RGB"), masks[index]) for index, each in enumerate(batch))
    return (replace(_encoded(masked), mask=masks),)


def inpaint_conditioning(
    context: Context,
    /,
    *,
    positive: Conditioning,
    negative: Conditioning,
    vae: Any,
    pixels: Images,
    mask: Images,
    noise_mask: bool = True,
) -> tuple[Any, ...]:
    """InpaintModelConditioning."""
    encoded = _encoded(pictures(pixels))
    if noise_mask:
        encoded = replace(encoded, mask=pictures(mask, "MASK"))
    return positive.noted("inpaint"), negative.noted("inpaint"), encoded


def pix2pix_conditioning(
    context: Context, /, *, positive: Conditioning, negative: Conditioning, vae: Any, pixels: Images
) -> tuple[Any, ...]:
    """InstructPixToPixConditioning: the picture guides, and the latent starts empty."""
    batch = pictures(pixels)
    guided = positive.noted("edit", images=(*positive.images, batch[0]))
    return guided, negative, Latent(*batch[0].size, len(batch))


def decode(context: Context, /, *, samples: Latent, vae: Any, **more: Any) -> tuple[Any, ...]:
    """VAEDecode, VAEDecodeTiled: an empty latent gives what a VAE makes of nothing, an even brownish grey."""
    held = latent(samples)
    if held.images is not None:
        return (held.images,)
    count = held.batch * held.frames
    fit(held.width, held.height, count)
    return ((Image.new("RGB", (held.width, held.height), (124, 117, 110)),) * count,)


def upscale(
    context: Context, /, *, samples: Latent, upscale_method: str, width: int, height: int, crop: str
) -> tuple[Any, ...]:
    """LatentUpscale: a side of 0 follows the other one."""
    held = latent(samples)
    if not width and not height:
        return (held,)
    width = width or max(64, round(held.width * height / held.height))
    height = height or max(64, round(held.height * width / held.width))
    return (_resized(held, width, height, upscale_method, crop),)


def upscale_by(context: Context, /, *, samples: Latent, upscale_method: str, scale_by: float) -> tuple[Any, ...]:
    """LatentUpscaleBy."""
    held = latent(samples)
    return (_resized(held, round(held.width * scale_by), round(held.height * scale_by), upscale_method),)


def set_mask(context: Context, /, *, samples: Latent, mask: Images) -> tuple[Any, ...]:
    """SetLatentNoiseMask."""
    return (replace(latent(samples), mask=pictures(mask, "MASK")),)


def repeat(context: Context, /, *, samples: Latent, amount: int) -> tuple[Any, ...]:
    """RepeatLatentBatch."""
    held = latent(samples)
    fit(held.width, held.height, held.batch * held.frames * amount)
    return (replace(held, batch=held.batch * amount, images=None if held.images is None else held.images * amount),)


def from_batch(context: Context, /, *, samples: Latent, batch_index: int, length: int) -> tuple[Any, ...]:
    """LatentFromBatch."""
    held = latent(samples)
    start = min(batch_index, held.batch - 1)
    count = max(1, min(length, held.batch - start))
    images = None if held.images is None else held.images[start * held.frames : (start + count) * held.frames]
    return (replace(held, batch=count, images=images),)


def batch(context: Context, /, *, samples1: Latent, samples2: Latent) -> tuple[Any, ...]:
    """LatentBatch: the second at the size of the first."""
    first, second = latent(samples1), latent(samples2)
    return (_together([first, second]),)


def batch_many(context: Context, /, *, latents: dict[str, Latent]) -> tuple[Any, ...]:
    """BatchLatentsNode."""
    return (_together([latent(each) for each in latents.values()]),)


def rebatch(context: Context, /, *, latents: list[Latent], batch_size: list[int]) -> tuple[Any, ...]:
    """RebatchLatents: gets and gives whole lists."""
    whole = _together([latent(each) for each in latents])
    size = max(1, batch_size[0])
    parts = [
        from_batch(context, samples=whole, batch_index=start, length=size)[0] for start in range(0, whole.batch, size)
    ]
    return (parts,)


def crop(context: Context, /, *, samples: Latent, width: int, height: int, x: int, y: int) -> tuple[Any, ...]:
    """LatentCrop."""
    held = latent(samples)
    x, y = min(x, held.width - 8), min(y, held.height - 8)
    width, height = min(width, held.width - x), min(height, held.height - y)
    if held.images is None:
        return (replace(held, width=width, height=height),)
    return (held.with_images(tuple(each.crop((x, y, x + width, y + height)) for each in held.images)),)


def rotate(context: Context, /, *, samples: Latent, rotation: str) -> tuple[Any, ...]:
    """LatentRotate."""
    held, turn = latent(samples), _TURNS.get(rotation)
    if turn is None:
        return (held,)
    if held.images is not None:
        return (held.with_images(tuple(each.transpose(turn) for each in held.images)),)
    return (held if rotation == "180 degrees" else replace(held, width=held.height, height=held.width),)


def flip(context: Context, /, *, samples: Latent, flip_method: str) -> tuple[Any, ...]:
    """LatentFlip."""
    held = latent(samples)
    turn = ImageOps.flip if flip_method.startswith("x") else ImageOps.mirror
    return (held if held.images is None else held.with_images(tuple(turn(each) for each in held.images)),)


def blend(context: Context, /, *, samples1: Latent, samples2: Latent, blend_factor: float) -> tuple[Any, ...]:
    """LatentBlend: the factor is the first one's share."""
    return (_mixed(latent(samples1), latent(samples2), 1 - blend_factor),)


def interpolate(context: Context, /, *, samples1: Latent, samples2: Latent, ratio: float) -> tuple[Any, ...]:
    """LatentInterpolate: the ratio is the first one's share."""
    return (_mixed(latent(samples1), latent(samples2), 1 - ratio),)


def composite(
    context: Context, /, *, samples_to: Latent, samples_from: Latent, x: int, y: int, feather: int
) -> tuple[Any, ...]:
    """LatentComposite; the seam is hard, `feather` is left out."""
    return (_pasted(latent(samples_to), latent(samples_from), x, y, None),)


def composite_masked(
    context: Context,
    /,
    *,
    destination: Latent,
    source: Latent,
    x: int,
    y: int,
    resize_source: bool,
    mask: Images | None = None,
) -> tuple[Any, ...]:
    """LatentCompositeMasked."""
    below, above = latent(destination), latent(source)
    if resize_source:
        above = _resized(above, below.width, below.height, "bilinear")
    return (_pasted(below, above, x, y, mask),)


def concat(context: Context, /, *, samples1: Latent, samples2: Latent, dim: str) -> tuple[Any, ...]:
    """LatentConcat: side by side, above each other, or one after the other; the other sides have to match."""
    pair = [latent(samples1), latent(samples2)]
    if dim.startswith("-"):
        pair.reverse()
    first, second = pair
    axis = dim[-1]
    for name, mine, other in (("y", first.height, second.height), ("x", first.width, second.width)):
        if axis != name and mine != other:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {3 if axis == 'x' else 2}. "
                f"Expected size {mine // 8} but got size {other // 8} for tensor number 1 in the list."
            )
    if axis == "t":
        return (_together(pair),)
    width = first.width + second.width if axis == "x" else first.width
    height = first.height + second.height if axis == "y" else first.height
    fit(width, height, first.batch)
    grown = replace(first, width=width, height=height)
    if first.images is None or second.images is None:
        return (replace(grown, images=None),)
    pages: list[Image.Image] = []
    for index, image in enumerate(first.images):
        page = Image.new("RGB", (width, height))
        page.paste(image, (0, 0))
        page.paste(at(second.images, index), (first.width, 0) if axis == "x" else (0, first.height))
        pages.append(page)
    return (grown.with_images(tuple(pages)),)


def add(context: Context, /, *, samples1: Latent, samples2: Latent) -> tuple[Any, ...]:
    """LatentAdd."""
    return (_mixed(latent(samples1), latent(samples2), 0.5),)


def subtract(context: Context, /, *, samples1: Latent, samples2: Latent) -> tuple[Any, ...]:
    """LatentSubtract: the difference of the pictures."""
    first, second = latent(samples1), latent(samples2)
    if first.images is None or second.images is None:
        return (first,)
    others = matched(second.images, first.images[0].size)
    return (
        first.with_images(tuple(ImageChops.difference(each, at(others, i)) for i, each in enumerate(first.images))),
    )


def multiply(context: Context, /, *, samples: Latent, multiplier: float) -> tuple[Any, ...]:
    """LatentMultiply: brighter or darker."""
    held = latent(samples)
    if held.images is None:
        return (held,)
    table = [max(0, min(255, round(128 + (value - 128) * multiplier))) for value in range(256)] * 3
    return (held.with_images(tuple(each.convert("RGB").point(table) for each in held.images)),)


def _encoded(images: Images) -> Latent:
    """A batch as a latent: sides are cut to multiples of 8, as a VAE does."""
    width, height = (max(8, side // 8 * 8) for side in images[0].size)
    if (width, height) != images[0].size:
        left, top = (images[0].width - width) // 2, (images[0].height - height) // 2
        images = tuple(each.crop((left, top, left + width, top + height)) for each in images)
    return Latent(width, height, len(images), tuple(each.convert("RGB") for each in images))


def _resized(held: Latent, width: int, height: int, method: str, how: str = "disabled") -> Latent:
    width, height = max(8, width // 8 * 8), max(8, height // 8 * 8)
    fit(width, height, held.batch * held.frames)
    images = None if held.images is None else scale(held.images, width, height, method, how)
    return replace(held, width=width, height=height, images=images)


def _together(parts: list[Latent]) -> Latent:
    first = parts[0]
    total = sum(each.batch for each in parts)
    fit(first.width, first.height, total * first.frames)
    if any(each.images is None for each in parts):
        return replace(first, batch=total, images=None)
    size = (first.width, first.height)
    return replace(
        first, batch=total, images=tuple(image for each in parts for image in matched(each.images or (), size))
    )


def _mixed(first: Latent, second: Latent, share: float) -> Latent:
    if first.images is None or second.images is None:
        return first if second.images is None else second
    others = matched(second.images, first.images[0].size)
    share = min(1.0, max(0.0, share))
    return first.with_images(tuple(Image.blend(each, at(others, i), share) for i, each in enumerate(first.images)))


def _pasted(below: Latent, above: Latent, x: int, y: int, mask: Images | None) -> Latent:
    if below.images is None or above.images is None:
        return below
    pages: list[Image.Image] = []
    for index, image in enumerate(below.images):
        part = at(above.images, index)
        page = image.copy()
        page.paste(part, (x, y), None if mask is None else at(pictures(mask, "MASK"), index).resize(part.size))
        pages.append(page)
    return below.with_images(tuple(pages))


TABLE: Final[dict[str, Function]] = {
    "BatchLatentsNode": batch_many,
    "EmptyChromaRadianceLatentImage": empty,
    "EmptyCosmosLatentVideo": empty_video,
    "EmptyFlux2LatentImage": empty,
    "EmptyHunyuanImageLatent": empty,
    "EmptyHunyuanLatentVideo": empty_video,
    "EmptyLTXVLatentVideo": empty_video,
    "EmptyLatentImage": empty,
    "EmptyMochiLatentVideo": empty_video,
    "EmptyQwenImageLayeredLatentImage": empty_layers,
    "EmptySD3LatentImage": empty,
    "InpaintModelConditioning": inpaint_conditioning,
    "InstructPixToPixConditioning": pix2pix_conditioning,
    "LatentAdd": add,
    "LatentBatch": batch,
    "LatentBlend": blend,
    "LatentComposite": composite,
    "LatentCompositeMasked": composite_masked,
    "LatentConcat": concat,
    "LatentCrop": crop,
    "LatentFlip": flip,
    "LatentFromBatch": from_batch,
    "LatentInterpolate": interpolate,
    "LatentMultiply": multiply,
    "LatentRotate": rotate,
    "LatentSubtract": subtract,
    "LatentUpscale": upscale,
    "LatentUpscaleBy": upscale_by,
    "RebatchLatents": rebatch,
    "RepeatLatentBatch": repeat,
    "SetLatentNoiseMask": set_mask,
    "VAEDecode": decode,
    "VAEDecodeTiled": decode,
    "VAEEncode": encode,
    "VAEEncodeForInpaint": encode_for_inpaint,
    "VAEEncodeTiled": encode,
}
