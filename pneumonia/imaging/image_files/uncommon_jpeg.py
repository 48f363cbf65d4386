"""JPEGs that Pillow does not read, or not in full depth: lossless JPEG, JPEG with 12 bits, and JPEG-LS."""

from __future__ import annotations

from pydicom.uid import JPEGExtended12Bit, JPEGLossless, JPEGLSLossless

from ...errors import UnreadableImage, UnsupportedFormat
from ...messages import message
from ..intensity import to_uint16
from ..radiograph import Pixels
from . import separate_decoder
from .jpeg_segments import END_MARKER, JpegSegments

_SYNTAXES = {0xC0: JPEGExtended12Bit, 0xC1: JPEGExtended12Bit, 0xC3: JPEGLossless, 0xF7: JPEGLSLossless}
"""Frame header of a JPEG -> transfer syntax with the same compression."""

_MAX_BITS = 16


def decode(data: bytes, segments: JpegSegments) -> Pixels:
    """Decode a JPEG that Pillow does not read to `[H, W]`.

    Raises `UnreadableImage`, `UnsupportedFormat`, or `Busy` if no decoder process can be started.
    """
    syntax = _SYNTAXES.get(segments.marker)
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
    layout = separate_decoder.sample_layout(segments.height, segments.width, 1, segments.precision)
    return to_uint16(separate_decoder.decode(syntax, layout, data[: end + len(END_MARKER)], "JPEG"))
