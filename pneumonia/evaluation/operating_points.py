"""Calibration and operating points, chosen on validation films and never on test films."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..inference.decision import Calibration, OperatingPoint, supported_limit
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


def class_weights(labels: Labels) -> Floats:
    """Weights `[N]` with which both classes have the same total weight; their mean is 1."""
    share = np.bincount(labels, minlength=2) / len(labels)
    weights: Floats = 0.5 / share[labels]
    return weights


def calibrate(labels: Labels, scores: Floats, *, balanced: bool = False) -> Calibration:
    """Platt scaling (logistic regression on the logit), fitted on the raw scores `[N]` of validation films.

    With `balanced` both classes have the same weight, so that P(pneumonia) is that at a prevalence of one half.
    """
    # Imported here, because serving chooses operating points on a site's own films without scikit-learn.
    from sklearn.linear_model import LogisticRegression

    weights = class_weights(labels) if balanced else None
    fit = LogisticRegression(C=np.inf).fit(logit(scores)[:, None], labels, weights)
    prevalence = 0.5 if balanced else float(labels.mean())
    limit = supported_limit(*np.bincount(labels, minlength=2).tolist())
    return Calibration(float(fit.coef_[0, 0]), float(fit.intercept_[0]), prevalence, limit)


def operating_points(
    labels: Labels,
    probability: Floats,
    balanced: float,
    weights: Floats | None = None,
    max_undecided: float = MAX_UNDECIDED,
) -> dict[str, OperatingPoint]:
    """`screening` at 99 % sensitivity, `confirm` at 99 % specificity, and `balanced` at the threshold `balanced`.

    `labels` `[N]` and `probability` `[N]`, the calibrated P(pneumonia), are of validation films; `weights` `[N]` are
    their weights in the shares that limit the undecided band, by default 1. The band holds at most `max_undecided` of
    them. The threshold `balanced` is the calibration
    prevalence. It corresponds to P(pneumonia) = 50 % where both classes are equally frequent, so it does not favour the
    more frequent class of the data set. A search for the best sum of sensitivity and specificity would be unstable,
    because that sum is flat over a wide range of thresholds.

    No point answers Normal above or Pneumonia below a P(pneumonia) of one half, so that no answer contradicts its
    probability. Films between a threshold and one half are therefore undecided.
    """
    from sklearn.metrics import roc_curve

    weights = np.ones(len(labels)) if weights is None else weights
    false_positive_rate, sensitivity, cuts = roc_curve(labels, probability, drop_intermediate=False)
    specificity = 1 - false_positive_rate
    # The cuts are in descending order, from above all films to the film with the lowest probability. If the classes
    # hardly overlap, `balanced` may exceed 99 % sensitivity and specificity. Screening must not be less sensitive than
    # `balanced`, and confirm must not be less specific.
    screening = _midpoint_below(cuts, int(np.argmax(sensitivity >= SCREENING_SENSITIVITY)))
    confirm = _midpoint_below(cuts, int(np.flatnonzero(specificity >= CONFIRM_SPECIFICITY)[-1]))
    thresholds = {"screening": min(screening, balanced), "balanced": balanced, "confirm": max(confirm, balanced)}
    return {
        name: with_band(labels, probability, threshold, weights, max_undecided)
        for name, threshold in thresholds.items()
    }


def _midpoint_below(cuts: Floats, index: int) -> float:
    """Midpoint, in logits, of a cut and the next lower one, so that the threshold does not coincide with a film."""
    pair = logit(np.clip(cuts[index : index + 2], 0.0, 1.0))
    return float(1 / (1 + np.exp(-pair.mean())))


def with_band(
    labels: Labels, probability: Floats, threshold: float, weights: Floats, max_undecided: float
) -> OperatingPoint:
    """Operating point with the narrowest undecided band for which the answered films have at most `ANSWERED_ERROR`.

    The band contains the interval between the threshold and one half and extends beyond it by the same distance in
    logits on both sides. It contains at most `max_undecided` of the films, unless the interval alone contains more.
    """
    low_edge, high_edge = sorted((threshold, 0.5))
    logits = logit(probability)
    certainty = np.maximum(logit(np.array(low_edge)) - logits, logits - logit(np.array(high_edge)))
    order = np.argsort(-certainty, kind="stable")
    is_wrong = (probability >= threshold) != (labels == 1)
    half_width = max(0.0, _half_width(is_wrong[order], certainty[order], weights[order], max_undecided))
    low, high = (_sigmoid(logit(np.array(edge)) + sign * half_width) for edge, sign in ((low_edge, -1), (high_edge, 1)))
    return OperatingPoint(min(low, low_edge), threshold, max(high, high_edge))


def _half_width(is_wrong: npt.NDArray[np.bool_], certainty: Floats, weights: Floats, max_undecided: float) -> float:
    """Certainty of the most certain film in the narrowest band that is allowed; -inf if no band is needed.

    The films `[N]` are in the order from the most to the least certain.
    """
    answered_weight = np.cumsum(weights)
    risk = np.cumsum(is_wrong * weights) / answered_weight
    # The tolerance is for the rounding of the sum.
    min_answered = int(np.searchsorted(answered_weight, (1 - max_undecided - 1e-9) * answered_weight[-1])) + 1
    acceptable = np.flatnonzero(risk <= ANSWERED_ERROR)
    answered = max(min_answered, int(acceptable[-1]) + 1 if len(acceptable) else 0)
    return -np.inf if answered >= len(certainty) else float(certainty[answered])


def _sigmoid(value: Floats) -> float:
    return float(1 / (1 + np.exp(-value)))
