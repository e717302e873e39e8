"""Guidance of Flux Dev and its kin, which take it as an input of the model instead of a cfg."""

from __future__ import annotations

from .. import kinds as k
from ..links import Link
from ..nodes import FluxGuidance
from .decorator import subgraph


@subgraph
def flux_guidance(positive: Link[k.Conditioning], *, guidance: float = 3.5) -> Link[k.Conditioning]:
    """Say how strongly the prompt guides a guidance-distilled Flux. Flux Schnell has no such input and ignores it.

    Args:
        positive: the encoded prompt.
        guidance: 0.0 .. 100.0; 3.5 is Flux Dev's usual, its fill model takes 30.

    Example:
        >>> g = g.set(sampler, positive=flux_guidance(prompt, guidance=2.5))       # doctest: +SKIP
    """
    return FluxGuidance(conditioning=positive, guidance=guidance)
