"""Decompression bombs: small files that need much memory or time to decode. Each is generated on demand."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from PIL import Image
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from tests.support.dicom_bytes import PATIENT_NAME, before, explicit
from tests.support.dicom_files import dicom, encapsulated

from .films import encoded, grey

Entry = tuple[int, int, int, int]
"""A TIFF tag: number, type, count, and value or offset."""

BYTE, ASCII, SHORT, LONG, UNDEFINED = 1, 2, 3, 4, 7
TEXT = zlib.compress(bytes(1_000_000))
SMALL = np.full((100, 100), 90, np.uint8)


def chunk(name: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(width: int, height: int, *, depth: int = 8, colour: int = 0, body: bytes = b"\0") -> bytes:
    """A PNG whose header declares any size."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def png_with(extra: bytes) -> bytes:
    """A small PNG with additional chunks after its header."""
    data = encoded(Image.fromarray(SMALL), "PNG")
    return data[:33] + extra + data[33:]


def jpeg_with(extra: bytes) -> bytes:
    """A small JPEG with additional segments at its start."""
    data = encoded(Image.fromarray(SMALL), "JPEG")
    return data[:2] + extra + data[2:]


def ifd(entries: Iterable[Entry], following: int = 0) -> bytes:
    """A TIFF tag list (image file directory); `following` is the offset of the next one."""
    listed = sorted(entries)
    packed = b"".join(struct.pack("<HHLL", *entry) for entry in listed)
    return struct.pack("<H", len(listed)) + packed + struct.pack("<L", following)


def layout(width: int, height: int, at: int, size: int, **changed: int) -> list[Entry]:
    """The tags of an uncompressed grey TIFF with one strip at offset `at`."""
    bits, compression, samples = changed.get("bits", 8), changed.get("compression", 1), changed.get("samples", 1)
    dimensions = [(256, LONG, 1, width), (257, LONG, 1, height), (258, SHORT, 1, bits), (259, SHORT, 1, compression)]
    rest = [(262, SHORT, 1, 1), (273, LONG, 1, at), (277, SHORT, 1, samples), (278, LONG, 1, height)]
    return [*dimensions, *rest, (279, LONG, 1, size), (339, SHORT, 1, changed.get("format", 1))]


def tiff(entries: Iterable[Entry], tail: bytes = b"", pixels: bytes = SMALL.tobytes()) -> bytes:
    """A TIFF: pixels from byte 8, then tags, then `tail`."""
    return b"II*\0" + struct.pack("<L", 8 + len(pixels)) + pixels + ifd(entries) + tail


def tiff_of_frames(count: int) -> bytes:
    tags = layout(100, 100, 8, SMALL.size)
    size = len(ifd(tags))
    start = 8 + SMALL.size
    lists = (ifd(tags, start + (n + 1) * size if n + 1 < count else 0) for n in range(count))
    return b"II*\0" + struct.pack("<L", start) + SMALL.tobytes() + b"".join(lists)


def tiff_of_one_ring() -> bytes:
    """A TIFF whose list of images is a cycle."""
    tags = layout(100, 100, 8, SMALL.size)
    return b"II*\0" + struct.pack("<L", 8 + SMALL.size) + SMALL.tobytes() + ifd(tags, 8 + SMALL.size)


def tags_at_one_place(size: int) -> list[Entry]:
    """Twenty thousand tags that refer to the same bytes."""
    return [(tag, UNDEFINED, size, 8) for tag in range(30_000, 50_000) if tag not in {33_432, 34_665, 34_853}]


def tiff_of_tags(size: int) -> bytes:
    return tiff([*layout(100, 100, 8, SMALL.size), *tags_at_one_place(size)]).ljust(size + 8, b"\0")


def exif_of_tags(size: int) -> bytes:
    return (b"II*\0" + struct.pack("<L", 8) + ifd(tags_at_one_place(size))).ljust(size + 8, b"\0")


def tiff_of_one_tile(side: int) -> bytes:
    """An image of 100 x 100 in one tile of `side` x `side` zeros."""
    deflater = zlib.compressobj(1)
    body = b"".join(deflater.compress(bytes(side)) for _ in range(side)) + deflater.flush()
    tags = [entry for entry in layout(100, 100, 8, 0, compression=8) if entry[0] not in {273, 278, 279}]
    tile = [(322, LONG, 1, side), (323, LONG, 1, side), (324, LONG, 1, 8), (325, LONG, 1, len(body))]
    return tiff([*tags, *tile], pixels=body)


def tiff_of_strips(rows: int) -> bytes:
    """One strip per row, all of the same bytes."""
    offsets, sizes = struct.pack("<L", 8) * rows, struct.pack("<L", 64) * rows
    tags = [entry for entry in layout(64, rows, 8, 64) if entry[0] not in {273, 278, 279}]
    at = 8 + 64
    strips = [(273, LONG, rows, at), (278, LONG, 1, 1), (279, LONG, rows, at + len(offsets))]
    return tiff([*tags, *strips], pixels=bytes(64) + offsets + sizes)


def jpeg_of_scans(scans: int, side: int = 1000) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    data = encoded(Image.new("L", (side, side), 90), "JPEG", progressive=True)
    return data[:-2] + data[data.rfind(b"\xff\xda") : -2] * scans + b"\xff\xd9"


def jpeg_of_exif(size: int) -> bytes:
    """EXIF in several segments, which readers join."""
    exif = exif_of_tags(size)
    parts = (exif[at : at + 65_000] for at in range(0, len(exif), 65_000))
    return jpeg_with(b"".join(b"\xff\xe1" + struct.pack(">H", len(p) + 8) + b"Exif\0\0" + p for p in parts))


def bmp_of_runs(side: int, body: bytes) -> bytes:
    """A run-length encoded BMP with 256 grey levels; `body` is pairs of count and grey level."""
    palette = b"".join(bytes([grey, grey, grey, 0]) for grey in range(256))
    info = struct.pack("<LllHHLLllLL", 40, side, side, 1, 8, 1, len(body), 0, 0, 256, 0)
    start = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<LHHL", start + len(body), 0, 0, start) + info + palette + body


def webp_of(width: int, height: int) -> bytes:
    """An animated WebP with a canvas of any size."""
    other = Image.fromarray(255 - grey())
    data = bytearray(encoded(Image.fromarray(grey()), "WEBP", save_all=True, append_images=[other]))
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def before_the_pixels(data: bytes, elements: bytes) -> bytes:
    """Insert elements before the pixel data of a DICOM file."""
    at = data.index(b"\xe0\x7f\x10\x00")
    return data[:at] + elements + data[at:]


def implicit(group: int, element: int, body: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HHL", group, element, len(body) if length is None else length) + body


def dicom_of_values(values: int) -> bytes:
    """A WindowCenter and WindowWidth with any number of values."""
    body = b"1\\" * values
    elements = implicit(0x28, 0x1050, body) + implicit(0x28, 0x1051, body)
    return before_the_pixels(dicom(SMALL, syntax=ImplicitVRLittleEndian), elements)


def private_tags(count: int) -> bytes:
    """Empty private elements with different tags."""
    tags = np.zeros(count, [("group", "<u2"), ("element", "<u2"), ("kind", "S2"), ("length", "<u2")])
    number = np.arange(count)
    tags["group"], tags["element"], tags["kind"] = 0x8001 + 2 * (number >> 16), number & 0xFFFF, b"SH"
    return tags.tobytes()


def dicom_of_tags(count: int) -> bytes:
    return dicom(SMALL) + private_tags(count)


def deflated(tail: bytes) -> bytes:
    """A deflated film with `tail` appended before compression."""
    data = dicom(SMALL, syntax=DeflatedExplicitVRLittleEndian)
    meta = 144 + int.from_bytes(data[140:144], "little")
    deflater = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    body = deflater.compress(zlib.decompress(data[meta:], -zlib.MAX_WBITS))
    # In parts, so that the decompressed data are not copied as a whole.
    parts = (tail[at : at + 1_000_000] for at in range(0, len(tail), 1_000_000))
    return data[:meta] + body + b"".join(map(deflater.compress, parts)) + deflater.flush()


def dicom_of_depth(depth: int) -> bytes:
    """Nested sequences."""
    opened = implicit(0x9001, 0x1001, b"", 0xFFFFFFFF) + implicit(0xFFFE, 0xE000, b"", 0xFFFFFFFF)
    return dicom(SMALL, syntax=ImplicitVRLittleEndian) + opened * depth


def dicom_of_items(count: int) -> bytes:
    """A VOI LUT sequence with any number of empty items."""
    items = implicit(0x28, 0x3010, implicit(0xFFFE, 0xE000, b"") * count)
    return before_the_pixels(dicom(SMALL, syntax=ImplicitVRLittleEndian), items)


def dicom_of_fragments(count: int) -> bytes:
    fragments = implicit(0xFFFE, 0xE000, b"") + implicit(0xFFFE, 0xE000, b"\xff\xff") * count
    return dicom(SMALL, syntax=JPEGBaseline8Bit, PixelData=fragments)


def dicom_of_anchors(count: int) -> bytes:
    """A broken element, then parts of elements with which reading could continue."""
    parts = (explicit(0x28, 0x10, "US", b"\1\0") + b"abc") * count
    return before(dicom(SMALL), explicit(0x9, 0x1001, "UN", b"abcdefgh", 2**31 - 1) + parts, PATIENT_NAME)


def dicom_of_broken_sequences(count: int) -> bytes:
    """Sequences of undefined length without their delimiters, in each other."""
    opening = explicit(0x40, 0x275, "SQ", implicit(0xFFFE, 0xE000, b"", 2**32 - 1), 2**32 - 1)
    return before(dicom(SMALL), (opening + explicit(0x28, 0x10, "US", b"\1\0") + b"abc") * count, PATIENT_NAME)


def dicom_of_palette_segments(count: int) -> bytes:
    """A palette of segments that expand to 65,535 entries each."""
    segments = struct.pack("<3H", 0, 1, 5) + struct.pack("<3H", 1, 65_535, 5) * count
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tags[f"Segmented{colour}PaletteColorLookupTableData"] = segments
    return dicom(SMALL, **tags)


def dicom_of_rle(pairs: int) -> bytes:
    """Each pair of bytes expands to 128."""
    segment = b"\x81\0" * pairs
    header = struct.pack("<16L", 1, 64, *[0] * 14)
    return encapsulated(SMALL, RLELossless, header + segment)


def large(mode: str, kind: str, colour: Any = 0, **options: Any) -> bytes:
    """A constant image with nearly the maximum number of pixels, in few bytes."""
    return encoded(Image.new(mode, (10_000, 7_900), colour), kind, **options)


def large_dicom(**tags: Any) -> bytes:
    return dicom(np.zeros((7_900, 10_000), np.uint16), syntax=DeflatedExplicitVRLittleEndian, **tags)


WINDOW: dict[str, Any] = {"WindowCenter": 100, "WindowWidth": 400, "RescaleSlope": 2, "RescaleIntercept": 1}
DEFLATE: dict[str, Any] = {"compression": "tiff_adobe_deflate"}

QUICK: dict[str, Callable[[], bytes]] = {
    **{f"png {side} x {side}": partial(png_of, side, side) for side in (8_945, 20_000, 60_000, 2**31 - 1)},
    "png 1 x 60000": partial(png_of, 1, 60_000, body=bytes(120_000)),
    "png 60000 x 1": partial(png_of, 60_000, 1, body=bytes(60_001)),
    "png of no width": partial(png_of, 0, 100),
    "png of text": lambda: png_with(b"".join(chunk(b"zTXt", b"k%d\0\0" % n + TEXT) for n in range(100))),
    "png of international text": lambda: png_with(chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(50_000_000)))),
    "png of a colour profile": lambda: png_with(chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(50_000_000)))),
    "png of exif tags": lambda: png_with(chunk(b"eXIf", exif_of_tags(1_000_000))),
    "jpeg of exif tags": partial(jpeg_of_exif, 1_000_000),
    "jpeg of scans": partial(jpeg_of_scans, 3_000),
    "jpeg of segments": lambda: jpeg_with(b"\xff\xe3\0\2" * 100_000),
    "jpeg of fill bytes": lambda: jpeg_with(b"\xff" * 100_000),
    "bmp of runs": lambda: bmp_of_runs(8_000, b"\1\5" * 200_000),
    "webp of a canvas": partial(webp_of, 16_383, 16_383),
    "webp of a huge canvas": partial(webp_of, 65_535, 65_535),
    "tiff of tags": partial(tiff_of_tags, 1_000_000),
    "tiff of pictures": partial(tiff_of_frames, 3_000),
    "tiff of a ring": tiff_of_one_ring,
    "tiff of one tile": partial(tiff_of_one_tile, 10_000),
    "tiff of strips": partial(tiff_of_strips, 20_000),
    "tiff 60000 x 60000": lambda: tiff(layout(60_000, 60_000, 8, SMALL.size)),
    "tiff of 2^32 - 1": lambda: tiff(layout(2**32 - 1, 2**32 - 1, 8, 2**32 - 1)),
    "dicom of values": partial(dicom_of_values, 200_000),
    "dicom of tags": partial(dicom_of_tags, 50_000),
    "dicom of depth": partial(dicom_of_depth, 50_000),
    "dicom of items": partial(dicom_of_items, 50_000),
    "dicom of fragments": partial(dicom_of_fragments, 100_000),
    "dicom of anchors": partial(dicom_of_anchors, 50_000),
    "dicom of broken sequences": partial(dicom_of_broken_sequences, 20_000),
    "dicom of palette segments": partial(dicom_of_palette_segments, 10_000),
    "dicom of rle": partial(dicom_of_rle, 500_000),
    "dicom of deflated zeros": lambda: deflated(bytes(60_000_000)),
}
"""Name -> generator of a file that is processed in a moment."""

HEAVY: dict[str, Callable[[], bytes]] = {
    "png of chunks": lambda: png_with(chunk(b"prVt", b"") * 4_000_000),
    "png 16 bits": partial(large, "I;16", "PNG", 900),
    "png with alpha": partial(large, "RGBA", "PNG", (1, 2, 3, 100), compress_level=1),
    "bmp of many runs": lambda: bmp_of_runs(8_900, b"\1\5" * 24_000_000),
    "jpeg progressive": partial(large, "CMYK", "JPEG", (1, 2, 3, 4), progressive=True),
    "jpeg of scans, large": lambda: jpeg_of_scans(85, 8_900),
    "webp lossless": lambda: encoded(
        Image.new("RGBA", (16_000, 4_900), (1, 2, 3, 100)), "WEBP", lossless=True, method=0, quality=0
    ),
    "tiff floats": partial(large, "F", "TIFF", 9.5, **DEFLATE),
    "tiff 32 bits": partial(large, "I", "TIFF", 999_999, **DEFLATE),
    "tiff cmyk": partial(large, "CMYK", "TIFF", (1, 2, 3, 4), **DEFLATE),
    "tiff of many strips": partial(tiff_of_strips, 1_000_000),
    "dicom deflated": large_dicom,
    "dicom windowed": partial(large_dicom, **WINDOW),
    "dicom of many values": partial(dicom_of_values, 10_000_000),
    "dicom of many tags": partial(dicom_of_tags, 4_000_000),
    "dicom of deflated tags": lambda: deflated(private_tags(20_000_000)),
    "dicom of many fragments": partial(dicom_of_fragments, 4_000_000),
    "dicom of many anchors": partial(dicom_of_anchors, 2_000_000),
    "dicom of many broken sequences": partial(dicom_of_broken_sequences, 1_000_000),
    "dicom of much rle": partial(dicom_of_rle, 20_000_000),
    "dicom of deflated gigabytes": lambda: deflated(memoryview(bytes(400_000_000))),  # type: ignore[arg-type]
}
"""Name -> generator of a file that takes seconds and the maximum memory of a film."""
