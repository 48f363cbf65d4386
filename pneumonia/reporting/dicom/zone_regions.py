"""The outlines of lung zones in pixel coordinates of the source image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...inference import explain
from ...inference.zone_outlines import Polygon, zone_outlines
from .film_result import FilmResult


def named_zone(film: FilmResult) -> str | None:
    """The zone that page and report name, such as "right_lower"; None if they name none.

    No zone is named for Normal, for a film that was not scored, if less than half of the evidence lies in lungs, and if
    `zones_of_patient` has none.
    """
    zone = explain.strongest_zone(zones_of_patient(film))
    return None if zone is None else zone.replace(" ", "_")


def zones_of_patient(film: FilmResult) -> dict[str, float]:
    """Zone -> its share of the evidence, as far as its side may be stated as a code; empty without shares.

    The model takes the left of the image for the patient's right. If PatientOrientation says the opposite
    (PS3.3, C.7.6.1.1.1), a coded side would be wrong, and programs do not read the warning that the prediction has.
    """
    prediction = film.prediction
    directions = film.source.header.get("PatientOrientation") or ""
    is_mirrored = len(directions) == 2 and str(directions[0]).startswith("R")
    return {} if prediction is None or prediction.zones is None or is_mirrored else dict(prediction.zones)


def zone_polygons(film: FilmResult) -> dict[str, list[npt.NDArray[np.float64]]]:
    """The closed outlines of each zone, `[points, 2]` as (column, row); empty if the film was not scored.

    The top left corner of the top left pixel is (0, 0) (PS3.3, C.18.6.1.1). The outlines lie on the whole stored image,
    with the uniform frame that the model did not receive.
    """
    reading = film.reading
    if reading is None or reading.activation is None:
        return {}
    size = image_size(film)
    outlines = zone_outlines(reading.lung_field, reading.area)
    return {zone: [_pixels(polygon, size) for polygon in polygons] for zone, polygons in outlines.polygons.items()}


def largest(polygons: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """The polygon with the largest area: an image region is a single one (PS3.16, TID 1410)."""
    return max(polygons, key=_area)


def image_size(film: FilmResult) -> tuple[int, int]:
    """(width, height) of the source image in pixels."""
    header = film.source.header
    if "Rows" in header and "Columns" in header:
        return int(header.Columns), int(header.Rows)
    return (film.reading.film.width, film.reading.film.height) if film.reading is not None else (0, 0)


def _pixels(polygon: Polygon, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    points = np.clip(np.asarray([*polygon, polygon[0]], np.float64), 0, 1) * np.asarray(size, np.float64)
    rounded: npt.NDArray[np.float64] = np.round(points, 2)
    return rounded


def _area(points: npt.NDArray[np.float64]) -> float:
    x, y = points[:, 0], points[:, 1]
    return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2
