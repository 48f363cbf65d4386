"""JPEG 2000 files, with or without the boxes of JP2. Decoded in a separate process (`separate_decoder`)."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.uid import JPEG2000

from ...errors import UnreadableImage, UnsupportedFormat
from ...messages import message
from .. import greyscale
from ..decoding import check_pixel_count
from ..intensity import to_uint16
from ..radiograph import Pixels, Radiograph
from . import separate_decoder
from .jpeg_segments import END_MARKER

_CODESTREAM = b"\xff\x4f\xff\x51"
"""Start of a JPEG 2000 codestream (ISO/IEC 15444-1, annex A): the marker itself and that of the image size."""

_PALETTE_BOX = b"pclr"
_MAX_BITS = 16


def read_jpeg_2000(data: bytes) -> Radiograph:
    """Read a JPEG 2000 file; colours become grey.

    Raises `UnreadableImage`, `UnsupportedFormat`, `TooLarge`, or `Busy` if no decoder process can be started.
    """
    start = data.find(_CODESTREAM)
    if start < 0 or len(data) < start + 42:
        raise UnreadableImage(message("The JPEG 2000 file is truncated: it has no image."))
    right, bottom, left, top = struct.unpack_from(">4L", data, start + 8)
    components, depth = struct.unpack_from(">HB", data, start + 40)
    width, height, bits, is_signed = right - left, bottom - top, (depth & 127) + 1, depth >> 7
    check_pixel_count(width, height)
    if components not in {1, 3} or bits > _MAX_BITS or _PALETTE_BOX in data[:start]:
        raise UnsupportedFormat(
            message(
                "Unsupported JPEG 2000. Allowed: 1 or 3 channels of up to 16 bits, without a palette. Received: "
                "{components} channels of {bits} bits.",
                components=components,
                bits=bits,
            )
        )
    frame = data[start : _end_of_codestream(data, start)]
    if END_MARKER not in frame[-64:]:
        raise UnreadableImage(message("The JPEG 2000 file is truncated: its compressed data are incomplete."))
    layout = separate_decoder.sample_layout(height, width, components, bits, is_signed)
    samples = separate_decoder.decode(JPEG2000, layout, frame, message("JPEG 2000 file"))
    pixels, warnings = _to_grey(samples)
    return Radiograph(pixels, "JPEG2000", warnings)


def _to_grey(samples: npt.NDArray[Any]) -> tuple[Pixels, tuple[str, ...]]:
    if samples.ndim == 3 and samples.dtype == np.uint8:
        return greyscale.to_grey(Image.fromarray(samples))
    if samples.ndim == 3:
        grey, warnings = greyscale.channels_to_grey([samples[:, :, index] for index in range(3)])
        return to_uint16(grey), warnings
    return (samples.copy() if samples.dtype == np.uint8 else to_uint16(samples)), ()


def _end_of_codestream(data: bytes, start: int) -> int:
    """End of the box that contains the codestream; the end of the file where there is no box, or it says so."""
    if data[start - 4 : start] == b"jp2c":
        length = int.from_bytes(data[start - 8 : start - 4])
        return start - 8 + length if length >= 8 else len(data)
    if data[start - 12 : start - 8] == b"jp2c":
        return start - 16 + int.from_bytes(data[start - 8 : start])
    return len(data)
