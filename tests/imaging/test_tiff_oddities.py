"""TIFF files with unusual pages, tags, strips and compressions, and what each gets; see docs/inputs.md."""

from __future__ import annotations

import struct
import zlib
from functools import partial
from typing import Any

import numpy as np
import pytest

from pneumonia import Predictor
from tests.support.odd_films import LARGEST, SEVERAL, deep, film, picture, rgb
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


def _unwritten(*values: int) -> bytes:
    """A film in two strips, of which the second has these numbers as offset and size, as in sparse files."""
    whole = film().tobytes()
    numbers = (8 + len(whole) // 2, len(whole) // 2)
    offset, size = (*values, *numbers[len(values) :])
    tags = tags_of(film(), whole, t278=(LONG, [172]), t279=(LONG, [len(whole) // 2, size]))
    listed = [(273, LONG, [8, offset]) if tag[0] == 273 else tag for tag in tags]
    # `tiff` fills in tag 273, so the list has another number until then.
    data = tiff([(whole, sorted((272 if tag[0] == 273 else tag[0], *tag[1:]) for tag in listed))])
    return data.replace(struct.pack("<HHL", 272, LONG, 2), struct.pack("<HHL", 273, LONG, 2))


def _compressed(name: str) -> bytes:
    return saved(film(), "TIFF", compression=name)


ODDITIES = (
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
    Oddity(
        "TIFF: samples of 16 bits in big-endian, in a little-endian file",
        lambda: tiff_of(deep(12), data=deep(12).astype(">u2").tobytes()),
        READ,
        "neighbouring pixels are similar in one byte order only",
    ),
    Oddity(
        "TIFF: samples of 16 bits in little-endian, in a big-endian file",
        lambda: tiff_of(deep(12), order=">", data=deep(12).astype("<u2").tobytes()),
        READ,
        "neighbouring pixels are similar in one byte order only",
    ),
    Oddity(
        "TIFF: a strip that was not written (offset 0)",
        lambda: _unwritten(0),
        refused("unreadable_image", "truncated"),
        "a part of a film is not answered",
    ),
    Oddity(
        "TIFF: a strip that was not written (offset and size 0)",
        lambda: _unwritten(0, 0),
        refused("unreadable_image", "truncated"),
        "a part of a film is not answered",
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
