"""What is chosen on validation films: calibration and operating points. Never anything on a test film."""

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
"""Among the validation films that an operating point answers, so many may be wrong: the risk on the risk-coverage curve
from which its band is read."""
MAX_UNDECIDED = 0.10
"""However many that needs: a tool that answers one film in two is no help."""


def calibrate(labels: Labels, scores: Floats) -> Calibration:
    """Platt scaling fitted on validation films' scores."""
    fit = LogisticRegression(C=np.inf).fit(logit(scores)[:, None], labels)
    return Calibration(float(fit.coef_[0, 0]), float(fit.intercept_[0]), float(labels.mean()))


def operating_points(labels: Labels, probability: Floats, balanced: float) -> dict[str, OperatingPoint]:
    """`screening` keeps 99 % sensitivity, `confirm` 99 % specificity; `balanced` is given.

    `balanced` is the calibration's prevalence: there a film is as likely ill as not where both kinds are equally
    frequent, so it does not lean to the class of which the data set has more. It needs no search, and chance has no
    part in it, where the best sum of sensitivity and specificity is flat over a wide range of thresholds.
    """
    false_positive, sensitivity, cut = roc_curve(labels, probability, drop_intermediate=False)
    specificity = 1 - false_positive
    # The cuts fall: the first is above every film, the last is the lowest film's. Where the classes hardly overlap,
    # `balanced` may keep more than 99 % of both; screening must not miss more, nor confirm call more.
    screening = _between(cut, int(np.argmax(sensitivity >= SCREENING_SENSITIVITY)))
    confirm = _between(cut, int(np.flatnonzero(specificity >= CONFIRM_SPECIFICITY)[-1]))
    chosen = {"screening": min(screening, balanced), "balanced": balanced, "confirm": max(confirm, balanced)}
    return {name: _with_band(labels, probability, threshold) for name, threshold in chosen.items()}


def _between(cut: Floats, index: int) -> float:
    """Half way, in logits, from the film at the cut to the next one below: no single film decides the threshold."""
    pair = logit(np.clip(cut[index : index + 2], 0.0, 1.0))
    return float(1 / (1 + np.exp(-pair.mean())))


def _with_band(labels: Labels, probability: Floats, threshold: float) -> OperatingPoint:
    """The narrowest band, as far below the threshold in logits as above it, that leaves the risk asked for."""
    middle = logit(np.array(threshold))
    sureness = np.abs(logit(probability) - middle)
    order = np.argsort(-sureness, kind="stable")
    wrong = ((probability >= threshold) != (labels == 1))[order]
    risk = np.cumsum(wrong) / np.arange(1, len(order) + 1)
    fewest = round((1 - MAX_UNDECIDED) * len(order))
    enough = np.flatnonzero(risk <= ANSWERED_ERROR)
    answered = max(fewest, int(enough[-1]) + 1 if len(enough) else 0)
    if answered == len(order):
        return OperatingPoint(threshold, threshold, threshold)
    reach = float(sureness[order[answered]])  # of the surest film that is left out
    low, high = (1 / (1 + np.exp(-(middle + side * reach))) for side in (-1, 1))
    return OperatingPoint(float(low), threshold, float(high))
