"""The site's goal, a sensitivity or the cost of a missed pneumonia, and the threshold for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UsageError
from ..evaluation.curves import logit
from ..evaluation.metrics import Floats, Labels
from ..evaluation.recalibration import sigmoid
from ..messages import message

DEFAULT_SENSITIVITY = 0.9
"""Sensitivity of the local threshold if the site states no goal: the minimum that WHO asks of a triage test (target
product profiles for tuberculosis, 2014); for pneumonia there is no such figure."""

MAX_COST_RATIO = 1000.0


@dataclass(frozen=True)
class Goal:
    """`sensitivity`: smallest sensitivity, or None; `cost_ratio`: cost of a missed pneumonia in false alarms, or None.

    Exactly one of them is set. Raises `UsageError` for a value out of range.
    """

    sensitivity: float | None = None
    cost_ratio: float | None = None

    def __post_init__(self) -> None:
        if (self.sensitivity is None) == (self.cost_ratio is None):
            raise UsageError(
                message("State a sensitivity or a cost ratio. Allowed: one of them. Received: both or none.")
            )
        if self.sensitivity is not None and not 0.5 <= self.sensitivity < 1:
            raise UsageError(
                message("Invalid sensitivity. Allowed: 0.5 up to below 1. Received: {value!r}.", value=self.sensitivity)
            )
        if self.cost_ratio is not None and not 1 / MAX_COST_RATIO <= self.cost_ratio <= MAX_COST_RATIO:
            raise UsageError(
                message(
                    "Invalid cost ratio. Allowed: {low:g} to {high:g}. Received: {value!r}.",
                    low=1 / MAX_COST_RATIO,
                    high=MAX_COST_RATIO,
                    value=self.cost_ratio,
                )
            )

    def as_dict(self) -> dict[str, Any]:
        return {"sensitivity": self.sensitivity, "cost_ratio": self.cost_ratio}

    def threshold(self, labels: Labels, probability: Floats, prevalence: float) -> float:
        """The threshold for labels `[N]` and probabilities `[N]`; a film at or above it is called Pneumonia.

        For a sensitivity: of the thresholds that reach it, that of the best specificity, and of several such that of
        the best sensitivity. For a cost ratio: that of the lowest expected cost at the prevalence. Of several equal
        ones the middle one. Needs films of both classes.
        """
        cuts = _cuts(probability)
        sensitivity = _share_at_or_above(np.sort(probability[labels == 1]), cuts)
        false_alarms = _share_at_or_above(np.sort(probability[labels == 0]), cuts)
        if self.sensitivity is not None:
            # A threshold above the film with the lowest probability of pneumonia gains nothing without a normal film.
            cost = np.where(sensitivity >= self.sensitivity - 1e-12, false_alarms - 1e-6 * sensitivity, np.inf)
        else:
            cost = (self.cost_ratio or 1) * prevalence * (1 - sensitivity) + (1 - prevalence) * false_alarms
        best = np.flatnonzero(cost <= cost.min() + 1e-12)
        return float(cuts[best[(len(best) - 1) // 2]])


def _cuts(probability: Floats) -> Floats:
    """Thresholds between neighbouring probabilities, in logits, and beyond both ends; ascending."""
    logits = np.unique(logit(probability))
    between = (logits[1:] + logits[:-1]) / 2
    return sigmoid(np.concatenate([[logits[0] - 0.1], between, [logits[-1] + 0.1]]))


def _share_at_or_above(ordered: Floats, cuts: Floats) -> Floats:
    return np.asarray(1 - np.searchsorted(ordered, cuts, side="left") / len(ordered))
