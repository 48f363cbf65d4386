"""Recognition of a film on which the lungs are cut off at an edge, by the predicted lung field.

The gate accepts many films of which a third or a half was cropped, and the network then takes the new shape of the
lungs for a pneumonia. In a whole film the lungs become narrow towards the apices and end before the edges, so that the
outermost rows and columns of the lung field are narrow or empty. `evaluation.cut_off_films` prints the quantiles from
which the limits come, and how many cropped films exceed them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from .gate import Limits
from .graph import LungField
from .populations import ADULTS, CHILDREN, Population

MIN_EXTENT = 0.5
"""Least width of lungs, in positions, by which a share is divided: a field without lungs has none."""

MEASURES = ("top", "bottom", "left", "right", "top and bottom", "left and right")
"""Names of the `edge_measures`."""

LIMITS: Mapping[Population, tuple[Limits, ...]] = {
    CHILDREN: (
        Limits(0.73, 0.79),
        Limits(0.85, 0.94),
        Limits(0.48),
        Limits(0.79),
        Limits(1.09, 1.32),
        Limits(0.74, 0.93),
    ),
    ADULTS: (
        Limits(0.61, 0.69),
        Limits(0.59, 0.73),
        Limits(0.52),
        Limits(0.73),
        Limits(0.65, 0.76),
        Limits(0.74, 0.86),
    ),
}
"""Limits of the `MEASURES`. Of the whole films that the gate accepts, 99.8 % are below each near limit, and 99.98 %
below each far limit. Left and right have no far limit: a film without its left or right fifth keeps its answer, and the
gate refuses most of those without more."""


def edge_measures(lung_field: LungField) -> tuple[float, ...]:
    """The `MEASURES` of a lung field `[h, w]`.

    For one edge: the mean width of the lungs in the two outermost rows or columns, as a share of their greatest width
    (0..1); the outermost one alone is often predicted too weakly. For two opposite edges: the sum of both shares in the
    outermost row or column alone (0..2).
    """
    rows, columns = (_shares(lung_field.sum(axis=axis)) for axis in (1, 0))
    edges = (rows[:2], rows[-2:], columns[:2], columns[-2:])
    opposite = (shares[0] + shares[-1] for shares in (rows, columns))
    return (*(sum(edge) / 2 for edge in edges), *opposite)


def exceeded_limit(lung_field: LungField, population: Population) -> str | None:
    """The limit that a measure of the lung field `[h, w]` exceeds: "far" before "near", or None.

    "near": the lungs may be cut off. "far": they are cut off, unless the field is wrong.
    """
    pairs = zip(LIMITS[population], edge_measures(lung_field), strict=True)
    exceeded = {limit.exceeded_limit(value) for limit, value in pairs}
    return next((limit for limit in ("far", "near") if limit in exceeded), None)


def _shares(widths: npt.NDArray[np.float32]) -> list[float]:
    """The widths of the lungs in each row or column as shares of the greatest one; a list, because it is short."""
    values: list[float] = widths.tolist()
    greatest = max(*values, MIN_EXTENT)
    return [value / greatest for value in values]
