"""TIFF files with unusual layouts of samples and pages, and damaged tags, and what each gets; see docs/inputs.md."""

from __future__ import annotations

import struct
import zlib
from functools import partial
from typing import Any

import numpy as np
import pytest

from pneumonia import Predictor
from tests.support.odd_films import LARGEST, SEVERAL, deep, film, picture, rgb, with_alpha
from tests.support.oddities import READ, Oddity, check, refused, warned
from tests.support.picture_files import (
    ASCII,
    BYTE,
    DOUBLE,
    LONG,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Order,
    Samples,
    packed_bits,
    saved,
    tags_of,
    tiff,
    tiff_of,
)


def _thumbnail(side: int = 4) -> Samples:
    return film()[::side, ::side].copy()


def _page(samples: Samples, **changed: Any) -> tuple[bytes, list[Any]]:
    return samples.tobytes(), tags_of(samples, samples.tobytes(), **changed)


def _white_zero(samples: Samples, bits: int) -> Samples:
    inverted: Samples = (2**bits - 1 - samples).astype(samples.dtype)
    return inverted


def _nested() -> bytes:
    """A thumbnail whose tag SubIFDs refers to the film."""
    data = bytearray(tiff([_page(film()), _page(_thumbnail(), t330=(LONG, [0]))]))
    first = struct.unpack_from("<L", data, 4)[0]
    count = struct.unpack_from("<H", data, first)[0]
    second = struct.unpack_from("<L", data, first + 2 + 12 * count)[0]
    struct.pack_into("<L", data, first + 2 + 12 * count, 0)
    at = data.index(struct.pack("<HHL", 330, 4, 1), second)
    struct.pack_into("<L", data, at + 8, first)
    struct.pack_into("<L", data, 4, second)
    return bytes(data)


def _packed(bits: int) -> bytes:
    return tiff_of(film(), data=_raw(bits), t258=(SHORT, [bits]))


def _inverted(bits: int) -> bytes:
    return tiff_of(_white_zero(deep(bits), bits), t262=(SHORT, [0]))


def _compressed(name: str) -> bytes:
    return saved(film(), "TIFF", compression=name)


def _raw(bits: int) -> bytes:
    return packed_bits(np.rint(film() * ((2**bits - 1) / 255)).astype(np.uint32), bits)


ODDITIES = (
    Oddity("TIFF: RGB with 12 bits in 16", lambda: tiff_of(rgb(deep(12))), READ, "no bits are lost"),
    Oddity(
        "TIFF: RGB with 12 bits in 16, big-endian", lambda: tiff_of(rgb(deep(12)), order=">"), READ, "no bits are lost"
    ),
    Oddity(
        "TIFF: RGB with 16 bits and alpha",
        lambda: tiff_of(with_alpha(rgb(deep(16)), 65535), t338=(SHORT, [2])),
        READ,
        "no bits are lost",
    ),
    Oddity(
        "TIFF: grey with 12 bits in 16 and alpha",
        lambda: tiff_of(with_alpha(deep(12), 65535), t338=(SHORT, [2])),
        READ,
        "no bits are lost",
    ),
    Oddity("TIFF: RGB with 12 bits in 16, in planes", lambda: _planes(rgb(deep(12))), READ, "no bits are lost"),
    Oddity(
        "TIFF: unsigned 32 bits that hold 12", lambda: tiff_of(deep(12).astype(np.uint32)), READ, "the values are kept"
    ),
    Oddity(
        "TIFF: unsigned 32 bits in full",
        lambda: tiff_of(film().astype(np.uint32) * 0x01010101),
        READ,
        "scaled by the range of the type",
    ),
    Oddity("TIFF: unsigned 64 bits", lambda: tiff_of(deep(16).astype(np.uint64)), READ, "the values are kept"),
    Oddity("TIFF: float with 64 bits in 0..1", lambda: tiff_of(film() / 255), READ, "1 is white"),
    Oddity(
        "TIFF: float with 64 bits and whole numbers",
        lambda: tiff_of(film().astype(np.float64)),
        READ,
        "whole numbers are the values of a film",
    ),
    Oddity(
        "TIFF: float with 32 bits and 12-bit numbers, big-endian",
        lambda: tiff_of(deep(12).astype(np.float32), order=">"),
        READ,
        "whole numbers are the values of a film",
    ),
    Oddity("TIFF: float with 16 bits", lambda: tiff_of((film() / 255).astype(np.float16)), READ, "1 is white"),
    Oddity(
        "TIFF: signed 8 bits", lambda: tiff_of((film().astype(np.int16) - 128).astype(np.int8)), READ, "-128 is black"
    ),
    Oddity(
        "TIFF: signed 16 bits without negative values",
        lambda: tiff_of(deep(12).astype(np.int16)),
        READ,
        "the values are kept",
    ),
    *(
        Oddity(
            f"TIFF: {bits} bits, packed",
            partial(_packed, bits),
            READ,
            "any number of bits is read",
        )
        for bits in (6, 7, 10, 12, 14, 24)
    ),
    Oddity(
        "TIFF: 12 bits, packed, big-endian",
        lambda: tiff_of(film(), data=_raw(12), order=">", t258=(SHORT, [12])),
        READ,
        "any number of bits is read",
    ),
    *(
        Oddity(
            f"TIFF: white is zero, {bits} bits",
            partial(_inverted, bits),
            READ,
            "inverted",
        )
        for bits in (12, 16)
    ),
    Oddity("TIFF: white is zero, 8 bits", lambda: tiff_of(_white_zero(film(), 8), t262=(SHORT, [0])), READ, "inverted"),
    Oddity(
        "TIFF: white is zero, 12 bits packed",
        lambda: tiff_of(film(), data=packed_bits(_white_zero(deep(12), 12), 12), t258=(SHORT, [12]), t262=(SHORT, [0])),
        READ,
        "inverted",
    ),
    Oddity("TIFF: white is zero, float", lambda: tiff_of(1 - film() / 255, t262=(SHORT, [0])), READ, "inverted"),
    Oddity(
        "TIFF: white is zero, 8 bits with alpha",
        lambda: tiff_of(with_alpha(_white_zero(film(), 8), 255), t262=(SHORT, [0]), t338=(SHORT, [2])),
        READ,
        "inverted",
    ),
    Oddity(
        "TIFF: bits in reversed order",
        lambda: tiff_of(
            film(), data=np.packbits(np.unpackbits(film()).reshape(-1, 8)[:, ::-1]).tobytes(), t266=(SHORT, [2])
        ),
        READ,
        "FillOrder 2",
    ),
    Oddity(
        "TIFF: without photometric interpretation",
        lambda: tiff_of(film(), t262=None),
        READ,
        "black is zero, as in libtiff",
    ),
    Oddity(
        "TIFF: unknown photometric interpretation", lambda: tiff_of(film(), t262=(SHORT, [99])), READ, "black is zero"
    ),
    Oddity(
        "TIFF: alpha 0 everywhere, unassociated",
        lambda: tiff_of(with_alpha(rgb(film()), 0), t338=(SHORT, [2])),
        READ,
        "alpha with one value hides no part of the film",
    ),
    Oddity(
        "TIFF: alpha 0 everywhere, associated",
        lambda: tiff_of(with_alpha(rgb(film()), 0), t338=(SHORT, [1])),
        READ,
        "the colours are premultiplied already",
    ),
    Oddity(
        "TIFF: alpha 0 everywhere, undeclared",
        lambda: tiff_of(with_alpha(rgb(film()), 0)),
        READ,
        "alpha with one value hides no part of the film",
    ),
    Oddity(
        "TIFF: grey with an unspecified extra sample",
        lambda: tiff_of(with_alpha(film(), 7), t338=(SHORT, [0])),
        READ,
        "the extra sample is not read",
    ),
    Oddity(
        "TIFF: first page is a thumbnail",
        lambda: tiff([_page(_thumbnail()), _page(film())]),
        warned(LARGEST),
        "a thumbnail shows no detail",
    ),
    Oddity(
        "TIFF: first page is a thumbnail by its tag",
        lambda: tiff([_page(film()[:300, :400].copy(), t254=(LONG, [1])), _page(film())]),
        warned(LARGEST),
        "the tag declares it",
    ),
    Oddity("TIFF: film in a sub-directory of a thumbnail", _nested, warned(LARGEST), "a thumbnail shows no detail"),
    Oddity(
        "TIFF: film, then a thumbnail",
        lambda: tiff([_page(film()), _page(_thumbnail())]),
        warned(SEVERAL),
        "the first is the film",
    ),
    Oddity(
        "TIFF: two pages of one size",
        lambda: tiff([_page(film()), _page(film()[:, ::-1].copy())]),
        warned(SEVERAL),
        "the first is used",
    ),
    Oddity("TIFF: next page outside the file", lambda: _next_page_outside(), READ, "the first is complete"),
    Oddity(
        "TIFF: tags with offsets outside the file",
        lambda: tiff_of(film(), t34665=(LONG, [2**31]), t34675=(UNDEFINED, [1] * 9), t700=(BYTE, [1] * 9)).replace(
            struct.pack("<HHL", 700, 1, 9), struct.pack("<HHL", 700, 1, 2**30)
        ),
        READ,
        "the tags are not read",
    ),
    Oddity(
        "TIFF: unknown types of metadata tags",
        lambda: tiff_of(film(), t305=(99, [1]), t306=(0, [1]), t270=(65_535, [1])),
        READ,
        "the tags are not read",
    ),
    Oddity(
        "TIFF: resolution without value",
        lambda: tiff_of(film(), t282=(RATIONAL, []), t283=(ASCII, [0])),
        READ,
        "the resolution is not read",
    ),
    Oddity(
        "TIFF: numbers of another type",
        lambda: tiff_of(film(), t256=(DOUBLE, [448.0]), t257=(RATIONAL, [344, 1]), t258=(LONG, [8]), t277=(BYTE, [1])),
        READ,
        "the value is clear",
    ),
    Oddity(
        "TIFF: one value of BitsPerSample for three samples",
        lambda: tiff_of(rgb(film()), t258=(SHORT, [8])),
        READ,
        "it holds for all samples",
    ),
    Oddity(
        "TIFF: without sizes of the strips",
        lambda: tiff_of(film(), t279=None, t278=None),
        READ,
        "the strip ends with the image",
    ),
    Oddity(
        "TIFF: sizes of the strips beyond the file",
        lambda: tiff_of(film(), t279=(LONG, [2**31])),
        READ,
        "the strip ends with the image",
    ),
    Oddity(
        "TIFF: deflate without sizes of the strips",
        lambda: tiff_of(film(), data=zlib.compress(film().tobytes()), t259=(SHORT, [8]), t279=None),
        READ,
        "the strip ends with its data",
    ),
    Oddity(
        "TIFF: deflate, 12 bits, with differences", lambda: _with_differences(deep(12)), READ, "the predictor is undone"
    ),
    Oddity(
        "TIFF: deflate, RGB 16 bits, with differences, big-endian",
        lambda: _with_differences(rgb(deep(16)), ">"),
        READ,
        "the predictor is undone",
    ),
    Oddity(
        "TIFF: deflate, float, with differences",
        lambda: _with_float_differences((film() / 255).astype(np.float32)),
        READ,
        "the predictor is undone",
    ),
    Oddity("TIFF: tiles with 16 bits", lambda: _tiled(deep(12)), READ, "part of the standard"),
    Oddity("TIFF: BigTIFF with 12 bits in RGB", lambda: tiff_of(rgb(deep(12)), big=True), READ, "part of the standard"),
    *(
        Oddity(
            f"TIFF: compression {name}",
            partial(_compressed, name),
            READ,
            "part of the standard",
        )
        for name in ("tiff_lzw", "tiff_deflate", "packbits", "lzma", "zstd", "jpeg")
    ),
    Oddity(
        "TIFF: colour table of 8 bits in a field of 16", lambda: _with_byte_colour_map(), READ, "scaled as in libtiff"
    ),
    Oddity(
        "TIFF: YCbCr without compression",
        lambda: saved(picture(rgb(film())).convert("YCbCr"), "TIFF"),
        READ,
        "part of the standard, where chroma is not subsampled",
    ),
    Oddity(
        "TIFF: 12 bits declared, 16 stored",
        lambda: tiff_of(deep(12), t258=(SHORT, [12])),
        READ,
        "the size of the strips decides",
    ),
    Oddity("TIFF: without BitsPerSample", lambda: tiff_of(film(), t258=None), READ, "the size of the strips decides"),
    Oddity(
        "TIFF: unsigned samples declared as signed, 8 bits",
        lambda: tiff_of(film(), t339=(SHORT, [2])),
        READ,
        "neighbouring pixels are similar as unsigned only",
    ),
    Oddity(
        "TIFF: unsigned samples declared as signed, 16 bits",
        lambda: tiff_of(deep(16), t339=(SHORT, [2])),
        READ,
        "neighbouring pixels are similar as unsigned only",
    ),
    Oddity(
        "TIFF: predictor without compression",
        lambda: tiff_of(film(), t317=(SHORT, [2])),
        READ,
        "it has no meaning without compression, as in libtiff",
    ),
    Oddity("TIFF: CMYK", lambda: saved(picture(rgb(film())).convert("CMYK"), "TIFF"), READ, "part of the standard"),
    Oddity(
        "TIFF: half of the image data",
        lambda: tiff_of(film(), data=film().tobytes()[:70_000], t279=(LONG, [344 * 448])),
        refused("unreadable_image"),
        "half a film is not answered",
    ),
    Oddity(
        "TIFF: detector that declares a colour filter array without colours",
        lambda: tiff_of(deep(12), t262=(SHORT, [32_803])),
        READ,
        "some X-ray detectors write it",
    ),
    Oddity(
        "TIFF: CMYK with alpha",
        lambda: tiff_of(_cmyk_with_alpha(), t262=(SHORT, [5]), t338=(SHORT, [1])),
        READ,
        "the colours are read, the fifth sample is not",
    ),
    Oddity(
        "TIFF: camera raw (colour filter array)",
        lambda: tiff(
            [_page(_thumbnail()), _page(deep(12), t262=(SHORT, [32_803]), t33422=(BYTE, [0, 1, 1, 2]))],
        ),
        refused("unsupported_format", "camera raw"),
        "it shows a mosaic of colours",
    ),
    Oddity(
        "TIFF: complex numbers",
        lambda: tiff_of(deep(16), t339=(SHORT, [6])),
        refused("unsupported_format", "layout"),
        "not a picture",
    ),
    Oddity(
        "TIFF: JPEG 2000 inside",
        lambda: tiff_of(film(), t259=(SHORT, [34_712])),
        refused("unsupported_format", "compression"),
        "libtiff does not decode it",
    ),
)


def _planes(samples: Samples) -> bytes:
    planes = np.ascontiguousarray(np.moveaxis(samples, 2, 0))
    size = planes[0].nbytes
    tags = tags_of(samples, planes.tobytes(), t284=(SHORT, [2]), t279=(LONG, [size] * 3))
    data = tiff([(planes.tobytes(), [(330, LONG, [8, 8 + size, 8 + 2 * size]), *tags])])
    at = data.index(struct.pack("<HHL", 273, 4, 1))
    nested = data.index(struct.pack("<HHL", 330, 4, 3))
    file = bytearray(data)
    file[at + 4 : at + 12] = data[nested + 4 : nested + 12]
    file[nested : nested + 2] = struct.pack("<H", 40_000)
    return bytes(file)


def _next_page_outside() -> bytes:
    data = bytearray(tiff([_page(film()), _page(film())]))
    first = struct.unpack_from("<L", data, 4)[0]
    count = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<L", data, first + 2 + 12 * count, 2**31)
    return bytes(data)


def _with_differences(samples: Samples, order: Order = "<") -> bytes:
    differences = np.diff(samples, axis=1, prepend=np.zeros_like(samples[:, :1]))
    stored = zlib.compress(differences.astype(samples.dtype.newbyteorder(order)).tobytes())
    return tiff_of(samples, order=order, data=stored, t259=(SHORT, [8]), t317=(SHORT, [2]))


def _with_float_differences(samples: Samples) -> bytes:
    planes = (
        samples.astype(">f4").view(np.uint8).reshape(*samples.shape, 4).transpose(0, 2, 1).reshape(len(samples), -1)
    )
    differences = np.diff(planes, axis=1, prepend=np.zeros((len(planes), 1), np.uint8))
    return tiff_of(samples, data=zlib.compress(differences.tobytes()), t259=(SHORT, [8]), t317=(SHORT, [3]))


def _tiled(samples: Samples, side: int = 64) -> bytes:
    """Uncompressed tiles; the image is filled up at the right and below."""
    height, width = (-(-length // side) * side for length in samples.shape)
    padded = np.zeros((height, width), samples.dtype)
    padded[: samples.shape[0], : samples.shape[1]] = samples
    tiles = padded.reshape(height // side, side, width // side, side).swapaxes(1, 2).reshape(-1, side, side)
    size = tiles[0].nbytes
    offsets = [8 + index * size for index in range(len(tiles))]
    tiled: dict[str, Any] = {
        "t322": (SHORT, [side]),
        "t323": (SHORT, [side]),
        "t324": (LONG, offsets),
        "t325": (LONG, [size] * len(tiles)),
    }
    return tiff_of(samples, data=tiles.tobytes(), t273=None, t278=None, t279=None, **tiled)


def _cmyk_with_alpha() -> Samples:
    inks = np.asarray(picture(rgb(film())).convert("CMYK"))
    return np.concatenate([inks, np.full((*film().shape, 1), 9, np.uint8)], axis=2)


def _with_byte_colour_map() -> bytes:
    return tiff_of(film(), t262=(SHORT, [3]), t320=(SHORT, [level for _ in range(3) for level in range(256)]))


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_the_result_is_the_documented_one(oddity: Oddity, predictor: Predictor) -> None:
    check(oddity, predictor, film())
