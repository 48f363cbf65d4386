"""Distances of pixels in a picture that shows the film at another size (PS3.3, sections 10.7 and C.8.6.2).

Only what the source states about the patient or the scanned film is carried over. A distance at the detector
(ImagerPixelSpacing) has no element in a secondary capture, and as PixelSpacing it would be taken for a distance in the
patient: such a picture has none, and a viewer measures it in pixels.
"""

from __future__ import annotations

from fractions import Fraction

from pydicom import Dataset
from pydicom.valuerep import DSfloat

NOMINAL = "NominalScannedPixelSpacing"
CALIBRATION = ("PixelSpacingCalibrationType", "PixelSpacingCalibrationDescription")


def add_spacing(image: Dataset, source: Dataset, scale: float | None, *, is_sideways: bool = False) -> None:
    """Add the spacing of the source to an image in which a pixel of the film takes `scale` pixels; None: no film.

    `is_sideways`: the rows of the image are columns of the film.
    """
    if scale is None:
        return
    order = slice(None, None, -1 if is_sideways else 1)
    for keyword in ("PixelSpacing", NOMINAL):
        distances = _distances(source, keyword)
        if keyword == "PixelSpacing" and not _is_of_patient(source):
            continue
        if distances is not None:
            setattr(
                image, keyword, [DSfloat(distance / scale, auto_format=True) for distance in list(distances)[order]]
            )
    if "PixelSpacing" in image and all(keyword in source for keyword in CALIBRATION):
        for keyword in CALIBRATION:
            setattr(image, keyword, source.get(keyword))
    if "PixelSpacing" not in image and "PixelAspectRatio" in source:
        image.PixelAspectRatio = list(source.PixelAspectRatio)[order]


def pixel_proportions(source: Dataset) -> tuple[int, int]:
    """Height and width of a pixel of the source as whole numbers, (1, 1) if it is square or if nothing is stated."""
    ratio = _distances(source, "PixelAspectRatio")
    candidates = (_distances(source, keyword) for keyword in ("PixelSpacing", "ImagerPixelSpacing", NOMINAL))
    height, width = next((distances for distances in candidates if distances), ratio) or (1.0, 1.0)
    fraction = Fraction(height / width).limit_denominator(1000)
    return (fraction.numerator, fraction.denominator) if fraction.numerator else (1, 1)


def _distances(source: Dataset, keyword: str) -> tuple[float, float] | None:
    values = source.get(keyword)
    if values is None or isinstance(values, (str, float, int)) or len(values) != 2:
        return None
    rows, columns = (float(value) for value in values)
    return (rows, columns) if min(rows, columns) > 0 else None


def _is_of_patient(source: Dataset) -> bool:
    """True if PixelSpacing is not merely a copy of the distance at the detector."""
    return "PixelSpacingCalibrationType" in source or _distances(source, "PixelSpacing") != _distances(
        source, "ImagerPixelSpacing"
    )
