"""Sentences about the answer to one film, which page, report and command line share.

The label and P(pneumonia) beside it are at the calibration's prevalence and never contradict each other. Everything
that depends on another prevalence names it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..inference.decision import CLASSES, LABEL_NAMES, UNKNOWN, Calibration, OperatingPoint, Prediction, point_name
from ..inference.predictive_value import PredictiveValue
from ..messages import join, message
from .wording import format_probability

NORMAL, PNEUMONIA = CLASSES


@dataclass(frozen=True)
class Scale:
    """What decides the label of one film: its P(pneumonia), and the limits of the operating point, all 0..1.

    All three are limited to what the validation films support, so that the film is shown on the side of the limits on
    which it was decided.
    """

    probability: float
    low: float
    high: float

    @classmethod
    def of(cls, prediction: Prediction, point: OperatingPoint, calibration: Calibration | None = None) -> Scale | None:
        """The scale of a prediction; None if the film was not scored. Without `calibration`, no limit is clipped."""
        if prediction.probability is None:
            return None
        if calibration is None:
            return cls(prediction.probability, point.low, point.high)
        return cls(prediction.probability, calibration.supported(point.low), calibration.supported(point.high))

    @property
    def has_unknown(self) -> bool:
        """Whether a film can be Unknown at this operating point, as far as whole percents tell."""
        return format_limit(self.low) != format_limit(self.high)


def describe_point(prediction: Prediction) -> str:
    """The operating point of the answer."""
    return message("Operating point: {point}", point=point_name(prediction.operating_point))


def describe_frequency(prediction: Prediction) -> str:
    """Of 100 films with this answer, how many have pneumonia at the prevalence; "" if that was not measured."""
    value = with_pneumonia(prediction)
    if value is None or prediction.prevalence is None:
        return ""
    label, prevalence = LABEL_NAMES[prediction.label], format_prevalence(prediction.prevalence)
    count = round(100 * value.value)
    if count < 1:
        return message(
            "Of 100 films answered {label} at this operating point and a prevalence of {prevalence}, pneumonia is "
            "present in fewer than 1.",
            label=label,
            prevalence=prevalence,
        )
    if count > 99:
        return message(
            "Of 100 films answered {label} at this operating point and a prevalence of {prevalence}, pneumonia is "
            "present in more than 99.",
            label=label,
            prevalence=prevalence,
        )
    return message(
        "Of 100 films answered {label} at this operating point and a prevalence of {prevalence}, pneumonia is present "
        "in about {count}.",
        label=label,
        prevalence=prevalence,
        count=count,
    )


def describe_frequency_source(prediction: Prediction) -> str:
    """The interval of the frequency, and the number of test films on which it was measured; "" if there is none."""
    value = with_pneumonia(prediction)
    if value is None:
        return ""
    return message(
        "This number of films with pneumonia follows by Bayes' rule from the answers of this model to {films:,} test "
        "films, Unknown included. Its 95 % interval reaches from {low} to {high} of 100. It holds for films like "
        "those; for others it may be different.",
        films=value.films,
        low=_count(value.low),
        high=_count(value.high),
    )


def describe_film(prediction: Prediction) -> str:
    """P(pneumonia) of this film at the prevalence; "" if it was not scored."""
    if prediction.probability_at_prevalence is None or prediction.prevalence is None:
        return ""
    return message(
        "At a prevalence of {prevalence}, P(pneumonia) of this film is {probability}.",
        prevalence=format_prevalence(prediction.prevalence),
        probability=format_probability(prediction.probability_at_prevalence),
    )


def describe_film_at_prevalence(prediction: Prediction, calibrated: float) -> str:
    """P(pneumonia) of this film at the prevalence, and that the label is that of the `calibrated` prevalence."""
    if prediction.probability_at_prevalence is None or prediction.prevalence is None:
        return ""
    if is_same_prevalence(prediction, calibrated):
        return message(
            "P(pneumonia) and the label are for a prevalence of {calibrated}, that of the calibration.",
            calibrated=format_prevalence(calibrated),
        )
    label_prevalence = message(
        "The label and its P(pneumonia) are for a prevalence of {calibrated}, that of the calibration.",
        calibrated=format_prevalence(calibrated),
    )
    return join([describe_film(prediction), label_prevalence])


def caution_at_prevalence(prediction: Prediction, calibrated: float) -> str:
    """The warning with a label that P(pneumonia) at the chosen prevalence contradicts; "" if it does not.

    It contradicts Pneumonia below one half, and Normal above. `calibrated` is the prevalence of the calibration, at
    which no label is contradicted.
    """
    shifted = prediction.probability_at_prevalence
    if shifted is None or prediction.label == UNKNOWN or is_same_prevalence(prediction, calibrated):
        return ""
    is_contradicted = shifted < 0.5 if prediction.label == PNEUMONIA else shifted > 0.5
    return describe_film_at_prevalence(prediction, calibrated) if is_contradicted else ""


def describe_limits(prediction: Prediction, scale: Scale) -> str:
    """The ranges of Normal, Unknown and Pneumonia at the operating point."""
    values = {"point": point_name(prediction.operating_point), **_limits(scale)}
    if not scale.has_unknown:
        return message("At {point}: Normal below {low}, Pneumonia above {high}.", **values)
    return message("At {point}: Normal below {low}, Pneumonia above {high}, Unknown in between.", **values)


def describe_change(prediction: Prediction, scale: Scale) -> str:
    """What would change the answer: the limits of P(pneumonia) at which the label becomes another one."""
    values = {"point": point_name(prediction.operating_point), **_limits(scale)}
    if prediction.label == UNKNOWN:
        return message("At {point}, the answer would be Normal below {low} and Pneumonia above {high}.", **values)
    if prediction.label == PNEUMONIA:
        return _change_of_pneumonia(scale, values)
    return _change_of_normal(scale, values)


def _change_of_pneumonia(scale: Scale, values: dict[str, str]) -> str:
    if not scale.has_unknown:
        return message("At {point}, the answer changes to Normal below {low}.", **values)
    return message("At {point}, the answer changes to Unknown below {high}, and to Normal below {low}.", **values)


def _change_of_normal(scale: Scale, values: dict[str, str]) -> str:
    if not scale.has_unknown:
        return message("At {point}, the answer changes to Pneumonia above {high}.", **values)
    return message("At {point}, the answer changes to Unknown above {low}, and to Pneumonia above {high}.", **values)


def with_pneumonia(prediction: Prediction) -> PredictiveValue | None:
    """The share of films with this answer that show pneumonia, right or not; None if it was not measured."""
    value = prediction.predictive_value
    return value if value is None or prediction.label == PNEUMONIA else value.of_other_class()


def is_same_prevalence(prediction: Prediction, calibrated: float) -> bool:
    """Whether the prediction assumes the prevalence of the calibration, to a tenth of a percent."""
    return prediction.prevalence is None or abs(prediction.prevalence - calibrated) < 5e-4


def format_prevalence(prevalence: float) -> str:
    """A prevalence in percent, with three digits at most: "30 %", "12.5 %"."""
    percent = 100 * prevalence
    if percent < 0.01:
        return message("under {percent} %", percent=0.01)
    return message("{percent} %", percent=float(f"{percent:.3g}")) if percent % 1 else _whole_percent(percent)


def format_limit(limit: float) -> str:
    """A limit of an operating point in whole percent, below 1 % and above 99 % with a decimal."""
    if 0.01 <= limit <= 0.99:
        return _whole_percent(100 * limit)
    return message("{percent} %", percent=round(100 * limit, 1))


def _whole_percent(percent: float) -> str:
    return message("{percent} %", percent=round(percent))


def _limits(scale: Scale) -> dict[str, str]:
    return {"low": format_limit(scale.low), "high": format_limit(scale.high)}


def _count(share: float) -> str:
    """A number of films in 100, with a decimal near 0 and 100, and never 0 or 100."""
    count = 100 * share
    if count < 0.1:
        return message("fewer than {count}", count=0.1)
    if count > 99.9:
        return message("more than {count}", count=99.9)
    return message("{count}", count=round(count) if 10 <= count <= 90 else round(count, 1))
