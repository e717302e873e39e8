"""What travels along the links inside the simulator: stand-ins for ComfyUI's tensors and models."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PIL.Image import Image

Images = tuple["Image", ...]
"""An IMAGE: a batch of RGB (or RGBA) pictures of one size. A MASK is a batch of ``L`` ones."""

MAX_PIXELS: Final = 64 * 2**20
"""Of one picture; ComfyUI itself allows 16384 x 16384, which is four times as much."""
MAX_BATCH_PIXELS: Final = 4 * MAX_PIXELS
"""Of a whole batch."""


class SimulatorLimit(RuntimeError):
    """A picture or a batch that is larger than the simulator is willing to hold."""


def fit(width: int, height: int, batch: int = 1) -> None:
    """Raise `SimulatorLimit` for pictures that are too large: a size comes from the client and is not trusted."""
    if width < 1 or height < 1 or batch < 1:
        raise RuntimeError(f"a picture of {width} x {height} pixels, {batch} of them: nothing to draw on")
    if width * height > MAX_PIXELS or width * height * batch > MAX_BATCH_PIXELS:
        raise SimulatorLimit(
            f"{batch} picture(s) of {width} x {height}: the simulator holds at most {MAX_PIXELS // 2**20} megapixels each "
            f"and {MAX_BATCH_PIXELS // 2**20} together"
        )


@dataclass(frozen=True)
class Latent:
    """A LATENT: either empty, or pictures that were encoded or sampled.

    Attributes:
        width, height: of the decoded picture, in pixels.
        batch: how many.
        images: the pictures; None for an empty latent.
        mask: the noise mask (inpainting), at any size.
        scale: pixels per latent cell, for messages.
        frames: pictures per clip, for video latents; 1 otherwise.
    """

    width: int
    height: int
    batch: int = 1
    images: Images | None = None
    mask: Images | None = None
    scale: int = 8
    frames: int = 1

    def with_images(self, images: Images) -> Latent:
        """The same latent holding these pictures."""
        width, height = images[0].size
        return replace(self, images=images, width=width, height=height, batch=max(1, len(images) // self.frames))


@dataclass(frozen=True)
class Model:
    """A MODEL, CLIP, VAE, CONTROL_NET, … : which files it stands for and what was done to it."""

    kind: str
    names: tuple[str, ...]
    loras: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()

    def noted(self, note: str) -> Model:
        """The same with a change noted."""
        return replace(self, notes=(*self.notes, note))

    @property
    def label(self) -> str:
        """Its name for people: the first file, without folders and extension."""
        name = self.names[0] if self.names else self.kind
        return name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]


@dataclass(frozen=True)
class Conditioning:
    """A CONDITIONING: the texts, and what else is to guide the sampling."""

    texts: tuple[str, ...]
    guidance: float | None = None
    notes: tuple[str, ...] = ()
    images: Images = ()
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All the texts in one line."""
        return ", ".join(part for text in self.texts if (part := " ".join(text.split())))

    def noted(self, note: str, **changes: Any) -> Conditioning:
        """The same with a change noted."""
        return replace(self, notes=(*self.notes, note), **changes)


@dataclass(frozen=True)
class Noise:
    """A NOISE."""

    seed: int
    enabled: bool = True


@dataclass(frozen=True)
class Guider:
    """A GUIDER: a model with its conditionings."""

    model: Model
    positive: Conditioning
    negative: Conditioning | None = None
    cfg: float = 1.0


@dataclass(frozen=True)
class Sigmas:
    """A SIGMAS: how many steps, by which scheduler, and how much of the way."""

    steps: int
    scheduler: str
    denoise: float = 1.0
