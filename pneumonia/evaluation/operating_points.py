"""Calibration and operating points, chosen on validation films and never on test films."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve

from ..inference.decision import Calibration, OperatingPoint
from .curves import logit
from .metrics import Floats, Labels

SCREENING_SENSITIVITY = 0.99
"""Minimum sensitivity of `screening` on validation films."""

CONFIRM_SPECIFICITY = 0.99
"""Minimum specificity of `confirm` on validation films."""

ANSWERED_ERROR = 0.02
"""Maximum share of wrong answers among the validation films that an operating point answers: the risk on the
risk-coverage curve that determines the undecided band."""

MAX_UNDECIDED = 0.10
"""Maximum share of validation films in the undecided band. It takes precedence over `ANSWERED_ERROR`, because a tool
that answers only half of the films is of no use."""


def calibrate(labels: Labels, scores: Floats) -> Calibration:
    """Platt scaling (logistic regression on the logit), fitted on the raw scores `[N]` of validation films."""
    fit = LogisticRegression(C=np.inf).fit(logit(scores)[:, None], labels)
    return Calibration(float(fit.coef_[0, 0]), float(fit.intercept_[0]), float(labels.mean()))


def operating_points(labels: Labels, probability: Floats, balanced: float) -> dict[str, OperatingPoint]:
    """`screening` at 99 % sensitivity, `confirm` at 99 % specificity, and `balanced` at the threshold `balanced`.

    `labels` `[N]` and `probability` `[N]`, the calibrated P(pneumonia), are of validation films. The threshold
    `balanced` is the calibration prevalence. It corresponds to P(pneumonia) = 50 % where both classes are equally
    frequent, so it does not favour the more frequent class of the data set. A search for the best sum of
    sensitivity and specificity would be unstable, because that sum is flat over a wide range of thresholds.
    """
    false_positive_rate, sensitivity, cuts = roc_curve(labels, probability, drop_intermediate=False)
    specificity = 1 - false_positive_rate
    # The cuts are in descending order, from above all films to the film with the lowest probability. If the classes
    # hardly overlap, `balanced` may exceed 99 % sensitivity and specificity. Screening must not be less sensitive than
    # `balanced`, and confirm must not be less specific.
    screening = _midpoint_below(cuts, int(np.argmax(sensitivity >= SCREENING_SENSITIVITY)))
    confirm = _midpoint_below(cuts, int(np.flatnonzero(specificity >= CONFIRM_SPECIFICITY)[-1]))
    thresholds = {"screening": min(screening, balanced), "balanced": balanced, "confirm": max(confirm, balanced)}
    return {name: _with_band(labels, probability, threshold) for name, threshold in thresholds.items()}


def _midpoint_below(cuts: Floats, index: int) -> float:
    """Midpoint, in logits, of a cut and the next lower one, so that the threshold does not coincide with a film."""
    pair = logit(np.clip(cuts[index : index + 2], 0.0, 1.0))
    return float(1 / (1 + np.exp(-pair.mean())))


def _with_band(labels: Labels, probability: Floats, threshold: float) -> OperatingPoint:
    """Operating point with the narrowest undecided band for which the answered films have at most `ANSWERED_ERROR`.

    The band is symmetric about the threshold in logits and contains at most `MAX_UNDECIDED` of the films.
    """
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
