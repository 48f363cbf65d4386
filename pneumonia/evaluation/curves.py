"""ROC, precision-recall, reliability and risk-coverage curves as lists, thinned to at most 200 points for the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .metrics import ECE_BINS, Floats, Labels, reliability_bins

MAX_POINTS = 200
"""Maximum number of points of a curve."""

Curve = dict[str, list[Any]]
"""Columns of equal length by name: the coordinates of the curve's points."""


def all_curves(labels: Labels, probability: Floats, threshold: float) -> dict[str, Curve]:
    """All curves of the page and the card, by name.

    `labels` `[N]`: 0 Normal, 1 Pneumonia. `probability` `[N]`: P(pneumonia). `threshold`: that of the balanced
    operating point.
    """
    return {
        "roc": roc(labels, probability),
        "precision_recall": precision_recall(labels, probability),
        "reliability": reliability(labels, probability),
        "risk_coverage": risk_coverage(labels, probability, threshold),
        "thresholds": thresholds(labels, probability),
    }


def roc(labels: Labels, probability: Floats) -> Curve:
    """ROC curve: false positive rate and sensitivity at each threshold."""
    order = np.argsort(-probability, kind="stable")
    is_last_of_ties = np.append(np.diff(probability[order]) != 0, True)
    true, false = (np.cumsum(labels[order] == label)[is_last_of_ties] for label in (1, 0))
    # A point between two others on a straight line is not a corner of the curve.
    is_corner = np.full(len(true), True)
    is_corner[1:-1] = (np.diff(true, 2) != 0) | (np.diff(false, 2) != 0)
    counts = {"false_positive_rate": np.append(0, false[is_corner]), "sensitivity": np.append(0, true[is_corner])}
    with np.errstate(invalid="ignore"):
        return _thin({name: count / count[-1] for name, count in counts.items()})


def precision_recall(labels: Labels, probability: Floats) -> Curve:
    """Precision-recall curve: precision and sensitivity at each threshold."""
    # Imported here, because serving draws the other curves of a site's own films without scikit-learn.
    from sklearn.metrics import precision_recall_curve

    precision, sensitivity, _ = precision_recall_curve(labels, probability)
    return _thin({"precision": precision, "sensitivity": sensitivity})


def reliability(labels: Labels, probability: Floats) -> Curve:
    """Reliability curve: number of films, mean probability and observed share of pneumonia of each bin.

    There are 15 bins of equal width; empty ones are left out.
    """
    bins = reliability_bins(probability)
    counts = np.bincount(bins, minlength=ECE_BINS)
    is_filled = counts > 0
    count = counts[is_filled]
    predicted = np.bincount(bins, probability, ECE_BINS)[is_filled] / count
    observed = np.bincount(bins, labels, ECE_BINS)[is_filled] / count
    return {"count": count.tolist(), "probability": _rounded(predicted), "observed": _rounded(observed)}


def risk_coverage(labels: Labels, probability: Floats, threshold: float) -> Curve:
    """Risk-coverage curve: share of wrong answers if the 1, 2, ... N most certain films are answered.

    Certainty is the distance of the probability from the threshold, in logits.
    """
    certainty = np.abs(logit(probability) - logit(np.array(threshold)))
    is_wrong = ((probability >= threshold) != (labels == 1))[np.argsort(-certainty, kind="stable")]
    answered = np.arange(1, len(labels) + 1)
    return _thin({"coverage": answered / len(labels), "risk": np.cumsum(is_wrong) / answered})


def thresholds(labels: Labels, probability: Floats) -> Curve:
    """True and false positives at thresholds of 0, .01, ... 1, for the slider of the page."""
    grid = np.arange(101) / 100
    positive = probability[None, :] >= grid[:, None]
    return {
        "threshold": grid.tolist(),
        "true_positive": (positive & (labels == 1)).sum(axis=1).tolist(),
        "false_positive": (positive & (labels == 0)).sum(axis=1).tolist(),
    }


def at_thresholds(labels: Labels, probability: Floats, thresholds: Mapping[str, float]) -> Curve:
    """Points of the ROC curve at the named thresholds."""
    decisions = [probability >= threshold for threshold in thresholds.values()]
    return {
        "name": list(thresholds),
        "false_positive_rate": [round(float(positive[labels == 0].mean()), 5) for positive in decisions],
        "sensitivity": [round(float(positive[labels == 1].mean()), 5) for positive in decisions],
    }


def logit(probability: Floats) -> Floats:
    """Log odds of probabilities, which are clipped to 1e-7 and 1 - 1e-7 first."""
    clipped = np.clip(probability, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _thin(curve: dict[str, npt.NDArray[Any]]) -> Curve:
    length = len(next(iter(curve.values())))
    indices = np.unique(np.linspace(0, length - 1, min(length, MAX_POINTS)).round().astype(int))
    return {name: _rounded(values[indices]) for name, values in curve.items()}


def _rounded(values: npt.NDArray[Any]) -> list[float]:
    return [round(float(value), 5) for value in values]
