"""Intensity scale of deep films: outliers, borders and unused parts of the scale, in image files, arrays and DICOM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from pneumonia import Predictor
from pneumonia.imaging import read, to_input
from pneumonia.imaging.intensity import film_range, full_scale, look_up, to_uint16
from tests.support.dicom_files import dicom

Grey = npt.NDArray[np.uint8]
Deep = npt.NDArray[np.uint16]
Encode = Callable[..., bytes]


@pytest.fixture(scope="module")
def film(full_range_film: Grey) -> Grey:
    return full_range_film


def twelve_bits(film: Grey) -> Deep:
    deep: Deep = np.rint(film * (4095 / 255)).astype(np.uint16)
    return deep


def largest_difference(source: Any, plain: Grey) -> int:
    """Between the model inputs of a source and of the plain 8-bit film, in grey levels."""
    return int(np.abs(to_input(read(source)).astype(np.int16) - to_input(read(plain))).max())


def hot_pixel(deep: Deep, plain: Grey) -> None:
    deep[300, 200], plain[300, 200] = 65535, 255


def hot_pixels(deep: Deep, plain: Grey) -> None:
    """A thousandth of the pixels, at different values."""
    generator = np.random.default_rng(3)
    where = generator.integers(0, deep.size, deep.size // 1000)
    deep.flat[where], plain.flat[where] = generator.integers(20_000, 65_536, len(where)), 255


def hot_column(deep: Deep, plain: Grey) -> None:
    deep[:, 100], plain[:, 100] = 65535, 255


def marker(deep: Deep, plain: Grey) -> None:
    deep[20:90, 20:70], plain[20:90, 20:70] = 65535, 255


def marker_with_soft_edges(deep: Deep, plain: Grey) -> None:
    marker(deep, plain)
    deep[20:90, 20], plain[20:90, 20] = 30_000, 255


def marker_of_13_bits(deep: Deep, plain: Grey) -> None:
    deep[20:90, 20:70], plain[20:90, 20:70] = 8191, 255


def hot_pixels_of_every_value(deep: Deep, plain: Grey) -> None:
    generator = np.random.default_rng(3)
    where = generator.integers(0, deep.size, deep.size // 3000)
    deep.flat[where], plain.flat[where] = generator.integers(5000, 65_536, len(where)), 255


def hot_pixel_just_above(deep: Deep, plain: Grey) -> None:
    deep[300, 200], plain[300, 200] = 4200, 255


def text(deep: Deep, plain: Grey) -> None:
    """With soft edges of all values between those of the film and of the text."""
    picture = Image.new("L", (300, 30), 0)
    ImageDraw.Draw(picture).text((5, 5), "L  PORTABLE 12:30", fill=255, font_size=24)
    share = np.asarray(picture) / 255
    deep[10:40, 10:310] = np.rint(deep[10:40, 10:310] * (1 - share) + 65535 * share)
    plain[10:40, 10:310] = np.rint(np.minimum(deep[10:40, 10:310], 4095) * (255 / 4095))


def large_marker_of_14_bits(deep: Deep, plain: Grey) -> None:
    deep[:150, :200], plain[:150, :200] = 16383, 255


DEFECTS = [
    hot_pixel,
    hot_pixels,
    hot_pixels_of_every_value,
    hot_pixel_just_above,
    hot_column,
    marker,
    marker_with_soft_edges,
    marker_of_13_bits,
    large_marker_of_14_bits,
    text,
]


@pytest.mark.parametrize("kind", ["array", "PNG", "TIFF", "DICOM", "negative DICOM", "signed DICOM"])
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_values_far_above_the_film_are_white_and_do_not_darken_it(
    defect: Callable[[Deep, Grey], None], kind: str, film: Grey, encode: Encode
) -> None:
    plain, deep = film.copy(), twelve_bits(film)
    defect(deep, plain)
    if kind == "array":
        assert largest_difference(deep, plain) <= 1
    elif kind in {"PNG", "TIFF"}:
        options = {"compress_level": 1} if kind == "PNG" else {}
        assert largest_difference(encode(deep, kind, **options), plain) <= 1
    elif kind == "DICOM":
        assert largest_difference(dicom(deep), plain) <= 1
    elif kind == "signed DICOM":
        signed = (np.minimum(deep, 32767)).astype(np.int16) - 1000
        # The brightest thousandth of a film that has outliers becomes white.
        assert largest_difference(dicom(signed), plain) <= 8
    else:
        is_hot = deep > 4095
        negative = np.where(is_hot, deep, 4095 - deep).astype(np.uint16)
        black = np.where(is_hot, 0, plain).astype(np.uint8)
        assert largest_difference(dicom(negative, PhotometricInterpretation="MONOCHROME1"), black) <= 1


def test_hot_pixels_do_not_change_the_answer(film: Grey, predictor: Predictor) -> None:
    deep = twelve_bits(film)
    hot_pixels(deep, film.copy())
    expected = predictor.predict(film)
    prediction = predictor.predict(deep)
    assert prediction.label == expected.label
    assert prediction.probability == pytest.approx(expected.probability, abs=0.02)


@pytest.mark.parametrize("border", [0, 65535])
def test_a_film_in_a_small_part_of_the_scale_is_stretched(border: int, film: Grey) -> None:
    narrow = (30_000 + film.astype(np.uint16)).astype(np.uint16)
    assert largest_difference(narrow, film) <= 1
    narrow[:, :300] = border
    bordered = film.copy()
    bordered[:, :300] = 255 if border else 0
    assert largest_difference(narrow, bordered) <= (8 if border else 1)  # the brightest thousandth becomes white


def test_dead_pixels_do_not_decide_what_is_black(film: Grey) -> None:
    narrow = (60_000 + film.astype(np.uint16)).astype(np.uint16)
    narrow.flat[::5000] = 0
    plain = film.copy()
    plain.flat[::5000] = 0
    assert largest_difference(narrow, plain) <= 1


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_an_ordinary_film_keeps_its_values(bits: int, film: Grey) -> None:
    deep = np.rint(film * ((2**bits - 1) / 255)).astype(np.uint16)
    for stored in (deep, deep // 2, deep // 3 + 2**bits // 2):
        np.testing.assert_array_equal(to_uint16(stored), stored)


def test_a_small_object_above_a_dark_film_keeps_its_values() -> None:
    film = np.tile(np.arange(0, 1000, 5, dtype=np.uint16), (200, 1))
    film[:10, :10] = 1900
    np.testing.assert_array_equal(to_uint16(film), film)


def test_a_black_and_white_picture_keeps_its_values() -> None:
    film = np.zeros((200, 200), np.uint16)
    film[:, 150:] = 65535
    np.testing.assert_array_equal(to_uint16(film), film)
    film[50, 50] = 20
    np.testing.assert_array_equal(to_uint16(film), film)


def test_a_nearly_blank_film_is_not_stretched_to_noise() -> None:
    film = np.random.default_rng(0).integers(2000, 2010, (200, 200), dtype=np.uint16)
    np.testing.assert_array_equal(to_uint16(film), film)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "float32"])
def test_the_range_of_a_film_leaves_out_a_border_and_a_marker(dtype: str) -> None:
    film = np.tile(np.arange(200), (200, 1)).astype(dtype) + 1000
    film[:, :80] = 0 if dtype == "uint16" else -5000
    film[:20, 180:] = 30_000
    assert film_range(film, float(film.min()), float(film.max()))[:2] == (1080, 1199)


def test_the_full_scale_is_that_of_the_limited_values(film: Grey) -> None:
    deep = twelve_bits(film)
    deep[0, 0] = 65535
    assert full_scale(to_uint16(deep)) == 4095


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", ">u2"])
@pytest.mark.parametrize("first", [0, 100])
def test_a_table_is_applied_to_each_value(dtype: str, first: int) -> None:
    lowest = first if np.dtype(dtype).kind == "u" else -first
    values = np.random.default_rng(0).integers(lowest, 120, (1100, 1000)).astype(dtype)
    table = np.random.default_rng(1).integers(0, 65536, 121 - lowest).astype(np.uint16)
    np.testing.assert_array_equal(look_up(table, values, lowest), table[values.astype(int) - lowest])
