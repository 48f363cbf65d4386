"""A film's bytes, handed to a decoder within bounds.

Pillow and pydicom read a file's structure in Python, part by part, and keep what they find: 50 MB of empty chunks,
segments or tags are millions of objects, and a list of tags that all point at the same bytes is many times the file.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from ..errors import TooLarge, UnreadableImage

MAX_READS = 500_000
"""Pieces that a file may be read in, two seconds' work: fifty times those of 50 MB in the smallest chunks that writers
make (8 KB), and more than 80 million pixels have tiles of 16 x 16."""

MAX_TAG_BYTES = 16_000_000
"""Bytes that one list of TIFF or EXIF tags may hold, colour profile and all."""

MAX_JPEG_SCANS = 100
"""Scans of a JPEG, as libtiff has it. A progressive one has ten; each costs as much time as the whole picture."""

MAX_TIFF_FRAMES = 1_000
"""Pictures in one TIFF file: each costs a walk through its tags, and through all that were before."""

_START_OF_SCAN = b"\xff\xda"


class BoundedReader(io.BytesIO):
    """The bytes of a file; raises `TooLarge` where they are asked for in too many parts."""

    def __init__(self, data: bytes, max_reads: int = MAX_READS) -> None:
        super().__init__(data)
        self._remaining_reads = max_reads

    def read(self, size: int | None = -1, /) -> bytes:
        self._remaining_reads -= 1
        if self._remaining_reads < 0:
            raise TooLarge(f"The file has too many parts. Allowed: {MAX_READS:,} chunks, segments or tags.")
        return super().read(size)


class _BoundedTagReader:
    """What Pillow reads one list of tags from: each tag may point anywhere, but all of them only so far."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._remaining_bytes = MAX_TAG_BYTES
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        self._remaining_bytes -= size
        if self._remaining_bytes < 0:
            raise UnreadableImage(f"The picture's tags are too long. Allowed: {MAX_TAG_BYTES // 1_000_000} MB.")
        data: bytes = self._file.read(size)
        return data


_load_without_limit = TiffImagePlugin.ImageFileDirectory_v2.load


def _load_within_limit(self: TiffImagePlugin.ImageFileDirectory_v2, fp: Any) -> None:
    _load_without_limit(self, _BoundedTagReader(fp))  # type: ignore[arg-type]


# Pillow's own list of tags has no bound, and it is read while a picture is opened, also that of the EXIF in a JPEG.
TiffImagePlugin.ImageFileDirectory_v2.load = _load_within_limit  # type: ignore[method-assign]


def check_jpeg_scans(data: bytes) -> None:
    """Raise `TooLarge` for a JPEG of more scans than any writer makes: a few bytes each, and no end of work."""
    # In the samples themselves a byte of ones is followed by a zero, so that this can only be a marker.
    scans = _count_byte_pair(data, _START_OF_SCAN)
    if scans > MAX_JPEG_SCANS:
        raise TooLarge(f"The JPEG has too many scans. Allowed: {MAX_JPEG_SCANS}. Received: {scans:,}.")


def _count_byte_pair(data: bytes, pair: bytes) -> int:
    """How often two unequal bytes stand side by side, a megabyte at a time; `bytes.count` takes four times as long."""
    values = np.frombuffer(data, np.uint8)
    first, second = values[:-1], values[1:]
    parts = (slice(start, start + 1_000_000) for start in range(0, len(first), 1_000_000))
    return sum(int(np.count_nonzero((first[part] == pair[0]) & (second[part] == pair[1]))) for part in parts)


def count_frames(picture: Image.Image) -> int:
    """How many pictures the file holds; raises `TooLarge` for a TIFF of too many, which are counted one by one."""
    if picture.format != "TIFF":
        return int(getattr(picture, "n_frames", 1))
    for index in range(1, MAX_TIFF_FRAMES + 1):
        try:
            picture.seek(index)
        except EOFError:
            return index
    raise TooLarge(f"The TIFF holds too many pictures. Allowed: {MAX_TIFF_FRAMES:,}.")
