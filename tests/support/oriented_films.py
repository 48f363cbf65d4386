"""Films in every orientation that a header can state, and headers that contradict themselves or the film."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pneumonia.imaging import Sides
from tests.support.source_films import average, hospital_film

FRONTAL = {
    "L\\F": (0, False),
    "R\\F": (0, True),
    "R\\H": (2, False),
    "L\\H": (2, True),
    "F\\R": (1, False),
    "F\\L": (1, True),
    "H\\L": (3, False),
    "H\\R": (3, True),
}
"""PatientOrientation of a frontal film -> (quarter turns, anticlockwise, from the upright film to the stored one;
whether the upright one is mirrored)."""

EQUIVALENT = {"l\\f": "L\\F", " L \\ F ": "L\\F", "LA\\FP": "L\\F", "RP\\F": "R\\F", "LFA\\F": "L\\F", "r\\f": "R\\F"}
"""Other spellings, and oblique films, whose first letter is the main direction."""

CONTRADICTORY: dict[str, dict[str, Any]] = {
    "same axis": {"PatientOrientation": "L\\R"},
    "same direction": {"PatientOrientation": "F\\F"},
    "unknown letters": {"PatientOrientation": "X\\Y"},
    "word with both directions": {"PatientOrientation": "LR\\F"},
    "one value": {"PatientOrientation": "L"},
    "one of two values": {"PatientOrientation": "R\\"},
    "three values": {"PatientOrientation": "R\\F\\F"},
    "another separator": {"PatientOrientation": "R/F"},
    "terms of a quadruped": {"PatientOrientation": "LE\\CD"},
    "a quadruped": {"PatientOrientation": "R\\F", "AnatomicalOrientationType": "QUADRUPED"},
    "an axial plane": {"PatientOrientation": "L\\P"},
    "sagittal, but PA": {"PatientOrientation": "A\\F", "ViewPosition": "PA"},
    "rotated, but the film is upright": {"PatientOrientation": "F\\R"},
    "upside down, but the film is upright": {"PatientOrientation": "R\\H"},
    "cosines of a mirrored film": {"ImageOrientationPatient": [-1, 0, 0, 0, 0, -1]},
    "cosines of a sagittal plane": {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]},
    "cosines that are none": {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
}
"""Headers of an upright film that name no side."""


def stored_as(orientation: str, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An upright film `[H, W]`, the patient's right on its left, as it is stored with this PatientOrientation."""
    turns, is_mirrored = FRONTAL[orientation]
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if is_mirrored else pixels, turns))


def oriented_film(orientation: str, label: str = "Pneumonia", **tags: Any) -> bytes:
    """A DICOM file whose pixels are stored as its PatientOrientation says."""
    stored = stored_as(orientation, average(label))
    return hospital_film(label, pixels=stored, PatientOrientation=orientation, **tags)


def sides_of(orientation: str) -> Sides:
    """What the header of `oriented_film` states about the upright film."""
    return Sides.MIRRORED if FRONTAL[orientation][1] else Sides.STANDARD
