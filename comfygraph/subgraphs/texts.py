"""Text encoders: others in the place of those that a model came with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from .. import kinds as k
from ..errors import GraphError
from ..links import Link
from ..nodes import CLIPLoader, DualCLIPLoader, QuadrupleCLIPLoader, TripleCLIPLoader
from ..problems import Problem
from .decorator import subgraph

if TYPE_CHECKING:
    from ..nodes.options import CLIPLoaderType

    Family: TypeAlias = (
        CLIPLoaderType
        | Literal["flux", "hunyuan_video", "hunyuan_video_15", "kandinsky5", "kandinsky5_image", "newbie", "sdxl"]
    )
    """The model families that one text encoder, or two, are loaded for."""


@subgraph
def text_encoders(*names: str, type: Family | None = None) -> Link[k.Clip]:
    """Load one to four text encoders from files of their own.

    Args:
        names: files of the server's ``text_encoders``, in the order in which the model takes them.
        type: the model family, such as ``"flux"``, needed for one or two files; of three or four there is one family each.

    Raises:
        GraphError: no name or more than four, or a family that is not loaded from so many files.

    Example:
        >>> small = text_encoders("clip_l.safetensors", "t5xxl_fp8_e4m3fn_scaled.safetensors", type="flux")     # doctest: +SKIP
        >>> g = p.graph.replace(p.clip, small)                                                                  # doctest: +SKIP
    """
    family = cast("Any", type)  # the two loaders do not have the same families: their constructors say which
    if len(names) == 1:
        return CLIPLoader(clip_name=names[0], type=family)
    if len(names) == 2:
        return DualCLIPLoader(clip_name1=names[0], clip_name2=names[1], type=family)
    if len(names) == 3:
        return TripleCLIPLoader(clip_name1=names[0], clip_name2=names[1], clip_name3=names[2])
    if len(names) == 4:
        return QuadrupleCLIPLoader(clip_name1=names[0], clip_name2=names[1], clip_name3=names[2], clip_name4=names[3])
    message = f"text_encoders loads 1 to 4 files, and was given {len(names)}"
    raise GraphError(
        [Problem("error", "text_encoders", message, hint="name them in the order in which the model takes them")]
    )
