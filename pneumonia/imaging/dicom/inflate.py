"""Decompression of deflated DICOM files, with a size limit.

pydicom decompresses such files without a limit: 50 MB can expand to 50 GB of zeros.
"""

from __future__ import annotations

import io
import zlib

from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from ... import settings
from ...errors import TooLarge, UnreadableImage
from ..decoding import translate_decoder_errors
from .elements import SUBJECT

BYTES_PER_PIXEL = 4
"""Decompressed bytes allowed per pixel of `PNEUMONIA_MAX_PIXELS`: two for 16-bit samples, two for other elements."""

TAGS_BYTES = 16_000_000
"""Decompressed bytes allowed in addition, for the tags of a file of any size."""

_CHUNK_BYTES = 16_384
"""Compressed bytes per step. They expand to at most 17 MB, so only this much of the output is in memory twice."""

_SYNTAX_TAG = b"\x02\x00\x10\x00"
_VRS_WITH_LONG_LENGTH = {b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT"}


def inflate(data: bytes) -> bytes:
    """Convert a deflated file to explicit VR little endian; returns any other file unchanged.

    A file is deflated if the transfer syntax in its meta header says so. Raises `TooLarge` if the output exceeds the
    limit, and `UnreadableImage` if the compressed data are truncated.
    """
    start, end, meta_end = _parse_meta_header(data)
    if data[start:end].rstrip(b"\0 ") != DeflatedExplicitVRLittleEndian.encode():
        return data
    explicit_syntax = ExplicitVRLittleEndian.encode().ljust(end - start, b"\0")
    output = io.BytesIO()
    output.write(data[:start] + explicit_syntax + data[end:meta_end])
    _decompress(memoryview(data)[meta_end:], output)
    return output.getvalue()


def _parse_meta_header(data: bytes) -> tuple[int, int, int]:
    """Offsets in bytes: start and end of the transfer syntax UID (0 if it is missing), and end of the meta header."""
    position = 132 if data[128:132] == b"DICM" else 0
    syntax_position = (0, 0)
    while data[position : position + 2] == b"\x02\x00":
        is_long = data[position + 4 : position + 6] in _VRS_WITH_LONG_LENGTH
        value_start = position + (12 if is_long else 8)
        length = int.from_bytes(
            data[position + 8 : position + 12] if is_long else data[position + 6 : position + 8], "little"
        )
        if data[position : position + 4] == _SYNTAX_TAG:
            syntax_position = (value_start, value_start + length)
        position = value_start + length
    return (*syntax_position, position)


def _decompress(compressed: memoryview, output: io.BytesIO) -> None:
    limit = BYTES_PER_PIXEL * settings.MAX_PIXELS.read() + TAGS_BYTES
    header_bytes = output.tell()
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    for position in range(0, len(compressed), _CHUNK_BYTES):
        if decompressor.eof:
            return
        with translate_decoder_errors(SUBJECT):
            block = decompressor.decompress(compressed[position : position + _CHUNK_BYTES])
        output.write(block)
        if output.tell() - header_bytes > limit:
            raise TooLarge(
                "The deflated DICOM file is too large when decompressed. "
                f"Allowed: {limit / 1e6:.0f} MB. Received: more."
            )
    if not decompressor.eof:
        raise UnreadableImage("The deflated DICOM file is truncated.")
