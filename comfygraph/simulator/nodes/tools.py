"""Small things that many image nodes need."""

from __future__ import annotations

import struct
from typing import Any, Final

from PIL import Image

from ..values import Images, fit

RESAMPLING: Final[dict[str, Image.Resampling]] = {
    "nearest-exact": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "bislerp": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def single(number: float) -> float:
    """The nearest float32: what a tensor holds of a number."""
    value: float = struct.unpack("<f", struct.pack("<f", number))[0]
    return value


def level(share: float) -> int:
    """0.0 to 1.0 as it is saved, 0 to 255: cut off, not rounded, as the server does (0.5 is 127, 0.25 is 63)."""
    return max(0, min(255, int(single(255 * single(share)))))


INVERTED: Final[tuple[int, ...]] = tuple(level(1 - single(value / 255)) for value in range(256))
"""What each level is saved as when it was inverted: a server computes 1 - v/255 in float32 and cuts off, so 159 of them
come out one lower than 255 - v."""


def inverted(image: Image.Image) -> Image.Image:
    """One picture or mask inverted, level by level. A second inversion goes by the levels too, where a server would
    still have the fractions, so it may be off by one."""
    return image.point(INVERTED * len(image.getbands()))


def pictures(value: Any, what: str = "IMAGE") -> Images:
    """The value as a batch. A plain value on a socket gets here as it is, and fails here as it does on a real server."""
    if not isinstance(value, tuple) or not value or not all(isinstance(each, Image.Image) for each in value):
        # As on a server, where None cannot be counted and a text has no shape.
        kind = TypeError if value is None else AttributeError
        raise kind(f"'{type(value).__name__}' object is no {what}")
    return value


def resize(image: Image.Image, width: int, height: int, method: str = "bilinear") -> Image.Image:
    """One picture at another size."""
    fit(width, height)
    return image if image.size == (width, height) else image.resize((width, height), RESAMPLING[method])


def scale(images: Images, width: int, height: int, method: str, crop: str = "disabled") -> Images:
    """A batch at another size; ``crop="center"`` cuts away what would be squeezed."""
    fit(width, height, len(images))
    if crop == "center":
        images = tuple(_cut_to(image, width / height) for image in images)
    return tuple(resize(image, width, height, method) for image in images)


def _cut_to(image: Image.Image, ratio: float) -> Image.Image:
    width, height = image.size
    if width / height > ratio:
        left = round((width - height * ratio) / 2)
        return image.crop((left, 0, max(left + 1, width - left), height))
    top = round((height - width / ratio) / 2)
    return image.crop((0, top, width, max(top + 1, height - top)))


def matched(images: Images, size: tuple[int, int], method: str = "bilinear") -> Images:
    """A batch brought to a size, cut in the middle where the proportions differ."""
    return images if images[0].size == size else scale(images, *size, method, "center")


def joined(batches: list[Images]) -> Images:
    """Several batches as one, at the size of the first."""
    size = batches[0][0].size
    together = tuple(image for batch in batches for image in matched(batch, size))
    fit(*size, len(together))
    if len({image.mode for image in together}) > 1:
        together = tuple(
            image.convert("RGBA" if any(i.mode == "RGBA" for i in together) else "RGB") for image in together
        )
    return together


def at(images: Images, index: int) -> Image.Image:
    """One of a batch; past its end the last one."""
    return images[min(index, len(images) - 1)]


def rgb(number: int) -> tuple[int, int, int]:
    """``0xRRGGBB`` as a colour."""
    return (number >> 16) & 255, (number >> 8) & 255, number & 255
