"""Tag lists of TIFF and EXIF: image file directories (TIFF 6.0, section 2; BigTIFF).

Only tags that a caller asks for are read, and never more bytes than the file has, so a list of any size or with entries
that refer to the same bytes costs nothing. A damaged entry counts as missing; the others remain usable.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import TooLarge
from ...messages import message
from ..decode_limits import MAX_TIFF_FRAMES

_MAX_ENTRIES = 65_535
"""Maximum number of entries of a directory; the count of a classic TIFF has two bytes."""

_RATIONALS = {5: "u4", 10: "i4"}
_TYPES = {1: "u1", 2: "u1", 3: "u2", 4: "u4", 6: "i1", 7: "u1", 8: "i2", 9: "i4", 11: "f4", 12: "f8", 13: "u4"}
_TYPES |= {16: "u8", 17: "i8", 18: "u8", **_RATIONALS}
"""Type of an entry -> NumPy type of its numbers. A rational consists of two."""


@dataclass(frozen=True)
class Header:
    """Byte order ("<" or ">"), whether it is a BigTIFF, and the offset of the first directory."""

    order: str
    is_big: bool
    first: int


@dataclass(frozen=True)
class _Entry:
    kind: int
    count: int
    position: int


class Directory:
    """One directory: `numbers` and `raw` read the value of a tag, `following` is the offset of the next directory.

    `is_damaged` is true if the directory ends before its last entry.
    """

    def __init__(self, data: bytes, header: Header, offset: int) -> None:
        self._data = data
        self._header = header
        self._entries: dict[int, _Entry] = {}
        count_format, entry_format, offset_format = ("Q", "HHQ8s", "Q") if header.is_big else ("H", "HHL4s", "L")
        self._unpack_entry = struct.Struct(header.order + entry_format)
        count = self._integer_at(offset, count_format)
        self.is_damaged = count is None
        start = offset + struct.calcsize("<" + count_format)
        end = start + min(count or 0, _MAX_ENTRIES) * self._unpack_entry.size
        self.is_damaged |= end > len(data) or (count or 0) > _MAX_ENTRIES
        for position in range(start, min(end, len(data) - self._unpack_entry.size + 1), self._unpack_entry.size):
            self._add(position)
        self.following = self._integer_at(end, offset_format) or 0

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def numbers(self, tag: int) -> npt.NDArray[Any]:
        """The numbers of a tag; empty if it is missing, of an unknown type, or not completely in the file."""
        entry = self._entries.get(tag)
        if entry is None or entry.kind not in _TYPES:
            return np.empty(0, np.uint8)
        kind = np.dtype(self._header.order + _TYPES[entry.kind])
        count = entry.count * (2 if entry.kind in _RATIONALS else 1)
        if entry.position + count * kind.itemsize > len(self._data):
            return np.empty(0, np.uint8)
        values = np.frombuffer(self._data, kind, count, entry.position)
        if entry.kind not in _RATIONALS:
            return values
        return values[::2] / np.where(values[1::2] == 0, 1, values[1::2])

    def integer(self, tag: int, default: int) -> int:
        """The first number of a tag, whatever its type; `default` if it has none."""
        values = self.numbers(tag)
        return int(values[0]) if len(values) and np.isfinite(values[0]) else default

    def _add(self, position: int) -> None:
        tag, kind, count, _ = self._unpack_entry.unpack_from(self._data, position)
        value_size = 8 if self._header.is_big else 4
        inline = position + self._unpack_entry.size - value_size
        size = count * (np.dtype(_TYPES[kind]).itemsize if kind in _TYPES else 1) * (2 if kind in _RATIONALS else 1)
        at = inline if size <= value_size else self._integer_at(inline, "Q" if self._header.is_big else "L")
        self._entries.setdefault(tag, _Entry(kind, count, at or 0))  # libtiff also uses the first of two

    def _integer_at(self, position: int, number_format: str) -> int | None:
        unpack = struct.Struct(self._header.order + number_format)
        if not 0 <= position <= len(self._data) - unpack.size:
            return None
        return int(unpack.unpack_from(self._data, position)[0])


def read_header(data: bytes) -> Header | None:
    """The header of a TIFF or of EXIF tags; None if there is none."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return None
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version == 43 and len(data) >= 16:
        return Header(order, True, struct.unpack_from(order + "Q", data, 8)[0])
    return Header(order, False, struct.unpack_from(order + "L", data, 4)[0]) if version == 42 else None


def chain(data: bytes, header: Header) -> Iterator[Directory]:
    """The directories of a file in their order. Raises `TooLarge` for more than `MAX_TIFF_FRAMES`."""
    offset = header.first
    visited: set[int] = set()
    while 0 < offset < len(data) and offset not in visited:
        if len(visited) == MAX_TIFF_FRAMES:
            raise TooLarge(
                message(
                    "The TIFF contains too many images. Allowed: {max_tiff_frames:,}.", max_tiff_frames=MAX_TIFF_FRAMES
                )
            )
        visited.add(offset)
        directory = Directory(data, header, offset)
        yield directory
        offset = directory.following
