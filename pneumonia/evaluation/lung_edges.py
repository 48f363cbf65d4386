"""Choice of the limits by which lungs that are cut off are recognised, see `inference.cut_off_lungs`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..inference.cut_off_lungs import MEASURES, edge_measures
from ..inference.gate import Gate, Limits
from ..inference.graph import Graph

NEAR_SHARE, FAR_SHARE = 0.998, 0.9998
"""Shares of the whole films that are below each near and each far limit."""

WITHOUT_FAR_LIMIT = ("left", "right")
"""A film without its left or right fifth keeps its answer, and the gate refuses most of those without more."""


def choose_limits(measures: npt.NDArray[np.float64]) -> dict[str, Limits]:
    """The limits from the measures `[N, 6]` of whole films; none without films."""
    if not len(measures):
        return {}
    near, far = np.quantile(measures, (NEAR_SHARE, FAR_SHARE), axis=0).round(2).tolist()
    return {
        name: Limits(near[column], None if name in WITHOUT_FAR_LIMIT else far[column])
        for column, name in enumerate(MEASURES)
    }


def measure_films(graph: Graph, gate: Gate, films: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """`[M, 6]`: the edge measures of the films among `[N, 150, 150]` that the gate accepts.

    M is 0 for a graph without a lung field.
    """
    rows = list(_measures(graph, gate, films))
    return np.array(rows, np.float64).reshape(len(rows), len(MEASURES))


def _measures(graph: Graph, gate: Gate, films: npt.NDArray[np.uint8]) -> Iterator[tuple[float, ...]]:
    for film in films:
        input_image = np.repeat(film[:, :, None], 3, axis=2)
        lung_field = graph.score(input_image).lung_field
        if lung_field is None:
            return
        if gate.check(input_image) is None:
            yield edge_measures(lung_field)
