"""Recognition of a film on which the lungs are cut off at an edge, by the predicted lung field.

The gate accepts many films of which a third or a half was cropped, and the network then takes the new shape of the
lungs for a pneumonia. In a whole film the lungs become narrow towards the apices and end before the edges, so that the
outermost rows and columns of the lung field are narrow or empty. The limits are in the bundle's config (`lung_edges`):
they belong to the network that predicts the field. `evaluation.lung_edges` chooses them, and `evaluation.cropped_films`
prints how many cropped films exceed them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from .gate import Limits
from .graph import LungField

MIN_EXTENT = 0.5
"""Least width of lungs, in positions, by which a share is divided: a field without lungs has none."""

MEASURES = ("top", "bottom", "left", "right", "top and bottom", "left and right")
"""Names of the `edge_measures`."""


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


def exceeded_limit(lung_field: LungField, limits: Mapping[str, Limits]) -> str | None:
    """The limit that a measure of the lung field `[h, w]` exceeds: "far" before "near", or None.

    `limits` are by the names of `MEASURES`; without limits, none is exceeded. "near": the lungs may be cut off. "far":
    they are cut off, unless the field is wrong.
    """
    if not limits:
        return None
    measures = zip(MEASURES, edge_measures(lung_field), strict=True)
    exceeded = {limits[name].exceeded_limit(value) for name, value in measures}
    return next((limit for limit in ("far", "near") if limit in exceeded), None)


def _shares(widths: npt.NDArray[np.float32]) -> list[float]:
    """The widths of the lungs in each row or column as shares of the greatest one; a list, because it is short."""
    values: list[float] = widths.tolist()
    greatest = max(*values, MIN_EXTENT)
    return [value / greatest for value in values]
