"""Bins in which scores and gate measures are counted: the same for every model, so that counts can be added."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping

from ..evaluation.reference_measures import DISTANCE, RESEMBLANCE

SCORE = "score"
"""Name of the histogram of P(pneumonia)."""

_HALF_RANGE, _LOGIT_STEP = 20, 0.3


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


EDGES: Mapping[str, tuple[float, ...]] = {
    SCORE: tuple(_sigmoid(_LOGIT_STEP * step) for step in range(-_HALF_RANGE, _HALF_RANGE + 1)),
    DISTANCE: tuple(step / 20 for step in range(1, 41)),
    RESEMBLANCE: tuple(float(step) for step in range(-5, 30)),
}
"""Histogram -> inner edges of its bins, ascending; the first and the last bin are open.

Probabilities crowd near 0 and 1, so their bins have equal width in the logit: .3, from .0025 to .9975. The distance of
a gate, a share of its limit, has bins of .05 up to 2, its resemblance (log odds) bins of 1 from -5 to 29.
"""


def bin_of(histogram: str, value: float) -> int:
    """Number of the bin of a value: 0 below the first edge, `len(EDGES[histogram])` from the last one on."""
    return bisect_right(EDGES[histogram], value)
