"""Padding around a film is black, is no part of the model input, and does not take part in the intensity scale."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Predictor
from pneumonia.imaging import Area, read
from pneumonia.imaging.reader import FRAME_WARNING
from tests.support import codestreams
from tests.support.deep_films import deepen, largest_difference
from tests.support.dicom_files import dicom, encapsulated

Grey = npt.NDArray[np.uint8]
MARGIN = ((30, 40), (60, 20))


@pytest.fixture(scope="module")
def film(full_range_film: Grey) -> Grey:
    return full_range_film


PADDING: list[tuple[int, str, dict[str, Any]]] = [
    (65535, "u2", {"PixelPaddingValue": 65535}),
    (65535, "u2", {"PixelPaddingValue": 65535, "BitsStored": 12}),
    (0, "u2", {"PixelPaddingValue": 0, "BitsStored": 12}),
    (4095, "u2", {"PixelPaddingValue": 4095, "BitsStored": 12}),
    (60_000, "u2", {"PixelPaddingValue": 50_000, "PixelPaddingRangeLimit": 65535}),
    (60_000, "u2", {"PixelPaddingValue": 65535, "PixelPaddingRangeLimit": 50_000}),
    (-2000, "i2", {"PixelPaddingValue": -2000}),
    (-2000, "i2", {"PixelPaddingValue": -32768, "PixelPaddingRangeLimit": -1}),
    (-32768, "i2", {"PixelPaddingValue": -32768}),
    (-2000, "i2", {}),
    (-1, "i2", {"PixelPaddingValue": ""}),
]


@pytest.mark.parametrize("window", [{}, {"WindowCenter": 2048, "WindowWidth": 4096}], ids=["no window", "window"])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize(("value", "dtype", "tags"), PADDING, ids=str)
def test_padding_is_black(
    value: int, dtype: str, tags: dict[str, Any], photometric: str, window: dict[str, Any], film: Grey
) -> None:
    stored = (deepen(film) if photometric == "MONOCHROME2" else 4095 - deepen(film)).astype(dtype)
    padded = np.pad(stored, MARGIN, constant_values=value)
    data = dicom(padded, PhotometricInterpretation=photometric, **tags, **window)
    assert largest_difference(data, film) <= 1
    margins = read(data).pixels.copy()
    margins[30:-40, 60:-20] = 0
    assert not margins.any()


def test_padding_of_a_tilted_film_is_black(film: Grey) -> None:
    rows, columns = np.indices(film.shape)
    is_outside = (rows + columns < 300) | (rows - columns > 400)
    negative = 4095 - deepen(film)
    negative[is_outside] = 0
    data = dicom(negative, BitsStored=12, PixelPaddingValue=0, PhotometricInterpretation="MONOCHROME1")
    assert largest_difference(data, np.where(is_outside, 0, film).astype(np.uint8)) <= 1


def test_padding_of_a_compressed_film_is_black(film: Grey) -> None:
    padded = np.pad(4095 - deepen(film), MARGIN, constant_values=0)
    syntax, compress = codestreams.LOSSLESS["JPEG lossless, first order"]
    tags: dict[str, Any] = {"PixelPaddingValue": 0, "PhotometricInterpretation": "MONOCHROME1"}
    data = encapsulated(padded, syntax, compress(padded, 12), BitsStored=12, **tags)
    assert largest_difference(data, film) <= 1


def test_declared_padding_beside_a_dark_film_is_left_out(film: Grey, predictor: Predictor) -> None:
    """A black bar beside air has no step at its end, so that only the tag tells it from the film."""
    fading = np.minimum(np.arange(900), np.arange(900)[::-1]).clip(0, 60) / 60
    dark = (deepen(film) * fading).astype(np.uint16)
    plain = predictor.predict(dicom(dark, BitsStored=12))
    padded = predictor.predict(dicom(np.pad(dark, ((0, 0), (80, 80))), BitsStored=12, PixelPaddingValue=0))
    assert padded.probability == pytest.approx(plain.probability, abs=0.02)
    assert any(warning.startswith(FRAME_WARNING) for warning in padded.warnings)


def test_one_row_of_padding_is_no_frame(film: Grey) -> None:
    padded = np.pad(deepen(film), ((1, 1), (0, 0)), constant_values=4095)
    assert read(dicom(padded, BitsStored=12, PixelPaddingValue=4095)).warnings == ()


@pytest.mark.parametrize("area", [Area(), Area(0.2, 0.1, 0.7, 0.6)])
def test_an_area_inside_another_one(area: Area) -> None:
    outer = Area(0.5, 0.0, 1.0, 0.5)
    inner = Area(0.5 + area.left / 2, area.top / 2, 0.5 + area.right / 2, area.bottom / 2)
    assert astuple(area.inside(outer)) == pytest.approx(astuple(inner))


@pytest.mark.parametrize("value", [0, 1000, 2008, 4095])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_a_padding_value_inside_the_film_is_a_grey_value(photometric: str, value: int, film: Grey) -> None:
    stored = deepen(film) if photometric == "MONOCHROME2" else 4095 - deepen(film)
    stored[200:300, 300:400] = value
    data = dicom(stored, BitsStored=12, PhotometricInterpretation=photometric)
    with_tag = dicom(stored, BitsStored=12, PhotometricInterpretation=photometric, PixelPaddingValue=value)
    np.testing.assert_array_equal(read(with_tag).pixels[20:-20, 20:-20], read(data).pixels[20:-20, 20:-20])
    assert largest_difference(with_tag, data) <= 12  # single pixels at the edges


@pytest.mark.parametrize(
    "tags",
    [
        {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 4095},
        {"PixelPaddingValue": 30_000},
        {"PixelPaddingValue": None, "PixelPaddingRangeLimit": 100},
    ],
    ids=str,
)
def test_padding_of_the_whole_film_or_of_nothing_is_ignored(tags: dict[str, Any], film: Grey) -> None:
    assert largest_difference(dicom(deepen(film), BitsStored=12, **tags), film) <= 1
