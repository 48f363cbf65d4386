"""Local recalibration and operating point of one model, and what they would do on films that did not choose them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..evaluation import recalibration
from ..evaluation.curves import thresholds
from ..evaluation.metrics import Floats, Labels
from ..evaluation.operating_points import MAX_UNDECIDED, with_band
from ..evaluation.recalibration import Recalibration
from ..inference.decision import OperatingPoint
from .goal import Goal
from .outcomes import Outcomes
from .shares import answer_counts, shares

FOLDS = 5
"""Parts of the films: recalibration and threshold are chosen on four and measured on the fifth, in turn."""

FOLD_SEED = 90

MIN_FILMS = 50
"""Minimum number of scored films of each class for a local point: with fewer, the threshold for a sensitivity of 90 %
rests on less than five films. Below it the site file is not written."""


@dataclass(frozen=True)
class LocalPoint:
    """A recalibration and the operating point on its scale."""

    recalibration: Recalibration
    point: OperatingPoint

    def labels(self, probability: Floats) -> npt.NDArray[np.str_]:
        """The answers `[N]` to films with the model's probabilities `[N]`."""
        return np.array([self.point.label(float(value)) for value in self.recalibration.apply(probability)], np.str_)

    def as_dict(self) -> dict[str, Any]:
        return {"recalibration": vars(self.recalibration), "operating_point": vars(self.point)}


def choose(
    labels: Labels, probability: Floats, goal: Goal, prevalence: float, base_prevalence: float
) -> LocalPoint | None:
    """The local point for scored films; None if no recalibration with a positive slope exists.

    `prevalence`: at which costs are compared. `base_prevalence`: that of the model's calibration, which the
    recalibrated probabilities keep: each class has its weight.
    """
    if len(np.unique(labels)) < 2:
        return None
    weights = class_weights(labels, base_prevalence)
    fitted = recalibration.fit_with_prior(labels, probability, weights)
    if fitted is None or fitted.slope <= 0:
        return None
    recalibrated = fitted.apply(probability)
    threshold = goal.threshold(labels, recalibrated, prevalence)
    return LocalPoint(fitted, with_band(labels, recalibrated, threshold, weights, MAX_UNDECIDED))


def class_weights(labels: Labels, prevalence: float) -> Floats:
    """Weights `[N]`, of mean 1, with which the share of pneumonia is `prevalence`."""
    own = np.bincount(labels, minlength=2) / len(labels)
    return np.asarray(np.array([1 - prevalence, prevalence])[labels] / own[labels])


def cross_fitted(scored: Outcomes, goal: Goal, prevalence: float, base_prevalence: float) -> dict[str, Any] | None:
    """Shares of the answers if each fold's local point is chosen on the other folds; None if one cannot be chosen.

    `forced`: every film is answered, at the threshold. `with_unknown`: with the undecided band, as the service answers.
    """
    folds = assign_folds(scored)
    forced, answers = np.empty(len(scored), object), np.empty(len(scored), object)
    for fold in range(FOLDS):
        rest, part = folds != fold, folds == fold
        local = choose(scored.labels[rest], scored.probability[rest], goal, prevalence, base_prevalence)
        if local is None:
            return None
        recalibrated = local.recalibration.apply(scored.probability[part])
        forced[part] = [local.point.label_at_threshold(float(value)) for value in recalibrated]
        answers[part] = local.labels(scored.probability[part])
    weights = scored.weights if has_patients(scored) else None
    return {
        "folds": FOLDS,
        "forced": shares(_with_answers(scored, forced), weights)["answered"],
        "with_unknown": shares(_with_answers(scored, answers), weights),
        "answers": answer_counts(_with_answers(scored, answers), weights),
    }


def assign_folds(outcomes: Outcomes) -> npt.NDArray[np.int64]:
    """Fold `[N]` of each film. The films of a patient are in one fold; classes are spread evenly."""
    names, index = np.unique(outcomes.groups, return_inverse=True)
    is_positive = np.bincount(index, outcomes.labels) > 0
    order = np.random.default_rng(FOLD_SEED).permutation(len(names))
    fold_of = np.empty(len(names), np.int64)
    for members in (order[is_positive[order]], order[~is_positive[order]]):
        fold_of[members] = np.arange(len(members)) % FOLDS
    return np.asarray(fold_of[index])


def has_patients(outcomes: Outcomes) -> bool:
    """Whether a patient has more than one film."""
    return len(np.unique(outcomes.groups)) < len(outcomes)


def threshold_rows(scored: Outcomes) -> dict[str, list[Any]]:
    """True and false positives at thresholds of 0, .01 ... 1, with the numbers of films of the classes."""
    normal, positive = np.bincount(scored.labels, minlength=2).tolist()
    return {**thresholds(scored.labels, scored.probability), "normal": normal, "pneumonia": positive}


def _with_answers(scored: Outcomes, answers: npt.NDArray[np.object_]) -> Outcomes:
    return Outcomes(scored.labels, answers.astype(np.str_), scored.probability, scored.is_scored, scored.groups)
