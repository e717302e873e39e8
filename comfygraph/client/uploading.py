"""Files on their way to the server, as forms."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

from ..errors import UploadError
from .exchange import Form


def content_of(source: Any) -> tuple[bytes, str]:
    """The bytes and a name for a path, bytes or a Pillow image. Raises UploadError, TypeError."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        return data, f"comfygraph-{hashlib.sha256(data).hexdigest()[:24]}.bin"
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        try:
            return path.read_bytes(), path.name
        except OSError as error:
            raise UploadError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from error
    if callable(getattr(source, "save", None)) and hasattr(source, "mode"):
        file = io.BytesIO()
        source.save(file, format="PNG")
        data = file.getvalue()
        return data, f"comfygraph-{hashlib.sha256(data).hexdigest()[:24]}.png"
    raise TypeError(f"a path, bytes or a Pillow image is uploaded, not {type(source).__name__}")


def form_of(source: Any, name: str | None, *, subfolder: str, type: str, overwrite: bool) -> Form:
    """The form for ``POST /upload/image``."""
    data, own = content_of(source)
    fields = [("type", type)]
    if subfolder:
        fields.append(("subfolder", subfolder))
    if overwrite:
        fields.append(("overwrite", "true"))
    return Form(_plain(name or own), data, tuple(fields))


def mask_form(mask: Any, original: Any, name: str | None) -> tuple[Form, tuple[tuple[str, str], ...]]:
    """The form for ``POST /upload/mask``, and the query that shows the picture it is for."""
    data, own = content_of(mask)
    filename = getattr(original, "name", None) or getattr(original, "filename", None)
    if not isinstance(filename, str):
        raise TypeError("original: what upload() gave, or a file of a result")
    place = (("filename", filename), ("subfolder", str(original.subfolder)), ("type", str(original.type)))
    fields = (("type", "input"), ("original_ref", json.dumps(dict(place))))
    return Form(_plain(name or own), data, fields), place


def _plain(name: str) -> str:
    if not name or any(c in name for c in '/\\"\r\n\0'):
        raise UploadError(f"not a file name: {name!r}; a folder goes into subfolder=")
    return name
