"""Writers of image files with full control of their parts, independent of the readers of the package."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Order: TypeAlias = Literal["<", ">"]
Samples = npt.NDArray[Any]
Tag = tuple[int, int, Sequence[Any]]
"""Number, type, and values of a TIFF tag; the values of type 7 are bytes."""

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, DOUBLE, LONG8 = 1, 2, 3, 4, 5, 7, 12, 16
_FORMATS = {BYTE: "B", ASCII: "B", SHORT: "H", LONG: "L", UNDEFINED: "B", 6: "b", 9: "l", DOUBLE: "d", LONG8: "Q"}


def saved(picture: Image.Image | Samples, kind: str, **options: Any) -> bytes:
    """A file written by Pillow."""
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes, *, checksum: int | None = None) -> bytes:
    """A chunk of a PNG, with a right or another checksum."""
    value = zlib.crc32(name + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", value)


def png_header(samples: Samples, *, checksum: int | None = None) -> bytes:
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[1 if samples.ndim == 2 else samples.shape[2]]
    size = (samples.shape[1], samples.shape[0], 8 * samples.itemsize, colour)
    return chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 0, 0, 0), checksum=checksum)


def png_rows(samples: Samples) -> bytes:
    """The rows of a PNG before compression, each with the filter "Up"."""
    stored = np.frombuffer(samples.astype(samples.dtype.newbyteorder(">")).tobytes(), np.uint8)
    rows = stored.reshape(samples.shape[0], -1)
    filtered = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), np.uint8))
    return b"".join(b"\2" + row.tobytes() for row in filtered)


def png(samples: Samples, before: bytes = b"", after: bytes = b"", end: bytes | None = None) -> bytes:
    """A PNG of `[H, W]` or `[H, W, 2 to 4]`, uint8 or uint16, with chunks before and after its data."""
    data = chunk(b"IDAT", zlib.compress(png_rows(samples)))
    last = chunk(b"IEND", b"") if end is None else end
    return b"\x89PNG\r\n\x1a\n" + png_header(samples) + before + data + after + last


def tiff(
    pages: Sequence[tuple[bytes, Sequence[Tag]]], *, order: Order = "<", big: bool = False, padding: bytes = b""
) -> bytes:
    """A TIFF of pages, each its image data (one strip) and its tags; the value of tag 273 is filled in."""
    head = 16 if big else 8
    body, pointer_at = bytearray(padding), [8 if big else 4]
    starts = []
    for data, tags in pages:
        strip = head + len(body)
        body += data + b"\0" * (len(data) % 2)
        starts.append(head + len(body))
        listed = [(273, LONG, [strip]) if tag[0] == 273 else tag for tag in tags]
        directory, next_at = _directory(sorted(listed, key=lambda tag: tag[0]), head + len(body), order, big)
        pointer_at.append(head + len(body) + next_at)
        body += directory
    mark = b"II" if order == "<" else b"MM"
    file = bytearray(mark + struct.pack(order + ("HHHQ" if big else "HL"), *((43, 8, 0, 0) if big else (42, 0))) + body)
    for at, start in zip(pointer_at, starts, strict=False):
        struct.pack_into(order + ("Q" if big else "L"), file, at, start)
    return bytes(file)


def _directory(tags: Sequence[Tag], at: int, order: str, big: bool) -> tuple[bytes, int]:
    entry_size, head, room = (20, 8, 8) if big else (12, 2, 4)
    values_at = at + head + entry_size * len(tags) + room
    entries, blocks = b"", b""
    for number, kind, values in tags:
        packed = _packed(kind, values, order)
        count = len(values) // (2 if kind == RATIONAL else 1)
        if len(packed) > room:
            field = struct.pack(order + ("Q" if big else "L"), values_at + len(blocks))
            blocks += packed + b"\0" * (len(packed) % 2)
        else:
            field = packed.ljust(room, b"\0")
        entries += struct.pack(order + ("HHQ" if big else "HHL"), number, kind, count) + field
    return struct.pack(order + ("Q" if big else "H"), len(tags)) + entries + bytes(room) + blocks, (
        head + entry_size * len(tags)
    )


def _packed(kind: int, values: Sequence[Any], order: str) -> bytes:
    if kind == RATIONAL:
        return struct.pack(f"{order}{len(values)}L", *values)
    if isinstance(values, bytes):
        return values
    return struct.pack(f"{order}{len(values)}{_FORMATS.get(kind, 'B')}", *values)


def tags_of(samples: Samples, data: bytes, **changed: Any) -> list[Tag]:
    """The tags of an image `[H, W]` or `[H, W, samples]`. A keyword `t258=(SHORT, [12])` replaces a tag, or adds it;
    `t258=None` leaves it out."""
    count = 1 if samples.ndim == 2 else samples.shape[2]
    kind = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    tags: dict[int, Any] = {
        256: (LONG, [samples.shape[1]]),
        257: (LONG, [samples.shape[0]]),
        258: (SHORT, [8 * samples.itemsize] * count),
        259: (SHORT, [1]),
        262: (SHORT, [1 if count < 3 else 2]),
        273: (LONG, [0]),
        277: (SHORT, [count]),
        278: (LONG, [samples.shape[0]]),
        279: (LONG, [len(data)]),
        339: (SHORT, [kind] * count),
    }
    tags.update({int(name[1:]): value for name, value in changed.items()})
    return [(number, *value) for number, value in tags.items() if value is not None]


def tiff_of(
    samples: Samples, *, order: Order = "<", big: bool = False, data: bytes | None = None, **changed: Any
) -> bytes:
    """A TIFF with one page of `samples`; `data` replaces the stored bytes, keywords change tags as in `tags_of`."""
    stored = samples.astype(samples.dtype.newbyteorder(order)).tobytes() if data is None else data
    return tiff([(stored, tags_of(samples, stored, **changed))], order=order, big=big)


def packed_bits(values: Samples, bits: int) -> bytes:
    """Samples `[H, N]` with any number of bits, the highest first; each row starts at a byte."""
    single = (values[:, :, None].astype(np.uint32) >> np.arange(bits - 1, -1, -1, dtype=np.uint32)) & 1
    return np.packbits(single.reshape(len(values), -1).astype(np.uint8), axis=1).tobytes()


def bmp(
    rows: bytes, width: int, height: int, bits: int, *, compression: int = 0, extra: bytes = b"", size: int = 40
) -> bytes:
    """A BMP with a header of `size` bytes (the fields after the first 40 are the start of `extra`), then `extra`."""
    info = struct.pack("<LllHHLLllLL", size, width, height, 1, bits, compression, len(rows), 2835, 2835, 0, 0)
    start = 14 + len(info) + len(extra)
    return b"BM" + struct.pack("<LHHL", start + len(rows), 0, 0, start) + info + extra + rows


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
