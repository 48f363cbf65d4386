"""Hostile ZIPs: nested, with path traversal, decompression bombs, wrong sizes and flags, damaged."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator, Mapping

from .films import pictures

NAMES = (
    *("../evil.png", "/etc/evil.png", "a/../../evil.png", "..\\evil.png", "C:\\evil.png", "\0.png", "x" * 60_000),
    *(".", "a//b.png", "\u202e.png", "=1+1.png"),
)
"""Member names with path traversal, invalid names, names that are too long, and spreadsheet formulas."""


def archive(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as container:
        for name, content in members.items():
            container.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def zips() -> Iterator[tuple[str, bytes]]:
    """(name, content) of files with the ending `.zip`."""
    film = pictures()["jpeg"]
    good = archive({"film.jpg": film, "broken.jpg": film[:500], "empty.png": b""})
    yield "whole", good
    yield from ((f"cut at {at}", good[:at]) for at in range(0, len(good), 512))
    yield from ((f"name {number}", archive({name: film})) for number, name in enumerate(NAMES))
    yield "nested", archive({"inner.zip": archive({"inner.zip": good})})
    yield "nothing", archive({})
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield f"method {method}", archive({"film.jpg": film}, method)
    yield "bomb", archive({f"{number}.png": bytes(60_000_000) for number in range(2)})
    yield "bomb that says it is small", _with_false_size(archive({"bomb.png": bytes(60_000_000)}), 1000)
    yield "says it is huge", _with_false_size(good, 2**32 - 2)
    yield "many members", archive({f"{number}.png": b"" for number in range(2_000)}, zipfile.ZIP_STORED)
    yield "one place for all", _overlapping(film, 300)
    for offset, signature in ((6, b"PK\x03\x04"), (8, b"PK\x01\x02")):
        for value in (0x1, 0x20, 0x40, 0x800, 0xFFFF):
            yield f"flags {value:x}", _replace_field(good, signature, offset, struct.pack("<H", value))
    for value in (1, 9, 12, 14, 97, 99, 65_535):
        packed = _replace_field(good, b"PK\x01\x02", 10, struct.pack("<H", value))
        yield f"packed by {value}", _replace_field(packed, b"PK\x03\x04", 8, struct.pack("<H", value))
    for at in range(0, 22, 2):
        yield f"end {at}", _replace_field(good, b"PK\x05\x06", at, b"\xff\xff")


def _replace_field(data: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    at = data.index(signature) + offset
    return data[:at] + value + data[at + len(value) :]


def _with_false_size(data: bytes, size: int) -> bytes:
    """Set the uncompressed size of the first member in both of its headers."""
    size_field = struct.pack("<I", size)
    return _replace_field(_replace_field(data, b"PK\x03\x04", 22, size_field), b"PK\x01\x02", 24, size_field)


def _overlapping(content: bytes, members: int) -> bytes:
    """A ZIP whose directory entries all refer to the same bytes."""
    one = archive({"film.jpg": content})
    start, end = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    directory = one[start:end] * members
    end_record = struct.pack("<HHLL", members, members, len(directory), start)
    return one[:start] + directory + one[end : end + 8] + end_record + b"\0\0"
