"""Parts of DICOM files as bytes, also those that no library writes."""

from __future__ import annotations

import struct

UNDEFINED = 0xFFFFFFFF
PIXEL_DATA = b"\xe0\x7f\x10\x00"
"""Tag of PixelData in little endian."""

PATIENT_NAME = b"\x10\x00\x10\x00"
_LONG_VRS = {"OB", "OW", "SQ", "UN", "UT"}


def explicit(group: int, element: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """An element in explicit VR little endian; `length` replaces the true one."""
    count = len(value) if length is None else length
    if vr in _LONG_VRS:
        return struct.pack("<HH2sHL", group, element, vr.encode(), 0, count) + value
    return struct.pack("<HH2sH", group, element, vr.encode(), count) + value


def implicit(group: int, element: int, value: bytes, length: int | None = None) -> bytes:
    """An element in implicit VR little endian; `length` replaces the true one."""
    return struct.pack("<HHL", group, element, len(value) if length is None else length) + value


def item(value: bytes, length: int | None = None) -> bytes:
    return implicit(0xFFFE, 0xE000, value, length)


ITEM_END, SEQUENCE_END = implicit(0xFFFE, 0xE00D, b""), implicit(0xFFFE, 0xE0DD, b"")


def before(data: bytes, inserted: bytes, tag: bytes = PIXEL_DATA) -> bytes:
    """The file with `inserted` before the last (PixelData) or the only element with this tag."""
    position = data.rindex(tag) if tag == PIXEL_DATA else data.index(tag)
    return data[:position] + inserted + data[position:]


def replaced(data: bytes, tag: tuple[int, int], vr: str, value: bytes) -> bytes:
    """A file in explicit VR little endian in which an element has another value representation and value."""
    header = struct.pack("<HH", *tag)
    position = data.index(header, 132)
    old_length = int.from_bytes(data[position + 6 : position + 8], "little")
    new = explicit(*tag, vr, value + b" " * (len(value) % 2))
    return data[:position] + new + data[position + 8 + old_length :]


def with_transfer_syntax(data: bytes, uid: str) -> bytes:
    """The file with another transfer syntax in its meta header; empty removes the element."""
    position = data.index(b"\x02\x00\x10\x00UI")
    end = position + 8 + int.from_bytes(data[position + 6 : position + 8], "little")
    value = uid.encode() + b"\0" * (len(uid) % 2)
    return data[:position] + (explicit(2, 0x10, "UI", value) if uid else b"") + data[end:]
