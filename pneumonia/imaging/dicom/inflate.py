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

_PIECE_BYTES = 16_384
"""Read at a time: unfolds to 17 MB at most, so that the whole stands in memory once and not twice."""

_SYNTAX_TAG = b"\x02\x00\x10\x00"
_LONG_LENGTHS = {b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT"}


def inflate(data: bytes) -> bytes:
    """`data` as it is, unless its meta header says that it is deflated; then as explicit little endian.

    Raises `TooLarge` and `UnreadableImage`.
    """
    start, end, meta = _meta(data)
    if data[start:end].rstrip(b"\0 ") != DeflatedExplicitVRLittleEndian.encode():
        return data
    plain = ExplicitVRLittleEndian.encode().ljust(end - start, b"\0")
    unfolded = io.BytesIO()
    unfolded.write(data[:start] + plain + data[end:meta])
    _unfold(memoryview(data)[meta:], unfolded)
    return unfolded.getvalue()


def _meta(data: bytes) -> tuple[int, int, int]:
    """Where the transfer syntax stands (start, end; both 0 where it is missing), and where the meta header ends."""
    at = 132 if data[128:132] == b"DICM" else 0
    found = (0, 0)
    while data[at : at + 2] == b"\x02\x00":
        is_long = data[at + 4 : at + 6] in _LONG_LENGTHS
        value = at + (12 if is_long else 8)
        length = int.from_bytes(data[at + 8 : at + 12] if is_long else data[at + 6 : at + 8], "little")
        if data[at : at + 4] == _SYNTAX_TAG:
            found = (value, value + length)
        at = value + length
    return (*found, at)


def _unfold(folded: memoryview, unfolded: io.BytesIO) -> None:
    limit = BYTES_PER_PIXEL * settings.MAX_PIXELS.read() + TAGS_BYTES
    header = unfolded.tell()
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for at in range(0, len(folded), _PIECE_BYTES):
        if inflater.eof:
            return
        unfolded.write(inflater.decompress(folded[at : at + _PIECE_BYTES]))
        if unfolded.tell() - header > limit:
            allowed = f"{limit / 1e6:.0f} MB"
            raise TooLarge(f"The deflated DICOM file unfolds to too much. Allowed: {allowed}. Received: more.")
    if not inflater.eof:
        raise UnreadableImage("The deflated DICOM file breaks off before its end.")
