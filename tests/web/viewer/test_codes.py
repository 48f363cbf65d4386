"""The numbers of a film's pixels in the viewer, and its windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from pneumonia import imaging
from pneumonia.imaging import FilmValues
from pneumonia.web.viewer import codes, windows
from tests.support.dicom_files import dicom


def deep_film(*, signed: bool = False) -> Any:
    """A film of 12 bits `[120, 100]` with a gradient and a bright disc."""
    rows, columns = np.indices((120, 100))
    film = 300 + 20 * rows + 5 * columns + 600 * (np.hypot(rows - 60, columns - 50) < 30)
    return film.astype(np.int16) - 1024 if signed else film.astype(np.uint16)


def shown(film: FilmValues) -> tuple[codes.Codes, windows.GreyScale]:
    numbers = codes.to_codes(film)
    return numbers, windows.grey_scale(numbers, film.film, None)


def grey_of(numbers: codes.Codes, scale: windows.GreyScale, window: windows.Window) -> Any:
    """The grey levels that the script draws: `window_level.js` in numpy."""
    share = np.clip((numbers.codes - window.low) / (window.high - window.low), 0, 1)
    if window.curve is None:
        levels = 255 * share
    else:
        levels = np.interp(share * (len(window.curve) - 1), np.arange(len(window.curve)), window.curve)
    levels = 255 - levels if scale.is_inverted else levels
    if numbers.padding is not None:
        levels = np.where(numbers.codes == numbers.padding, 0, levels)
    return levels


DICOM = {
    "12 bits": dicom(deep_film(), BitsStored=12),
    "signed": dicom(deep_film(signed=True)),
    "window": dicom(deep_film(), BitsStored=12, WindowCenter="1500", WindowWidth="2000"),
    "sigmoid": dicom(deep_film(), BitsStored=12, WindowCenter="1500", WindowWidth="2000", VOILUTFunction="SIGMOID"),
    "rescale": dicom(
        deep_film(), BitsStored=12, RescaleSlope="2", RescaleIntercept="-1024", WindowCenter="2000", WindowWidth="4000"
    ),
    "MONOCHROME1": dicom(deep_film(), BitsStored=12, PhotometricInterpretation="MONOCHROME1"),
    "MONOCHROME1 with a window": dicom(
        deep_film(), BitsStored=12, PhotometricInterpretation="MONOCHROME1", WindowCenter="1500", WindowWidth="2000"
    ),
    "8 bits": dicom((deep_film() >> 4).astype(np.uint8)),
}


@pytest.mark.parametrize("kind", DICOM)
def test_the_first_window_shows_the_film_as_every_other_part_of_the_package(kind: str) -> None:
    film = imaging.read_values(DICOM[kind])
    numbers, scale = shown(film)
    difference = np.abs(grey_of(numbers, scale, scale.windows[0]) - imaging.to_display(film.film))
    assert difference.max() <= 3


@pytest.mark.parametrize("kind", DICOM)
def test_a_code_is_the_stored_value(kind: str) -> None:
    film = imaging.read_values(DICOM[kind])
    numbers = codes.to_codes(film)
    stored = deep_film(signed=kind == "signed") >> (4 if kind == "8 bits" else 0)
    assert np.array_equal(numbers.codes.astype(int) + numbers.first, stored)
    assert film.kind is imaging.ValueKind.STORED


def test_the_rescale_and_the_distance_of_pixels_are_those_of_the_header() -> None:
    film = imaging.read_values(
        dicom(deep_film(), RescaleSlope="0.5", RescaleIntercept="-3", ImagerPixelSpacing=["0.2", "0.1"])
    )
    assert film.rescale == (0.5, -3)
    assert film.spacing == (0.2, 0.1)
    assert imaging.read_values(DICOM["12 bits"]).rescale is None
    assert imaging.read_values(DICOM["12 bits"]).spacing is None
    assert imaging.read_values(dicom(deep_film(), PixelSpacing=["0", "-1"])).spacing is None


@pytest.mark.parametrize("interpretation", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_in_every_window(interpretation: str) -> None:
    stored = deep_film()
    stored[:, :20] = 0
    film = imaging.read_values(
        dicom(stored, BitsStored=12, PixelPaddingValue=0, PhotometricInterpretation=interpretation)
    )
    numbers, scale = shown(film)
    assert numbers.padding == 0
    assert (numbers.codes[:, :20] == 0).all()
    for window in scale.windows:
        levels = grey_of(numbers, scale, window)
        assert (levels[:, :20] == 0).all()
        assert levels[:, 20:].std() > 10, "the padding does not take part in the window"


def test_deep_and_broken_values_are_scaled_to_16_bits() -> None:
    film = imaging.read_values(
        dicom(deep_film().astype(np.uint32) * 70_000, syntax=ExplicitVRLittleEndian, BitsStored=32)
    )
    assert film.kind is imaging.ValueKind.SCALED
    assert codes.to_codes(film).codes.dtype == np.uint16


def test_a_colour_image_has_grey_levels(encode: Any) -> None:
    colour = np.zeros((80, 90, 3), np.uint8)
    colour[..., 0], colour[..., 2] = 200, np.arange(90)
    film = imaging.read_values(encode(colour, "PNG"))
    assert film.kind is imaging.ValueKind.GREY_OF_COLOUR


FILES = {
    "a film that uses little of its scale": (30_000 + deep_film()).astype(np.uint16),
    "a marker far above the film": np.where(np.indices((120, 100))[0] < 2, 65_535, deep_film()).astype(np.uint16),
    "16 bits": (deep_film() * 20).astype(np.uint16),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_a_picture_has_the_values_of_its_file(name: str, file_format: str, encode: Any) -> None:
    """Also where the film is stretched or outliers are limited for the model and for the display."""
    film = imaging.read_values(encode(FILES[name], file_format))
    numbers, scale = shown(film)
    assert film.kind is imaging.ValueKind.STORED
    assert np.array_equal(numbers.codes.astype(int) + numbers.first, FILES[name])
    difference = np.abs(grey_of(numbers, scale, scale.windows[0]) - imaging.to_display(film.film))
    assert np.percentile(difference, 99) <= 3


def test_fractions_are_scaled(encode: Any) -> None:
    assert imaging.read_values(encode((deep_film() / 4096).astype(np.float32), "TIFF")).kind is imaging.ValueKind.SCALED


def test_a_small_film_that_the_model_refuses_has_values(encode: Any) -> None:
    film = imaging.read_values(encode(np.arange(900, dtype=np.uint8).reshape(30, 30) % 200, "PNG"))
    assert film.values.shape == (30, 30)


@pytest.mark.parametrize(
    ("size", "factor"), [((3000, 2500), 1), ((4300, 4300), 1), ((8944, 8944), 2), ((64, 20_000), 3)]
)
def test_only_larger_films_than_detectors_have_are_reduced(size: tuple[int, int], factor: int) -> None:
    assert codes.reduction(*size) == factor


def test_a_reduced_film_has_the_means_of_its_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "MAX_PIXELS", 4000)
    film = imaging.read_values(DICOM["12 bits"])
    numbers = codes.to_codes(film)
    assert numbers.factor == 2
    assert numbers.codes.shape == (60, 50)
    assert abs(numbers.codes[10, 7] + numbers.first - deep_film()[20:22, 14:16].mean()) <= 0.5
    assert windows.grey_scale(numbers, film.film, None).windows[0].high > 0


def test_a_constant_film_has_windows(encode: Any) -> None:
    film = imaging.read_values(encode(np.full((100, 100), 90, np.uint8), "PNG"))
    _, scale = shown(film)
    assert all(window.high > window.low for window in scale.windows)
