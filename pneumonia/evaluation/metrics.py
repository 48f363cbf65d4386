"""Metrics with 95 % intervals from a bootstrap over patients.

Each metric is defined once, for the point estimate and for its interval. It takes weights `[R, N]` of `N` films and
returns `R` values. For the point estimate the weights are one row of ones. For the interval, each row is a bootstrap
replicate and contains the number of times that each film was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Figure = dict[str, float | None]

REPLICATES = 2000
"""Number of bootstrap replicates."""

BOOTSTRAP_SEED = 624

ECE_BINS = 15
"""Number of equal-width bins of the expected calibration error and the reliability curve."""


@dataclass(frozen=True)
class Decisions:
    """A model's decisions on `N` films; all arrays are `[N]`.

    `labels`: 0 Normal, 1 Pneumonia. `probability`: calibrated P(pneumonia). `thresholded`: 1 if the probability reaches
    a threshold, else 0. `answered`: True if the film is answered, so neither refused by the gate nor undecided.
    """

    labels: Labels
    probability: Floats
    thresholded: Labels
    answered: npt.NDArray[np.bool_]

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """`[N]`: True if the thresholded decision equals the label."""
        return np.equal(self.thresholded, self.labels)


Metric = Callable[[Decisions, Floats], Floats]
"""Maps decisions on `N` films and weights `[R, N]` to `R` values; NaN where the metric is not defined."""


def bootstrap_weights(
    patients: npt.NDArray[np.str_], replicates: int = REPLICATES, seed: int = BOOTSTRAP_SEED
) -> Floats:
    """Weights `[replicates, N]`: number of times that each film is drawn if patients are drawn with replacement.

    `patients` `[N]` is the patient key of each film. All films of a patient are drawn together.
    """
    _, patient_index = np.unique(patients, return_inverse=True)
    count = int(patient_index.max()) + 1
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=replicates)
    return draws[:, patient_index].astype(np.float64)


def unit_weights(films: int) -> Floats:
    """Weights `[1, films]` of the point estimate: every film counts once."""
    return np.ones((1, films))


def compute_metrics(answers: Decisions, weights: Floats, measures: Mapping[str, Metric]) -> dict[str, Figure]:
    """Each metric of `measures` with its 95 % interval; None if a class is missing."""
    unit = unit_weights(len(answers.labels))
    return {
        name: with_interval(float(metric(answers, unit)[0]), metric(answers, weights))
        for name, metric in measures.items()
    }


def with_interval(value: float, replicates: Floats) -> Figure:
    """A value with its 95 % interval, the 2.5th and 97.5th percentiles of its replicates; None if the value is NaN."""
    if np.isnan(value):
        return {"value": None, "low": None, "high": None}
    low, high = np.nanpercentile(replicates, [2.5, 97.5])
    return {"value": round(value, 5), "low": round(float(low), 5), "high": round(float(high), 5)}


def weighted_share(hits: npt.NDArray[np.bool_], subset: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    """`[R]`: weighted share of the films of `subset` `[N]` that are in `hits` `[N]`; NaN if none of them was drawn."""
    total = weights @ subset.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: Floats = (weights @ (hits & subset).astype(np.float64)) / total
    return ratio


def accuracy(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.correct, np.ones_like(answers.correct), weights)


def precision(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.labels == 1, answers.thresholded == 1, weights)


def sensitivity(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.thresholded == 1, answers.labels == 1, weights)


def specificity(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.thresholded == 0, answers.labels == 0, weights)


def f1(answers: Decisions, weights: Floats) -> Floats:
    positive_predictive_value, recall = precision(answers, weights), sensitivity(answers, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * positive_predictive_value * recall / (positive_predictive_value + recall)


def auroc(answers: Decisions, weights: Floats) -> Floats:
    """Area under the ROC curve: probability that a pneumonia film scores higher than a normal film; ties count half.

    All replicates are computed at once.
    """
    order = np.argsort(answers.probability, kind="stable")
    levels = np.flatnonzero(np.diff(answers.probability[order], prepend=-1.0) > 0)
    sorted_weights, sorted_labels = weights[:, order], answers.labels[order]
    positives, negatives = (
        np.add.reduceat(sorted_weights * (sorted_labels == label), levels, axis=1) for label in (1, 0)
    )
    negatives_below = np.cumsum(negatives, axis=1) - negatives / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        pairs = positives.sum(axis=1) * negatives.sum(axis=1)
        area: Floats = (positives * negatives_below).sum(axis=1) / pairs
    return area


def auprc(answers: Decisions, weights: Floats) -> Floats:
    """Area under the precision-recall curve: scikit-learn's average precision, computed for each replicate."""
    # Imported here, because serving computes the other metrics of a site's own films without scikit-learn.
    from sklearn.metrics import average_precision_score

    def average_precision(row: Floats) -> float:
        indices = np.flatnonzero(row > 0)
        labels = answers.labels[indices]
        if len(np.unique(labels)) < 2:
            return float("nan")
        return float(average_precision_score(labels, answers.probability[indices], sample_weight=row[indices]))

    return np.array([average_precision(row) for row in weights])


def brier(answers: Decisions, weights: Floats) -> Floats:
    """Brier score: mean squared difference of probability and label."""
    error: Floats = (weights @ np.square(answers.probability - answers.labels)) / weights.sum(axis=1)
    return error


def ece(answers: Decisions, weights: Floats) -> Floats:
    """Expected calibration error over 15 equal-width bins of P(pneumonia)."""
    member = reliability_bins(answers.probability)[:, None] == np.arange(ECE_BINS)
    gaps = np.abs((weights * (answers.probability - answers.labels)) @ member.astype(np.float64))
    error: Floats = gaps.sum(axis=1) / weights.sum(axis=1)
    return error


def coverage(answers: Decisions, weights: Floats) -> Floats:
    """Share of films that are answered."""
    return weighted_share(answers.answered, np.ones_like(answers.answered), weights)


def answered_accuracy(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.correct, answers.answered, weights)


def answered_sensitivity(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.thresholded == 1, answers.answered & (answers.labels == 1), weights)


def answered_specificity(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.thresholded == 0, answers.answered & (answers.labels == 0), weights)


def overall_accuracy(answers: Decisions, weights: Floats) -> Floats:
    """Share of correct answers among all films; refused and undecided films count as wrong."""
    return weighted_share(answers.correct & answers.answered, np.ones_like(answers.correct), weights)


def overall_sensitivity(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.correct & answers.answered, answers.labels == 1, weights)


def overall_specificity(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.correct & answers.answered, answers.labels == 0, weights)


NETWORK_METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "precision": precision,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "f1": f1,
    "auroc": auroc,
    "auprc": auprc,
    "brier": brier,
    "ece": ece,
}
"""Metrics of the network without the gate: every film is answered at the threshold."""

GATED_METRICS: dict[str, Metric] = {
    "gated_accuracy": overall_accuracy,
    "gated_sensitivity": overall_sensitivity,
    "gated_specificity": overall_specificity,
}
"""Metrics of the network with the gate: accepted films are answered at the threshold, refused films count as wrong."""

SERVICE_METRICS: dict[str, Metric] = {
    "coverage": coverage,
    "answered_accuracy": answered_accuracy,
    "answered_sensitivity": answered_sensitivity,
    "answered_specificity": answered_specificity,
    "overall_accuracy": overall_accuracy,
}
"""Metrics of the service at an operating point, with gate and undecided band."""


def reliability_bins(probability: Floats) -> npt.NDArray[np.int64]:
    """Index `[N]` of the reliability bin of each probability, 0 to 14."""
    return np.minimum((probability * ECE_BINS).astype(np.int64), ECE_BINS - 1)
