"""Flux.1 Schnell and Flux.1 Dev, text to image.

Both are guidance-distilled: they run at cfg 1.0, where the server skips the negative prompt. Their rules are in `rules`,
hold for the call, and travel with the graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .files import model_file
from .result import FluxDevResult, FluxResult, ModelFile
from .seeds import drawn

if TYPE_CHECKING:
    from ..nodes.options import SamplerName, SchedulerName
    from .rules import ModelRule

    WeightDtype = Literal["default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"]


def flux_schnell(
    *,
    prompt: str,
    negative: str = "",
    width: int = 1024,
    height: int = 1024,
    seed: int | None = None,
    steps: int = 4,
    cfg: float = 1.0,
    sampler_name: SamplerName = "euler",
    scheduler: SchedulerName = "simple",
    unet: str = "flux1-schnell.safetensors",
    clip_l: str = "clip_l.safetensors",
    t5xxl: str = "t5xxl_fp16.safetensors",
    vae: str = "ae.safetensors",
    weight_dtype: WeightDtype = "fp8_e4m3fn",
    batch_size: int = 1,
    filename_prefix: str = "flux_schnell",
) -> FluxResult:
    """A picture from a prompt with Flux.1 Schnell, in one to four steps.

    Args:
        prompt: what the picture shows.
        negative: must be empty: at cfg 1.0 the server skips it.
        width, height: pixels.
        seed: 0 .. 2**64 - 1; None draws one, and the result says which.
        steps: 1 .. 4, what the model was distilled to.
        cfg: 1.0, as the model is guidance-distilled.
        sampler_name, scheduler: as `KSampler` names them.
        unet: the model, a file of the server's ``diffusion_models``.
        clip_l, t5xxl: its two text encoders, files of ``text_encoders``.
        vae: a file of ``vae``.
        weight_dtype: the precision to load the model in; ``"fp8_e4m3fn"`` halves the memory it takes.
        batch_size: pictures at once.
        filename_prefix: what the files' names begin with; ``/`` makes a folder.

    Raises:
        GraphError: a value that the model (cfg, steps, negative) or its node does not take; all of them at once.

    Example:
        >>> p = flux_schnell(prompt="a lighthouse in a storm")
        >>> [problem.code for problem in p.graph.set(p.sampler, steps=20).check()]
        ['rule_steps']
    """
    from ..graph import Graph
    from ..nodes import (
        CLIPTextEncode,
        DualCLIPLoader,
        EmptySD3LatentImage,
        KSampler,
        SaveImage,
        UNETLoader,
        VAEDecode,
        VAELoader,
    )
    from .rules import FLUX_SCHNELL

    rule = _rule(FLUX_SCHNELL, unet, cfg, steps, negative)
    chosen = drawn(seed)
    model = UNETLoader(unet_name=unet, weight_dtype=weight_dtype)
    clip = DualCLIPLoader(clip_name1=clip_l, clip_name2=t5xxl, type="flux")
    decoder = VAELoader(vae_name=vae)
    positive = CLIPTextEncode(clip=clip, text=prompt)
    unwanted = CLIPTextEncode(clip=clip, text=negative)
    latent = EmptySD3LatentImage(width=width, height=height, batch_size=batch_size)
    sampler = KSampler(
        model=model,
        positive=positive,
        negative=unwanted,
        latent_image=latent,
        seed=chosen,
        steps=steps,
        cfg=cfg,
        sampler_name=sampler_name,
        scheduler=scheduler,
    )
    image = VAEDecode(samples=sampler, vae=decoder)
    save = SaveImage(images=image, filename_prefix=filename_prefix)
    return FluxResult(
        graph=Graph(save, rules=(rule,)),
        sampler=sampler,
        image=image,
        save=save,
        model=model,
        clip=clip,
        vae=decoder,
        positive=positive,
        negative=unwanted,
        latent=latent,
        unet=model,
        text_encoders=clip,
        vae_loader=decoder,
        seed=chosen,
        models=_models(unet, clip_l, t5xxl, vae),
    )


def flux_dev(
    *,
    prompt: str,
    negative: str = "",
    width: int = 1024,
    height: int = 1024,
    seed: int | None = None,
    steps: int = 20,
    cfg: float = 1.0,
    guidance: float = 3.5,
    sampler_name: SamplerName = "euler",
    scheduler: SchedulerName = "simple",
    unet: str = "flux1-dev.safetensors",
    clip_l: str = "clip_l.safetensors",
    t5xxl: str = "t5xxl_fp16.safetensors",
    vae: str = "ae.safetensors",
    weight_dtype: WeightDtype = "fp8_e4m3fn",
    batch_size: int = 1,
    filename_prefix: str = "flux_dev",
) -> FluxDevResult:
    """A picture from a prompt with Flux.1 Dev.

    Args:
        prompt: what the picture shows.
        negative: must be empty: at cfg 1.0 the server skips it.
        width, height: pixels.
        seed: 0 .. 2**64 - 1; None draws one, and the result says which.
        steps: 20 .. 28.
        cfg: 1.0, as the model is guidance-distilled; `guidance` is what it has instead.
        guidance: how strongly the prompt guides, an input of the model itself (FluxGuidance), 0.0 .. 100.0; about 2 to 5 is
            usual.
        sampler_name, scheduler: as `KSampler` names them.
        unet: the model, a file of the server's ``diffusion_models``.
        clip_l, t5xxl: its two text encoders, files of ``text_encoders``.
        vae: a file of ``vae``.
        weight_dtype: the precision to load the model in; ``"fp8_e4m3fn"`` halves the memory it takes.
        batch_size: pictures at once.
        filename_prefix: what the files' names begin with; ``/`` makes a folder.

    Raises:
        GraphError: a value that the model (cfg, steps, negative) or its node does not take; all of them at once.

    Example:
        >>> p = flux_dev(prompt="a lighthouse in a storm", guidance=2.5)
        >>> p.graph[p.guidance].inputs["guidance"]
        2.5
    """
    from ..graph import Graph
    from ..nodes import (
        CLIPTextEncode,
        DualCLIPLoader,
        EmptySD3LatentImage,
        FluxGuidance,
        KSampler,
        SaveImage,
        UNETLoader,
        VAEDecode,
        VAELoader,
    )
    from .rules import FLUX_DEV

    rule = _rule(FLUX_DEV, unet, cfg, steps, negative)
    chosen = drawn(seed)
    model = UNETLoader(unet_name=unet, weight_dtype=weight_dtype)
    clip = DualCLIPLoader(clip_name1=clip_l, clip_name2=t5xxl, type="flux")
    decoder = VAELoader(vae_name=vae)
    positive = CLIPTextEncode(clip=clip, text=prompt)
    guided = FluxGuidance(conditioning=positive, guidance=guidance)
    unwanted = CLIPTextEncode(clip=clip, text=negative)
    latent = EmptySD3LatentImage(width=width, height=height, batch_size=batch_size)
    sampler = KSampler(
        model=model,
        positive=guided,
        negative=unwanted,
        latent_image=latent,
        seed=chosen,
        steps=steps,
        cfg=cfg,
        sampler_name=sampler_name,
        scheduler=scheduler,
    )
    image = VAEDecode(samples=sampler, vae=decoder)
    save = SaveImage(images=image, filename_prefix=filename_prefix)
    return FluxDevResult(
        graph=Graph(save, rules=(rule,)),
        sampler=sampler,
        image=image,
        save=save,
        model=model,
        clip=clip,
        vae=decoder,
        positive=positive,
        negative=unwanted,
        latent=latent,
        unet=model,
        text_encoders=clip,
        vae_loader=decoder,
        guidance=guided,
        seed=chosen,
        models=_models(unet, clip_l, t5xxl, vae),
    )


def _rule(rule: ModelRule, unet: str, cfg: float, steps: int, negative: str) -> ModelRule:
    """The rule for this model file, once the settings keep it. Raises GraphError with all that does not."""
    from ..edits import here
    from ..errors import GraphError
    from ..problems import Problem

    place = here()
    found = [
        Problem("error", code, message, class_type="KSampler", input=name, hint=hint, where=place)
        for name, code, message, hint in rule.settings(cfg=cfg, steps=steps, negative=negative)
    ]
    if found:
        raise GraphError(found)
    return rule.of(unet)


def _models(unet: str, clip_l: str, t5xxl: str, vae: str) -> tuple[ModelFile, ...]:
    return (
        model_file("diffusion_models", unet),
        model_file("text_encoders", clip_l),
        model_file("text_encoders", t5xxl),
        model_file("vae", vae),
    )
