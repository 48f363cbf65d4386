"""ROC, precision-recall, reliability and risk-coverage curves as plain lists, thinned for the web page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_curve, roc_curve

from .metrics import ECE_BINS, Floats, Labels, reliability_bins

POINTS = 200
"""Maximum number of points of a curve."""

Curve = dict[str, list[Any]]


def all_curves(labels: Labels, probability: Floats, threshold: float) -> dict[str, Curve]:
    """Every curve of page and card, by name."""
    return {
        "roc": roc(labels, probability),
        "precision_recall": precision_recall(labels, probability),
        "reliability": reliability(labels, probability),
        "risk_coverage": risk_coverage(labels, probability, threshold),
        "thresholds": thresholds(labels, probability),
    }


def roc(labels: Labels, probability: Floats) -> Curve:
    false_positive, true_positive, _ = roc_curve(labels, probability)
    return _thin({"false_positive_rate": false_positive, "sensitivity": true_positive})


def precision_recall(labels: Labels, probability: Floats) -> Curve:
    precision, sensitivity, _ = precision_recall_curve(labels, probability)
    return _thin({"precision": precision, "sensitivity": sensitivity})


def reliability(labels: Labels, probability: Floats) -> Curve:
    """Number of films, mean probability and observed share of pneumonia of each of the 15 bins that is not empty."""
    bins = reliability_bins(probability)
    counts = np.bincount(bins, minlength=ECE_BINS)
    is_filled = counts > 0
    count = counts[is_filled]
    predicted = np.bincount(bins, probability, ECE_BINS)[is_filled] / count
    observed = np.bincount(bins, labels, ECE_BINS)[is_filled] / count
    return {"count": count.tolist(), "probability": _rounded(predicted), "observed": _rounded(observed)}


def risk_coverage(labels: Labels, probability: Floats, threshold: float) -> Curve:
    """Error among the answered films, for answering 1, 2, ... N films in order of certainty.

    Certainty is the distance from the threshold in logits.
    """
    certainty = np.abs(logit(probability) - logit(np.array(threshold)))
    is_wrong = ((probability >= threshold) != (labels == 1))[np.argsort(-certainty, kind="stable")]
    answered = np.arange(1, len(labels) + 1)
    return _thin({"coverage": answered / len(labels), "risk": np.cumsum(is_wrong) / answered})


def thresholds(labels: Labels, probability: Floats) -> Curve:
    """Confusion counts at thresholds of 0, .01, ... 1, for the page's slider."""
    grid = np.arange(101) / 100
    positive = probability[None, :] >= grid[:, None]
    return {
        "threshold": grid.tolist(),
        "true_positive": (positive & (labels == 1)).sum(axis=1).tolist(),
        "false_positive": (positive & (labels == 0)).sum(axis=1).tolist(),
    }


def at_thresholds(labels: Labels, probability: Floats, thresholds: Mapping[str, float]) -> Curve:
    """The point of the ROC curve of each named threshold."""
    decisions = [probability >= threshold for threshold in thresholds.values()]
    return {
        "name": list(thresholds),
        "false_positive_rate": [round(float(positive[labels == 0].mean()), 5) for positive in decisions],
        "sensitivity": [round(float(positive[labels == 1].mean()), 5) for positive in decisions],
    }


def logit(probability: Floats) -> Floats:
    """Log odds; probabilities are clipped to 1e-7 and 1 - 1e-7."""
    clipped = np.clip(probability, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _thin(curve: dict[str, npt.NDArray[Any]]) -> Curve:
    length = len(next(iter(curve.values())))
    indices = np.unique(np.linspace(0, length - 1, min(length, POINTS)).round().astype(int))
    return {name: _rounded(values[indices]) for name, values in curve.items()}


def _rounded(values: npt.NDArray[Any]) -> list[float]:
    return [round(float(value), 5) for value in values]
