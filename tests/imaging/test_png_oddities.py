"""PNG files with damaged or unusual chunks, and what each gets; see docs/inputs.md."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from pneumonia import Predictor
from tests.support.odd_films import ROTATION, deep, film, picture, rgb, with_alpha
from tests.support.oddities import READ, Oddity, check, refused, warned
from tests.support.picture_files import (
    Samples,
    chunk,
    png,
    png_header,
    png_rows,
    saved,
)

ODDITIES = (
    Oddity(
        "PNG: colour profile of 1.2 MB",
        lambda: png(film(), chunk(b"iCCP", b"p\0\0" + zlib.compress(np.random.default_rng(1).bytes(1_200_000)))),
        READ,
        "the profile is not read",
    ),
    Oddity(
        "PNG: colour profile that expands to 100 MB",
        lambda: png(film(), chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(100_000_000)))),
        READ,
        "the profile is not read",
    ),
    Oddity(
        "PNG: colour profile that is no profile",
        lambda: png(film(), chunk(b"iCCP", b"x")),
        READ,
        "the profile is not read",
    ),
    Oddity(
        "PNG: 2 MB of text",
        lambda: png(film(), chunk(b"tEXt", b"Comment\0" + b"x" * 2_000_000)),
        READ,
        "text is not read",
    ),
    Oddity(
        "PNG: compressed text that expands to 100 MB",
        lambda: png(film(), chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(100_000_000)))),
        READ,
        "text is not read",
    ),
    Oddity(
        "PNG: 200 chunks of compressed text",
        lambda: png(film(), chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1_000_000))) * 200),
        READ,
        "text is not read",
    ),
    Oddity(
        "PNG: international text with damaged compression",
        lambda: png(film(), chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0damaged")),
        READ,
        "text is not read, except a declared rotation",
    ),
    Oddity(
        "PNG: text chunk with a wrong checksum",
        lambda: png(film(), chunk(b"tEXt", b"Comment\0x", checksum=1)),
        READ,
        "text is not read",
    ),
    Oddity(
        "PNG: physical size of two bytes",
        lambda: png(film(), chunk(b"pHYs", b"\0\0")),
        READ,
        "the chunk does not change the picture",
    ),
    Oddity(
        "PNG: time, gamma, chromaticity and histogram without content",
        lambda: png(
            film(),
            b"".join(
                chunk(name, b"")
                for name in (b"tIME", b"gAMA", b"cHRM", b"hIST", b"sBIT", b"sRGB", b"bKGD", b"sPLT", b"acTL", b"fcTL")
            ),
        ),
        READ,
        "these chunks do not change the picture",
    ),
    Oddity(
        "PNG: damaged EXIF tags",
        lambda: png(film(), chunk(b"eXIf", b"damaged")),
        warned(ROTATION),
        "the tags may declare a rotation",
    ),
    Oddity(
        "PNG: EXIF tags cut off",
        lambda: png(film(), chunk(b"eXIf", b"II*\0\x08\0\0\0\x05\0\x0f\x01")),
        warned(ROTATION),
        "the tags may declare a rotation",
    ),
    Oddity(
        "PNG: EXIF tags with a wrong checksum",
        lambda: png(film(), chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0\0\0\0\0", checksum=1)),
        READ,
        "tags without a rotation do not change the picture",
    ),
    Oddity(
        "PNG: unknown chunks, before and after the image",
        lambda: png(film(), chunk(b"vpAg", bytes(9)), chunk(b"zzZz", bytes(100))),
        READ,
        "unknown chunks are not read",
    ),
    Oddity("PNG: text chunk between the image data", lambda: _png_with_split_data(), READ, "the image data are joined"),
    Oddity(
        "PNG: text chunk with a wrong length",
        lambda: png(film(), b"\0\x0f\xff\xfftEXtComment\0x" + bytes(4)),
        READ,
        "the image data are found after it",
    ),
    Oddity("PNG: without its end chunk", lambda: png(film(), end=b""), READ, "all rows are there"),
    Oddity("PNG: cut in the checksum of its image data", lambda: png(film(), end=b"")[:-3], READ, "all rows are there"),
    Oddity(
        "PNG: other data after its end",
        lambda: png(film()) + b"PK\3\4" + bytes(10_000),
        READ,
        "the picture ends before",
    ),
    Oddity(
        "PNG: wrong checksum of the image data chunk",
        lambda: _png_with_checksums(right_chunk=False),
        READ,
        "the compressed data have a second checksum, which is right",
    ),
    Oddity(
        "PNG: wrong checksum in the compressed data",
        lambda: _png_with_checksums(right_stream=False),
        READ,
        "the checksum of the chunk is right, and all rows are there",
    ),
    Oddity(
        "PNG: both checksums wrong",
        lambda: _png_with_checksums(right_chunk=False, right_stream=False),
        refused("unreadable_image"),
        "the image data have changed",
    ),
    Oddity(
        "PNG: wrong checksum of the header",
        lambda: b"\x89PNG\r\n\x1a\n" + png_header(film(), checksum=1) + png(film())[33:],
        READ,
        "the image data fit the declared size exactly",
    ),
    Oddity(
        "PNG: half of the image data",
        lambda: png(film())[: len(png(film())) // 2],
        refused("unreadable_image"),
        "half a film is not answered",
    ),
    Oddity("PNG: RGB with 12 bits in 16", lambda: png(rgb(deep(12))), READ, "no bits are lost"),
    Oddity("PNG: RGB with 10 bits in 16", lambda: png(rgb(deep(10))), READ, "no bits are lost"),
    Oddity(
        "PNG: RGB with 12 bits in 16, little-endian",
        lambda: png(rgb(deep(12).byteswap())),
        READ,
        "neighbouring pixels are similar in one byte order only",
    ),
    Oddity(
        "PNG: grey with alpha and 12 bits in 16, little-endian",
        lambda: png(with_alpha(deep(12).byteswap(), 65_535)),
        READ,
        "neighbouring pixels are similar in one byte order only",
    ),
    Oddity(
        "PNG: grey with 12 bits in 16, little-endian",
        lambda: png(deep(12).byteswap()),
        READ,
        "neighbouring pixels are similar in one byte order only",
    ),
    Oddity("PNG: RGB with 16 bits", lambda: png(rgb(deep(16))), READ, "no bits are lost"),
    Oddity(
        "PNG: RGB with 12 bits in 16 and opaque alpha",
        lambda: png(with_alpha(rgb(deep(12)), 65535)),
        READ,
        "no bits are lost",
    ),
    Oddity(
        "PNG: grey with 12 bits in 16 and opaque alpha",
        lambda: png(with_alpha(deep(12), 65535)),
        READ,
        "no bits are lost",
    ),
    Oddity(
        "PNG: grey with 12 bits in 16 and an alpha of 12 bits",
        lambda: png(with_alpha(deep(12), 4095)),
        READ,
        "no bits are lost",
    ),
    Oddity(
        "PNG: alpha 0 everywhere, RGB",
        lambda: png(with_alpha(rgb(film()), 0)),
        READ,
        "alpha with one value hides no part of the film",
    ),
    Oddity(
        "PNG: alpha 0 everywhere, grey",
        lambda: png(with_alpha(film(), 0)),
        READ,
        "alpha with one value hides no part of the film",
    ),
    Oddity(
        "PNG: alpha 0 everywhere, 16 bits",
        lambda: png(with_alpha(deep(12), 0)),
        READ,
        "alpha with one value hides no part of the film",
    ),
    Oddity(
        "PNG: alpha 100 everywhere",
        lambda: png(with_alpha(rgb(film()), 100)),
        READ,
        "alpha with one value hides no part of the film",
    ),
    Oddity(
        "PNG: palette with every entry transparent",
        lambda: saved(picture().convert("P"), "PNG", transparency=bytes(256)),
        READ,
        "alpha with one value hides no part of the film",
    ),
    Oddity(
        "PNG: one grey level of the film is transparent",
        lambda: saved(film(), "PNG", transparency=120),
        READ,
        "inside the film it is a grey level",
    ),
    Oddity("PNG: interlaced RGB with 16 bits", lambda: _interlaced(rgb(deep(12))), READ, "as without interlacing"),
    Oddity(
        "PNG: changed by Xcode for iPhones (CgBI)",
        lambda: png(film())[:8] + chunk(b"CgBI", b"\x50\0\x20\6") + png(film())[8:],
        refused("unsupported_format", "iPhone"),
        "its channels are in another order",
    ),
    Oddity(
        "PNG: palette with a wrong checksum",
        lambda: _png_with_palette_checksum(),
        refused("unreadable_image", "palette"),
        "the grey values are not known",
    ),
)


def _png_with_split_data() -> bytes:
    data = zlib.compress(png_rows(film()))
    parts = chunk(b"IDAT", data[:1000]) + chunk(b"tEXt", b"Comment\0x") + chunk(b"IDAT", data[1000:])
    return b"\x89PNG\r\n\x1a\n" + png_header(film()) + parts + chunk(b"IEND", b"")


def _png_with_checksums(*, right_chunk: bool = True, right_stream: bool = True) -> bytes:
    data = zlib.compress(png_rows(film()))
    data = data if right_stream else data[:-4] + b"\1\2\3\4"
    body = chunk(b"IDAT", data, checksum=None if right_chunk else 1)
    return b"\x89PNG\r\n\x1a\n" + png_header(film()) + body + chunk(b"IEND", b"")


def _png_with_palette_checksum() -> bytes:
    data = bytearray(saved(picture().convert("P"), "PNG"))
    at = data.index(b"PLTE")
    data[at + 10] ^= 255
    return bytes(data)


def _interlaced(samples: Samples) -> bytes:
    """A PNG with Adam7 interlacing, without filters."""
    stored = samples.astype(">u2").view(np.uint8).reshape(*samples.shape[:2], -1)
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = (b"\0" + row.tobytes() for top, left, down, right in passes for row in stored[top::down, left::right])
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], 16, 2, 0, 0, 1)
    data = chunk(b"IDAT", zlib.compress(b"".join(rows)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_the_result_is_the_documented_one(oddity: Oddity, predictor: Predictor) -> None:
    check(oddity, predictor, film())
