"""From a score to an answer: score -> calibrated probability -> operating point -> Normal, Pneumonia or Unknown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import PneumoniaError, UsageError

CLASSES = ("Normal", "Pneumonia")
"""The one class order: a score is the second class's."""

UNKNOWN = "Unknown"
DEFAULT_POINT = "balanced"

REASONS = {
    "not_a_chest_film": "This does not look like a frontal chest film. The model was not asked.",
    "unlike_training_films": (
        "This is unlike the films that the model has learnt from (frontal films of children of 1-5 years), for example "
        "lateral, turned, cropped or of an adult. The model was not asked."
    ),
    "inconclusive": "The model is not sure enough at this operating point to say either.",
    "unreadable_contrast": "The picture is blank or has almost no contrast. The model was not asked.",
}
"""Why an answer is Unknown: code -> sentence."""


@dataclass(frozen=True)
class Calibration:
    """Platt scaling of the score's logit, fitted on validation films with this share of pneumonia among them."""

    slope: float
    intercept: float
    prevalence: float

    def probability(self, score: float) -> float:
        """The calibrated probability of pneumonia for a raw score in 0..1."""
        # float32 sigmoids reach 0 and 1; the logit must not.
        score = min(max(score, 1e-7), 1 - 1e-7)
        logit = self.slope * math.log(score / (1 - score)) + self.intercept
        return 0.5 * (1.0 + math.tanh(0.5 * logit))  # the sigmoid, without overflow

    def at_prevalence(self, prevalence: float, probability: float) -> float:
        """A probability of this calibration as it is where another share of the films shows pneumonia.

        The odds move by the ratio of the prior odds; that films of either kind look the same there is assumed.
        """
        positive = probability * prevalence / self.prevalence
        negative = (1 - probability) * (1 - prevalence) / (1 - self.prevalence)
        return positive / (positive + negative)


@dataclass(frozen=True)
class OperatingPoint:
    """Below `low` Normal, above `high` Pneumonia, between them Unknown; a forced answer would switch at `threshold`."""

    low: float
    threshold: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.threshold <= self.high <= 1:
            raise ValueError(f"an operating point needs 0 <= low <= threshold <= high <= 1, not {self}")

    def label(self, probability: float) -> str:
        if probability < self.low:
            return CLASSES[0]
        return CLASSES[1] if probability > self.high else UNKNOWN

    def label_at_threshold(self, probability: float) -> str:
        return CLASSES[int(probability >= self.threshold)]


@dataclass(frozen=True)
class Reason:
    """Why the answer is Unknown."""

    code: str

    @property
    def message(self) -> str:
        return REASONS[self.code]


@dataclass(frozen=True)
class ModelIdentity:
    """Which model answered: its name, its revision, and the sha256 of its config, which pins every other file."""

    name: str
    revision: str
    sha256: str

    def as_dict(self) -> dict[str, str]:
        return {"name": self.name, "revision": self.revision, "sha256": self.sha256}


@dataclass(frozen=True)
class Prediction:
    """The answer for one film; `as_dict` is the JSON of page, API, command line and batch."""

    file: str | None
    label: str
    probability: float | None
    """Calibrated probability of pneumonia; None where the film was not scored."""
    operating_point: str
    reason: Reason | None
    zones: dict[str, float] | None
    model: ModelIdentity
    warnings: tuple[str, ...] = ()

    @property
    def confidence(self) -> float | None:
        """The calibrated probability of the label given; None for Unknown."""
        if self.probability is None or self.label == UNKNOWN:
            return None
        return self.probability if self.label == CLASSES[1] else 1 - self.probability

    @property
    def probabilities(self) -> dict[str, float] | None:
        """The probability of each class, in class order; None where the film was not scored."""
        if self.probability is None:
            return None
        return {CLASSES[0]: 1 - self.probability, CLASSES[1]: self.probability}

    def as_dict(self) -> dict[str, Any]:
        """The contract's JSON object; probabilities with four decimals, more would be noise."""
        return {
            "file": self.file,
            "label": self.label,
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "probabilities": _round_values(self.probabilities),
            "operating_point": self.operating_point,
            "reason": None if self.reason is None else {"code": self.reason.code, "message": self.reason.message},
            "zones": _round_values(self.zones),
            "model": self.model.as_dict(),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Failure:
    """The row of a film that could not be read."""

    file: str | None
    error: PneumoniaError

    def as_dict(self) -> dict[str, Any]:
        return {"file": self.file, "error": self.error.as_dict()}


def get_operating_point(points: dict[str, OperatingPoint], name: str) -> OperatingPoint:
    """The operating point of that name; raises `UsageError` for an unknown one."""
    if name not in points:
        raise UsageError(f"There is no such operating point. Allowed: {', '.join(points)}. Received: {name!r}.")
    return points[name]


def check_prevalence(prevalence: float | None) -> None:
    """Raises `UsageError` for what is no share between 0 and 1; None, for the calibration's own, is legal."""
    if prevalence is not None and not (isinstance(prevalence, float) and 0 < prevalence < 1):
        raise UsageError(f"There is no such prevalence. Allowed: above 0 and below 1. Received: {prevalence!r}.")


def _round_values(values: dict[str, float] | None) -> dict[str, float] | None:
    return None if values is None else {name: round(value, 4) for name, value in values.items()}
