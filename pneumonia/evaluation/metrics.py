"""The figures, and their 95 % intervals over patients.

One definition serves point and interval: every figure takes weights `[R, n]`, a row of ones for the point, and how
often each film was drawn for a bootstrap replicate.
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
    """What a model said of `n` films.

    `labels` 0/1; `probability` of pneumonia, calibrated; `forced` 0/1 at a threshold; `answered` where the service
    gives an answer at an operating point (neither refused by the gate nor undecided).
    """

    labels: Labels
    probability: Floats
    thresholded: Labels
    answered: npt.NDArray[np.bool_]

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        return np.equal(self.thresholded, self.labels)


Metric = Callable[[Decisions, Floats], Floats]


def bootstrap_weights(
    patients: npt.NDArray[np.str_], replicates: int = REPLICATES, seed: int = BOOTSTRAP_SEED
) -> Floats:
    """How often each film is drawn when whole patients are drawn with replacement, `[replicates, n]`."""
    _, group = np.unique(patients, return_inverse=True)
    count = int(group.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=replicates)
    return drawn[:, group].astype(np.float64)


def compute_metrics(answers: Decisions, weights: Floats, measures: Mapping[str, Metric]) -> dict[str, Figure]:
    """Each measure's value with its percentile interval; None where a class is missing."""
    once = np.ones((1, len(answers.labels)))
    return {name: with_interval(float(of(answers, once)[0]), of(answers, weights)) for name, of in measures.items()}


def with_interval(value: float, replicates: Floats) -> Figure:
    """A value with the 2.5th and 97.5th percentile of its replicates."""
    if np.isnan(value):
        return {"value": None, "low": None, "high": None}
    low, high = np.nanpercentile(replicates, [2.5, 97.5])
    return {"value": round(value, 5), "low": round(float(low), 5), "high": round(float(high), 5)}


def weighted_share(hit: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    """The weighted share of `hit` among `among`, `[R]`; NaN where nothing was drawn."""
    total = weights @ among.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: Floats = (weights @ (hit & among).astype(np.float64)) / total
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
    found, real = precision(answers, weights), sensitivity(answers, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * found * real / (found + real)


def auroc(answers: Decisions, weights: Floats) -> Floats:
    """How often a pneumonia film lies above a normal one, a tie counting half; all replicates in one go."""
    order = np.argsort(answers.probability, kind="stable")
    levels = np.flatnonzero(np.diff(answers.probability[order], prepend=-1.0) > 0)
    drawn = weights[:, order]
    ill, well = (np.add.reduceat(drawn * (answers.labels[order] == label), levels, axis=1) for label in (1, 0))
    below = np.cumsum(well, axis=1) - well / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        area: Floats = (ill * below).sum(axis=1) / (ill.sum(axis=1) * well.sum(axis=1))
    return area


def auprc(answers: Decisions, weights: Floats) -> Floats:
    """Scikit-learn's average precision, replicate by replicate."""

    def one(row: Floats) -> float:
        drawn = row > 0
        if len(np.unique(answers.labels[drawn])) < 2:
            return float("nan")
        return float(
            average_precision_score(answers.labels[drawn], answers.probability[drawn], sample_weight=row[drawn])
        )

    return np.array([one(row) for row in weights])


def brier(answers: Decisions, weights: Floats) -> Floats:
    error: Floats = (weights @ np.square(answers.probability - answers.labels)) / weights.sum(axis=1)
    return error


def ece(answers: Decisions, weights: Floats) -> Floats:
    """Expected calibration error: 15 equal-width bins on the probability of pneumonia."""
    member = reliability_bins(answers.probability)[:, None] == np.arange(ECE_BINS)
    gaps = np.abs((weights * (answers.probability - answers.labels)) @ member.astype(np.float64))
    error: Floats = gaps.sum(axis=1) / weights.sum(axis=1)
    return error


def coverage(answers: Decisions, weights: Floats) -> Floats:
    """The share of films that get an answer."""
    return weighted_share(answers.answered, np.ones_like(answers.answered), weights)


def answered_accuracy(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.correct, answers.answered, weights)


def answered_sensitivity(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.thresholded == 1, answers.answered & (answers.labels == 1), weights)


def answered_specificity(answers: Decisions, weights: Floats) -> Floats:
    return weighted_share(answers.thresholded == 0, answers.answered & (answers.labels == 0), weights)


def overall_accuracy(answers: Decisions, weights: Floats) -> Floats:
    """Right answers among all films: a refused or undecided film counts as wrong."""
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
"""The network alone: every film is answered at the threshold."""

GATED_METRICS: dict[str, Metric] = {
    "gated_accuracy": overall_accuracy,
    "gated_sensitivity": overall_sensitivity,
    "gated_specificity": overall_specificity,
}
"""Every film that the gate lets through is answered at the threshold; a refused one counts as wrong."""

SERVICE_METRICS: dict[str, Metric] = {
    "coverage": coverage,
    "answered_accuracy": answered_accuracy,
    "answered_sensitivity": answered_sensitivity,
    "answered_specificity": answered_specificity,
    "overall_accuracy": overall_accuracy,
}
"""What a user gets at an operating point, gate and band included."""


def reliability_bins(probability: Floats) -> npt.NDArray[np.int64]:
    """The reliability bin of each probability, 0..14."""
    return np.minimum((probability * ECE_BINS).astype(np.int64), ECE_BINS - 1)
