"""Nodes that load and save, really run: files as ComfyUI names them, PNGs that carry their prompt."""

from __future__ import annotations

import array
import hashlib
import io
import json
import random
import string
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageChops, ImageOps, ImageSequence, PngImagePlugin

from ..context import Answer, Context, Fingerprint, Function
from ..painting import NOTE
from ..store import Store
from ..values import Images, Latent, fit
from .latents import latent
from .tools import pictures

MAX_FRAMES: Final = 64  # of an animated picture
MAX_HEADER: Final = 16 * 2**20  # bytes of a latent file's header
_CHUNK: Final = "comfygraph"  # the PNG text chunk that says that no model was run
_SPEEDS: Final = {"default": 4, "fastest": 0, "slowest": 6}


# loading


def load_image(context: Context, /, *, image: str) -> tuple[Any, ...]:
    """LoadImage: the pictures, and what is transparent in them (64 x 64 of nothing when they are opaque)."""
    frames: list[Image.Image] = []
    masks: list[Image.Image] = []
    with Image.open(str(context.store.find(image))) as file:
        fit(*file.size)
        for frame in ImageSequence.Iterator(file):
            upright = ImageOps.exif_transpose(frame) or frame
            if frames and upright.size != frames[0].size:
                continue
            frames.append(upright.convert("RGB"))
            if upright.has_transparency_data:
                masks.append(ImageChops.invert(upright.convert("RGBA").getchannel("A")))
            else:
                masks.append(Image.new("L", (64, 64), 0))
            if len(frames) >= MAX_FRAMES:
                break
    fit(*frames[0].size, len(frames))
    return tuple(frames), tuple(masks)


def load_image_mask(context: Context, /, *, image: str, channel: str) -> tuple[Any, ...]:
    """LoadImageMask."""
    images, masks = load_image(context, image=image)
    if channel == "alpha":
        return (masks,)
    letter = channel[0].upper()
    return (tuple(each.getchannel(letter) for each in images),)


def load_latent(context: Context, /, **inputs: str) -> tuple[Any, ...]:
    """LoadLatent: pictures if the simulator saved them, otherwise an empty latent of that size."""
    name = inputs["latent"]
    with context.store.find(name).open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > MAX_HEADER:
            raise ValueError(f"{name}: a header of {length} bytes, this is no latent")
        header: dict[str, Any] = json.loads(file.read(length))
        shape = header["latent_tensor"]["shape"]
        batch, height, width = int(shape[0]), int(shape[-2]) * 8, int(shape[-1]) * 8
        fit(width, height, batch)
        images: list[Image.Image] = []
        for tensor in sorted(key for key in header if key.startswith("comfygraph_picture_")):
            start, end = header[tensor]["data_offsets"]
            file.seek(8 + length + start)
            with Image.open(io.BytesIO(file.read(min(end - start, 2**28)))) as picture:
                fit(*picture.size)
                images.append(picture.convert("RGB"))
    return (Latent(width, height, batch, tuple(images) or None),)


# saving


def save_image(context: Context, /, *, images: Images, filename_prefix: str = "ComfyUI") -> Answer:
    """SaveImage."""
    return _saved(context, pictures(images), filename_prefix, "output", 4)


def preview_image(context: Context, /, *, images: Images) -> Answer:
    """PreviewImage: the same into the temp folder, under a name of this node's own."""
    return _saved(context, pictures(images), f"ComfyUI{_own_suffix(context)}", "temp", 1)


def preview_mask(context: Context, /, *, mask: Images) -> Answer:
    """MaskPreview."""
    batch = pictures(mask, "MASK")
    shown = _saved(context, tuple(each.convert("RGB") for each in batch), f"ComfyUI{_own_suffix(context)}", "temp", 4)
    return Answer((batch,), shown.ui)


def save_image_advanced(context: Context, /, *, images: Images, filename_prefix: str, format: dict[str, Any]) -> Answer:
    """SaveImageAdvanced: as PNG; its other formats have no stand-in."""
    if str(format.get("format", "")).lower() != "png":
        raise NotImplementedError(f"the comfygraph simulator writes PNG only, not {format.get('format')!r}")
    return _saved(context, pictures(images), filename_prefix, "output", 4)


def save_image_websocket(context: Context, /, *, images: Images) -> Answer:
    """SaveImageWebsocket: no file; every picture is sent as a PNG frame."""
    batch = pictures(images)
    for index, image in enumerate(batch):
        context.progress(index, len(batch), image, form="PNG", size=None)
    return Answer(())


def save_animated_webp(
    context: Context, /, *, images: Images, filename_prefix: str, fps: float, lossless: bool, quality: int, method: str
) -> Answer:
    """SaveAnimatedWEBP: one file of all the frames, with the prompt in its EXIF block."""
    batch = pictures(images)
    exif = batch[0].getexif()
    exif[0x0110] = f"prompt:{json.dumps(context.prompt)}"
    for number, (key, value) in enumerate(_pnginfo(context).items()):
        exif[0x010F - number] = f"{key}:{json.dumps(value)}"
    options: dict[str, Any] = {"lossless": lossless, "quality": quality, "method": _SPEEDS[method], "exif": exif}
    return _animated(context, batch, filename_prefix, "webp", fps, options)


def save_animated_png(
    context: Context, /, *, images: Images, filename_prefix: str, fps: float, compress_level: int
) -> Answer:
    """SaveAnimatedPNG."""
    options: dict[str, Any] = {"pnginfo": _chunks(context), "compress_level": compress_level}
    return _animated(context, pictures(images), filename_prefix, "png", fps, options)


def save_latent(context: Context, /, *, samples: Latent, filename_prefix: str = "ComfyUI") -> Answer:
    """SaveLatent: a safetensors file that says what it is; its numbers are of the right shape, and no model's."""
    folder, name, number, subfolder = context.store.place(
        "output", filename_prefix, 0, 0, restart=context.restart_counter()
    )
    file = f"{name}_{number:05}_.latent"
    (folder / file).write_bytes(_latent_file(context, latent(samples)))
    return Answer((samples,), {"latents": [{"filename": file, "subfolder": subfolder, "type": "output"}]})


def save_text(context: Context, /, *, text: str, filename_prefix: str, format: str = "txt") -> Answer:
    """SaveText."""
    folder, name, number, subfolder = context.store.place(
        "output", filename_prefix, 0, 0, restart=context.restart_counter()
    )
    file = f"{name}_{number:05}_.{format}"
    (folder / file).write_text(str(text), encoding="utf-8")
    return Answer((text,), {"text": [{"filename": file, "subfolder": subfolder, "type": "output"}]})


def preview_any(context: Context, /, *, source: Any = None) -> Answer:
    """PreviewAny: anything as text."""
    if isinstance(source, str):
        text = source
    elif isinstance(source, (bool, int, float)) or source is None:
        text = str(source)
    else:
        try:
            text = json.dumps(source, indent=4, ensure_ascii=False)
        except (TypeError, ValueError):
            text = str(source)
    return Answer((text,), {"text": [text]})


def image_compare(
    context: Context, /, *, compare_view: Any = None, image_a: Images | None = None, image_b: Images | None = None
) -> Answer:
    """ImageCompare: both pictures as previews."""
    shown: dict[str, list[Any]] = {}
    for key, images in (("a_images", image_a), ("b_images", image_b)):
        if images is not None:
            saved = _saved(context, pictures(images), f"ComfyUI{_own_suffix(context)}", "temp", 1)
            shown[key] = list((saved.ui or {})["images"])
    return Answer((), shown)


def _saved(context: Context, images: Images, prefix: str, kind: str, compress_level: int) -> Answer:
    width, height = images[0].size
    folder, name, number, subfolder = context.store.place(
        kind, prefix, width, height, restart=context.restart_counter()
    )
    chunks = _chunks(context)
    saved: list[dict[str, str]] = []
    for index, image in enumerate(images):
        file = f"{name.replace('%batch_num%', str(index))}_{number:05}_.png"
        image.save(folder / file, pnginfo=chunks, compress_level=compress_level)
        saved.append({"filename": file, "subfolder": subfolder, "type": kind})
        context.store.saved(folder, name, number, folder / file)
        number += 1
    return Answer((images,), {"images": saved})


def _animated(
    context: Context, images: Images, prefix: str, suffix: str, fps: float, options: dict[str, Any]
) -> Answer:
    width, height = images[0].size
    folder, name, number, subfolder = context.store.place(
        "output", prefix, width, height, restart=context.restart_counter()
    )
    file = f"{name}_{number:05}_.{suffix}"
    duration = max(1, round(1000 / max(0.01, fps)))
    first, rest = images[0].convert("RGB"), [each.convert("RGB") for each in images[1:]]
    first.save(folder / file, save_all=True, append_images=rest, duration=duration, loop=0, **options)
    shown: list[Any] = [{"filename": file, "subfolder": subfolder, "type": "output"}]
    return Answer((images,), {"images": shown, "animated": [True]})


def _chunks(context: Context) -> PngImagePlugin.PngInfo:
    """What a saved PNG carries: the prompt, all that the client sent along, and, where it is so, that no model was run."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("prompt", json.dumps(context.prompt))
    for key, value in _pnginfo(context).items():
        chunks.add_text(key, json.dumps(value))
    if context.stands_in:
        chunks.add_text(_CHUNK, json.dumps({"simulated": True, "note": NOTE}))
    return chunks


def _pnginfo(context: Context) -> dict[str, Any]:
    given = context.extra_data.get("extra_pnginfo")
    return dict(given) if isinstance(given, Mapping) else {}


def _own_suffix(context: Context) -> str:
    suffix: str = context.memory.setdefault("suffix", "_temp_" + "".join(random.choices(string.ascii_lowercase, k=5)))
    return suffix


def _latent_file(context: Context, samples: Latent) -> bytes:
    width, height = max(1, samples.width // 8), max(1, samples.height // 8)
    shape = [samples.batch, 4, height, width]
    values = array.array("f", [0.0]) * (samples.batch * 4 * height * width)
    tensors: list[tuple[str, str, list[int], bytes]] = [
        ("latent_format_version_0", "F32", [0], b""),
        ("latent_tensor", "F32", shape, values.tobytes()),
    ]
    for index, image in enumerate(samples.images or ()):
        buffer = io.BytesIO()
        image.save(buffer, format="PNG", compress_level=1)
        tensors.append((f"comfygraph_picture_{index:05}", "U8", [buffer.tell()], buffer.getvalue()))
    metadata = {"prompt": json.dumps(context.prompt), _CHUNK: NOTE}
    metadata |= {key: json.dumps(value) for key, value in _pnginfo(context).items()}
    header: dict[str, Any] = {"__metadata__": metadata}
    offset = 0
    for name, kind, dimensions, content in tensors:
        header[name] = {"dtype": kind, "shape": dimensions, "data_offsets": [offset, offset + len(content)]}
        offset += len(content)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + b"".join(content for _, _, _, content in tensors)


# what makes them run again


def _content(name: str) -> Fingerprint:
    """The content of the file that an input names."""

    def fingerprint(store: Store, inputs: Mapping[str, Any]) -> str:
        return _sha256(store.find(inputs[name]))

    return fingerprint


def _always(store: Store, inputs: Mapping[str, Any]) -> float:
    return time.time()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


FINGERPRINTS: Final[dict[str, Fingerprint]] = {
    "LoadImage": _content("image"),
    "LoadImageMask": _content("image"),
    "LoadImageOutput": _content("image"),
    "LoadLatent": _content("latent"),
    "SaveImageWebsocket": _always,
}

TABLE: Final[dict[str, Function]] = {
    "ImageCompare": image_compare,
    "LoadImage": load_image,
    "LoadImageMask": load_image_mask,
    "LoadImageOutput": load_image,
    "LoadLatent": load_latent,
    "MaskPreview": preview_mask,
    "PreviewAny": preview_any,
    "PreviewImage": preview_image,
    "SaveAnimatedPNG": save_animated_png,
    "SaveAnimatedWEBP": save_animated_webp,
    "SaveImage": save_image,
    "SaveImageAdvanced": save_image_advanced,
    "SaveImageWebsocket": save_image_websocket,
    "SaveLatent": save_latent,
    "SaveText": save_text,
}
