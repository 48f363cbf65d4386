"""Reading of DICOM films: greyscale transformation, header checks and warnings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from pneumonia import Predictor
from pneumonia.imaging import read, to_input
from pneumonia.imaging.dicom.header import BODY_PART_WARNING, LATERAL_WARNING
from pneumonia.inference.populations import CHILDREN, of_age
from tests.support.dicom_files import UNCOMPRESSED, dicom

Grey = npt.NDArray[np.uint8]


def ramp(bits: int = 12) -> npt.NDArray[np.uint16]:
    """`[160, 200]`, rising along each row over the whole of `bits`."""
    row = np.rint(np.linspace(0, 2**bits - 1, 200)).astype(np.uint16)
    return np.tile(row, (160, 1))


@pytest.mark.parametrize("syntax", UNCOMPRESSED, ids=lambda syntax: syntax.name)
def test_a_plain_8_bit_dicom_gives_exactly_the_input_of_the_png(
    syntax: UID, large_film: Grey, encode: Callable[..., bytes]
) -> None:
    film = read(dicom(large_film, syntax=syntax))
    assert film.format == "DICOM"
    assert film.warnings == ()
    np.testing.assert_array_equal(film.pixels, large_film)
    np.testing.assert_array_equal(to_input(film), to_input(read(encode(large_film, "PNG"))))


@pytest.mark.parametrize("syntax", UNCOMPRESSED, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_a_deep_dicom_keeps_its_depth_and_gives_the_input_of_the_png(bits: int, syntax: UID, large_film: Grey) -> None:
    deep = np.rint(large_film * ((2**bits - 1) / 255)).astype(np.uint16)
    film = read(dicom(deep, BitsStored=bits, syntax=syntax))
    np.testing.assert_array_equal(film.pixels, deep)
    difference = to_input(film).astype(np.int16) - to_input(read(large_film))
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian], ids=lambda syntax: syntax.name)
def test_a_data_set_without_preamble_is_read(syntax: UID, large_film: Grey) -> None:
    data = dicom(large_film, syntax=syntax, preamble=False)
    assert data[128:132] != b"DICM"
    np.testing.assert_array_equal(read(data).pixels, large_film)


def test_a_file_that_lost_its_preamble_but_not_its_meta_header_is_read(large_film: Grey) -> None:
    np.testing.assert_array_equal(read(dicom(large_film)[132:]).pixels, large_film)


def test_a_dicom_file_is_detected_by_its_bytes_for_any_file_name(large_film: Grey, tmp_path: Path) -> None:
    path = tmp_path / "film.jpg"
    path.write_bytes(dicom(large_film))
    assert read(path).format == "DICOM"


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_monochrome1_is_inverted_within_its_own_depth(bits: int) -> None:
    stored = ramp(bits).astype(np.uint8 if bits == 8 else np.uint16)
    film = read(dicom(stored, BitsStored=bits, PhotometricInterpretation="MONOCHROME1"))
    assert film.pixels.dtype == stored.dtype
    np.testing.assert_array_equal(film.pixels, 2**bits - 1 - stored)


def test_both_photometric_kinds_of_one_film_give_the_same_input(large_film: Grey) -> None:
    negative = dicom(255 - large_film, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(to_input(read(negative)), to_input(read(large_film)))


def test_overlay_bits_above_the_stored_ones_are_not_brightness() -> None:
    film = read(dicom(ramp(12) | 0xF000, BitsStored=12))
    np.testing.assert_array_equal(film.pixels, ramp(12))


def test_signed_values_are_shifted_and_not_wrapped() -> None:
    film = read(dicom(ramp(12).astype(np.int16) - 2048, BitsStored=16))
    assert (film.pixels.min(), film.pixels.max()) == (0, 65535)
    assert np.all(np.diff(film.pixels[0].astype(np.int64)) > 0)


def test_a_rescale_with_negative_slope_inverts_the_film() -> None:
    film = read(dicom(ramp(12), BitsStored=12, RescaleSlope=-1, RescaleIntercept=4095))
    np.testing.assert_array_equal(film.pixels, 4095 - ramp(12))


def test_a_rescale_changes_the_scale_and_not_the_picture() -> None:
    plain, rescaled = (
        read(dicom(ramp(12), BitsStored=12)),
        read(dicom(ramp(12), BitsStored=12, RescaleSlope=3, RescaleIntercept=9)),
    )
    difference = to_input(plain).astype(np.int16) - to_input(rescaled)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    "tags",
    [
        {"RescaleSlope": "1", "RescaleIntercept": "0"},
        {"RescaleSlope": "1.0", "RescaleIntercept": "0.0"},
        # Archives write empty elements.
        {"WindowCenter": "", "WindowWidth": ""},
    ],
)
def test_tags_without_effect_do_not_change_the_film(tags: dict[str, Any], large_film: Grey) -> None:
    np.testing.assert_array_equal(read(dicom(large_film, **tags)).pixels, large_film)


def test_a_window_shows_its_range_and_clips_the_rest() -> None:
    film = read(dicom(ramp(12), BitsStored=12, WindowCenter=2048, WindowWidth=1000))
    displayed, stored = film.pixels[0], ramp(12)[0]
    assert not displayed[stored < 1540].any()
    assert (displayed[stored > 2555] == 65535).all()
    inside = displayed[(stored > 1550) & (stored < 2540)].astype(np.int64)
    assert np.all(np.diff(inside) > 0)
    middle = float(displayed[np.abs(stored.astype(np.int64) - 2048).argmin()])
    assert middle == pytest.approx(32768, abs=700)


def test_a_window_over_the_whole_depth_shows_the_film_as_it_is(large_film: Grey) -> None:
    """The ends of the window are black and white, as in a viewer, not the darkest and brightest pixel of the film."""
    deep = np.rint(large_film * (4095 / 255)).astype(np.uint16)
    windowed = to_input(read(dicom(deep, BitsStored=12, WindowCenter=2048, WindowWidth=4096)))
    difference = windowed.astype(np.int16) - to_input(read(large_film))
    assert np.abs(difference).max() <= 1


def test_of_several_windows_the_first_is_shown() -> None:
    one = read(dicom(ramp(12), BitsStored=12, WindowCenter=1000, WindowWidth=500))
    two = read(dicom(ramp(12), BitsStored=12, WindowCenter=[1000, 3000], WindowWidth=[500, 900]))
    np.testing.assert_array_equal(one.pixels, two.pixels)


def test_a_window_is_applied_before_monochrome1_is_inverted() -> None:
    tags: dict[str, Any] = {"BitsStored": 12, "WindowCenter": 1000, "WindowWidth": 500}
    plain = read(dicom(ramp(12), **tags))
    inverted = read(dicom(ramp(12), **tags, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(inverted.pixels, 65535 - plain.pixels)


def table(values: list[int]) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(values), 0, 16]
    item.LUTData = np.array(values, "<u2").tobytes()
    return item


def test_a_voi_table_is_looked_up() -> None:
    # A table that inverts the film gives a result that neither a window nor an ignored table gives.
    film = read(dicom(ramp(8), BitsStored=8, VOILUTSequence=[table(list(range(65535, -1, -257)))]))
    np.testing.assert_array_equal(film.pixels, 65535 - ramp(8) * np.uint16(257))


def test_a_modality_table_is_looked_up() -> None:
    film = read(dicom(ramp(8), BitsStored=8, ModalityLUTSequence=[table(list(range(65535, -1, -257)))]))
    np.testing.assert_array_equal(film.pixels, 65535 - ramp(8) * np.uint16(257))


def test_the_first_of_several_frames_is_used_with_a_warning(large_film: Grey) -> None:
    film = read(dicom(np.stack([large_film, 255 - large_film]), NumberOfFrames=2))
    np.testing.assert_array_equal(film.pixels, large_film)
    assert film.warnings == ("The file contains 2 images; only the first was used.",)


LATERAL = ["LL", "RL", "LATERAL", "lateral", "LEFT LATERAL", "LAT", "L_LAT", "LLAT", " LL ", "LLO", "RLO"]
LATERAL += ["XTABLE", "X-TABLE", "CROSSTABLE LATERAL", "LATERAL DORSAL DECUBITUS"]
NOT_LATERAL = ["AP", "PA", "", None, "FRONTAL", "AP SUPINE", "LL5", "PLL", "OBLATE", "²", "AP XTABLE", "AP PORTABLE"]
NOT_LATERAL += ["LLD", "RLD", "rld", "AP LLD", "LEFT LATERAL DECUBITUS", "LATERAL DECUB", "DECUBITUS"]


@pytest.mark.parametrize("view", LATERAL)
def test_a_lateral_view_is_flagged_and_its_tag_is_not_kept(view: str, large_film: Grey) -> None:
    film = read(dicom(large_film, ViewPosition=view, SpecificCharacterSet="ISO_IR 192"))
    assert (film.is_lateral, film.warnings, film.format) == (True, (LATERAL_WARNING,), "DICOM")


@pytest.mark.parametrize("view", NOT_LATERAL)
def test_any_other_view_or_none_is_passed_on(view: str | None, large_film: Grey) -> None:
    film = read(dicom(large_film, ViewPosition=view, SpecificCharacterSet="ISO_IR 192"))
    assert (film.is_lateral, film.warnings) == (False, ())


OTHER_PARTS = ["HAND", "SKULL", "KNEE", "ABDOMEN", "L KNEE", "hand", "CSPINE", "PELVIS"]
CHEST_OR_UNKNOWN = [
    "CHEST",
    "",
    None,
    "PORT CHEST",
    "THORAX",
    "CHESTABDOMEN",
    "CHEST ABDOMEN",
    "TSPINE",
    "Brust",
    "CHEST\\HAND",
]


@pytest.mark.parametrize("part", OTHER_PARTS)
def test_another_body_part_gets_a_warning_and_is_not_scored(part: str, large_film: Grey, predictor: Predictor) -> None:
    prediction = predictor.predict(dicom(large_film, BodyPartExamined=part))
    assert prediction.as_dict()["reason"]["code"] == "not_a_chest_film"
    assert (prediction.probabilities, prediction.warnings) == (None, (BODY_PART_WARNING,))


@pytest.mark.parametrize("part", CHEST_OR_UNKNOWN)
def test_a_chest_or_an_unknown_body_part_is_passed_on(part: str | None, large_film: Grey) -> None:
    film = read(dicom(large_film, BodyPartExamined=part))
    assert (film.is_other_body_part, film.warnings) == (False, ())


@pytest.mark.parametrize("modality", ["CR", "DX", "RG", "RF", "OT", "XYZ", "", None])
def test_modalities_of_films_and_unknown_ones_are_passed_on(modality: str | None, large_film: Grey) -> None:
    assert read(dicom(large_film, Modality=modality)).warnings == ()


@pytest.mark.parametrize("age", ["001Y", "005Y", "012M", "018M", "071M", "053W", "400D", "3Y", " 003Y"])
def test_the_age_of_a_child_is_a_fact_of_the_film(age: str, large_film: Grey) -> None:
    film = read(dicom(large_film, PatientAge=age))
    assert film.age_years is not None and of_age(film.age_years) is CHILDREN
    assert film.warnings == ()


@pytest.mark.parametrize("age", ["000Y", "006Y", "045Y", "011M", "006M", "073M", "010D", "051W", "120Y"])
def test_another_age_is_that_of_no_child_of_1_to_5_years(age: str, large_film: Grey) -> None:
    film = read(dicom(large_film, PatientAge=age))
    assert film.age_years is not None and of_age(film.age_years) is not CHILDREN
    assert film.warnings == ()


@pytest.mark.filterwarnings("ignore:.*PatientAge|.*VR AS:UserWarning")
@pytest.mark.parametrize("age", ["", None, "Y", "abcY", "0x7Y", "-01Y", "003", "²Y", "999Y", "5 S", "Y005"])
def test_a_missing_or_malformed_age_is_not_known(age: str | None, large_film: Grey) -> None:
    tags: dict[str, Any] = {"SpecificCharacterSet": "ISO_IR 192", "PatientAge": age}
    film = read(dicom(large_film, **tags))
    assert film.age_years == (3 if age == "003" else None)
    assert film.warnings == ()
