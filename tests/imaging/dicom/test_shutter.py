"""A rectangular shutter is left out of the model input where it is blank, and ignored where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Predictor
from pneumonia.imaging import WHOLE, read
from pneumonia.imaging.reader import FRAME_WARNING
from tests.support import codestreams
from tests.support.deep_films import deepen, largest_difference
from tests.support.dicom_files import dicom, encapsulated

Grey = npt.NDArray[np.uint8]
MARGIN = ((30, 40), (60, 20))
EDGES = (61, 960, 31, 730)
"""Left, right, upper and lower edge of the film inside the margin, counted from 1."""


@pytest.fixture(scope="module")
def film(full_range_film: Grey) -> Grey:
    """A film whose left and right sides are black, 900 x 700 pixels."""
    fading = np.minimum(np.arange(900), np.arange(900)[::-1]).clip(0, 60) / 60
    dark: Grey = (full_range_film * fading).astype(np.uint8)
    return dark


def shutter(left: Any, right: Any, upper: Any, lower: Any, shape: Any = "RECTANGULAR") -> dict[str, Any]:
    vertical = {"ShutterLeftVerticalEdge": left, "ShutterRightVerticalEdge": right}
    return {
        **vertical,
        "ShutterUpperHorizontalEdge": upper,
        "ShutterLowerHorizontalEdge": lower,
        "ShutterShape": shape,
    }


@pytest.mark.parametrize("shape", ["RECTANGULAR", ["CIRCULAR", "RECTANGULAR"], "rectangular "])
@pytest.mark.parametrize("shift", [0, 1], ids=["edges inside", "edges outside"])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_a_blank_shutter_is_no_part_of_the_film(photometric: str, shift: int, shape: Any, film: Grey) -> None:
    white = photometric == "MONOCHROME1"
    deep = 4095 - deepen(film) if white else deepen(film)
    padded = np.pad(deep, MARGIN, constant_values=4095 * white)
    left, right, upper, lower = EDGES
    tags: dict[str, Any] = {"BitsStored": 12, "PhotometricInterpretation": photometric}
    data = dicom(padded, **tags, **shutter(left - shift, right + shift, upper - shift, lower + shift, shape))
    # Edges that are inside of the shutter leave out the first black column of the film itself.
    assert largest_difference(data, film) <= (1 if shift else 5)
    assert any(warning.startswith(FRAME_WARNING) for warning in read(data).warnings)


def test_the_answer_is_that_of_the_film_without_its_shutter(film: Grey, predictor: Predictor) -> None:
    plain = predictor.predict(dicom(film))
    blanked = predictor.predict(dicom(np.pad(film, MARGIN), **shutter(*EDGES)))
    assert blanked.probability == pytest.approx(plain.probability, abs=0.01)


def test_the_shutter_of_a_film_in_lossy_jpeg_need_not_be_of_one_value(film: Grey) -> None:
    padded = np.pad(film, ((32, 48), (64, 24)))
    syntax, _, compress = codestreams.LOSSY["JPEG baseline"]
    data = encapsulated(padded, syntax, compress(padded, 8), **shutter(65, 964, 33, 732))
    assert largest_difference(data, film) <= 12


@pytest.mark.parametrize(
    "tags",
    [
        shutter(200, 700, 100, 600),
        shutter(61, 960, 31, 730, "CIRCULAR"),
        shutter(960, 61, 730, 31),
        shutter(None, 960, 31, 730),
        shutter("", "", 31, 730),
        shutter(-5, 99_999, -5, 99_999),
        shutter(2, 899, 1, 700),
    ],
    ids=[
        "inside the film",
        "circular",
        "exchanged",
        "edge missing",
        "edges empty",
        "outside of the image",
        "two lines",
    ],
)
def test_any_other_shutter_is_ignored(tags: dict[str, Any], full_range_film: Grey) -> None:
    assert read(dicom(full_range_film, **tags)).area == WHOLE
