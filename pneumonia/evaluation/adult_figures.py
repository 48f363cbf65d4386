"""Figures of the adults' model by the radiologists' reading and by the source of the films.

A network can tell the sources apart, and the healthy films are from another source than all films with pneumonia.
Therefore the AUROC is given for the films of SIIM alone, whose classes are from the same hospitals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..inference.decision import DEFAULT_POINT, OperatingPoint
from . import metrics
from .adults import RSNA_NORMAL, SIIM, TYPICAL
from .answers import answers_at, groups
from .assess import FilmScores
from .dataset import FilmSet
from .metrics import Figure, Floats

Members = npt.NDArray[np.bool_]


def adult_figures(films: FilmSet, scores: FilmScores, points: dict[str, OperatingPoint]) -> dict[str, Any]:
    """`readings` and `sources` of a run in `evaluation.json`, with 95 % intervals from a bootstrap over patients.

    Both give the answers at `balanced` (`answers.answer_shares`); each reading of pneumonia also the AUROC against the
    negative films of SIIM, the source SIIM that of its classes and of the typical films, and the healthy films that of
    SIIM's films with pneumonia against them.
    """
    weights = metrics.bootstrap_weights(films.strict_keys)
    answers = answers_at(scores.probability, scores.refused, points[DEFAULT_POINT])
    readings = groups(answers, films.labels, {name: films.kinds == name for name in sorted(set(films.kinds))}, weights)
    sources = groups(
        answers, films.labels, {name: films.sources == name for name in sorted(set(films.sources))}, weights
    )
    for name, entry in readings.items():
        if films.labels[films.kinds == name].any():
            entry["auroc"] = reading_auroc(films, scores.probability, weights, positives=name)
    if SIIM in sources:
        sources[SIIM]["auroc"] = reading_auroc(films, scores.probability, weights)
        sources[SIIM]["auroc_typical"] = reading_auroc(films, scores.probability, weights, positives=TYPICAL)
    if RSNA_NORMAL in sources:
        sources[RSNA_NORMAL]["auroc"] = reading_auroc(films, scores.probability, weights, negatives=RSNA_NORMAL)
    return {"readings": readings, "sources": sources}


def reading_auroc(
    films: FilmSet, probability: Floats, weights: Floats, *, positives: str | None = None, negatives: str = SIIM
) -> Figure:
    """AUROC of SIIM's films with pneumonia, or of those with the reading `positives`, against the normal films.

    `negatives`: source of the normal films; those of SIIM have the reading "negative for pneumonia".
    """
    is_positive = (films.sources == SIIM) & (films.labels == 1)
    is_positive &= True if positives is None else films.kinds == positives
    is_negative = (films.sources == negatives) & (films.labels == 0)
    chosen = np.flatnonzero(is_positive | is_negative)
    if not is_positive.any() or not is_negative.any():
        return {"value": None, "low": None, "high": None}
    labels = films.labels[chosen]
    decisions = metrics.Decisions(labels, probability[chosen], labels, np.ones(len(chosen), bool))
    return metrics.compute_metrics(decisions, weights[:, chosen], {"auroc": metrics.auroc})["auroc"]
