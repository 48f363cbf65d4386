"""Limits on what a decoder may read from one file.

Pillow and pydicom parse the chunks, segments or tags of a file in Python and keep an object for each of them: 50 MB of
empty ones become millions of objects. This package removes metadata from image files before Pillow opens them.
"""

from __future__ import annotations

import io

import numpy as np

from ..errors import TooLarge
from ..messages import message

MAX_READS = 500_000
"""Maximum number of reads per file; at this limit they take about two seconds. It is fifty times the number of chunks
in a file of 50 MB with the smallest chunks that writers use (8 KB), and more than the number of 16 x 16 tiles in 80
million pixels."""

MAX_JPEG_SCANS = 100
"""Maximum number of scans in a JPEG; libtiff has the same limit. A progressive JPEG normally has ten. Each scan takes
as long to decode as the whole image."""

MAX_TIFF_FRAMES = 1_000
"""Maximum number of images in one TIFF; their lists of tags are read one after another."""

_START_OF_SCAN = b"\xff\xda"


class BoundedReader(io.BytesIO):
    """A file in memory whose `read` raises `TooLarge` after `max_reads` calls."""

    def __init__(self, data: bytes, max_reads: int = MAX_READS) -> None:
        super().__init__(data)
        self._remaining_reads = max_reads

    def read(self, size: int | None = -1, /) -> bytes:
        self._remaining_reads -= 1
        if self._remaining_reads < 0:
            raise TooLarge(
                message(
                    "The file has too many parts. Allowed: {max_reads:,} chunks, segments or tags.", max_reads=MAX_READS
                )
            )
        return super().read(size)


def check_jpeg_scans(data: bytes) -> None:
    """Raise `TooLarge` for a JPEG with more than `MAX_JPEG_SCANS` scans.

    A scan may consist of a few bytes, but takes as long to decode as the whole image.
    """
    # In entropy-coded data every 0xFF byte is followed by 0x00, so this byte pair can only be a marker.
    scans = _count_byte_pair(data, _START_OF_SCAN)
    if scans > MAX_JPEG_SCANS:
        raise TooLarge(
            message(
                "The JPEG has too many scans. Allowed: {max_jpeg_scans}. Received: {scans:,}.",
                max_jpeg_scans=MAX_JPEG_SCANS,
                scans=scans,
            )
        )


def _count_byte_pair(data: bytes, pair: bytes) -> int:
    """Count two different adjacent bytes, in blocks of one megabyte; `bytes.count` takes four times as long."""
    values = np.frombuffer(data, np.uint8)
    first, second = values[:-1], values[1:]
    blocks = (slice(start, start + 1_000_000) for start in range(0, len(first), 1_000_000))
    return sum(int(np.count_nonzero((first[block] == pair[0]) & (second[block] == pair[1]))) for block in blocks)
