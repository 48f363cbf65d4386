"""BMP, WebP, GIF, AVIF and PGM files, and what each gets; see docs/inputs.md."""

from __future__ import annotations

import struct
from functools import partial

import numpy as np
import pytest

from pneumonia import Predictor
from tests.support.odd_films import ROTATION, SEVERAL, deep, film, picture, rgb, with_alpha
from tests.support.oddities import READ, Oddity, check, refused, warned
from tests.support.picture_files import (
    bmp,
    saved,
)


def _bmp_v4(alpha: int) -> bytes:
    """BMP with masks of all four channels in a header of version 4."""
    samples = np.concatenate([rgb(film()), np.full((*film().shape, 1), alpha, np.uint8)], axis=2)
    masks = struct.pack("<LLLL", 0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    return bmp(samples[::-1].tobytes(), 448, 344, 32, compression=3, extra=masks.ljust(68, b"\0"), size=108)


def _bmp_of_16(greens: int) -> bytes:
    """BMP with 5 bits of red and blue, and 5 or 6 of green."""
    red = film().astype(np.uint16) >> 3
    green = film().astype(np.uint16) >> (8 - greens)
    rows = (red << (5 + greens)) | (green << 5) | red
    masks = struct.pack("<LLL", 31 << (5 + greens), (2**greens - 1) << 5, 31)
    return bmp(rows[::-1].astype("<u2").tobytes(), 448, 344, 16, compression=3, extra=masks)


MASKS_OF_10_BITS = struct.pack("<LLL", 0x3FF00000, 0xFFC00, 0x3FF)
GREY_TABLE = b"".join(bytes([level, level, level, 0]) for level in range(256))
ODDITIES = (
    Oddity(
        "BMP: alpha 0 everywhere in a header of version 4",
        lambda: _bmp_v4(0),
        READ,
        "alpha with one value hides no part of the film",
    ),
    Oddity("BMP: opaque alpha in a header of version 4", lambda: _bmp_v4(255), READ, "part of the format"),
    Oddity(
        "BMP: 32 bits without alpha",
        lambda: bmp(with_alpha(rgb(film()), 0)[::-1].tobytes(), 448, 344, 32),
        READ,
        "the fourth byte has no meaning",
    ),
    Oddity("BMP: top-down", lambda: bmp(film().tobytes(), 448, -344, 8, extra=GREY_TABLE), READ, "part of the format"),
    Oddity(
        "BMP: without colour planes, resolution and sizes in its header",
        lambda: _bmp_without_sizes(),
        READ,
        "these fields do not change the picture",
    ),
    Oddity(
        "BMP: too many colours declared",
        lambda: _bmp_with_colours(2**31),
        READ,
        "the number of bits limits the colour table",
    ),
    *(
        Oddity(f"BMP: 16 bits, {greens} of them green", partial(_bmp_of_16, greens), READ, "part of the format")
        for greens in (5, 6)
    ),
    Oddity(
        "BMP: 10 bits per channel",
        lambda: bmp(bytes(448 * 344 * 4), 448, 344, 32, compression=3, extra=MASKS_OF_10_BITS),
        refused("unsupported_format", "kind of BMP"),
        "Pillow does not read it",
    ),
    Oddity(
        "WebP: unknown chunk",
        lambda: saved(picture(rgb(film())), "WEBP", lossless=True) + b"ABCD\x05\0\0\0xxxxx\0",
        READ,
        "unknown chunks are not read",
    ),
    Oddity(
        "WebP: alpha 0 everywhere",
        lambda: saved(picture(with_alpha(rgb(film()), 0)), "WEBP", lossless=True, exact=True),
        READ,
        "alpha with one value hides no part of the film",
    ),
    Oddity(
        "WebP: damaged EXIF tags",
        lambda: saved(picture(rgb(film())), "WEBP", lossless=True, exif=b"damaged"),
        warned(ROTATION),
        "the tags may declare a rotation",
    ),
    Oddity(
        "WebP: damaged colour profile",
        lambda: saved(picture(rgb(film())), "WEBP", lossless=True, icc_profile=b"x" * 100_001),
        READ,
        "the profile is not read",
    ),
    Oddity(
        "WebP: wrong size in its header",
        lambda: b"RIFF\xff\xff\xff\x7f" + saved(picture(rgb(film())), "WEBP", lossless=True)[8:],
        READ,
        "the image chunk is complete",
    ),
    Oddity(
        "WebP: cut in its EXIF tags",
        lambda: saved(picture(rgb(film())), "WEBP", lossless=True, exif=b"Exif\0\0" + bytes(1000))[:-500],
        READ,
        "the image chunk is complete",
    ),
    Oddity(
        "WebP: animated",
        lambda: saved(
            picture(rgb(film())), "WEBP", lossless=True, save_all=True, append_images=[picture(rgb(255 - film()))]
        ),
        warned(SEVERAL),
        "the first is used",
    ),
    Oddity("GIF", lambda: saved(film(), "GIF"), READ, "256 grey levels"),
    Oddity(
        "GIF: one grey level of the film is transparent",
        lambda: saved(film(), "GIF", transparency=120),
        READ,
        "inside the film it is a grey level",
    ),
    Oddity(
        "GIF: animated",
        lambda: saved(picture(), "GIF", save_all=True, append_images=[picture(255 - film())]),
        warned(SEVERAL),
        "the first is used",
    ),
    Oddity(
        "GIF: cut at a half",
        lambda: saved(film(), "GIF")[:40_000],
        refused("unreadable_image"),
        "half a film is not answered",
    ),
    Oddity("AVIF", lambda: saved(film(), "AVIF", quality=95), READ, "read where Pillow has its decoder"),
    Oddity(
        "PGM with 8 bits", lambda: b"P5\n# comment\n448 344\n255\n" + film().tobytes(), READ, "DICOM tools write it"
    ),
    Oddity(
        "PGM with 12 bits", lambda: b"P5 448 344 4095\n" + deep(12).astype(">u2").tobytes(), READ, "no bits are lost"
    ),
    Oddity(
        "PGM with 16 bits", lambda: b"P5 448 344 65535\n" + deep(16).astype(">u2").tobytes(), READ, "no bits are lost"
    ),
    Oddity(
        "PGM as text",
        lambda: b"P2\n448 344\n255\n" + "\n".join(" ".join(map(str, row)) for row in film().tolist()).encode(),
        READ,
        "part of the format",
    ),
    Oddity(
        "PGM with 12 bits, little-endian",
        lambda: b"P5 448 344 4095\n" + deep(12).astype("<u2").tobytes(),
        READ,
        "neighbouring pixels are similar in one byte order only",
    ),
    Oddity(
        "PGM: two characters at the end of its header (Windows)",
        lambda: b"P5\r\n448 344\r\n255\r\n" + film().tobytes(),
        READ,
        "the file has the bytes of the samples, and one more",
    ),
    Oddity(
        "PGM: comment at the end of its header",
        lambda: b"P5\n448 344\n255 # made by hand\n" + film().tobytes(),
        READ,
        "the file has the bytes of the samples, and those of the comment",
    ),
    Oddity("PGM: comment at once", lambda: b"P5# a\n448 344\n255\n" + film().tobytes(), READ, "part of the format"),
    Oddity(
        "PPM with 12 bits, little-endian",
        lambda: b"P6 448 344 4095\n" + rgb(deep(12)).astype("<u2").tobytes(),
        READ,
        "neighbouring pixels are similar in one byte order only",
    ),
    Oddity("PPM", lambda: b"P6\n448 344\n255\n" + rgb(film()).tobytes(), READ, "part of the format"),
    Oddity(
        "PGM: cut at a half",
        lambda: b"P5\n448 344\n255\n" + film().tobytes()[:70_000],
        refused("unreadable_image", "truncated"),
        "half a film is not answered",
    ),
)


def _bmp_with_colours(count: int) -> bytes:
    data = bytearray(bmp(film()[::-1].tobytes(), 448, 344, 8, extra=GREY_TABLE))
    data[46:50] = struct.pack("<L", count)
    return bytes(data)


def _bmp_without_sizes() -> bytes:
    data = bytearray(bmp(film()[::-1].tobytes(), 448, 344, 8, extra=GREY_TABLE))
    data[2:10] = bytes(8)  # size of the file, reserved
    data[26:28] = bytes(2)  # planes
    data[34:54] = bytes(20)  # size of the image, resolution, colours
    return bytes(data)


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_the_result_is_the_documented_one(oddity: Oddity, predictor: Predictor) -> None:
    check(oddity, predictor, film())
