"""Orientation of a film from its header: sides of the patient, and the rotation that makes the film upright."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from pneumonia import imaging
from pneumonia.imaging import Sides
from pneumonia.imaging.dicom.orientation import orientation
from pneumonia.imaging.sides import DeclaredTurn
from tests.support.oriented_films import CONTRADICTORY, EQUIVALENT, FRONTAL, oriented_film, sides_of, stored_as
from tests.support.source_films import average, hospital_film

TINY = np.arange(80 * 64, dtype=np.uint16).reshape(80, 64).astype(np.uint8)
"""Pixels of films of which only the header is of interest."""


def orientation_of(**tags: Any) -> tuple[Sides, DeclaredTurn | None]:
    film = imaging.read(hospital_film(pixels=TINY, **{"PatientOrientation": None, **tags}))
    return film.sides, film.turn


@pytest.mark.parametrize("stated", FRONTAL)
def test_the_eight_orientations_of_a_frontal_film(stated: str) -> None:
    sides, turn = orientation_of(PatientOrientation=stated)
    quarters = -FRONTAL[stated][0] % 4
    if quarters == 0:
        assert (sides, turn) == (sides_of(stated), None)
    else:
        assert (sides, turn) == (Sides.UNKNOWN, DeclaredTurn(quarters, sides_of(stated)))


@pytest.mark.parametrize("stated", FRONTAL)
def test_the_declared_rotation_makes_the_film_upright(stated: str) -> None:
    film = imaging.read(oriented_film(stated)).upright()
    expected = average("Pneumonia")[:, ::-1] if FRONTAL[stated][1] else average("Pneumonia")
    assert np.array_equal(film.pixels, expected)
    assert (film.sides, film.turn) == (sides_of(stated), None)


@pytest.mark.parametrize(("stated", "meaning"), EQUIVALENT.items())
def test_other_spellings_and_oblique_films(stated: str, meaning: str) -> None:
    assert orientation_of(PatientOrientation=stated) == orientation_of(PatientOrientation=meaning)


@pytest.mark.parametrize("stated", [None, "", "\\", " \\ "])
def test_without_a_statement_the_usual_display_is_assumed(stated: str | None) -> None:
    assert orientation_of(PatientOrientation=stated) == (Sides.ASSUMED, None)


@pytest.mark.parametrize("case", [name for name in CONTRADICTORY if "but the film" not in name])
def test_an_invalid_or_contradictory_header_names_no_side(case: str) -> None:
    film = imaging.read(hospital_film(pixels=TINY, **CONTRADICTORY[case]))
    assert (film.sides, film.turn) == (Sides.UNKNOWN, None)
    assert any("contradicts" in str(warning) for warning in film.warnings)


@pytest.mark.parametrize(
    ("cosines", "expected"),
    [
        ([1, 0, 0, 0, 0, -1], (Sides.STANDARD, None)),
        ([-1, 0, 0, 0, 0, -1], (Sides.MIRRORED, None)),
        ([0.996, 0.087, 0, 0, 0, -1], (Sides.STANDARD, None)),
        ([0, 0, 1, 1, 0, 0], (Sides.UNKNOWN, DeclaredTurn(1, Sides.STANDARD))),
        ([1, 0, 0, 0, 1, 0], (Sides.ASSUMED, None)),
        ([-1, 0, 0, 0, 1, 0], (Sides.UNKNOWN, None)),
    ],
)
def test_direction_cosines_count_like_directions(cosines: list[float], expected: Any) -> None:
    """The axial identity is what converters write if they know no orientation."""
    assert orientation_of(ImageOrientationPatient=cosines) == expected


def test_the_first_frame_of_several_counts_and_must_agree() -> None:
    def frame(value: list[str]) -> Dataset:
        inner, outer = Dataset(), Dataset()
        inner.PatientOrientation = value
        outer.PatientOrientationInFrameSequence = [inner]
        return outer

    mirrored_first = Dataset()
    mirrored_first.PerFrameFunctionalGroupsSequence = [frame(["R", "F"]), frame(["L", "F"])]
    assert orientation(mirrored_first) == (Sides.MIRRORED, None)
    mirrored_first.PatientOrientation = ["L", "F"]
    assert orientation(mirrored_first) == (Sides.UNKNOWN, None)


@pytest.mark.parametrize("quarters", range(4))
def test_points_of_the_upright_film_are_found_on_the_stored_one(quarters: int) -> None:
    stored = np.zeros((40, 60), np.uint8)
    stored[5, 50] = 255
    turned = np.rot90(stored, quarters)
    (row,), (column,) = np.nonzero(turned)
    height, width = turned.shape
    x, y = imaging.turn_back((column + 0.5) / width, (row + 0.5) / height, quarters)
    assert (x * 60, y * 40) == pytest.approx((50.5, 5.5))


def test_the_frame_of_a_rotated_film_is_rotated_with_it() -> None:
    film = average("Pneumonia")
    framed = np.pad(film, ((60, 20), (30, 40)))
    upright = imaging.read(hospital_film(pixels=framed))
    turned = imaging.read(hospital_film(pixels=stored_as("F\\R", framed), PatientOrientation="F\\R")).upright()
    assert upright.area is not None and turned.area is not None
    height, width = framed.shape
    assert upright.area.top > 0 and turned.area.box(width, height) == upright.area.box(width, height)
