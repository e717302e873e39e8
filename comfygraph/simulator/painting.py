"""The picture that stands in for what a diffusion model would make: a landscape of light, drawn with Pillow alone.

It is a function of its `Recipe`: the same recipe gives the same pixels. The prompt chooses palette and scene, the seed the
layout, and every setting leaves its mark. Nothing here pretends to be a model's work: `stamp` writes so across the picture.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageFont import FreeTypeFont, ImageFont

WORK_SIDE: Final = 1024  # pixels; larger pictures are drawn at this size and enlarged
BAND: Final = "SIMULATED by comfygraph · no model was run"
NOTE: Final = "drawn by the comfygraph simulator; no model was run"

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Recipe:
    """All that a picture depends on."""

    prompt: str
    negative: str = ""
    seed: int = 0
    steps: int = 20
    cfg: float = 1.0
    sampler: str = "euler"
    scheduler: str = "normal"
    model: str = ""
    extras: tuple[str, ...] = ()  # LoRAs, guidance, controls: whatever else was asked for
    index: int = 0

    def rng(self, *purpose: object) -> random.Random:
        """Random numbers that are this recipe's own."""
        return random.Random(_hash(self.prompt, self.negative, self.seed, self.index, *purpose))


@dataclass(frozen=True)
class _Mood:
    """What a word in the prompt does to palette and scene: hues in degrees, lightness of the sky, and a scene or none."""

    sky: float
    land: float
    light: float
    chroma: float
    scene: str = ""


_MOODS: Final[tuple[tuple[str, _Mood], ...]] = (
    ("golden hour sunset sunrise dawn dusk", _Mood(55, 30, 0.80, 0.13)),
    ("night midnight stars moon galaxy space", _Mood(275, 280, 0.36, 0.09, "aurora")),
    ("aurora neon cyberpunk", _Mood(310, 290, 0.40, 0.15, "aurora")),
    ("snow winter ice frost", _Mood(240, 250, 0.88, 0.05, "ridges")),
    ("forest jungle tree trees woods", _Mood(150, 150, 0.80, 0.08, "ridges")),
    ("sea ocean lake river water beach", _Mood(215, 225, 0.84, 0.09, "lake")),
    ("desert dune dunes sand", _Mood(70, 60, 0.86, 0.11, "dunes")),
    ("mountain mountains hills valley", _Mood(230, 200, 0.84, 0.08, "ridges")),
    ("fire lava volcano", _Mood(35, 20, 0.55, 0.17, "ridges")),
    ("flower flowers spring garden", _Mood(350, 140, 0.86, 0.10, "dunes")),
    ("autumn fall leaves", _Mood(60, 45, 0.82, 0.12, "ridges")),
    ("city street building robot car", _Mood(255, 265, 0.70, 0.07, "lake")),
    ("portrait woman man girl boy person face", _Mood(40, 20, 0.82, 0.07, "orbs")),
    ("cat dog fox animal bird bear wolf horse", _Mood(65, 50, 0.84, 0.09)),
)
_SCENES: Final = ("ridges", "lake", "dunes", "aurora", "orbs")


def paint(recipe: Recipe, width: int, height: int) -> Picture:
    """Draw a recipe, unstamped.

    Args:
        recipe: what to draw.
        width, height: in pixels, at least 1 each.
    """
    from PIL import Image, ImageEnhance, ImageFilter

    scale = min(1.0, WORK_SIDE / max(width, height))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    palette = _Palette(recipe)
    layout = recipe.rng("layout")
    canvas = _sky(size, palette, layout)
    _SCENERY[palette.scene](canvas, palette, layout)
    canvas = _tinted(canvas, recipe)
    # Few steps leave it soft and grainy; a high cfg makes it harsh, as it does with a model.
    softness = 1.6 * math.exp(-recipe.steps / 3)
    if softness > 0.3:
        canvas = canvas.filter(ImageFilter.GaussianBlur(softness * size[0] / WORK_SIDE))
    canvas = ImageEnhance.Color(canvas).enhance(0.92 + 0.035 * min(recipe.cfg, 14))
    canvas = ImageEnhance.Contrast(canvas).enhance(0.97 + 0.018 * min(recipe.cfg, 14))
    canvas = _finished(canvas, recipe)
    if canvas.size != (width, height):
        canvas = canvas.resize((width, height), Image.Resampling.BICUBIC)
    return canvas


def blend(base: Picture, painted: Picture, denoise: float, mask: Picture | None = None) -> Picture:
    """A painting over a picture that was there: at denoise 1 nothing of it is left, at 0 all.

    Args:
        base: the picture that was encoded.
        painted: the new one, of any size; it is fitted to `base`.
        denoise: 0 to 1.
        mask: ``L``: where it is black, the base stays.
    """
    from PIL import Image, ImageChops

    base = base.convert("RGB")
    if painted.size != base.size:
        painted = painted.resize(base.size, Image.Resampling.BICUBIC)
    share = min(1.0, max(0.0, denoise))
    if share < 1.0:
        # The old picture's light and shade shows through the new colours.
        lit = ImageChops.soft_light(painted, base)
        painted = Image.blend(base, Image.blend(lit, painted, share * share), share)
    if mask is not None:
        painted = Image.composite(painted, base, mask.convert("L").resize(base.size))
    return painted


def guide(painted: Picture, control: Picture, strength: float) -> Picture:
    """Let a control picture show through a painting."""
    from PIL import Image, ImageChops

    control = control.convert("RGB").resize(painted.size, Image.Resampling.BICUBIC)
    return Image.blend(painted, ImageChops.soft_light(painted, control), min(1.0, max(0.0, strength)) * 0.8)


def noisy(picture: Picture, share: float, recipe: Recipe, step: int) -> Picture:
    """A preview: the picture with so much noise still in it (1: nothing else)."""
    from PIL import Image

    if share <= 0:
        return picture
    size = (max(2, picture.width // 4), max(2, picture.height // 4))
    noise = _noise(recipe.rng("preview", step), size, "RGB").resize(picture.size, Image.Resampling.BILINEAR)
    return Image.blend(picture, noise, min(1.0, share) * 0.9)


def stamp(picture: Picture, lines: Sequence[str] = (), title: str = BAND) -> Picture:
    """The picture with a band at its foot that says what it is.

    Args:
        picture: it is not changed.
        lines: what it was drawn from; each is cut to the width.
        title: the first line.
    """
    from PIL import Image, ImageDraw

    picture = picture.convert("RGB")
    width, height = picture.size
    if width < 24 or height < 16:
        return picture
    text_size = max(8, min(round(width / 46), round(height / 16)))
    big, small = _font(round(text_size * 1.12)), _font(text_size)
    margin = max(2, round(text_size * 0.7))
    rows = [(title, big, (255, 255, 255)), *((line, small, (214, 220, 228)) for line in lines if line)]
    # A small picture has room for the title only.
    rows = rows[: max(1, min(len(rows), int(height * 0.3 / (text_size * 1.35))))]
    line_height = round(text_size * 1.4)
    band = min(height, line_height * len(rows) + margin)
    dark = Image.new("RGB", (width, band), (12, 14, 20))
    foot = picture.crop((0, height - band, width, height))
    foot = Image.blend(foot, dark, 0.74)
    draw = ImageDraw.Draw(foot)
    for index, (text, font, colour) in enumerate(rows):
        place = (margin, margin // 2 + index * line_height)
        draw.text(place, _cut(text, font, width - 2 * margin), font=font, fill=colour)
    picture.paste(foot, (0, height - band))
    return picture


def caption(recipe: Recipe, denoise: float = 1.0) -> list[str]:
    """The lines that `stamp` writes under its title."""
    settings = [
        f"seed {recipe.seed}",
        f"{recipe.steps} steps",
        f"cfg {recipe.cfg:g}",
        f"{recipe.sampler}/{recipe.scheduler}",
    ]
    if denoise < 1.0:
        settings.append(f"denoise {denoise:g}")
    if recipe.model:
        settings.append(recipe.model)
    if recipe.index:
        settings.append(f"batch {recipe.index}")
    return [" · ".join([*settings, *recipe.extras]), recipe.prompt or "(no prompt)"]


# colours


class _Palette:
    """The colours of one recipe, and its scene."""

    def __init__(self, recipe: Recipe) -> None:
        rng = random.Random(_hash("palette", recipe.prompt))
        words = {word.strip(".,;:!?()[]'\"").lower() for word in recipe.prompt.split()}
        phrase = f" {recipe.prompt.lower()} "
        moods = [mood for keys, mood in _MOODS if any(key in words for key in keys.split())]
        if "golden hour" in phrase and _MOODS[0][1] not in moods:
            moods.insert(0, _MOODS[0][1])
        base = (
            moods[0]
            if moods
            else _Mood(rng.uniform(0, 360), rng.uniform(0, 360), rng.uniform(0.6, 0.88), rng.uniform(0.07, 0.13))
        )
        scenes = [mood.scene for mood in moods if mood.scene]
        self.scene = scenes[0] if scenes else _SCENES[rng.randrange(len(_SCENES))]
        # The model has a hand of its own: a few degrees, a little more or less colour.
        hand = random.Random(_hash("model", recipe.model))
        shift, rich = hand.uniform(-14, 14), hand.uniform(0.9, 1.15)
        turn = rng.uniform(-18, 18)
        sky, land = base.sky + shift + turn, (moods[1].land if len(moods) > 1 else base.land) + shift
        chroma, light = base.chroma * rich, base.light
        warm = sky + rng.choice((-70, -50, 45, 60))
        self.night = light < 0.5
        self.top = oklch(light - 0.34, chroma * 1.05, sky + 18)
        self.upper = oklch(light - 0.16, chroma, sky + 6)
        self.lower = oklch(light + 0.02, chroma * 0.9, sky - 8)
        self.horizon = oklch(min(0.96, light + 0.10), chroma * 0.75, warm)
        self.sun = oklch(0.97, 0.05 if self.night else 0.07, warm)
        self.glow = oklch(min(0.95, light + 0.12), chroma * 1.1, warm)
        self.far = oklch(light - 0.10, chroma * 0.55, land)
        self.near = oklch(0.17, chroma * 0.5, land + 10)
        self.accent = oklch(0.72, 0.16, warm + 150)

    def ground(self, depth: float) -> Colour:
        """A layer of land: 0 at the horizon, 1 in front."""
        return mix(self.far, self.near, depth**0.85)


def oklch(light: float, chroma: float, hue: float) -> Colour:
    """A colour by perceived lightness (0-1), chroma (0-0.37) and hue (degrees), as sRGB; colours outside are clipped."""
    light = min(1.0, max(0.0, light))
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    red, green, blue = (round(255 * _gamma(min(1.0, max(0.0, value)))) for value in linear)
    return red, green, blue


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two: 0 is the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * min(1.0, max(0.0, share))) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _gamma(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


# layers


def _sky(size: tuple[int, int], palette: _Palette, rng: random.Random) -> Picture:
    stops = [
        (0.0, palette.top),
        (0.32, palette.upper),
        (0.58, palette.lower),
        (0.74, palette.horizon),
        (1.0, palette.lower),
    ]
    canvas = _gradient(size, stops)
    if palette.night:
        _stars(canvas, rng)
    place = (size[0] * rng.uniform(0.2, 0.8), size[1] * rng.uniform(0.24, 0.5))
    _glow(canvas, place, max(size) * rng.uniform(0.75, 1.0), palette.glow, 0.85)
    _glow(canvas, place, max(size) * rng.uniform(0.25, 0.34), palette.sun, 0.9)
    _disc(canvas, place, min(size) * rng.uniform(0.035, 0.07), palette.sun)
    if palette.scene != "orbs":
        _clouds(canvas, palette, rng)
    return canvas


def _ridges(canvas: Picture, palette: _Palette, rng: random.Random) -> None:
    layers = rng.randint(4, 6)
    for layer in range(layers):
        depth = (layer + 0.6) / layers
        base = 0.56 + 0.40 * (layer / layers) ** 1.1
        _land(canvas, palette, rng, depth, base, height=0.17 - 0.10 * depth, rough=0.62 - 0.2 * depth)
    if rng.random() < 0.75:
        _trees(canvas, palette, rng, 0.93)


def _dunes(canvas: Picture, palette: _Palette, rng: random.Random) -> None:
    layers = rng.randint(5, 7)
    for layer in range(layers):
        depth = (layer + 0.4) / layers
        base = 0.58 + 0.40 * (layer / layers)
        _land(canvas, palette, rng, depth * 0.82, base, height=0.09 - 0.03 * depth, rough=0.30)


def _lake(canvas: Picture, palette: _Palette, rng: random.Random) -> None:
    from PIL import Image, ImageFilter

    width, height = canvas.size
    shore = round(height * rng.uniform(0.60, 0.68))
    for layer in range(3):
        depth = 0.25 + 0.2 * layer
        _land(canvas, palette, rng, depth, shore / height - 0.10 + 0.04 * layer, height=0.12 - 0.03 * layer, rough=0.58)
    # The water shows what stands above it, upside down, blurred, and broken by ripples.
    above = canvas.crop((0, max(0, 2 * shore - height), width, shore)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    above = above.resize((width, height - shore)).filter(ImageFilter.BoxBlur(width / 400))
    water = Image.blend(above, Image.new("RGB", above.size, palette.top), 0.28)
    fine = _noise(rng, (max(2, width // 90), max(2, (height - shore) // 4)), "L").resize(
        water.size, Image.Resampling.BICUBIC
    )
    ripples = fine.point([max(0, min(255, round((value - 148) * 2.6))) for value in range(256)])
    fade = _gradient_l(water.size, 40, 190)
    from PIL import ImageChops

    water.paste(palette.horizon, (0, 0), ImageChops.multiply(ripples, fade))
    canvas.paste(water, (0, shore))
    _trees(canvas, palette, rng, 1.0) if rng.random() < 0.5 else None


def _aurora(canvas: Picture, palette: _Palette, rng: random.Random) -> None:
    from PIL import Image, ImageChops, ImageFilter

    width, height = canvas.size
    for colour in (palette.accent, palette.glow, palette.accent):
        strip = Image.new("L", (64, 48), 0)
        pixels = strip.load()
        wave = _wave(rng, 64, 0.5)
        for x in range(64):
            top = 8 + 12 * (wave[x] + 1)
            for y in range(48):
                lift = (y - top) / 16
                if pixels is not None and 0 <= lift <= 1:
                    pixels[x, y] = round(
                        210 * (1 - lift) ** 1.5 * (0.55 + 0.45 * wave[(x * 5) % 64]) * min(1.0, lift * 5)
                    )
        veil = strip.resize((width, round(height * 0.95)), Image.Resampling.BICUBIC).filter(
            ImageFilter.GaussianBlur(width / 160)
        )
        mask = Image.new("L", canvas.size, 0)
        mask.paste(veil, (0, -round(height * 0.14)))
        lit = ImageChops.screen(canvas, Image.new("RGB", canvas.size, colour))
        canvas.paste(lit, (0, 0), mask)
    for layer in range(3):
        _land(canvas, palette, rng, 0.45 + 0.26 * layer, 0.72 + 0.09 * layer, height=0.12 - 0.03 * layer, rough=0.6)
    _trees(canvas, palette, rng, 0.97)


def _orbs(canvas: Picture, palette: _Palette, rng: random.Random) -> None:
    from PIL import Image, ImageFilter

    width, height = canvas.size
    soft = canvas.filter(ImageFilter.GaussianBlur(width / 30))
    canvas.paste(soft, (0, 0))
    colours = (palette.glow, palette.upper, palette.accent, palette.sun, palette.far, palette.lower)
    for number in range(rng.randint(16, 24)):
        radius = min(width, height) * rng.uniform(0.03, 0.22) * (1.3 if number < 5 else 0.8)
        place = (width * rng.gauss(0.5, 0.24), height * rng.gauss(0.46, 0.2))
        mask = Image.new("L", canvas.size, 0)
        _disc_mask(mask, place, radius, rng.randint(60, 150))
        if number % 3 == 0:
            mask = mask.filter(ImageFilter.GaussianBlur(radius / 6))
        canvas.paste(colours[number % len(colours)], (0, 0), mask)
        _glow(canvas, (place[0] - radius * 0.3, place[1] - radius * 0.35), radius * 1.1, palette.sun, 0.34)
    for layer in range(2):
        _land(canvas, palette, rng, 0.5 + 0.35 * layer, 0.86 + 0.07 * layer, height=0.05, rough=0.3)


_SCENERY: Final = {"ridges": _ridges, "lake": _lake, "dunes": _dunes, "aurora": _aurora, "orbs": _orbs}


def _land(
    canvas: Picture, palette: _Palette, rng: random.Random, depth: float, base: float, *, height: float, rough: float
) -> None:
    """One layer of hills: an outline, filled from its colour at the top to mist at its foot."""
    from PIL import Image, ImageDraw

    width, full = canvas.size
    wave = _wave(rng, 257, rough)
    points = [(index * width * 2 / 256, (base * full + value * height * full) * 2) for index, value in enumerate(wave)]
    top = max(0, min(full - 1, math.floor(min(y for _, y in points) / 2)))
    mask = Image.new("L", (width * 2, (full - top) * 2), 0)
    ImageDraw.Draw(mask).polygon(
        [(0, mask.height), *((x, y - top * 2) for x, y in points), (mask.width, mask.height)], fill=255
    )
    mask = mask.resize((width, full - top), Image.Resampling.BOX)
    colour = palette.ground(depth)
    mist = mix(colour, palette.horizon, 0.62 * (1 - depth))
    crest = mix(colour, palette.glow, 0.10)
    fill = _gradient((width, full - top), [(0.0, crest), (0.25, colour), (1.0, mist)])
    canvas.paste(fill, (0, top), mask)


def _trees(canvas: Picture, palette: _Palette, rng: random.Random, base: float) -> None:
    """Conifers along the foot of the picture."""
    from PIL import Image, ImageDraw

    width, height = canvas.size
    mask = Image.new("L", (width * 2, height * 2), 0)
    draw = ImageDraw.Draw(mask)
    wave = _wave(rng, 257, 0.5)
    x = -width * 0.05
    while x < width * 1.05:
        place = wave[min(256, max(0, round(x / width * 256)))]
        tall = height * rng.uniform(0.05, 0.17) * (0.55 + 0.6 * abs(place))
        foot = height * (base + 0.03 * place)
        for tier in range(5):
            share = tier / 5
            wide = tall * 0.30 * (0.25 + share * 0.85)
            peak = foot - tall * (1 - share * 0.85)
            low = peak + tall * 0.34
            draw.polygon([(2 * x, 2 * peak), (2 * (x - wide), 2 * low), (2 * (x + wide), 2 * low)], fill=255)
        x += tall * rng.uniform(0.16, 0.75)
    crest = [(index * width * 2 / 256, 2 * height * (base + 0.02 + 0.02 * value)) for index, value in enumerate(wave)]
    draw.polygon([(0, 2 * height), *crest, (2 * width, 2 * height)], fill=255)
    canvas.paste(mix(palette.near, (0, 0, 0), 0.25), (0, 0), mask.resize(canvas.size, Image.Resampling.BOX))


def _clouds(canvas: Picture, palette: _Palette, rng: random.Random) -> None:
    from PIL import ImageChops

    width, height = canvas.size
    field = _fractal(rng, (width, height), stretch=rng.uniform(2.4, 4.2))
    threshold = rng.randint(120, 140)
    wisps = field.point([max(0, min(255, round((value - threshold) * 3.2))) for value in range(256)])
    fade = _gradient_l((width, height), 185, -60)
    canvas.paste(mix(palette.horizon, palette.sun, 0.4), (0, 0), ImageChops.multiply(wisps, fade))
    shade = ImageChops.offset(wisps, 0, round(height * 0.012))
    canvas.paste(palette.upper, (0, 0), ImageChops.multiply(shade, fade).point([value // 4 for value in range(256)]))


def _stars(canvas: Picture, rng: random.Random) -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(canvas)
    width, height = canvas.size
    for _ in range(round(width * height / 2600)):
        x, y, bright = rng.random() * width, rng.random() ** 1.6 * height * 0.75, rng.random() ** 3
        radius = 0.4 + 1.3 * bright
        shade = round(120 + 135 * bright)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(shade, shade, min(255, shade + 12)))


def _glow(canvas: Picture, place: tuple[float, float], radius: float, colour: Colour, strength: float) -> None:
    from PIL import Image

    side = max(2, round(2 * radius))
    falloff = [round(255 * strength * max(0.0, 1 - value / 255 * 1.42) ** 2.2) for value in range(256)]
    mask = Image.radial_gradient("L").point(falloff).resize((side, side), Image.Resampling.BILINEAR)
    canvas.paste(colour, (round(place[0] - radius), round(place[1] - radius)), mask)


def _disc(canvas: Picture, place: tuple[float, float], radius: float, colour: Colour) -> None:
    from PIL import Image

    mask = Image.new("L", canvas.size, 0)
    _disc_mask(mask, place, radius, 255)
    canvas.paste(colour, (0, 0), mask)


def _disc_mask(mask: Picture, place: tuple[float, float], radius: float, value: int) -> None:
    """A smooth disc in a mask."""
    from PIL import Image, ImageDraw

    side = max(2, math.ceil(2 * radius) + 4)
    disc = Image.new("L", (side * 3, side * 3), 0)
    middle, reach = side * 1.5, radius * 3
    ImageDraw.Draw(disc).ellipse((middle - reach, middle - reach, middle + reach, middle + reach), fill=value)
    mask.paste(
        disc.resize((side, side), Image.Resampling.BOX), (round(place[0] - side / 2), round(place[1] - side / 2))
    )


def _tinted(canvas: Picture, recipe: Recipe) -> Picture:
    """What LoRAs, guidance and a negative prompt leave behind: a breath of colour across the picture."""
    from PIL import Image, ImageChops

    for number, extra in enumerate((*recipe.extras, *((f"not {recipe.negative}",) if recipe.negative else ()))):
        rng = random.Random(_hash("tint", extra))
        colour = oklch(rng.uniform(0.55, 0.75), rng.uniform(0.08, 0.15), rng.uniform(0, 360))
        mask = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180, 270))).resize(canvas.size)
        strength = 0.38 if number < len(recipe.extras) else 0.10
        tinted = ImageChops.soft_light(canvas, Image.new("RGB", canvas.size, colour))
        canvas = Image.composite(tinted, canvas, mask.point([round(value * strength) for value in range(256)]))
    return canvas


def _finished(canvas: Picture, recipe: Recipe) -> Picture:
    """Grain and a vignette; sampler and scheduler choose how much of either."""
    from PIL import Image

    hand = random.Random(_hash("hand", recipe.sampler, recipe.scheduler))
    size = canvas.size
    grain = _noise(recipe.rng("grain", recipe.sampler, recipe.steps), size, "L")
    amount = 0.030 + 0.02 * hand.random() + 0.12 * math.exp(-recipe.steps / 4)
    canvas = Image.blend(canvas, Image.merge("RGB", (grain, grain, grain)), min(0.16, amount))
    edge = 0.30 + 0.25 * hand.random()
    shade = Image.radial_gradient("L").point([round(255 * edge * (value / 255) ** 2.6) for value in range(256)])
    canvas.paste((8, 8, 16), (0, 0), shade.resize(size, Image.Resampling.BILINEAR))
    return canvas


# noise


def _noise(rng: random.Random, size: tuple[int, int], mode: str) -> Picture:
    from PIL import Image

    count = size[0] * size[1] * len(mode)
    return Image.frombytes(mode, size, rng.randbytes(count))


def _fractal(rng: random.Random, size: tuple[int, int], stretch: float) -> Picture:
    """Smooth noise in several sizes, laid over each other."""
    from PIL import Image

    result: Picture | None = None
    for octave, share in enumerate((1.0, 0.42, 0.30, 0.22, 0.16)):
        cells = 4 * 2**octave
        small = _noise(
            rng, (max(2, round(cells * size[0] / max(size))), max(2, round(cells * stretch * size[1] / max(size)))), "L"
        )
        layer = small.resize(size, Image.Resampling.BICUBIC)
        result = layer if result is None else Image.blend(result, layer, share)
    assert result is not None
    return result


def _wave(rng: random.Random, count: int, rough: float) -> list[float]:
    """A skyline: sines of growing frequency, between about -1 and 1. `rough`: how loud the fine ones are."""
    parts = [(2**k * rng.uniform(0.6, 1.4), rough**k, rng.uniform(0, math.tau)) for k in range(7)]
    total = sum(weight for _, weight, _ in parts)
    return [
        sum(weight * math.sin(frequency * math.tau * index / count + phase) for frequency, weight, phase in parts)
        / total
        * 1.6
        for index in range(count)
    ]


def _gradient(size: tuple[int, int], stops: Sequence[tuple[float, Colour]]) -> Picture:
    from PIL import Image

    column: list[Any] = []
    for row in range(256):
        at = row / 255
        low = max((stop for stop in stops if stop[0] <= at), key=lambda stop: stop[0])
        high = min((stop for stop in stops if stop[0] >= at), key=lambda stop: stop[0])
        share = 0.0 if high[0] == low[0] else (at - low[0]) / (high[0] - low[0])
        column.append(mix(low[1], high[1], share * share * (3 - 2 * share)))
    strip = Image.new("RGB", (1, 256))
    strip.putdata(column)
    return strip.resize(size, Image.Resampling.BICUBIC)


def _gradient_l(size: tuple[int, int], top: int, bottom: int) -> Picture:
    from PIL import Image

    values = [max(0, min(255, round(top + (bottom - top) * value / 255))) for value in range(256)]
    return Image.linear_gradient("L").point(values).resize(size)


# text


@lru_cache(maxsize=64)
def _font(size: int) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _cut(text: str, font: FreeTypeFont | ImageFont, width: float) -> str:
    """As much of a text as fits."""
    text = " ".join(text.split())[:400]
    if font.getlength(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle].rstrip() + "…") <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def _hash(*parts: object) -> int:
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
