"""Gate measures of a film, by which a site's films are compared with the card's films in `evaluation.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..inference.gate import Gate
from ..inference.gate_views import Features

KEY = "reference_scores"
"""Key in `evaluation.json`."""

RESEMBLANCE, DISTANCE = "resemblance", "distance"
"""Gate measures that are compared: log odds of belonging to the population, and the largest measure as a share of its
limit (above 1 the gate refuses the film)."""


def gate_measures(gate: Gate, input_image: npt.NDArray[np.uint8]) -> dict[str, float]:
    """The two gate measures of an input image `[150, 150, 3]`."""
    assessment = gate.assess(Features.of(input_image))
    return {RESEMBLANCE: assessment.resemblance, DISTANCE: assessment.distance}


def reference_of(evaluation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The entry of a bundle's `evaluation.json`; None if it has none."""
    entry: Mapping[str, Any] | None = evaluation.get(KEY)
    return entry
