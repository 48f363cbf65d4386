"""Windows: equal to pydicom's where they are valid; one that would hide the film is not used."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_windowing

from pneumonia import Predictor
from pneumonia.imaging import read
from tests.support.deep_films import deepen, largest_difference
from tests.support.dicom_files import dicom

Grey = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def film(full_range_film: Grey) -> Grey:
    return full_range_film


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("centre", "width"), [(2048, 4096), (1500, 1500), (2500.5, 3000.25), (2048, 1000)])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_a_valid_window_gives_the_picture_of_pydicom(
    photometric: str, centre: float, width: float, function: str, film: Grey
) -> None:
    tags: dict[str, Any] = {"WindowCenter": centre, "WindowWidth": width, "VOILUTFunction": function}
    tags |= {"BitsStored": 12, "RescaleSlope": 1, "RescaleIntercept": 0, "PixelRepresentation": 0}
    dataset = Dataset()
    for name, value in {**tags, "PhotometricInterpretation": "MONOCHROME2"}.items():
        setattr(dataset, name, value)
    shown = apply_windowing(apply_modality_lut(deepen(film), dataset), dataset)
    expected = np.rint(shown * (65535 / 4095)).astype(np.int64)
    if photometric == "MONOCHROME1":
        expected = 65535 - expected
    pixels = read(dicom(deepen(film), PhotometricInterpretation=photometric, **tags)).pixels
    assert np.abs(pixels - expected).max() <= 1


HIDING: list[tuple[Any, Any]] = [
    (100_000, 100),
    (-5000, 100),
    (128, 256),
    (32768, 65536),
    (2048, 1e9),
    (1e30, 1e30),
    (4095, 2),
    (0, 1),
    (40_000, 20_000),
    (2048, 0),
    (2048, -100),
    (2048, 0.5),
    (2048, 1),
    ([], []),
    (2048, None),
    (None, 4096),
]


@pytest.mark.parametrize(("centre", "width"), HIDING, ids=str)
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_a_window_that_would_hide_the_film_gives_way_to_the_films_own_range(
    photometric: str, centre: Any, width: Any, film: Grey
) -> None:
    stored = deepen(film) if photometric == "MONOCHROME2" else 4095 - deepen(film)
    tags: dict[str, Any] = {"WindowCenter": centre, "WindowWidth": width, "PhotometricInterpretation": photometric}
    assert largest_difference(dicom(stored, BitsStored=12, **tags), film) <= 1


@pytest.mark.parametrize("unusable", [(100_000, 100), (2048, 0), (128, 256)], ids=str)
def test_the_first_usable_of_several_windows_applies(unusable: tuple[int, int], film: Grey) -> None:
    tags: dict[str, Any] = {"WindowCenter": [unusable[0], 2024], "WindowWidth": [unusable[1], 2048]}
    assert largest_difference(dicom(deepen(film) // 2 + 1000, BitsStored=12, **tags), film) <= 1


@pytest.mark.parametrize("slope", [0.001, -0.001])
def test_a_window_in_stored_units_applies_if_it_hides_the_rescaled_film(slope: float, film: Grey) -> None:
    stored = deepen(film) // 2 + 1000
    stored = stored if slope > 0 else 4095 - stored
    tags: dict[str, Any] = {"RescaleSlope": slope, "RescaleIntercept": 5}
    tags |= {"WindowCenter": 2024 if slope > 0 else 2071, "WindowWidth": 2048}
    assert largest_difference(dicom(stored, BitsStored=12, **tags), film) <= 1


@pytest.mark.parametrize(
    "tags",
    [
        {"RescaleSlope": "1e-9", "RescaleIntercept": "0"},
        {"RescaleSlope": "1e30", "RescaleIntercept": "-1e30"},
        {"RescaleSlope": "1e308", "RescaleIntercept": "-1e308"},
        {"RescaleSlope": "nan", "RescaleIntercept": "inf"},
        {"RescaleSlope": "0", "RescaleIntercept": "100"},
        {"RescaleSlope": "", "RescaleIntercept": None},
    ],
    ids=str,
)
def test_an_unusual_rescale_does_not_change_the_film(tags: dict[str, Any], film: Grey) -> None:
    window: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
    assert largest_difference(dicom(deepen(film), BitsStored=12, **tags), film) <= 1
    assert largest_difference(dicom(deepen(film), BitsStored=12, **tags, **window), film) <= 1


def test_an_intercept_without_slope_has_the_slope_1(film: Grey) -> None:
    tags: dict[str, Any] = {"RescaleIntercept": -1000, "WindowCenter": 1048, "WindowWidth": 4096}
    assert largest_difference(dicom(deepen(film), BitsStored=12, **tags), film) <= 1


def group(**tags: Any) -> list[Dataset]:
    """A functional group with one macro, or the macro itself."""
    item = Dataset()
    for name, value in tags.items():
        setattr(item, name, value)
    return [item]


@pytest.mark.parametrize("name", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"])
def test_the_window_and_rescale_of_a_functional_group_apply(name: str, film: Grey) -> None:
    macros = group(
        FrameVOILUTSequence=group(WindowCenter=5048, WindowWidth=4096),
        PixelValueTransformationSequence=group(RescaleSlope=2, RescaleIntercept=1000),
    )
    tags: dict[str, Any] = {name: macros}
    assert largest_difference(dicom(deepen(film) // 2 + 1000, BitsStored=12, **tags), film) <= 1


def test_the_window_of_the_image_is_preferred_to_that_of_a_functional_group(film: Grey) -> None:
    groups = group(FrameVOILUTSequence=group(WindowCenter=2048, WindowWidth=4096))
    tags: dict[str, Any] = {"SharedFunctionalGroupsSequence": groups, "WindowCenter": 2024, "WindowWidth": 2048}
    assert largest_difference(dicom(deepen(film) // 2 + 1000, BitsStored=12, **tags), film) <= 1


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("declared", [12, 14, 16])
def test_a_negative_is_inverted_at_its_real_depth(declared: int, bits: int, film: Grey) -> None:
    stored = (2**bits - 1) - deepen(film, bits)
    data = dicom(stored, BitsStored=max(declared, bits), PhotometricInterpretation="MONOCHROME1")
    assert largest_difference(data, film) <= 1


def test_a_negative_of_12_bits_below_65535_is_inverted(film: Grey) -> None:
    data = dicom(65535 - deepen(film), PhotometricInterpretation="MONOCHROME1")
    assert largest_difference(data, film) <= 1


def test_a_negative_with_an_inverse_presentation_is_inverted_once(film: Grey) -> None:
    tags: dict[str, Any] = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    assert largest_difference(dicom(4095 - deepen(film), BitsStored=12, **tags), film) <= 1


def test_the_answer_of_a_hiding_window_is_that_of_the_plain_film(film: Grey, predictor: Predictor) -> None:
    expected = predictor.predict(film)
    prediction = predictor.predict(dicom(deepen(film), BitsStored=12, WindowCenter=128, WindowWidth=256))
    assert prediction.label == expected.label
    assert prediction.probability == pytest.approx(expected.probability, abs=0.02)
