"""TIFF files with unusual types, depths, polarity and alpha of samples, and what each gets; see docs/inputs.md."""

from __future__ import annotations

import struct
from functools import partial

import numpy as np
import pytest

from pneumonia import Predictor
from tests.support.odd_films import deep, film, rgb, with_alpha
from tests.support.oddities import READ, Oddity, check
from tests.support.picture_files import (
    LONG,
    SHORT,
    Samples,
    packed_bits,
    tags_of,
    tiff,
    tiff_of,
)


def _white_zero(samples: Samples, bits: int) -> Samples:
    inverted: Samples = (2**bits - 1 - samples).astype(samples.dtype)
    return inverted


def _packed(bits: int) -> bytes:
    return tiff_of(film(), data=_raw(bits), t258=(SHORT, [bits]))


def _inverted(bits: int) -> bytes:
    return tiff_of(_white_zero(deep(bits), bits), t262=(SHORT, [0]))


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


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_the_result_is_the_documented_one(oddity: Oddity, predictor: Predictor) -> None:
    check(oddity, predictor, film())
