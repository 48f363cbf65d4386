"""Decodes frames of image files as those of DICOM files are decoded: in a separate process with limits.

Used for the kinds of JPEG that Pillow does not read, or not in full depth (`dicom/decoder_pool`).
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from pydicom.uid import UID

from ...errors import UnreadableImage, UnsupportedDicom, UnsupportedFormat
from ...messages import message
from ..dicom import decoder_pool


def sample_layout(rows: int, columns: int, samples: int, bits: int, is_signed: int = 0) -> dict[str, Any]:
    """The sample layout as `decoder_pool` expects it."""
    return {
        "rows": rows,
        "columns": columns,
        "samples_per_pixel": samples,
        "photometric_interpretation": "MONOCHROME2" if samples == 1 else "RGB",
        "bits_allocated": 8 if bits <= 8 else 16,
        "bits_stored": bits,
        "pixel_representation": is_signed,
        "planar_configuration": 0,
    }


def decode(syntax: UID, layout: dict[str, Any], frame: bytes, subject: str) -> npt.NDArray[Any]:
    """Decode a frame with this compression to `[H, W]` or `[H, W, 3]`; `subject` names the file in messages.

    `layout` is that of `sample_layout`. Raises `UnreadableImage` for a damaged frame, `UnsupportedFormat` if no decoder
    is installed, and `Busy` if no process can be started.
    """
    if 0 in (layout["rows"], layout["columns"]):
        raise UnreadableImage(message("The {subject} is damaged: its header declares no pixels.", subject=subject))
    try:
        return decoder_pool.decode(syntax, layout, frame)
    except UnsupportedDicom:
        raise UnsupportedFormat(
            message("The decoder for this {subject} is not installed (python-gdcm).", subject=subject)
        ) from None
    except UnreadableImage:
        raise UnreadableImage(
            message("The {subject} is damaged and cannot be decoded ({name}).", subject=subject, name=syntax.name)
        ) from None
