"""ControlNet: a picture that guides where things are."""

from __future__ import annotations

from typing import NamedTuple

from .. import kinds as k
from ..links import Link
from ..nodes import ControlNetApplyAdvanced, ControlNetLoader
from .decorator import subgraph


class ControlledPrompts(NamedTuple):
    """Both prompts, with a control picture in them."""

    positive: Link[k.Conditioning]
    negative: Link[k.Conditioning]


@subgraph
def controlnet(
    positive: Link[k.Conditioning],
    negative: Link[k.Conditioning],
    image: Link[k.Image],
    *,
    control_net_name: str,
    strength: float = 1.0,
    start_percent: float = 0.0,
    end_percent: float = 1.0,
    vae: Link[k.Vae] | None = None,
) -> ControlledPrompts:
    """Let a picture guide the composition through a ControlNet.

    Args:
        positive, negative: the encoded prompts.
        image: what guides, already as the ControlNet wants it: edges, depth, a pose.
        control_net_name: a file of the server's ``controlnet``, made for the model that samples.
        strength: 0.0 .. 10.0.
        start_percent, end_percent: the part of the way, 0.0 .. 1.0, on which it guides.
        vae: for ControlNets that work on latents, as those of SD3 and Flux.

    Example:
        >>> edges = Canny(image=LoadImage(image=Path("room.png")).IMAGE)                          # doctest: +SKIP
        >>> guided = controlnet(p.positive, p.negative, edges, control_net_name="canny.pth")      # doctest: +SKIP
        >>> g = g.set(p.sampler, positive=guided.positive, negative=guided.negative)              # doctest: +SKIP
    """
    loader = ControlNetLoader(control_net_name=control_net_name)
    applied = ControlNetApplyAdvanced(
        positive=positive,
        negative=negative,
        control_net=loader,
        image=image,
        strength=strength,
        start_percent=start_percent,
        end_percent=end_percent,
        vae=vae,
    )
    return ControlledPrompts(applied.POSITIVE, applied.NEGATIVE)
