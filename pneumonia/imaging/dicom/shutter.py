"""Display shutter (DICOM PS3.3 C.7.6.11): the rectangle outside of which a device or its user has blanked the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom

from ..area import Area
from ..frame import MAX_LINE
from . import elements, optional_numbers

MAX_VARIATION = 0.02
"""Maximum range of the pixels outside, as a share of the range of all pixels: lossy compression changes blank ones."""


def film_area(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> Area | None:
    """The part of an image inside a rectangular shutter; None without one, or if the pixels outside are not blank.

    A tag that is wrong cannot crop a film, since a film is not blank. Black air beside a patient hides where a black
    shutter begins, so that the search for a uniform frame does not find it.
    """
    shapes = [shape.strip().upper() for shape in elements.texts(dataset, "ShutterShape")]
    if "RECTANGULAR" not in shapes or stored.ndim != 2:
        return None
    height, width = stored.shape
    columns = _interval(dataset, "ShutterLeftVerticalEdge", "ShutterRightVerticalEdge", width)
    rows = _interval(dataset, "ShutterUpperHorizontalEdge", "ShutterLowerHorizontalEdge", height)
    if columns is None or rows is None or width - len(columns) + height - len(rows) <= MAX_LINE:
        return None
    outside = np.ones(stored.shape, np.bool_)
    outside[rows.start : rows.stop, columns.start : columns.stop] = False
    blank = stored[outside]
    low, high = float(blank.min()), float(blank.max())
    tolerance = MAX_VARIATION * (float(stored.max()) - float(stored.min()))
    if high - low > tolerance:
        return None
    is_film = np.abs(stored - (low + high) / 2) > tolerance
    rows = _without_edge(rows, np.count_nonzero(is_film[:, columns.start : columns.stop], axis=1))
    columns = _without_edge(columns, np.count_nonzero(is_film[rows.start : rows.stop], axis=0))
    return Area(columns.start / width, rows.start / height, columns.stop / width, rows.stop / height)


def _interval(dataset: pydicom.Dataset, first: str, last: str, length: int) -> range | None:
    """Indices of the columns or rows between two edges, including these; edges are counted from 1."""
    edges = [optional_numbers.first_number(dataset, keyword) for keyword in (first, last)]
    if edges[0] is None or edges[1] is None:
        return None
    inside = range(max(0, int(edges[0]) - 1), min(length, int(edges[1])))
    return inside if len(inside) > 0 else None


def _without_edge(inside: range, film_pixels: npt.NDArray[np.int64]) -> range:
    """Writers count the edge itself as inside or as outside: a blank one is outside.

    `film_pixels` are the pixels of each row or column that are not blank.
    """
    start, stop = inside.start, inside.stop
    if len(inside) <= 2 * MAX_LINE:
        return inside
    is_first_blank = start > 0 and film_pixels[start] == 0
    is_last_blank = stop < len(film_pixels) and film_pixels[stop - 1] == 0
    return range(start + int(is_first_blank), stop - int(is_last_blank))
