"""The outlines of lung zones in pixel coordinates of the source image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...imaging import turn_back
from ...inference import explain
from ...inference.zone_outlines import Polygon, zone_outlines
from .film_result import FilmResult


def strongest_zones(film: FilmResult) -> dict[str, float]:
    """Zone, such as "right_lower" or "image_left_lower", -> its share; those that have a region, the strongest first.

    The first one is the zone that page and report name. Empty where they name none: for Normal, for a film that was not
    scored, and if less than half of the evidence lies in lungs.
    """
    return explain.strongest_zones((film.prediction and film.prediction.zone_shares) or {})


def zones_of_patient(film: FilmResult) -> dict[str, float]:
    """Zone -> its share of the evidence; empty without shares, and if the patient's sides are unknown.

    Codes have no side of an image, so shares by side of the image are in texts only.
    """
    return {} if film.prediction is None else dict(film.prediction.zones or {})


def zone_polygons(film: FilmResult) -> dict[str, list[npt.NDArray[np.float64]]]:
    """The closed outlines of each zone, `[points, 2]` as (column, row); empty if the film was not scored.

    The top left corner of the top left pixel is (0, 0) (PS3.3, C.18.6.1.1). The outlines lie on the whole stored image,
    with the uniform frame that the model did not receive. If the film was rotated for the model, they are rotated back.
    """
    reading = film.reading
    if reading is None or reading.activation is None:
        return {}
    size = image_size(film)
    outlines = zone_outlines(reading.lung_field, reading.area, reading.sides)
    return {
        zone: [_pixels([turn_back(x, y, reading.quarters) for x, y in polygon], size) for polygon in polygons]
        for zone, polygons in outlines.polygons.items()
    }


def largest(polygons: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """The polygon with the largest area: an image region is a single one (PS3.16, TID 1410)."""
    return max(polygons, key=_area)


def image_size(film: FilmResult) -> tuple[int, int]:
    """(width, height) of the source image in pixels."""
    header = film.source.header
    if "Rows" in header and "Columns" in header:
        return int(header.Columns), int(header.Rows)
    if film.reading is None:
        return 0, 0
    width, height = film.reading.film.width, film.reading.film.height
    return (height, width) if film.reading.quarters % 2 else (width, height)


def _pixels(polygon: Polygon, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    points = np.clip(np.asarray([*polygon, polygon[0]], np.float64), 0, 1) * np.asarray(size, np.float64)
    rounded: npt.NDArray[np.float64] = np.round(points, 2)
    return rounded


def _area(points: npt.NDArray[np.float64]) -> float:
    x, y = points[:, 0], points[:, 1]
    return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2
