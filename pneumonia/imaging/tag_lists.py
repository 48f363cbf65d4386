"""Limits on tag lists that Pillow reads from memory: EXIF of JPEG, PNG and WebP, and the list of images of an MPO."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..errors import PneumoniaError
from .decode_limits import BoundedReader

_EXIF_PREFIX = b"Exif\0\0"
_PNG_PROFILE = "Raw profile type exif"


def check_exif(info: Mapping[Any, Any]) -> None:
    """Raise `UnreadableImage` if the EXIF tags in the `info` of an opened image exceed `MAX_TAG_BYTES`."""
    exif = info.get("exif")
    if exif is None and _PNG_PROFILE in info:
        with suppress(ValueError):  # Pillow raises it again when it reads the tags
            exif = bytes.fromhex("".join(info[_PNG_PROFILE].split("\n")[3:]))
    if isinstance(exif, bytes):
        check_tag_list(exif)


def check_tag_list(data: bytes) -> None:
    """Read the first tag list of `data` as Pillow does, but within the limit.

    Only exceeding the limit is an error here. A list may be damaged in other ways; Pillow ignores some of them.
    """
    from PIL import TiffImagePlugin

    while data.startswith(_EXIF_PREFIX):
        data = data[len(_EXIF_PREFIX) :]
    file = BoundedReader(data)
    file.limit_tags(1)
    try:
        directory = TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
        file.seek(directory.next)
        directory.load(file)
    except PneumoniaError:
        raise
    except Exception:
        return  # Pillow raises it again when it reads the list
