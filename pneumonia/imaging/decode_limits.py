"""Limits on what a decoder may read from one file.

Pillow and pydicom parse the chunks, segments or tags of a file in Python and keep an object for each of them: 50 MB of
empty ones become millions of objects. A tag list whose entries all refer to the same bytes takes many times the size of
the file in memory.
"""

from __future__ import annotations

import io
import math

import numpy as np

from ..errors import TooLarge, UnreadableImage

MAX_READS = 500_000
"""Maximum number of reads per file; at this limit they take about two seconds. It is fifty times the number of chunks
in a file of 50 MB with the smallest chunks that writers use (8 KB), and more than the number of 16 x 16 tiles in 80
million pixels."""

MAX_TAG_BYTES = 16_000_000
"""Maximum size in bytes of the values of one TIFF or EXIF tag list, including a colour profile."""

MAX_JPEG_SCANS = 100
"""Maximum number of scans in a JPEG; libtiff has the same limit. A progressive JPEG normally has ten. Each scan takes
as long to decode as the whole image."""

MAX_TIFF_FRAMES = 1_000
"""Maximum number of images in one TIFF. To reach one, Pillow reads its tags and those of all before it."""

_START_OF_SCAN = b"\xff\xda"


class BoundedReader(io.BytesIO):
    """A file in memory whose `read` raises `TooLarge` after `max_reads` calls.

    While tag lists are read, it also limits the bytes: the entries of a list may all refer to the same bytes, and
    Pillow keeps a copy for each of them. Pixel data are read without a limit on bytes, since the decoder discards them.
    """

    def __init__(self, data: bytes, max_reads: int = MAX_READS) -> None:
        super().__init__(data)
        self._remaining_reads = max_reads
        self._remaining_tag_bytes: float = math.inf

    def limit_tags(self, lists: int) -> None:
        """Until the next call, limit the bytes that `read` returns to those of `lists` tag lists."""
        self._remaining_tag_bytes = lists * MAX_TAG_BYTES

    def lift_tag_limit(self) -> None:
        """From here on, pixel data are read."""
        self._remaining_tag_bytes = math.inf

    def read(self, size: int | None = -1, /) -> bytes:
        self._remaining_reads -= 1
        if self._remaining_reads < 0:
            raise TooLarge(f"The file has too many parts. Allowed: {MAX_READS:,} chunks, segments or tags.")
        data = super().read(size)
        self._remaining_tag_bytes -= len(data)
        if self._remaining_tag_bytes < 0:
            raise UnreadableImage(
                f"The metadata tags of the image are too large. Allowed: {MAX_TAG_BYTES // 1_000_000} MB."
            )
        return data


def check_jpeg_scans(data: bytes) -> None:
    """Raise `TooLarge` for a JPEG with more than `MAX_JPEG_SCANS` scans.

    A scan may consist of a few bytes, but takes as long to decode as the whole image.
    """
    # In entropy-coded data every 0xFF byte is followed by 0x00, so this byte pair can only be a marker.
    scans = _count_byte_pair(data, _START_OF_SCAN)
    if scans > MAX_JPEG_SCANS:
        raise TooLarge(f"The JPEG has too many scans. Allowed: {MAX_JPEG_SCANS}. Received: {scans:,}.")


def _count_byte_pair(data: bytes, pair: bytes) -> int:
    """Count two different adjacent bytes, in blocks of one megabyte; `bytes.count` takes four times as long."""
    values = np.frombuffer(data, np.uint8)
    first, second = values[:-1], values[1:]
    blocks = (slice(start, start + 1_000_000) for start in range(0, len(first), 1_000_000))
    return sum(int(np.count_nonzero((first[block] == pair[0]) & (second[block] == pair[1]))) for block in blocks)
