"""Files of the kinds of JPEG that Pillow does not read, or not in full depth: lossless JPEG, JPEG with 12 bits, JPEG-LS
and JPEG 2000. They are decoded like frames of DICOM files, in a separate process with limits (`dicom/decoder_pool`).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.uid import JPEG2000, UID, JPEGExtended12Bit, JPEGLossless, JPEGLSLossless

from ...errors import UnreadableImage, UnsupportedDicom, UnsupportedFormat
from ...messages import message
from .. import greyscale
from ..decoding import check_pixel_count
from ..dicom import decoder_pool
from ..intensity import to_uint16
from ..radiograph import Pixels, Radiograph
from .jpeg_segments import END_MARKER, JpegSegments

_JPEG_SYNTAXES = {0xC0: JPEGExtended12Bit, 0xC1: JPEGExtended12Bit, 0xC3: JPEGLossless, 0xF7: JPEGLSLossless}
"""Frame header of a JPEG -> transfer syntax with the same compression."""

_CODESTREAM = b"\xff\x4f\xff\x51"
"""Start of a JPEG 2000 codestream (ISO/IEC 15444-1, annex A): the marker itself and that of the image size."""

_PALETTE_BOX = b"pclr"
_MAX_BITS = 16


def decode_jpeg(data: bytes, segments: JpegSegments) -> Pixels:
    """Decode a JPEG that Pillow does not read to `[H, W]`.

    Raises `UnreadableImage`, `UnsupportedFormat`, or `Busy` if no decoder process can be started.
    """
    syntax = _JPEG_SYNTAXES.get(segments.marker)
    if syntax is None or segments.components != 1 or not 2 <= segments.precision <= _MAX_BITS:
        raise UnsupportedFormat(
            message(
                "Unsupported JPEG. Allowed: 8 bits, or grey with up to 16 bits as extended, lossless or JPEG-LS. "
                "Received: {precision} bits, {components} channels, frame type {marker:#04x}.",
                precision=segments.precision,
                components=segments.components,
                marker=segments.marker,
            )
        )
    end = data.find(END_MARKER, 2)
    if end < 0:
        raise UnreadableImage(message("The JPEG is truncated: its compressed data are incomplete."))
    layout = _layout(segments.height, segments.width, 1, segments.precision)
    return to_uint16(_decode(syntax, layout, data[: end + len(END_MARKER)], "JPEG"))


def read_jpeg_2000(data: bytes) -> Radiograph:
    """Decode a JPEG 2000 file, with or without the boxes of JP2. Errors as in `decode_jpeg`, and `TooLarge`."""
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
    samples = _decode(JPEG2000, _layout(height, width, components, bits, is_signed), frame, message("JPEG 2000 file"))
    pixels, warnings = _to_grey(samples)
    return Radiograph(pixels, "JPEG2000", warnings)


def _layout(rows: int, columns: int, samples: int, bits: int, is_signed: int = 0) -> dict[str, Any]:
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


def _decode(syntax: UID, layout: dict[str, Any], frame: bytes, subject: str) -> npt.NDArray[Any]:
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
