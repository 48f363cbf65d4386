"""The card's distributions of a model, in the bins of the counts, with which those of a site are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..evaluation.metrics import Floats
from ..evaluation.reference_measures import DISTANCE, RESEMBLANCE, reference_of
from ..inference.bundle import Bundle
from ..inference.decision import CLASSES, Calibration
from .histograms import EDGES, SCORE

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reference:
    """The test films of a model: P(pneumonia) by class, and gate measures of the accepted films.

    `scores` `[2, bins]` are the numbers of films of each class in the bins of `SCORE`, in the order of `CLASSES`;
    `measures` has the numbers of films in the bins of each gate measure. `refused` of `films` were refused by the gate.
    """

    scores: Counts
    measures: Mapping[str, Counts]
    probabilities: tuple[Floats, ...]
    films: int
    refused: int

    @classmethod
    def of(cls, bundle: Bundle) -> Reference | None:
        """The reference of a bundle; None if its `evaluation.json` has no `reference_scores`.

        With a site overlay the probabilities are those of its calibration.
        """
        entry = reference_of(bundle.evaluation)
        if entry is None:
            return None
        probabilities = tuple(recalibrated(np.array(entry["probability"][name], float), bundle) for name in CLASSES)
        distance = np.array(entry[DISTANCE], float)
        # The limit of the gate is at 1; the card has the resemblances of all films, of which 98 % are accepted.
        measures = {DISTANCE: distance[distance <= 1], RESEMBLANCE: np.array(entry[RESEMBLANCE], float)}
        return cls(
            np.stack([histogram(SCORE, values) for values in probabilities]),
            {name: histogram(name, values) for name, values in measures.items()},
            probabilities,
            films=len(distance),
            refused=len(distance) - sum(len(values) for values in probabilities),
        )


def histogram(name: str, values: Floats) -> Counts:
    """Numbers of values in the bins of a histogram: `[len(EDGES[name]) + 1]`."""
    bins = np.searchsorted(np.array(EDGES[name]), values, side="right")
    counts: Counts = np.bincount(bins, minlength=len(EDGES[name]) + 1).astype(np.int64)
    return counts


def recalibrated(probabilities: Floats, bundle: Bundle) -> Floats:
    """The card's probabilities by the calibration with which the bundle answers, which a site overlay may replace."""
    tested = bundle.config["calibration"]
    served: Calibration = bundle.calibration
    if (served.slope, served.intercept) == (tested["slope"], tested["intercept"]):
        return probabilities
    clipped = np.clip(probabilities, 5e-5, 1 - 5e-5)  # the card has four decimals
    logits = np.log(clipped / (1 - clipped))
    raw = (logits - tested["intercept"]) / tested["slope"]
    result: Floats = 1 / (1 + np.exp(-(served.slope * raw + served.intercept)))
    return result
