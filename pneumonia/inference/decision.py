"""Decision: score -> calibrated probability -> operating point -> Normal, Pneumonia or Unknown."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ..errors import PneumoniaError, UsageError

CLASSES = ("Normal", "Pneumonia")
"""Class order of the whole package; a score refers to the second class."""

UNKNOWN = "Unknown"
DEFAULT_POINT = "balanced"

REASONS = {
    "not_a_chest_film": "Not recognised as a frontal chest film. The model was not run.",
    "unlike_training_films": (
        "Unlike the training films (frontal films of children of 1-5 years), for example a lateral, rotated or cropped "
        "film, or a film of an adult. The model was not run."
    ),
    "inconclusive": "P(pneumonia) lies in the inconclusive range of this operating point.",
    "unreadable_contrast": "The image is blank or has almost no contrast. The model was not run.",
}
"""Reasons for the label Unknown: code -> message."""


PHOTOGRAPH_ADVICE = (
    "If it is a photograph of a film or of a screen, export the image instead of photographing the screen, or scan the "
    "film."
)
"""Advice for an image that the gate refuses and that may come from a camera."""


@dataclass(frozen=True)
class Calibration:
    """Platt scaling (Platt 1999), fitted on validation films: P(pneumonia) = sigmoid(slope * logit(score) + intercept).

    `prevalence` is the share of pneumonia among the validation films.
    """

    slope: float
    intercept: float
    prevalence: float

    def probability(self, score: float) -> float:
        """Calibrated P(pneumonia) for a raw score in 0..1."""
        # A float32 sigmoid can be exactly 0 or 1, where the logit is infinite.
        score = min(max(score, 1e-7), 1 - 1e-7)
        logit = self.slope * math.log(score / (1 - score)) + self.intercept
        return 0.5 * (1.0 + math.tanh(0.5 * logit))  # the sigmoid, without overflow

    def at_prevalence(self, prevalence: float, probability: float) -> float:
        """Convert a calibrated probability from the prevalence of the validation films to another `prevalence`.

        The odds are multiplied by the ratio of the prior odds (Bayes' rule). This assumes that the films of each class
        are distributed as in the validation films. All values lie in 0..1.
        """
        positive = probability * prevalence / self.prevalence
        negative = (1 - probability) * (1 - prevalence) / (1 - self.prevalence)
        return positive / (positive + negative)


@dataclass(frozen=True)
class OperatingPoint:
    """Limits of the calibrated probability: Normal below `low`, Pneumonia above `high`, Unknown from `low` to `high`.

    `threshold` separates the two classes where Unknown is not allowed. Raises `ValueError` unless
    0 <= low <= threshold <= high <= 1.
    """

    low: float
    threshold: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.threshold <= self.high <= 1:
            raise ValueError(f"an operating point needs 0 <= low <= threshold <= high <= 1, not {self}")

    def label(self, probability: float) -> str:
        """Label of a calibrated probability: Normal, Pneumonia or Unknown."""
        if probability < self.low:
            return CLASSES[0]
        return CLASSES[1] if probability > self.high else UNKNOWN

    def label_at_threshold(self, probability: float) -> str:
        """Label of a calibrated probability where Unknown is not allowed: Normal or Pneumonia."""
        return CLASSES[int(probability >= self.threshold)]


@dataclass(frozen=True)
class Reason:
    """The reason for the label Unknown; `code` is a key of `REASONS`. `advice` is a sentence that says what to do."""

    code: str
    advice: str = field(default="", compare=False)

    @property
    def message(self) -> str:
        return f"{REASONS[self.code]} {self.advice}".rstrip()


@dataclass(frozen=True)
class ModelIdentity:
    """Identity of a model: name, revision, and the sha256 of its config, which contains that of every other file."""

    name: str
    revision: str
    sha256: str

    def as_dict(self) -> dict[str, str]:
        return {"name": self.name, "revision": self.revision, "sha256": self.sha256}


@dataclass(frozen=True)
class Prediction:
    """The result for one film; `as_dict` is the JSON of page, API, command line and batch."""

    file: str | None
    """Path or name of the film; None for bytes, PIL images and arrays without a name."""
    label: str
    """Normal, Pneumonia or Unknown."""
    probability: float | None
    """Calibrated P(pneumonia); None if the film was not scored."""
    operating_point: str
    reason: Reason | None
    """Reason for Unknown; None for Normal and Pneumonia."""
    zones: dict[str, float] | None
    """Share of the activation in each lung zone, 0..1; None for Normal and if the film was not scored."""
    model: ModelIdentity
    warnings: tuple[str, ...] = ()
    """Sentences for the user, for example about low resolution."""

    @property
    def confidence(self) -> float | None:
        """Calibrated probability of `label`; None for Unknown."""
        if self.probability is None or self.label == UNKNOWN:
            return None
        return self.probability if self.label == CLASSES[1] else 1 - self.probability

    @property
    def probabilities(self) -> dict[str, float] | None:
        """Probability of each class, in class order; None if the film was not scored."""
        if self.probability is None:
            return None
        return {CLASSES[0]: 1 - self.probability, CLASSES[1]: self.probability}

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of docs/api.md; probabilities and zones have four decimals, since further ones are noise."""
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
    """The result for a film that could not be read or scored."""

    file: str | None
    error: PneumoniaError

    def as_dict(self) -> dict[str, Any]:
        return {"file": self.file, "error": self.error.as_dict()}


def get_operating_point(points: dict[str, OperatingPoint], name: str) -> OperatingPoint:
    """The operating point `name`; raises `UsageError` for an unknown name."""
    if name not in points:
        raise UsageError(f"Unknown operating point. Allowed: {', '.join(points)}. Received: {name!r}.")
    return points[name]


def check_prevalence(prevalence: float | None) -> None:
    """Raise `UsageError` unless `prevalence` lies between 0 and 1, exclusive; None selects the calibration's."""
    if prevalence is not None and not (isinstance(prevalence, float) and 0 < prevalence < 1):
        raise UsageError(f"Invalid prevalence. Allowed: above 0 and below 1. Received: {prevalence!r}.")


def _round_values(values: dict[str, float] | None) -> dict[str, float] | None:
    return None if values is None else {name: round(value, 4) for name, value in values.items()}
