"""Decompression of deflated DICOM files, with a size limit.

pydicom decompresses such files without a limit: 50 MB can expand to 50 GB of zeros.
"""

from __future__ import annotations

import io
import zlib

from ... import settings
from ...errors import TooLarge, UnreadableImage
from ...messages import message
from ..decoding import translate_decoder_errors
from .elements import SUBJECT

BYTES_PER_PIXEL = 4
"""Decompressed bytes allowed per pixel of `PNEUMONIA_MAX_PIXELS`: two for 16-bit samples, two for other elements."""

TAGS_BYTES = 16_000_000
"""Decompressed bytes allowed in addition, for the tags of a file of any size."""

_CHUNK_BYTES = 16_384
"""Compressed bytes per step. They expand to at most 17 MB, so only this much of the output is in memory twice."""

_HEADERS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x1f\x8b")
"""The standard requires a deflate stream without header; some writers add the one of zlib or gzip."""

_ANY_HEADER = zlib.MAX_WBITS | 32
"""Option of zlib: the header tells whether the stream is that of zlib or gzip."""


def inflate(compressed: memoryview) -> bytes:
    """Decompress a data set.

    Raises `TooLarge` if the output exceeds the limit, and `UnreadableImage` if the compressed data are damaged or
    truncated.
    """
    limit = BYTES_PER_PIXEL * settings.MAX_PIXELS.read() + TAGS_BYTES
    has_header = bytes(compressed[:2]) in _HEADERS
    decompressor = zlib.decompressobj(_ANY_HEADER if has_header else -zlib.MAX_WBITS)
    output = io.BytesIO()
    for position in range(0, len(compressed), _CHUNK_BYTES):
        if decompressor.eof:
            break
        with translate_decoder_errors(SUBJECT):
            block = decompressor.decompress(compressed[position : position + _CHUNK_BYTES])
        output.write(block)
        if output.tell() > limit:
            raise TooLarge(
                message(
                    "The deflated DICOM file is too large when decompressed. Allowed: {limit:.0f} MB. Received: more.",
                    limit=limit / 1e6,
                )
            )
    if not decompressor.eof:
        raise UnreadableImage(message("The deflated DICOM file is truncated."))
    return output.getvalue()
