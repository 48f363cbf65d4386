"""Contour lines of a function on a grid by marching squares (Lorensen and Cline, 1987, in two dimensions)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Edge: TypeAlias = tuple[str, int, int]
"""An edge of the grid: "h" from (row, column) to the next column, "v" to the next row."""

_SEGMENTS: dict[int, tuple[tuple[str, str], ...]] = {
    **{1: (("bottom", "left"),), 2: (("right", "bottom"),), 4: (("top", "right"),), 8: (("left", "top"),)},
    **{14: (("left", "bottom"),), 13: (("bottom", "right"),), 11: (("right", "top"),), 7: (("top", "left"),)},
    **{12: (("left", "right"),), 6: (("top", "bottom"),), 3: (("right", "left"),), 9: (("bottom", "top"),)},
    **{10: (("left", "top"), ("right", "bottom")), 5: (("top", "right"), ("bottom", "left"))},
}
"""Corners of a cell that are inside (8: top left, 4: top right, 2: bottom right, 1: bottom left) -> edges that the
contour crosses, directed so that the inside is always on the same side."""


def contours(values: npt.NDArray[np.float64]) -> list[list[tuple[float, float]]]:
    """The closed lines where `values` `[h, w]` is 0, around the parts above 0, as points (column, row).

    Points lie between grid points by linear interpolation. Outside the grid the function is taken as negative.
    """
    padded = np.pad(values, 1, constant_values=min(-1e-3, float(values.min())))
    successor = dict(_segments(padded))
    loops = []
    while successor:
        start, following = successor.popitem()
        loop = [start]
        while following != start:
            loop.append(following)
            following = successor.pop(following)
        loops.append([_crossing(padded, edge) for edge in loop])
    return loops


def _segments(values: npt.NDArray[np.float64]) -> Iterator[tuple[Edge, Edge]]:
    inside = (values > 0).astype(np.uint8)
    cases = 8 * inside[:-1, :-1] + 4 * inside[:-1, 1:] + 2 * inside[1:, 1:] + inside[1:, :-1]
    for row, column in np.argwhere((cases > 0) & (cases < 15)).tolist():
        edges = {
            "top": ("h", row, column),
            "bottom": ("h", row + 1, column),
            "left": ("v", row, column),
            "right": ("v", row, column + 1),
        }
        for first, second in _SEGMENTS[int(cases[row, column])]:
            yield edges[first], edges[second]


def _crossing(values: npt.NDArray[np.float64], edge: Edge) -> tuple[float, float]:
    """The point (column, row) on an edge where the function is 0, in the coordinates of the grid without padding."""
    direction, row, column = edge
    first = values[row, column]
    second = values[row, column + 1] if direction == "h" else values[row + 1, column]
    share = float(first / (first - second))
    return (column - 1 + share, row - 1.0) if direction == "h" else (column - 1.0, row - 1 + share)
