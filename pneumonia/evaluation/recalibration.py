"""Logistic recalibration: slope and intercept of the labels on the log odds, by Newton's method in NumPy.

Cox 1958; Van Calster et al. 2019, *Calibration: the Achilles heel of predictive analytics*. A slope of 1 and an
intercept of 0 mean that the probabilities fit the films. A slope below 1: they are too extreme. An intercept above 0:
pneumonia is more frequent than they say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .curves import logit
from .metrics import Decisions, Floats, Labels

MAX_STEPS = 50
"""Maximum number of Newton steps. Ordinary data need about eight."""

TOLERANCE = 1e-9
"""The fit ends when no coefficient changes by more."""

MAX_SLOPE = 50.0
"""A larger slope means that one threshold separates the classes; then no finite fit exists."""

PRIOR_DEVIATIONS = (0.5, 1.0)
"""Standard deviations of the prior of slope and intercept, around 1 and 0, for a recalibration that is used: few films,
or films that one threshold separates, would otherwise give an extreme one. With 100 films it hardly matters."""

_REPLICATES_PER_BLOCK = 100
"""Replicates of the bootstrap that are fitted at once, which limits the memory."""


@dataclass(frozen=True)
class Recalibration:
    """P = sigmoid(slope * logit(p) + intercept) for a probability `p` of the model."""

    slope: float
    intercept: float

    def apply(self, probability: Floats) -> Floats:
        """The recalibrated probabilities."""
        return sigmoid(self.slope * logit(probability) + self.intercept)


def fit(labels: Labels, probability: Floats, weights: Floats | None = None) -> Recalibration | None:
    """The recalibration of `N` films; None if a class is missing, or one threshold separates the classes.

    `labels` `[N]`: 0 Normal, 1 Pneumonia. `weights` `[N]`: weight of each film, by default 1.
    """
    weights = np.ones(len(labels)) if weights is None else weights
    slope, intercept = (float(value[0]) for value in fit_all(labels, probability, weights[None]))
    return None if np.isnan(slope) else Recalibration(slope, intercept)


def fit_with_prior(labels: Labels, probability: Floats, weights: Floats) -> Recalibration | None:
    """As `fit`, with the prior of `PRIOR_DEVIATIONS` (maximum a posteriori), so that a finite fit always exists."""
    slope, intercept = (float(value[0]) for value in fit_all(labels, probability, weights[None], PRIOR_DEVIATIONS))
    return None if np.isnan(slope) else Recalibration(slope, intercept)


def fit_all(
    labels: Labels, probability: Floats, weights: Floats, prior: tuple[float, float] | None = None
) -> tuple[Floats, Floats]:
    """Slopes `[R]` and intercepts `[R]` for weights `[R, N]`; NaN where no finite fit exists."""
    blocks = np.array_split(weights, max(1, len(weights) // _REPLICATES_PER_BLOCK))
    precisions = (0.0, 0.0) if prior is None else (prior[0] ** -2, prior[1] ** -2)
    fits = [_fit_block(labels.astype(np.float64), logit(probability), block, precisions) for block in blocks]
    slopes, intercepts = (np.concatenate(part) for part in zip(*fits, strict=True))
    return slopes, intercepts


def slope_metric(decisions: Decisions, weights: Floats) -> Floats:
    """The slope as a `Metric` of `metrics`."""
    return fit_all(decisions.labels, decisions.probability, weights)[0]


def intercept_metric(decisions: Decisions, weights: Floats) -> Floats:
    """The intercept as a `Metric` of `metrics`."""
    return fit_all(decisions.labels, decisions.probability, weights)[1]


def sigmoid(value: Floats) -> Floats:
    """The logistic function, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * np.asarray(value))))


def _fit_block(
    labels: Floats, predictor: Floats, weights: Floats, precisions: tuple[float, float]
) -> tuple[Floats, Floats]:
    slope, intercept = np.ones(len(weights)), np.zeros(len(weights))
    is_active = np.ones(len(weights), bool)
    for _ in range(MAX_STEPS):
        now = slope[is_active], intercept[is_active]
        steps = _newton_step(labels, predictor, weights[is_active], now, precisions)
        slope[is_active] += steps[0]
        intercept[is_active] += steps[1]
        has_moved = (np.abs(steps) > TOLERANCE).any(axis=0) & np.isfinite(steps).all(axis=0)
        is_active[is_active] = has_moved & (np.abs(slope[is_active]) < MAX_SLOPE)
        if not is_active.any():
            break
    has_no_fit = is_active | ~np.isfinite(slope) | (np.abs(slope) >= MAX_SLOPE)
    return np.where(has_no_fit, np.nan, slope), np.where(has_no_fit, np.nan, intercept)


def _newton_step(
    labels: Floats, predictor: Floats, weights: Floats, now: tuple[Floats, Floats], precisions: tuple[float, float]
) -> Floats:
    """Steps `[2, R]` from slope and intercept `now`; NaN if the Hessian is singular. Large steps are shortened.

    `precisions`: of the prior of both, 0 without one.
    """
    slope, intercept = now
    probability = sigmoid(slope[:, None] * predictor + intercept[:, None])
    residual = weights * (labels - probability)
    curvature = weights * probability * (1 - probability)
    gradient = (
        residual @ predictor - precisions[0] * (slope - 1),
        residual.sum(axis=1) - precisions[1] * intercept,
    )
    second, plain = curvature @ predictor**2 + precisions[0], curvature.sum(axis=1) + precisions[1]
    mixed = curvature @ predictor
    with np.errstate(invalid="ignore", divide="ignore"):
        determinant = second * plain - mixed**2
        step = np.array([plain * gradient[0] - mixed * gradient[1], second * gradient[1] - mixed * gradient[0]])
        step = np.where(determinant > 1e-12, step / determinant, np.nan)
    longest = np.abs(step).max(axis=0)
    # A step beyond the range where the quadratic approximation holds would overshoot.
    return np.asarray(step / np.maximum(1, longest / 2))
