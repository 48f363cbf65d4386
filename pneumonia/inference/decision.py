"""Decision: score -> calibrated probability -> operating point -> Normal, Pneumonia or Unknown."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ..errors import PneumoniaError, UsageError
from ..imaging import Sides
from ..messages import Message, join, message
from . import explain
from .predictive_value import PredictiveValue

CLASSES = ("Normal", "Pneumonia")
"""Class order of the whole package; a score refers to the second class."""

UNKNOWN = "Unknown"
DEFAULT_POINT = "balanced"

LABEL_NAMES = {CLASSES[0]: message("Normal"), CLASSES[1]: message("Pneumonia"), UNKNOWN: message("Unknown")}
"""Label -> its name on page and report; the label itself is English everywhere."""

POINT_NAMES = {
    "screening": message("screening"),
    "balanced": message("balanced"),
    "confirm": message("confirm"),
}
"""Names of the usual operating points in sentences, tables and choices; their values are English everywhere."""

REASONS = {
    "not_a_chest_film": message("Not recognised as a frontal chest film. The model was not run."),
    "unlike_training_films": (
        message(
            "Unlike the frontal chest films on which the model was trained, for example a lateral, rotated or "
            "cropped film, or a film of a patient of another age. No answer is given."
        )
    ),
    "age_not_covered": message("No model covers the patient's age. The model was not run."),
    "population_unclear": (
        message("Without the patient's age it is unclear which model applies. State the age. The model was not run.")
    ),
    "inconclusive": message("P(pneumonia) lies in the inconclusive range of this operating point."),
    "unreadable_contrast": message("The image is blank or has almost no contrast. The model was not run."),
}
"""Reasons for the label Unknown: code -> message."""


def point_name(name: str) -> str:
    """Name of an operating point for users; one that is not usual is written as in the bundle."""
    return POINT_NAMES.get(name, name)


PHOTOGRAPH_ADVICE = message(
    "If it is a photograph of a film or of a screen, export the image instead of photographing the "
    "screen, or scan the film."
)
"""Advice for an image that the gate refuses and that may come from a camera."""


SMALLEST_PROBABILITY = 1e-4
"""Smallest probability in a prediction, and smallest distance from 1: predictions have four decimals."""

MAX_AGE_YEARS = 130
"""Maximum age that a caller may state."""


def supported_limit(normal: float, positive: float) -> tuple[float, float]:
    """Lowest and highest P(pneumonia) that the numbers of normal and of pneumonia films for validation support.

    By the rule of succession, an event that did not occur among n films has the probability 1 / (n + 2). The lowest
    probability follows from the number of normal films, the highest from that of films with pneumonia.
    """
    lowest, rest = (max(1 / (max(films, 1) + 2), SMALLEST_PROBABILITY) for films in (normal, positive))
    return lowest, 1 - rest


@dataclass(frozen=True)
class Calibration:
    """Platt scaling (Platt 1999), fitted on validation films: P(pneumonia) = sigmoid(slope * logit(score) + intercept).

    `prevalence` is the share of pneumonia among the validation films. `limit` is the lowest and the highest probability
    that these films support, see `supported_limit`; None: `SMALLEST_PROBABILITY` from 0 and 1.
    """

    slope: float
    intercept: float
    prevalence: float
    limit: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and not 0 < self.limit[0] < 0.5 < self.limit[1] < 1:
            raise ValueError(f"the limit of a calibration needs 0 < lowest < 0.5 < highest < 1, not {self.limit}")

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

    def supported(self, probability: float, prevalence: float | None = None) -> float:
        """The probability for the user: clipped to `limit`, then at `prevalence`, by default the calibration's.

        The clipping comes first, since the validation films limit what the film can say, not how rare the disease is.
        """
        lowest, highest = self.limit or (SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        clipped = min(max(probability, lowest), highest)
        return clipped if prevalence is None else self.at_prevalence(prevalence, clipped)


@dataclass(frozen=True)
class OperatingPoint:
    """Limits of the calibrated probability: Normal below `low`, Pneumonia above `high`, Unknown from `low` to `high`.

    `threshold` separates the two classes where Unknown is not allowed. Raises `ValueError` unless
    0 <= low <= threshold <= high <= 1 and low <= 0.5 <= high: no label may contradict its own probability.
    """

    low: float
    threshold: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.threshold <= self.high <= 1:
            raise ValueError(f"an operating point needs 0 <= low <= threshold <= high <= 1, not {self}")
        if not self.low <= 0.5 <= self.high:
            raise ValueError(f"an operating point needs low <= 0.5 <= high, not low {self.low}, high {self.high}")

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
    def message(self) -> Message:
        return join([REASONS[self.code], self.advice])


@dataclass(frozen=True)
class ModelIdentity:
    """Identity of a model: name, revision, and the sha256 of its config, which contains that of every other file.

    `site` names the site overlay with which the model answers (see `site_overlay`); None without one.
    """

    name: str
    revision: str
    sha256: str
    site: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        return {"name": self.name, "revision": self.revision, "sha256": self.sha256, "site": self.site}


@dataclass(frozen=True)
class Prediction:
    """The result for one film; `as_dict` is the JSON of page, API, command line and batch."""

    file: str | None
    """Path or name of the film; None for bytes, PIL images and arrays without a name."""
    label: str
    """Normal, Pneumonia or Unknown."""
    probability: float | None
    """P(pneumonia) at the calibration's prevalence, from which the label follows; never 0 or 1. None if the film was
    not scored."""
    operating_point: str
    reason: Reason | None
    """Reason for Unknown; None for Normal and Pneumonia."""
    zones: dict[str, float] | None
    """Share of the activation in each lung zone of the patient, 0..1; None for Normal, if the film was not scored, and
    if the patient's sides are unknown."""
    model: ModelIdentity
    """The model that scored the film, or whose gate refused it. For a film that was refused before any gate: the model
    for the patient's age; if no age is known or none covers it, the first model of the predictor."""
    warnings: tuple[str, ...] = ()
    """Sentences for the user, for example about low resolution."""
    population: str | None = None
    """The population of the model that scored the film, such as "children"; None if the film was not scored."""
    age: float | None = None
    """Age in years with which the model was chosen; None if it is not known, or stated as an age group."""
    age_source: str | None = None
    """"stated" by the caller, or "file", the DICOM header; None if no age is known."""
    prevalence: float | None = None
    """The prevalence, 0..1, that the next two values assume: the caller's, by default the calibration's; None if the
    film was not scored."""
    probability_at_prevalence: float | None = None
    """P(pneumonia) of the film at `prevalence`. The label does not depend on it; None if the film was not scored."""
    predictive_value: PredictiveValue | None = None
    """Of the films with this label at this operating point and `prevalence`, the share for which the label is right;
    None for Unknown, and if it was not measured."""
    sides: Sides = Sides.ASSUMED
    """What is known of the patient's sides in the image."""
    image_zones: dict[str, float] | None = None
    """In place of `zones` if the patient's sides are unknown: the shares by side of the image, with the keys
    `zone_names.IMAGE_ZONES`; else None."""

    @property
    def zone_shares(self) -> dict[str, float] | None:
        """`zones`, or `image_zones` in their place; None without a map."""
        return self.image_zones if self.zones is None else self.zones

    @property
    def strongest_zones(self) -> tuple[str, ...] | None:
        """Keys of the zones that the structured report outlines, see `explain.strongest_zones`; None without a map."""
        return None if self.zone_shares is None else tuple(explain.strongest_zones(self.zone_shares))

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
            "confidence": _round_optional(self.confidence),
            "probabilities": _round_probabilities(self.probabilities),
            "operating_point": self.operating_point,
            "reason": None if self.reason is None else {"code": self.reason.code, "message": str(self.reason.message)},
            "zones": _round_values(self.zones),
            "sides": self.sides.value,
            "image_zones": _round_values(self.image_zones),
            "strongest_zones": None if self.strongest_zones is None else list(self.strongest_zones),
            "model": self.model.as_dict(),
            "population": self.population,
            "age": None if self.age is None else round(self.age, 2),
            "age_source": self.age_source,
            "prevalence": self.prevalence,
            "probability_at_prevalence": _round_optional(self.probability_at_prevalence),
            "predictive_value": None if self.predictive_value is None else self.predictive_value.as_dict(),
            "warnings": [str(warning) for warning in self.warnings],
        }


@dataclass(frozen=True)
class Failure:
    """The result for a film that could not be read or scored."""

    file: str | None
    error: PneumoniaError

    def __post_init__(self) -> None:
        # The frames of the traceback hold the bytes of the film, in a cycle with the error. Only the garbage collector
        # would free them: 40 refused films of 45 MB took 1.8 GB.
        self.error.__traceback__ = self.error.__context__ = self.error.__cause__ = None

    def as_dict(self) -> dict[str, Any]:
        return {"file": self.file, "error": self.error.as_dict()}


def get_operating_point(points: dict[str, OperatingPoint], name: str) -> OperatingPoint:
    """The operating point `name`; raises `UsageError` for an unknown name."""
    if name not in points:
        raise UsageError(
            message(
                "Unknown operating point. Allowed: {points}. Received: {name!r}.", points=", ".join(points), name=name
            )
        )
    return points[name]


def check_prevalence(prevalence: float | None) -> None:
    """Raise `UsageError` unless `prevalence` lies between 0 and 1, exclusive; None selects the calibration's."""
    if prevalence is not None and not (isinstance(prevalence, float) and 0 < prevalence < 1):
        raise UsageError(
            message(
                "Invalid prevalence. Allowed: above 0 and below 1. Received: {prevalence!r}.", prevalence=prevalence
            )
        )


def check_age(age: float | None) -> None:
    """Raise `UsageError` unless `age` is a number of years in 0..`MAX_AGE_YEARS`; None: the age is not known."""
    is_number = isinstance(age, (int, float)) and not isinstance(age, bool)
    if age is not None and not (is_number and 0 <= age <= MAX_AGE_YEARS):
        raise UsageError(
            message(
                "Invalid age. Allowed: 0 to {maximum} years. Received: {age!r}.",
                maximum=MAX_AGE_YEARS,
                age=age,
            )
        )


def _round_probability(probability: float) -> float:
    """Four decimals, but never 0 or 1."""
    return min(max(round(probability, 4), SMALLEST_PROBABILITY), 1 - SMALLEST_PROBABILITY)


def _round_optional(probability: float | None) -> float | None:
    return None if probability is None else _round_probability(probability)


def _round_probabilities(probabilities: dict[str, float] | None) -> dict[str, float] | None:
    return None if probabilities is None else {name: _round_probability(p) for name, p in probabilities.items()}


def _round_values(values: dict[str, float] | None) -> dict[str, float] | None:
    return None if values is None else {name: round(value, 4) for name, value in values.items()}
