"""Encapsulated pixel data: items with fragments of compressed frames (DICOM PS3.5, annex A.4).

The offset tables are not used where the fragments show the frames: writers leave them out, leave them empty, write one
offset for each fragment, or copy those of another file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from ...errors import TooLarge
from ...messages import message
from . import codestreams
from .element_headers import ITEM, Encoding, tag_at

MAX_FRAGMENTS = 250_000
"""Maximum number of items of the pixel data; writers use one for each frame, or one for each 64 KB."""

_ITEM_HEADER_BYTES = 8


class _Fragment(NamedTuple):
    """One item: offset of its header, and start and end of its value."""

    position: int
    start: int
    end: int


class Frames(NamedTuple):
    """The first compressed frame, and the number of frames whose beginning was found."""

    first: bytes
    number: int


def end(data: bytes, position: int, encoding: Encoding) -> int:
    """Offset of the end of the last item; a missing sequence delimiter or a cut item ends the pixel data as well."""
    for fragment in _fragments(data, position, encoding):
        position = fragment.end
    return position


def is_encapsulated(value: bytes, encoding: Encoding) -> bool:
    """True if the value begins with an item."""
    return tag_at(value, 0, encoding) == ITEM


def split_frames(value: bytes, encoding: Encoding, declared_frames: int) -> Frames:
    """The first frame of encapsulated pixel data: its fragments joined.

    A frame ends where the next fragment begins like a compressed frame. If none does, the offset table and the number
    of fragments decide. Without an item, the value is taken as one frame.
    """
    if not is_encapsulated(value, encoding):
        return Frames(value, 1)
    table, *fragments = _fragments(value, 0, encoding)
    if codestreams.starts_codestream(value[table.start : table.end]):
        table, fragments = _Fragment(table.position, table.start, table.start), [table, *fragments]
    fragments = [fragment for fragment in fragments if fragment.end > fragment.start]
    if not fragments:
        return Frames(b"", 0)
    starts = [
        number
        for number, fragment in enumerate(fragments)
        if number == 0 or codestreams.starts_codestream(value[fragment.start : fragment.start + 64])
    ]
    length = starts[1] if len(starts) > 1 else _frame_length(value, table, fragments, declared_frames)
    first = b"".join(value[fragment.start : fragment.end] for fragment in fragments[:length])
    is_possible = len(starts) <= declared_frames <= len(fragments)
    return Frames(first, declared_frames if is_possible else len(starts))


def _frame_length(value: bytes, table: _Fragment, fragments: list[_Fragment], declared_frames: int) -> int:
    """Number of fragments of the first frame, if their bytes do not show it."""
    if declared_frames <= 1:
        return len(fragments)
    offsets = struct.unpack_from(f"<{(table.end - table.start) // 4}L", value, table.start)
    positions = [fragment.position - fragments[0].position for fragment in fragments]
    if len(offsets) == declared_frames and offsets[1] in positions[1:]:
        return positions.index(offsets[1])
    return max(1, len(fragments) // declared_frames)


def _fragments(data: bytes, position: int, encoding: Encoding) -> Iterator[_Fragment]:
    length_format = "<L" if encoding.is_little_endian else ">L"
    count = 0
    while position + _ITEM_HEADER_BYTES <= len(data) and tag_at(data, position, encoding) == ITEM:
        count += 1
        if count > MAX_FRAGMENTS:
            raise TooLarge(
                message(
                    "The DICOM image has too many parts. Allowed: {max_fragments:,} fragments.",
                    max_fragments=MAX_FRAGMENTS,
                )
            )
        (length,) = struct.unpack_from(length_format, data, position + 4)
        start = position + _ITEM_HEADER_BYTES
        fragment = _Fragment(position, start, min(start + length, len(data)))
        yield fragment
        position = fragment.end
