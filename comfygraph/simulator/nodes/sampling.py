"""Samplers: where a model would run, a picture is drawn from all that it was asked for, one step at a time."""

from __future__ import annotations

from typing import Any, Final

from PIL import Image

from .. import painting
from ..context import Context, Function
from ..painting import Recipe
from ..values import Conditioning, Guider, Images, Latent, Model, Noise, Sigmas, fit
from .conditioning import conditioning
from .latents import latent
from .loaders import model as loaded_model
from .tools import at

PREVIEW_SIDE: Final = 256  # pixels at which previews are drawn; they are sent at 512
MAX_STEPS: Final = 10_000


def ksampler(
    context: Context,
    /,
    *,
    model: Any,
    seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Any,
    negative: Any,
    latent_image: Any,
    denoise: float = 1.0,
) -> tuple[Any, ...]:
    """KSampler."""
    recipe = _recipe(
        loaded_model(model), conditioning(positive), conditioning(negative), seed, steps, cfg, sampler_name, scheduler
    )
    return (_sample(context, recipe, latent(latent_image), denoise, conditioning(positive), steps),)


def ksampler_advanced(
    context: Context,
    /,
    *,
    model: Any,
    add_noise: str,
    noise_seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Any,
    negative: Any,
    latent_image: Any,
    start_at_step: int,
    end_at_step: int,
    return_with_leftover_noise: str,
) -> tuple[Any, ...]:
    """KSamplerAdvanced: it walks a part of the way, and its picture has as large a share in the result."""
    start, end = min(start_at_step, steps), min(end_at_step, steps)
    if end <= start:
        return (latent(latent_image),)
    recipe = _recipe(
        loaded_model(model),
        conditioning(positive),
        conditioning(negative),
        noise_seed,
        steps,
        cfg,
        sampler_name,
        scheduler,
    )
    share = 1.0 - start / steps
    return (_sample(context, recipe, latent(latent_image), share, conditioning(positive), end - start),)


def sampler_custom(
    context: Context,
    /,
    *,
    model: Any,
    add_noise: bool,
    noise_seed: int,
    cfg: float,
    positive: Any,
    negative: Any,
    sampler: str,
    sigmas: Sigmas,
    latent_image: Any,
) -> tuple[Any, ...]:
    """SamplerCustom."""
    recipe = _recipe(
        loaded_model(model),
        conditioning(positive),
        conditioning(negative),
        noise_seed,
        sigmas.steps,
        cfg,
        sampler,
        sigmas.scheduler,
    )
    result = _sample(context, recipe, latent(latent_image), sigmas.denoise, conditioning(positive), sigmas.steps)
    return result, result


def sampler_custom_advanced(
    context: Context, /, *, noise: Noise, guider: Guider, sampler: str, sigmas: Sigmas, latent_image: Any
) -> tuple[Any, ...]:
    """SamplerCustomAdvanced."""
    negative = guider.negative or Conditioning(())
    recipe = _recipe(
        guider.model, guider.positive, negative, noise.seed, sigmas.steps, guider.cfg, sampler, sigmas.scheduler
    )
    result = _sample(context, recipe, latent(latent_image), sigmas.denoise, guider.positive, sigmas.steps)
    return result, result


def random_noise(context: Context, /, *, noise_seed: int) -> tuple[Any, ...]:
    """RandomNoise."""
    return (Noise(noise_seed),)


def disable_noise(context: Context, /) -> tuple[Any, ...]:
    """DisableNoise."""
    return (Noise(0, enabled=False),)


def basic_guider(context: Context, /, *, model: Any, conditioning: Any) -> tuple[Any, ...]:
    """BasicGuider."""
    return (Guider(loaded_model(model), _conditioning(conditioning)),)


def cfg_guider(context: Context, /, *, model: Any, positive: Any, negative: Any, cfg: float) -> tuple[Any, ...]:
    """CFGGuider."""
    return (Guider(loaded_model(model), conditioning(positive), conditioning(negative), cfg),)


def dual_guider(
    context: Context, /, *, model: Any, cond1: Any, cond2: Any, negative: Any, cfg_conds: float, **more: Any
) -> tuple[Any, ...]:
    """DualCFGGuider."""
    one, two = conditioning(cond1), conditioning(cond2)
    both = Conditioning((*one.texts, *two.texts), one.guidance, (*one.notes, *two.notes), (*one.images, *two.images))
    return (Guider(loaded_model(model), both, conditioning(negative), cfg_conds),)


def select_sampler(context: Context, /, *, sampler_name: str) -> tuple[Any, ...]:
    """KSamplerSelect."""
    return (sampler_name,)


def _sampler(name: str) -> Function:
    """A node that gives a sampler with settings of its own."""

    def make(context: Context, /, **settings: Any) -> tuple[Any, ...]:
        return (" ".join([name, *(str(value) for _, value in sorted(settings.items()))]),)

    return make


def _scheduler(name: str) -> Function:
    """A node that gives sigmas: ``scheduler`` may be an input of it, or the node is one."""

    def make(
        context: Context, /, *, steps: int, scheduler: str = name, denoise: float = 1.0, **more: Any
    ) -> tuple[Any, ...]:
        return (Sigmas(steps, scheduler, denoise),)

    return make


def manual_sigmas(context: Context, /, *, sigmas: str) -> tuple[Any, ...]:
    """ManualSigmas."""
    numbers = [float(part) for part in sigmas.replace(",", " ").split()]
    return (Sigmas(max(0, len(numbers) - 1), "manual"),)


def split_sigmas(context: Context, /, *, sigmas: Sigmas, step: int) -> tuple[Any, ...]:
    """SplitSigmas."""
    first = min(step, sigmas.steps)
    left = sigmas.steps - first
    share = left / sigmas.steps if sigmas.steps else 0.0
    return Sigmas(first, sigmas.scheduler, sigmas.denoise), Sigmas(left, sigmas.scheduler, sigmas.denoise * share)


def split_sigmas_denoise(context: Context, /, *, sigmas: Sigmas, denoise: float) -> tuple[Any, ...]:
    """SplitSigmasDenoise."""
    return split_sigmas(context, sigmas=sigmas, step=round(sigmas.steps * (1 - denoise)))


def same_sigmas(context: Context, /, *, sigmas: Sigmas, **more: Any) -> tuple[Any, ...]:
    """FlipSigmas, SetFirstSigma."""
    return (sigmas,)


def _conditioning(value: Any) -> Conditioning:
    return conditioning(value)


def _recipe(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    seed: int,
    steps: int,
    cfg: float,
    sampler: str,
    scheduler: str,
) -> Recipe:
    loras = dict.fromkeys((*model.loras, *positive.settings.get("loras", ())))
    extras = [f"{name.rsplit('/', 1)[-1].rsplit('.', 1)[0]} {strength:g}" for name, strength in loras]
    if positive.guidance is not None:
        extras.append(f"guidance {positive.guidance:g}")
    extras += dict.fromkeys((*model.notes, *positive.notes))
    return Recipe(
        prompt=positive.text,
        # At cfg 1 the server leaves the negative prompt out of it.
        negative=negative.text if cfg != 1.0 else "",
        seed=seed,
        steps=steps,
        cfg=cfg,
        sampler=sampler,
        scheduler=scheduler,
        model=model.label,
        extras=tuple(extras),
    )


def _sample(
    context: Context, recipe: Recipe, start: Latent, denoise: float, positive: Conditioning, steps: int
) -> Latent:
    """Draw the batch, taking as many steps as were asked for."""
    count = start.batch * start.frames
    fit(start.width, start.height, count)
    steps = max(0, min(steps, MAX_STEPS))
    if steps == 0:
        return start
    preview = _preview(recipe, start, denoise) if context.previews else None
    for step in range(steps):
        context.pause(context.step_seconds)
        left = 1 - (step + 1) / steps
        shown = None if preview is None else painting.noisy(preview, left, recipe, step)
        context.progress(step + 1, steps, shown)
    images: list[Image.Image] = []
    for index in range(count):
        context.check()
        # The frames of one clip are one scene: only the grain moves.
        one = _of_batch(recipe, index // start.frames)
        images.append(_picture(one, start, index, denoise, positive))
    return start.with_images(tuple(images))


def _of_batch(recipe: Recipe, index: int) -> Recipe:
    from dataclasses import replace

    return replace(recipe, index=index)


def _picture(recipe: Recipe, start: Latent, index: int, denoise: float, positive: Conditioning) -> Image.Image:
    painted = painting.paint(recipe, start.width, start.height)
    for control in positive.images:
        painted = painting.guide(painted, control, positive.settings.get("strength", 0.6))
    mask = None if start.mask is None else at(start.mask, index)
    if start.images is not None:
        painted = painting.blend(at(start.images, index), painted, denoise, mask)
    return painting.stamp(painted, painting.caption(recipe, denoise))


def _preview(recipe: Recipe, start: Latent, denoise: float) -> Image.Image:
    scale = min(1.0, PREVIEW_SIDE / max(start.width, start.height))
    size = (max(8, round(start.width * scale)), max(8, round(start.height * scale)))
    painted = painting.paint(recipe, *size)
    base: Images | None = start.images
    return painted if base is None else painting.blend(base[0].resize(size), painted, denoise)


STAND_INS: Final = frozenset(
    {"KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced", "ImageUpscaleWithModel"}
)
"""Classes whose result was drawn or made by the simulator in place of a model."""

_SCHEDULERS: Final = {
    "AlignYourStepsScheduler": "ays",
    "BasicScheduler": "normal",
    "BetaSamplingScheduler": "beta",
    "ExponentialScheduler": "exponential",
    "Flux2Scheduler": "flux2",
    "GITSScheduler": "gits",
    "KarrasScheduler": "karras",
    "LTXVScheduler": "ltxv",
    "LaplaceScheduler": "laplace",
    "OptimalStepsScheduler": "optimal",
    "PolyexponentialScheduler": "polyexponential",
    "SDTurboScheduler": "turbo",
    "VPScheduler": "vp",
}
_SAMPLERS: Final = {
    "SamplerDPMAdaptative": "dpm_adaptive",
    "SamplerDPMPP_2M_SDE": "dpmpp_2m_sde",
    "SamplerDPMPP_2S_Ancestral": "dpmpp_2s_ancestral",
    "SamplerDPMPP_3M_SDE": "dpmpp_3m_sde",
    "SamplerDPMPP_SDE": "dpmpp_sde",
    "SamplerER_SDE": "er_sde",
    "SamplerEulerAncestral": "euler_ancestral",
    "SamplerEulerAncestralCFGPP": "euler_ancestral_cfg_pp",
    "SamplerLMS": "lms",
    "SamplerSASolver": "sa_solver",
}

TABLE: Final[dict[str, Function]] = {
    "BasicGuider": basic_guider,
    "CFGGuider": cfg_guider,
    "DisableNoise": disable_noise,
    "DualCFGGuider": dual_guider,
    "FlipSigmas": same_sigmas,
    "KSampler": ksampler,
    "KSamplerAdvanced": ksampler_advanced,
    "KSamplerSelect": select_sampler,
    "ManualSigmas": manual_sigmas,
    "RandomNoise": random_noise,
    "SamplerCustom": sampler_custom,
    "SamplerCustomAdvanced": sampler_custom_advanced,
    "SetFirstSigma": same_sigmas,
    "SplitSigmas": split_sigmas,
    "SplitSigmasDenoise": split_sigmas_denoise,
    **{class_type: _scheduler(name) for class_type, name in _SCHEDULERS.items()},
    **{class_type: _sampler(name) for class_type, name in _SAMPLERS.items()},
}
