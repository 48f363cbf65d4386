"""Calibration and operating points, chosen on validation films and never on test films."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve

from ..inference.decision import Calibration, OperatingPoint
from .curves import logit
from .metrics import Floats, Labels

SCREENING_SENSITIVITY = 0.99
CONFIRM_SPECIFICITY = 0.99
ANSWERED_ERROR = 0.02
"""Maximum error among the validation films that an operating point answers: the risk on the risk-coverage curve from
which the undecided band is read."""
MAX_UNDECIDED = 0.10
"""Maximum share of validation films in the undecided band. It takes precedence over `ANSWERED_ERROR`: a tool that
answers only every second film is of no use."""


def calibrate(labels: Labels, scores: Floats) -> Calibration:
    """Platt scaling, fitted on the scores of validation films."""
    fit = LogisticRegression(C=np.inf).fit(logit(scores)[:, None], labels)
    return Calibration(float(fit.coef_[0, 0]), float(fit.intercept_[0]), float(labels.mean()))


def operating_points(labels: Labels, probability: Floats, balanced: float) -> dict[str, OperatingPoint]:
    """`screening` at 99 % sensitivity, `confirm` at 99 % specificity, and `balanced` at the threshold `balanced`.

    The threshold of `balanced` is the calibration prevalence. It corresponds to P(pneumonia) = 50 % where both classes
    are equally frequent, so it does not favour the more frequent class of the data set. It needs no search and does not
    depend on chance, whereas the best sum of sensitivity and specificity is flat over a wide range of thresholds.
    """
    false_positive_rate, sensitivity, cuts = roc_curve(labels, probability, drop_intermediate=False)
    specificity = 1 - false_positive_rate
    # The cuts are descending: the first is above every film, the last is the lowest film's. If the classes hardly
    # overlap, `balanced` may exceed 99 % of both. Screening must not have lower sensitivity, confirm not lower
    # specificity.
    screening = _between(cuts, int(np.argmax(sensitivity >= SCREENING_SENSITIVITY)))
    confirm = _between(cuts, int(np.flatnonzero(specificity >= CONFIRM_SPECIFICITY)[-1]))
    thresholds = {"screening": min(screening, balanced), "balanced": balanced, "confirm": max(confirm, balanced)}
    return {name: _with_band(labels, probability, threshold) for name, threshold in thresholds.items()}


def _between(cuts: Floats, index: int) -> float:
    """The midpoint in logits of a cut and the next lower one, so that no single film decides the threshold."""
    pair = logit(np.clip(cuts[index : index + 2], 0.0, 1.0))
    return float(1 / (1 + np.exp(-pair.mean())))


def _with_band(labels: Labels, probability: Floats, threshold: float) -> OperatingPoint:
    """The narrowest band, symmetric about the threshold in logits, whose answered films have the allowed error."""
    centre = logit(np.array(threshold))
    certainty = np.abs(logit(probability) - centre)
    order = np.argsort(-certainty, kind="stable")
    is_wrong = ((probability >= threshold) != (labels == 1))[order]
    risk = np.cumsum(is_wrong) / np.arange(1, len(order) + 1)
    min_answered = round((1 - MAX_UNDECIDED) * len(order))
    acceptable = np.flatnonzero(risk <= ANSWERED_ERROR)
    answered = max(min_answered, int(acceptable[-1]) + 1 if len(acceptable) else 0)
    if answered == len(order):
        return OperatingPoint(threshold, threshold, threshold)
    half_width = float(certainty[order[answered]])  # of the most certain film in the band
    low, high = (1 / (1 + np.exp(-(centre + sign * half_width))) for sign in (-1, 1))
    return OperatingPoint(float(low), threshold, float(high))
