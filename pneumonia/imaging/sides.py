"""Which side of the patient the left side of an image shows, and the rotation that makes a film upright."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from ..messages import message
from .area import Area

SIDES_FROM_HEADER_WARNING = message(
    "According to the DICOM header (PatientOrientation), the left side of the image is the patient's left. Sides are "
    "named accordingly: check them against the side marker on the film."
)
SIDES_UNKNOWN_WARNING = message(
    "The orientation in the DICOM header (PatientOrientation) is invalid or contradicts the rest of the header or the "
    "film. Lung zones are named by the side of the image: take the patient's sides from the side marker on the film."
)
ROTATED_WARNING = message(
    "According to the DICOM header (PatientOrientation), the film is stored rotated. It was rotated to upright: check "
    "the sides against the side marker on the film."
)


class Sides(Enum):
    """What is known of the patient's sides in an image. The values are those of `sides` in the JSON of a prediction."""

    ASSUMED = "assumed"
    """The file states nothing: the left side of the image is taken for the patient's right, as films are displayed."""
    STANDARD = "standard"
    """The header states that the left side of the image is the patient's right."""
    MIRRORED = "mirrored"
    """The header states that the left side of the image is the patient's left."""
    UNKNOWN = "unknown"
    """The header is invalid or contradictory, or the film does not stand upright: no side of the patient is named."""

    @property
    def at_left(self) -> str:
        """The patient's side at the left of the image: "right" or "left"; "" if it is unknown."""
        return {Sides.MIRRORED: "left", Sides.UNKNOWN: ""}.get(self, "right")


@dataclass(frozen=True)
class DeclaredTurn:
    """The rotation that makes a film upright according to its header.

    `quarters` is the number of quarter turns, anticlockwise, 1 to 3. `sides` are those of the upright film.
    """

    quarters: int
    sides: Sides


def turn_pixels(pixels: npt.NDArray[Any], quarters: int) -> npt.NDArray[Any]:
    """`[H, W]`, rotated anticlockwise by quarter turns."""
    return np.ascontiguousarray(np.rot90(pixels, quarters)) if quarters else pixels


def turn_area(area: Area, quarters: int) -> Area:
    """An area of an image on the image rotated anticlockwise by quarter turns."""
    for _ in range(quarters):
        area = replace(area, left=area.top, right=area.bottom, top=1 - area.right, bottom=1 - area.left)
    return area


def turn_back(x: float, y: float, quarters: int) -> tuple[float, float]:
    """A point of the rotated image, as shares of its width and height, on the image before `quarters` turns."""
    for _ in range(quarters):
        x, y = 1 - y, x
    return x, y
