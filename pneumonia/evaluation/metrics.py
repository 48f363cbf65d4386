"""Metrics with 95 % bootstrap intervals over patients.

One definition serves point estimate and interval. Every metric takes weights `[R, N]` and returns `[R]`: one row of
ones for the point estimate, or for each bootstrap replicate how often each film was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Figure = dict[str, float | None]

REPLICATES = 2000
BOOTSTRAP_SEED = 624
ECE_BINS = 15


@dataclass(frozen=True)
class Decisions:
    """A model's decisions on `[N]` films.

    `labels`: 0 Normal, 1 Pneumonia. `probability`: calibrated P(pneumonia). `thresholded`: 0 or 1 at a threshold.
    `answered`: whether the service gives an answer at an operating point (neither refused by the gate nor undecided).
    """

    labels: Labels
    probability: Floats
    thresholded: Labels
    answered: npt.NDArray[np.bool_]

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Whether the thresholded decision equals the label, `[N]`."""
        return np.equal(self.thresholded, self.labels)


Metric = Callable[[Decisions, Floats], Floats]


def bootstrap_weights(
    patients: npt.NDArray[np.str_], replicates: int = REPLICATES, seed: int = BOOTSTRAP_SEED
) -> Floats:
    """How often each film is drawn when whole patients are drawn with replacement, `[replicates, N]`."""
    _, patient_index = np.unique(patients, return_inverse=True)
    count = int(patient_index.max()) + 1
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=replicates)
    return draws[:, patient_index].astype(np.float64)


def unit_weights(films: int) -> Floats:
    """Weights of the point estimate, `[1, N]`: every film counts once."""
    return np.ones((1, films))


def compute_metrics(answers: Decisions, weights: Floats, measures: Mapping[str, Metric]) -> dict[str, Figure]:
    """Each metric with its percentile interval; None if a class is missing."""
    unit = unit_weights(len(answers.labels))
    return {
        name: with_interval(float(metric(answers, unit)[0]), metric(answers, weights))
        for name, metric in measures.items()
    }


def with_interval(value: float, replicates: Floats) -> Figure:
    """A value with the 2.5th and 97.5th percentiles of its replicates; None if it is NaN."""
    if np.isnan(value):
        return {"value": None, "low": None, "high": None}
    low, high = np.nanpercentile(replicates, [2.5, 97.5])
    return {"value": round(value, 5), "low": round(float(low), 5), "high": round(float(high), 5)}


def weighted_share(hits: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    """The weighted share of `hits` within `among`, `[R]`; NaN if nothing was drawn."""
    total = weights @ among.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: Floats = (weights @ (hits & among).astype(np.float64)) / total
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
    """Probability that a pneumonia film scores above a normal film, ties counting half; all replicates at once."""
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
    """scikit-learn's average precision, replicate by replicate."""

    def average_precision(row: Floats) -> float:
        indices = np.flatnonzero(row > 0)
        labels = answers.labels[indices]
        if len(np.unique(labels)) < 2:
            return float("nan")
        return float(average_precision_score(labels, answers.probability[indices], sample_weight=row[indices]))

    return np.array([average_precision(row) for row in weights])


def brier(answers: Decisions, weights: Floats) -> Floats:
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
    """Correct answers among all films; refused and undecided films count as wrong."""
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
"""The network without the gate: every film is answered at the threshold."""

GATED_METRICS: dict[str, Metric] = {
    "gated_accuracy": overall_accuracy,
    "gated_sensitivity": overall_sensitivity,
    "gated_specificity": overall_specificity,
}
"""Films accepted by the gate are answered at the threshold; refused films count as wrong."""

SERVICE_METRICS: dict[str, Metric] = {
    "coverage": coverage,
    "answered_accuracy": answered_accuracy,
    "answered_sensitivity": answered_sensitivity,
    "answered_specificity": answered_specificity,
    "overall_accuracy": overall_accuracy,
}
"""The service at an operating point, with gate and undecided band."""


def reliability_bins(probability: Floats) -> npt.NDArray[np.int64]:
    """The reliability bin of each probability, 0 to 14."""
    return np.minimum((probability * ECE_BINS).astype(np.int64), ECE_BINS - 1)
