"""What a preset returns: its graph, typed handles to go on building from, its seed, and the files it needs."""

# pyright: reportPrivateUsage=false
# Within one package, an underscore keeps a name from users, not from its neighbours.
from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .. import kinds as k
    from ..graph import Graph
    from ..links import Link
    from ..nodes import (
        CheckpointLoaderSimple,
        CLIPTextEncode,
        DualCLIPLoader,
        EmptyLatentImage,
        EmptySD3LatentImage,
        FluxGuidance,
        KSampler,
        SaveImage,
        UNETLoader,
        VAEDecode,
        VAELoader,
    )


class ModelFile(dict[str, "str | None"]):
    """A file that a preset needs on the server: ``{"name": …, "folder": …, "url": …}``, also as attributes.

    ``url`` is where its publisher, or ComfyUI's own repository of it, offers it; None for a file that comfygraph does not
    know.
    """

    @property
    def name(self) -> str:
        """The file's name in its folder."""
        return self["name"] or ""

    @property
    def folder(self) -> str:
        """The folder below the server's ``models``, such as ``"checkpoints"``."""
        return self["folder"] or ""

    @property
    def url(self) -> str | None:
        """Where to get it; None when that is not known."""
        return self["url"]


@dataclass(frozen=True, kw_only=True, repr=False)
class PresetResult:
    """What every preset returns.

    The handles stay valid across edits of `graph`: ``p.graph.set(p.sampler, steps=30)``.

    Attributes:
        graph: the whole pipeline, with the preset's rules.
        sampler, image, save: the sampler, its decoded picture, and the node that saves it.
        model, clip, vae: the links that the loaders give.
        positive, negative: the encoded prompts.
        latent: the empty latent that sampling starts from.
        seed: the seed that is in the graph, drawn or given.
        models: the files that the server needs.
    """

    graph: Graph
    sampler: KSampler
    image: VAEDecode
    save: SaveImage
    model: Link[k.Model]
    clip: Link[k.Clip]
    vae: Link[k.Vae]
    positive: CLIPTextEncode
    negative: CLIPTextEncode
    latent: EmptyLatentImage | EmptySD3LatentImage
    seed: int
    models: tuple[ModelFile, ...]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self.graph)} nodes, seed {self.seed}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # A handle is a token of this process's graph: what travels is where it points.
        return _thaw, (
            type(self),
            {field.name: _packed(self.graph, getattr(self, field.name)) for field in fields(self)},
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class SdxlResult(PresetResult):
    """What `sdxl` returns: `PresetResult`, and the checkpoint's loader.

    Attributes:
        checkpoint: the loader of model, text encoders and VAE.
    """

    latent: EmptyLatentImage
    checkpoint: CheckpointLoaderSimple


@dataclass(frozen=True, kw_only=True, repr=False)
class FluxResult(PresetResult):
    """What `flux_schnell` returns: `PresetResult`, and the three loaders.

    Attributes:
        unet, text_encoders, vae_loader: the loaders; each is the link it gives, too.
    """

    latent: EmptySD3LatentImage
    unet: UNETLoader
    text_encoders: DualCLIPLoader
    vae_loader: VAELoader


@dataclass(frozen=True, kw_only=True, repr=False)
class FluxDevResult(FluxResult):
    """What `flux_dev` returns: `FluxResult`, and the node that holds the guidance.

    Attributes:
        guidance: the node between the prompt and the sampler.
    """

    guidance: FluxGuidance


def _packed(graph: Graph, value: Any) -> tuple[str, Any]:
    from ..links import Output
    from ..node import Node

    if isinstance(value, Output):
        return "output", (graph.id(value._node), value._slot)
    return ("node", graph.id(value)) if isinstance(value, Node) else ("plain", value)


def _thaw(cls: type[PresetResult], packed: dict[str, tuple[str, Any]]) -> PresetResult:
    graph: Graph = packed["graph"][1]
    values: dict[str, Any] = {}
    for name, (form, value) in packed.items():
        if form == "output":
            values[name] = graph._output(*value)
        else:
            values[name] = graph[value] if form == "node" else value
    return cls(**values)
