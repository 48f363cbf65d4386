"""One malformed element costs no film whose pixels are whole, and is reported where it changes the picture."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from pneumonia import Predictor
from pneumonia.errors import UnreadableImage, UnsupportedDicom
from pneumonia.imaging import read
from pneumonia.imaging.dicom import number_parser
from pneumonia.imaging.dicom.native_pixels import DEPTH_WARNING, EXCESS_WARNING, LAST_PIXELS_WARNING
from pneumonia.imaging.dicom.optional_numbers import RESCALE_WARNING, WINDOW_WARNING
from pneumonia.imaging.dicom.photometric import PHOTOMETRIC_WARNING
from tests.support.dicom_bytes import PIXEL_DATA, explicit, replaced
from tests.support.dicom_files import dicom
from tests.support.patterns import pattern

FILM = pattern()
DEEP = FILM.astype(np.uint16) * 16 + 3
TAGS: dict[str, Any] = {"BitsStored": 12, "RescaleSlope": "1", "RescaleIntercept": "0"}
WINDOW: dict[str, Any] = {**TAGS, "WindowCenter": "2048", "WindowWidth": "4000"}
CENTER, WIDTH, INTERCEPT, SLOPE = ((0x28, 0x1050 + number) for number in range(4))
PHOTOMETRIC = (0x28, 0x04)
WINDOWED = dicom(DEEP, **WINDOW)
SHOWN = read(WINDOWED).pixels

DECIMALS = [
    "2048,0",
    " 2048 ",
    "2048.0 HU",
    "2.048E3",
    "2.048D+03",
    "+2048",
    "2048\\2048",
    "2048\\abc",
    "2048\0",
    "02048",
]
DECIMALS += ["02048", "2048.000000000000000000001", "2048.", "2048,", '"2048"', "2048;99", "\\2048"]


@pytest.mark.parametrize("text", DECIMALS)
def test_a_window_is_read_in_every_spelling(text: str) -> None:
    widths = "4000\\4000" if text.startswith("\\") else "4000"
    data = replaced(replaced(WINDOWED, CENTER, "DS", text.encode()), WIDTH, "DS", widths.encode())
    film = read(data)
    np.testing.assert_array_equal(film.pixels, SHOWN)
    assert film.warnings == ()


@pytest.mark.parametrize("text", ["abc", "NaN", "inf", "\\", "-", "1.2.3", "2048 4000", "9" * 70])
def test_a_window_that_cannot_be_read_is_reported_and_the_film_is_read_without(text: str) -> None:
    film = read(replaced(WINDOWED, CENTER, "DS", text.encode()))
    np.testing.assert_array_equal(film.pixels, read(dicom(DEEP, **TAGS)).pixels)
    assert film.warnings == (WINDOW_WARNING,)


VALUES = [("FD", struct.pack("<d", 2048)), ("FL", struct.pack("<f", 2048)), ("US", struct.pack("<H", 2048))]
TEXT_VRS = ["LO", "UN", "SH", "IS", "UT", "CS", "OB"]


@pytest.mark.parametrize(("vr", "value"), [*VALUES, *((vr, b"2048") for vr in TEXT_VRS)])
def test_a_window_may_have_a_wrong_value_representation(vr: str, value: bytes) -> None:
    np.testing.assert_array_equal(read(replaced(WINDOWED, CENTER, vr, value)).pixels, SHOWN)


@pytest.mark.parametrize("text", ["1,0", "1\\1", "1.0 ", "1.0E+00", "1 HU", "", "1.00000000000000000000"])
def test_a_rescale_slope_is_read_in_every_spelling(text: str) -> None:
    film = read(replaced(WINDOWED, SLOPE, "DS", text.encode()))
    np.testing.assert_array_equal(film.pixels, SHOWN)
    assert film.warnings == ()


@pytest.mark.parametrize("tag", [SLOPE, INTERCEPT], ids=["slope", "intercept"])
@pytest.mark.parametrize("text", ["abc", "NaN", "1e999", "HU"])
def test_a_rescale_that_cannot_be_read_is_reported(tag: tuple[int, int], text: str) -> None:
    film = read(replaced(WINDOWED, tag, "DS", text.encode()))
    np.testing.assert_array_equal(film.pixels, SHOWN)
    assert film.warnings == (RESCALE_WARNING,)


INTEGERS = {"Rows": 180, "Columns": 160, "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}
INTEGERS |= {"PixelRepresentation": 0, "SamplesPerPixel": 1}
INTEGER_TAGS = {"SamplesPerPixel": 0x02, "Rows": 0x10, "Columns": 0x11, "BitsAllocated": 0x100, "BitsStored": 0x101}
INTEGER_TAGS |= {"HighBit": 0x102, "PixelRepresentation": 0x103}
SPELLINGS: dict[str, Any] = {
    "IS": lambda number: ("IS", str(number).encode()),
    "pair": lambda number: ("US", struct.pack("<HH", number, number)),
    "UL": lambda number: ("UL", struct.pack("<L", number)),
    "SS": lambda number: ("SS", struct.pack("<h", number)),
    "UN": lambda number: ("UN", struct.pack("<H", number)),
    "OW": lambda number: ("OW", struct.pack("<H", number)),
    "DS": lambda number: ("DS", f"{number}.0".encode()),
    "LO": lambda number: ("LO", f" {number} ".encode()),
    "FD": lambda number: ("FD", struct.pack("<d", number)),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("keyword", INTEGERS)
def test_a_number_of_the_layout_may_have_a_wrong_value_representation(keyword: str, spelling: str) -> None:
    vr, value = SPELLINGS[spelling](INTEGERS[keyword])
    film = read(replaced(WINDOWED, (0x28, INTEGER_TAGS[keyword]), vr, value))
    np.testing.assert_array_equal(film.pixels, SHOWN)
    assert film.warnings == ()


# 9000 is a valid number of rows or columns; if it contradicts the pixels, the film may be cut off.
INVALID = [(keyword, value) for keyword in INTEGERS for value in (None, 0, 9000)]
INVALID = [pair for pair in INVALID if pair not in {("Rows", 9000), ("Columns", 9000), ("SamplesPerPixel", 9000)}]


@pytest.mark.parametrize(("keyword", "value"), INVALID)
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian], ids=lambda syntax: syntax.name)
def test_one_number_of_the_layout_is_derived_from_the_pixel_data(keyword: str, value: int | None, syntax: Any) -> None:
    film = read(dicom(DEEP, syntax=syntax, **{**WINDOW, keyword: value}))
    np.testing.assert_array_equal(film.pixels, SHOWN)


@pytest.mark.parametrize("film", [FILM, DEEP], ids=["8 bits", "16 bits"])
def test_all_numbers_of_the_layout_but_rows_and_columns_may_be_missing(film: Any) -> None:
    missing: dict[str, Any] = dict.fromkeys(
        ("SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")
    )
    read_film = read(dicom(film, **missing))
    assert read_film.warnings == ((DEPTH_WARNING,) if film is DEEP else ())
    expected = read(dicom(film, BitsStored=12 if film is DEEP else 8))
    np.testing.assert_array_equal(read_film.pixels, expected.pixels)


@pytest.mark.parametrize(("bits", "film"), [(16, FILM), (8, DEEP), (12, DEEP), (32, FILM)])
def test_bits_allocated_that_contradict_pixels_and_bits_stored_are_replaced(bits: int, film: Any) -> None:
    stored = 8 if film is FILM else 12
    expected = read(dicom(film, BitsStored=stored)).pixels
    np.testing.assert_array_equal(read(dicom(film, BitsStored=stored, BitsAllocated=bits)).pixels, expected)


@pytest.mark.parametrize("frames", ["", "0", "1\\1", "abc", "-1", "1.0", "00001", "1e30"])
def test_a_malformed_number_of_frames_is_one(frames: str) -> None:
    data = dicom(FILM, NumberOfFrames=1)
    film = read(replaced(data, (0x28, 0x08), "IS", frames.encode()))
    np.testing.assert_array_equal(film.pixels, FILM)
    assert film.warnings == ()


TERMS = ["monochrome2", "MONOCHROME 2", "Monochrome_2", " MONOCHROME2", "MONOCHROME2\0", "MONOCHROME2\\MONOCHROME2"]


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("vr", ["CS", "LO", "UN", "UT"])
def test_a_photometric_interpretation_is_read_in_every_spelling(term: str, vr: str) -> None:
    film = read(replaced(WINDOWED, PHOTOMETRIC, vr, term.encode()))
    np.testing.assert_array_equal(film.pixels, SHOWN)
    assert film.warnings == ()
    inverted = read(replaced(WINDOWED, PHOTOMETRIC, vr, term.replace("2", "1").encode()))
    np.testing.assert_array_equal(inverted.pixels, 65535 - SHOWN)


@pytest.mark.parametrize("term", ["", "MONOCHROME", "GREY", "Doe^Jane"])
def test_an_unknown_photometric_interpretation_is_reported_and_not_quoted(term: str) -> None:
    film = read(replaced(WINDOWED, PHOTOMETRIC, "CS", term.encode()))
    np.testing.assert_array_equal(film.pixels, SHOWN)
    assert film.warnings == (PHOTOMETRIC_WARNING,)


def test_without_photometric_interpretation_the_shape_of_the_presentation_table_decides() -> None:
    missing: dict[str, Any] = {**WINDOW, "PhotometricInterpretation": None}
    assert read(dicom(DEEP, **missing)).warnings == (PHOTOMETRIC_WARNING,)
    inverse = read(dicom(DEEP, **missing, PresentationLUTShape="INVERSE"))
    np.testing.assert_array_equal(inverse.pixels, 65535 - SHOWN)
    assert inverse.warnings == read(dicom(DEEP, **missing, PresentationLUTShape="IDENTITY")).warnings == ()


@pytest.mark.parametrize("missing", [{"SamplesPerPixel": None}, {"PhotometricInterpretation": None}], ids=str)
def test_colours_are_recognised_by_what_is_left(missing: dict[str, Any]) -> None:
    colours = np.repeat(FILM[:, :, None], 3, axis=2)
    tags: dict[str, Any] = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    film = read(dicom(FILM, PixelData=colours.tobytes(), **{**tags, **missing}))
    np.testing.assert_array_equal(film.pixels, FILM)


def test_three_samples_under_the_name_of_one_are_refused() -> None:
    with pytest.raises(UnsupportedDicom):
        read(dicom(FILM, PixelData=FILM.tobytes() * 3, PhotometricInterpretation=None))


@pytest.mark.parametrize("vr", ["OW", "UN", "OB", "US", "UT", "XX", "LO"])
def test_the_pixel_data_may_have_a_wrong_value_representation(vr: str) -> None:
    data = dicom(FILM)
    start = data.rindex(PIXEL_DATA)
    film = read(data[: start + 4] + vr.encode() + data[start + 6 :])
    np.testing.assert_array_equal(film.pixels, FILM)


@pytest.mark.parametrize("length", [0xFFFFFFFF, FILM.size + 1, FILM.size + 1000, FILM.size + 2**30])
def test_the_length_of_the_pixel_data_may_exceed_that_of_the_file(length: int) -> None:
    data = dicom(FILM)
    header = data[: data.rindex(PIXEL_DATA)]
    film = read(header + explicit(0x7FE0, 0x10, "OB", FILM.tobytes(), length))
    np.testing.assert_array_equal(film.pixels, FILM)


@pytest.mark.parametrize("padding", [b"\0", bytes(2), bytes(100), b"\xff" * 512, bytes(FILM.size // 2)], ids=len)
def test_padding_of_the_pixel_data_is_ignored(padding: bytes) -> None:
    film = read(dicom(FILM, PixelData=FILM.tobytes() + padding))
    np.testing.assert_array_equal(film.pixels, FILM)
    assert film.warnings == ()


def test_pixels_beyond_the_rows_of_the_header_are_reported() -> None:
    film = read(dicom(FILM, Rows=100))
    np.testing.assert_array_equal(film.pixels, FILM[:100])
    assert EXCESS_WARNING in film.warnings


def test_an_odd_number_of_pixels_needs_no_pad_byte() -> None:
    odd = FILM[:179, :159].copy()
    data = dicom(odd)
    header = data[: data.rindex(PIXEL_DATA)]
    for value in (odd.tobytes(), odd.tobytes() + b"\0"):
        film = read(header + explicit(0x7FE0, 0x10, "OB", value))
        np.testing.assert_array_equal(film.pixels, odd)


@pytest.mark.parametrize("missing", [2, 4, 16])
def test_a_few_missing_bytes_at_the_end_are_filled_and_reported(missing: int) -> None:
    for data in (dicom(FILM)[:-missing], dicom(FILM, PixelData=FILM.tobytes()[:-missing])):
        film = read(data)
        np.testing.assert_array_equal(film.pixels.ravel()[:-missing], FILM.ravel()[:-missing])
        assert film.warnings == (LAST_PIXELS_WARNING,)


@pytest.mark.parametrize("missing", [18, 160, 10_000])
def test_more_missing_bytes_are_an_error(missing: int) -> None:
    with pytest.raises(UnreadableImage, match="truncated"):
        read(dicom(FILM, PixelData=FILM.tobytes()[:-missing]))


def test_frames_are_counted_by_the_pixel_data_and_not_by_the_header_alone() -> None:
    two = np.stack([FILM, 255 - FILM])
    warning = ("The file contains 2 images; only the first was used.",)
    assert read(dicom(two, NumberOfFrames=None)).warnings == read(dicom(two, NumberOfFrames=2)).warnings == warning
    with pytest.raises(UnreadableImage, match="truncated"):
        read(dicom(two, NumberOfFrames=2)[: -FILM.size // 2])
    film = read(dicom(FILM, NumberOfFrames=5))
    np.testing.assert_array_equal(film.pixels, FILM)
    assert film.warnings == ()


DECIMAL_TEXTS = [("-1,5e-2", -0.015), ("\u22125", -5), (".5", 0.5), ("1e400", None), ("0x10", None), ("1_0", None)]


@pytest.mark.parametrize(("text", "number"), DECIMAL_TEXTS)
def test_a_decimal_is_parsed_or_none(text: str, number: float | None) -> None:
    assert number_parser.parse_decimals(text.encode()) == [number]


def test_a_comma_between_numbers_with_decimal_points_separates_them() -> None:
    assert number_parser.parse_decimals(b"0.5,1.25") == [0.5, 1.25]
    assert number_parser.parse_decimals(b"2.048,5") == [None]


def test_a_film_with_many_faults_gets_the_probability_of_the_plain_film(predictor: Predictor, large_film: Any) -> None:
    faults: dict[str, Any] = dict.fromkeys(("BitsAllocated", "PixelRepresentation", "SamplesPerPixel"))
    faults |= {"PhotometricInterpretation": "monochrome2", "NumberOfFrames": "0", "HighBit": 99}
    plain, data = predictor.predict(dicom(large_film)), dicom(large_film, RescaleSlope="1", **faults)
    faulty = predictor.predict(replaced(data, SLOPE, "DS", b"1,0"))
    assert faulty.label == plain.label
    assert faulty.probability == pytest.approx(plain.probability, abs=0.02)
