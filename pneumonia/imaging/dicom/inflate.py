"""A deflated DICOM file -> the same file unfolded, within bounds.

pydicom would unfold it by itself, but whatever it unfolds to: 50 MB can hold 50 GB of zeros.
"""

from __future__ import annotations

import io
import zlib

from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from ... import settings
from ...errors import TooLarge, UnreadableImage

BYTES_PER_PIXEL = 4
"""Two for a deep film, and as much again for what stands around it; by `PNEUMONIA_MAX_PIXELS`."""

TAGS_BYTES = 16_000_000
"""On top, for the tags of a file of any size."""

_CHUNK_BYTES = 16_384
"""Read at a time: unfolds to 17 MB at most, so that the whole stands in memory once and not twice."""

_SYNTAX_TAG = b"\x02\x00\x10\x00"
_VRS_WITH_LONG_LENGTH = {b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT"}


def inflate(data: bytes) -> bytes:
    """`data` as it is, unless its meta header says that it is deflated; then as explicit little endian.

    Raises `TooLarge` and `UnreadableImage`.
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
    """Where the transfer syntax stands (start, end; both 0 where it is missing), and where the meta header ends."""
    position = 132 if data[128:132] == b"DICM" else 0
    syntax_position = (0, 0)
    while data[position : position + 2] == b"\x02\x00":
        is_long = data[position + 4 : position + 6] in _VRS_WITH_LONG_LENGTH
        value = position + (12 if is_long else 8)
        length = int.from_bytes(
            data[position + 8 : position + 12] if is_long else data[position + 6 : position + 8], "little"
        )
        if data[position : position + 4] == _SYNTAX_TAG:
            syntax_position = (value, value + length)
        position = value + length
    return (*syntax_position, position)


def _decompress(compressed: memoryview, output: io.BytesIO) -> None:
    limit = BYTES_PER_PIXEL * settings.MAX_PIXELS.read() + TAGS_BYTES
    header = output.tell()
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    for position in range(0, len(compressed), _CHUNK_BYTES):
        if decompressor.eof:
            return
        output.write(decompressor.decompress(compressed[position : position + _CHUNK_BYTES]))
        if output.tell() - header > limit:
            allowed = f"{limit / 1e6:.0f} MB"
            raise TooLarge(f"The deflated DICOM file unfolds to too much. Allowed: {allowed}. Received: more.")
    if not decompressor.eof:
        raise UnreadableImage("The deflated DICOM file breaks off before its end.")
