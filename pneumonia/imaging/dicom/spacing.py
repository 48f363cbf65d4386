"""Distance between neighbouring pixels of a projection radiograph (DICOM PS3.3 10.7.1 and C.8.11.4)."""

from __future__ import annotations

import pydicom

from . import optional_numbers

_KEYWORDS = ("ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelSpacing")
"""Elements with (distance of rows, distance of columns) in mm. The first is measured at the detector, the second on a
digitised film. PixelSpacing of a radiograph may be calibrated to the patient; most files repeat the first in it."""

_MAX_MM = 10.0
"""A larger distance is not that of a radiograph: most detectors have 0.1 to 0.2 mm."""


def pixel_spacing(dataset: pydicom.Dataset) -> tuple[float, float] | None:
    """(distance of rows, distance of columns) in mm; None if the header states none that is plausible."""
    for keyword in _KEYWORDS:
        spacing = optional_numbers.numbers(dataset, keyword)
        if len(spacing) == 2 and all(0 < distance <= _MAX_MM for distance in spacing):
            return spacing[0], spacing[1]
    return None
