"""Orientation of a film: PatientOrientation (PS3.3, C.7.6.1.1.1) and ImageOrientationPatient (C.7.6.2.1.1).

A film has one orientation, and all elements that state it must agree. Else no side of the patient is named, since a
wrong side does more harm than none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pydicom

from ..sides import DeclaredTurn, Sides
from . import elements, optional_numbers
from .functional_groups import frame_items

_DIRECTION = re.compile("[APLRHF]{1,3}")
_AXES = {"L": "x", "R": "x", "A": "y", "P": "y", "H": "z", "F": "z"}
_POSITIVE, _NEGATIVE = "LPH", "RAF"
"""Directions of the axes x, y and z of the patient, and the reverse (PS3.3, C.7.6.2.1.1)."""

_MAX_OBLIQUENESS = 0.2
"""Largest error of length and angle of a direction in ImageOrientationPatient; a larger one is no direction."""

_IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
"""An axial plane: what converters write if they know no orientation. It says nothing about a radiograph."""

Plane = tuple[str, str] | None
"""First letters of the directions of rows and columns, such as ("L", "F"); None for an invalid statement."""

_QUARTERS = {("L", "F"): 0, ("R", "F"): 0, ("H", "L"): 1, ("H", "R"): 1}
_QUARTERS |= {("R", "H"): 2, ("L", "H"): 2, ("F", "R"): 3, ("F", "L"): 3}
"""Directions of rows and columns of a frontal film -> quarter turns, anticlockwise, that bring the head to the top."""

_MIRRORED = {("R", "F"), ("H", "R"), ("L", "H"), ("F", "L")}
"""Those of them after which the left side of the image is the patient's left."""


def orientation(dataset: pydicom.Dataset) -> tuple[Sides, DeclaredTurn | None]:
    """(sides of the image as it is stored, rotation that makes it upright; None if it is upright or if it is unknown).

    A quadruped has other terms, and its films are not displayed as those of people.
    """
    if elements.first_text(dataset, "AnatomicalOrientationType").strip().upper() == "QUADRUPED":
        return Sides.UNKNOWN, None
    planes = set(_planes(dataset))
    if not planes:
        return Sides.ASSUMED, None
    plane = planes.pop()
    if planes or plane not in _QUARTERS:
        return Sides.UNKNOWN, None
    sides = Sides.MIRRORED if plane in _MIRRORED else Sides.STANDARD
    quarters = _QUARTERS[plane]
    return (Sides.UNKNOWN, DeclaredTurn(quarters, sides)) if quarters else (sides, None)


def _planes(dataset: pydicom.Dataset) -> Iterator[Plane]:
    """Each statement about the image or its first frame; the same elements are in functional groups (C.7.6.16.2)."""
    for holder in (dataset, *frame_items(dataset, "PatientOrientationInFrameSequence")):
        values = [text.strip().upper() for text in elements.texts(holder, "PatientOrientation")]
        if any(values):
            yield _plane_of_terms(values)
    for holder in (dataset, *frame_items(dataset, "PlaneOrientationSequence")):
        cosines = optional_numbers.numbers(holder, "ImageOrientationPatient")
        if cosines and cosines != _IDENTITY:
            yield _plane_of_cosines(cosines)


def _plane_of_terms(values: list[str]) -> Plane:
    """The plane of two values such as "L" or "LAF"; the first letter is the main direction."""
    if len(values) != 2 or not all(_DIRECTION.fullmatch(value) for value in values):
        return None
    if any(len({_AXES[letter] for letter in value}) < len(value) for value in values):
        return None
    row, column = values[0][0], values[1][0]
    return None if _AXES[row] == _AXES[column] else (row, column)


def _plane_of_cosines(cosines: list[float]) -> Plane:
    """The plane of six direction cosines; None if they are not those of two directions at a right angle."""
    if len(cosines) != 6 or not all(map(math.isfinite, cosines)):
        return None
    row, column = cosines[:3], cosines[3:]
    lengths = [math.hypot(*direction) for direction in (row, column)]
    if any(abs(length - 1) > _MAX_OBLIQUENESS for length in lengths):
        return None
    if abs(sum(x * y for x, y in zip(row, column, strict=True))) > _MAX_OBLIQUENESS:
        return None
    letters = _main_direction(row), _main_direction(column)
    return None if _AXES[letters[0]] == _AXES[letters[1]] else letters


def _main_direction(cosines: list[float]) -> str:
    axis = max(range(3), key=lambda index: abs(cosines[index]))
    return _POSITIVE[axis] if cosines[axis] > 0 else _NEGATIVE[axis]
