"""Curves as plain lists, thin enough for a page: ROC, precision-recall, reliability, risk-coverage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_curve, roc_curve

from .metrics import ECE_BINS, Floats, Labels, reliability_bins

POINTS = 200

Curve = dict[str, list[Any]]


def all_curves(labels: Labels, probability: Floats, threshold: float) -> dict[str, Curve]:
    """Every curve that page and card draw, by name."""
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
    found, real, _ = precision_recall_curve(labels, probability)
    return _thin({"precision": found, "sensitivity": real})


def reliability(labels: Labels, probability: Floats) -> Curve:
    """For each of the 15 bins that holds a film: how many, their mean probability, the share that had pneumonia."""
    place = reliability_bins(probability)
    count = np.bincount(place, minlength=ECE_BINS)
    held = count > 0
    said = np.bincount(place, probability, ECE_BINS)[held] / count[held]
    real = np.bincount(place, labels, ECE_BINS)[held] / count[held]
    return {"count": count[held].tolist(), "probability": _rounded(said), "observed": _rounded(real)}


def risk_coverage(labels: Labels, probability: Floats, threshold: float) -> Curve:
    """Error among the films answered, as the least sure are left out one by one."""
    sureness = np.abs(logit(probability) - logit(np.array(threshold)))
    wrong = ((probability >= threshold) != (labels == 1))[np.argsort(-sureness, kind="stable")]
    answered = np.arange(1, len(labels) + 1)
    return _thin({"coverage": answered / len(labels), "risk": np.cumsum(wrong) / answered})


def thresholds(labels: Labels, probability: Floats) -> Curve:
    """The confusion counts at each percent, for a slider."""
    grid = np.arange(101) / 100
    positive = probability[None, :] >= grid[:, None]
    return {
        "threshold": grid.tolist(),
        "true_positive": (positive & (labels == 1)).sum(axis=1).tolist(),
        "false_positive": (positive & (labels == 0)).sum(axis=1).tolist(),
    }


def at_thresholds(labels: Labels, probability: Floats, named: Mapping[str, float]) -> Curve:
    """Where on the ROC each named threshold lies."""
    positive = [probability >= threshold for threshold in named.values()]
    return {
        "name": list(named),
        "false_positive_rate": [round(float(called[labels == 0].mean()), 5) for called in positive],
        "sensitivity": [round(float(called[labels == 1].mean()), 5) for called in positive],
    }


def logit(probability: Floats) -> Floats:
    kept = np.clip(probability, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(kept / (1 - kept)))


def _thin(curve: dict[str, npt.NDArray[Any]]) -> Curve:
    length = len(next(iter(curve.values())))
    kept = np.unique(np.linspace(0, length - 1, min(length, POINTS)).round().astype(int))
    return {name: _rounded(values[kept]) for name, values in curve.items()}


def _rounded(values: npt.NDArray[Any]) -> list[float]:
    return [round(float(value), 5) for value in values]
