"""Presets by name, with settings that come from outside: a command line, a manifest, a web form.

Which settings a preset has, and their defaults, is its signature; their types, ranges and options are those of the node
inputs that they go to. pydantic reads the values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from .flux import flux_dev, flux_schnell
from .sdxl import sdxl

if TYPE_CHECKING:
    from ..definition import InputDef
    from ..problems import Problem
    from .result import PresetResult

PROMPT: Final = "a red fox in snow, golden hour"
"""What a preset that is run by name shows, unless it is told otherwise."""

_PRESETS: Final[dict[str, Callable[..., PresetResult]]] = {
    "flux-dev": flux_dev,
    "flux-schnell": flux_schnell,
    "sdxl": sdxl,
}
_GOES_TO: Final = {
    "prompt": ("CLIPTextEncode", "text"),
    "negative": ("CLIPTextEncode", "text"),
    "width": ("EmptyLatentImage", "width"),
    "height": ("EmptyLatentImage", "height"),
    "batch_size": ("EmptyLatentImage", "batch_size"),
    "seed": ("KSampler", "seed"),
    "steps": ("KSampler", "steps"),
    "cfg": ("KSampler", "cfg"),
    "sampler_name": ("KSampler", "sampler_name"),
    "scheduler": ("KSampler", "scheduler"),
    "guidance": ("FluxGuidance", "guidance"),
    "checkpoint": ("CheckpointLoaderSimple", "ckpt_name"),
    "unet": ("UNETLoader", "unet_name"),
    "weight_dtype": ("UNETLoader", "weight_dtype"),
    "clip_l": ("DualCLIPLoader", "clip_name1"),
    "t5xxl": ("DualCLIPLoader", "clip_name2"),
    "vae": ("VAELoader", "vae_name"),
    "filename_prefix": ("SaveImage", "filename_prefix"),
}
_RULES: Final = {"flux-dev": "FLUX_DEV", "flux-schnell": "FLUX_SCHNELL"}


@dataclass(frozen=True)
class Setting:
    """One setting of a preset.

    Attributes:
        name: as in the preset's signature.
        type: ``int``, ``float`` or ``str``.
        default: what it is unless it is given; None for a seed, which is then drawn.
        minimum, maximum: the range of a number; None where there is none.
        options: what may be chosen; None where anything may.
        folder: the folder of the server's models that it names a file in; None for anything else.
    """

    name: str
    type: type[int] | type[float] | type[str]
    default: int | float | str | None
    minimum: int | float | None = None
    maximum: int | float | None = None
    options: tuple[str, ...] | None = None
    folder: str | None = None

    @property
    def wanted(self) -> str:
        """What it takes, in a few words."""
        if self.options is not None:
            from ..text import listed

            return f"one of: {listed(self.options)}"
        if self.folder is not None:
            return f"a file name of the server's {self.folder}"
        what = {int: "a whole number", float: "a number", str: "a text"}[self.type]
        if self.minimum is None or self.maximum is None:
            return what
        if self.minimum == self.maximum:
            return f"{what}: {self.minimum}"
        return f"{what} from {self.minimum} to {self.maximum}"


def names() -> tuple[str, ...]:
    """The presets there are."""
    return tuple(_PRESETS)


def settings(name: str) -> Mapping[str, Setting]:
    """The settings of a preset, by name, in the order of its signature.

    Args:
        name: a preset; ``-`` and ``_`` are one.

    Raises:
        GraphError: there is no such preset.

    Example:
        >>> settings("flux-schnell")["steps"].wanted
        'a whole number from 1 to 4'
    """
    return _settings(_known(name))


def build(name: str, given: Mapping[str, object] | None = None) -> PresetResult:
    """A preset from its name and settings of any source: texts are read as the numbers that they are.

    Args:
        name: a preset; ``-`` and ``_`` are one.
        given: settings by name. Without a prompt it is `PROMPT`.

    Raises:
        GraphError: no such preset, no such setting, or a value that it does not take; one line for each.

    Example:
        >>> build("flux-schnell", {"steps": "3", "seed": "7"}).seed
        7
    """
    from ..errors import GraphError

    known = _known(name)
    table = _settings(known)
    values: dict[str, Any] = {}
    found: list[Problem] = []
    for key, value in (given or {}).items():
        setting = table.get(key.replace("-", "_"))
        if setting is None:
            from ..text import did_you_mean

            message = f"{known} has no setting {key!r}"
            found.append(_problem("unknown_setting", message, key, did_you_mean(key, table, what="setting")))
            continue
        try:
            values[setting.name] = _read(known, setting, value)
        except ValueError:
            message, hint = _refusal(known, setting, value)
            found.append(_problem("invalid_setting", message, setting.name, hint))
    if found:
        raise GraphError(found)
    return _PRESETS[known](**{"prompt": PROMPT, **values})


def _known(name: str) -> str:
    known = name.replace("_", "-").lower()
    if known not in _PRESETS:
        from ..errors import GraphError
        from ..text import did_you_mean

        hint = did_you_mean(known, _PRESETS, what="preset")
        raise GraphError([_problem("unknown_preset", f"there is no preset {name!r}", None, hint)])
    return known


@lru_cache(maxsize=len(_PRESETS))
def _settings(name: str) -> Mapping[str, Setting]:
    from types import MappingProxyType

    from ..checks import definitions_or_bundled

    known = definitions_or_bundled(None)
    found: dict[str, Setting] = {}
    for parameter in inspect.signature(_PRESETS[name]).parameters.values():
        class_type, field = _GOES_TO[parameter.name]
        default = PROMPT if parameter.default is parameter.empty else parameter.default
        found[parameter.name] = _setting(
            parameter.name, default, known[class_type].inputs[field], _limits(name, parameter.name)
        )
    return MappingProxyType(found)


def _setting(name: str, default: Any, definition: InputDef, limits: tuple[Any, Any] | None) -> Setting:
    types: dict[str, Any] = {"INT": int, "FLOAT": float}
    low, high = limits or (definition.min, definition.max)
    options = None if definition.folder or definition.options is None else tuple(map(str, definition.options))
    return Setting(name, types.get(definition.type, str), default, low, high, options or None, definition.folder)


def _limits(preset: str, name: str) -> tuple[Any, Any] | None:
    """What the preset's rule says of a setting, which is narrower than what the node takes."""
    if preset not in _RULES or name not in ("steps", "cfg"):
        return None
    from . import rules

    return (1.0, 1.0) if name == "cfg" else getattr(rules, _RULES[preset]).steps


def _read(preset: str, setting: Setting, value: object) -> Any:
    """The value as the setting's type. Raises ValueError (pydantic's own is one)."""
    from pydantic import TypeAdapter

    if value is None and setting.default is None:
        return None
    if isinstance(value, bool):
        raise ValueError
    read = TypeAdapter(setting.type).validate_python(value)
    if setting.options is not None and read not in setting.options:
        raise ValueError
    # A rule says more than a range does: why. It speaks when the preset is called.
    if _limits(preset, setting.name) is None and isinstance(read, (int, float)):
        low, high = setting.minimum, setting.maximum
        if (low is not None and not low <= read) or (high is not None and not read <= high):
            raise ValueError
    return read


def _refusal(preset: str, setting: Setting, value: object) -> tuple[str, str]:
    """Why a value is not taken, and what would be."""
    from ..text import did_you_mean, shown

    if setting.options is not None:
        return f"{setting.name} of {preset} has no option {shown(value)}", did_you_mean(value, setting.options)
    return f"{setting.name} of {preset} is {setting.wanted}, and {shown(value)} is not", ""


def _problem(code: str, message: str, name: str | None, hint: str = "") -> Problem:
    from ..problems import Problem

    return Problem("error", code, message, input=name, hint=hint)
