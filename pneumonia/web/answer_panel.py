"""HTML fragments below the headline: probability bars, operating points, next steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..evaluation import number_format
from ..inference.decision import DEFAULT_POINT, LABEL_NAMES, Calibration, OperatingPoint, Prediction
from ..inference.model import Model
from ..messages import join, message
from ..reporting import answer_text, reading_guide
from ..reporting.wording import format_probabilities, round_to_percents
from .answer_scale import scale_values
from .rendering import render

_NAMES = {"screening": message("Screening"), "balanced": message("Balanced"), "confirm": message("Confirm")}
_MEANINGS = {
    "screening": message("fewest missed cases, more false alarms"),
    "balanced": message("balances missed cases against false alarms"),
    "confirm": message("fewest false alarms, more missed cases"),
}


def bars(prediction: Prediction, point: OperatingPoint, calibration: Calibration | None = None) -> str:
    """HTML of a bar for each probability, and of the line with the film and the limits of the operating point.

    "" if the film was not scored. `calibration` is that of the model that scored it.
    """
    scale = answer_text.Scale.of(prediction, point, calibration)
    if scale is None:
        return ""
    return render("bars.html", bars=_bars(prediction), **scale_values(prediction, scale))


class Bar(NamedTuple):
    """The bar of one class: `width` in percent; it is that of `text`, so that bar and text have one rounding."""

    label: str
    name: str
    text: str
    width: float


def _bars(prediction: Prediction) -> list[Bar]:
    shares = round_to_percents(prediction.probability or 0.0)
    texts = format_probabilities(prediction)
    return [Bar(label, LABEL_NAMES[label], texts[label], share) for label, share in zip(texts, shares, strict=True)]


def depth(prediction: Prediction, model: Model) -> str:
    """HTML with what the numbers mean: origin and interval of the frequency, P(pneumonia) at the prevalence, limits.

    A sentence that the headline says as a warning is not repeated.
    """
    point, calibration = model.operating_points[prediction.operating_point], model.bundle.calibration
    scale = answer_text.Scale.of(prediction, point, calibration)
    if scale is None:
        return ""
    is_said = answer_text.caution_at_prevalence(prediction, calibration.prevalence)
    sentences = (
        answer_text.describe_frequency_source(prediction),
        "" if is_said else answer_text.describe_film_at_prevalence(prediction, calibration.prevalence),
        answer_text.describe_limits(prediction, scale),
    )
    return render("depth.html", sentences=list(filter(None, sentences)))


def point_choices(points: Mapping[str, OperatingPoint], run: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """(label, value) of the radio button of each operating point.

    The label has the point's name, its meaning and, if the run has measured it, sensitivity, specificity and coverage.
    """
    measured = (run or {}).get("operating_points", {})
    return [(_choice(name, measured.get(name)), name) for name in points]


def point_title(name: str) -> str:
    """The name of an operating point as the label of a choice; the default is marked."""
    title = _NAMES.get(name, name.capitalize())
    return message("{name} (default)", name=title) if name == DEFAULT_POINT else title


def _choice(name: str, measured: Mapping[str, number_format.Figure] | None) -> str:
    lines: list[str] = [point_title(name)]
    lines += [_MEANINGS[name]] if name in _MEANINGS else []
    if measured:
        sensitivity, specificity, coverage = (
            number_format.share(measured[key]["value"])
            for key in ("answered_sensitivity", "answered_specificity", "coverage")
        )
        lines.append(
            message(
                "sensitivity {sensitivity}, specificity {specificity}; answers {coverage} of films",
                sensitivity=sensitivity,
                specificity=specificity,
                coverage=coverage,
            )
        )
    return join(lines, "\n")


FIGURES_NOTE = message("Sensitivity and specificity are those of the answered test films; the others were Unknown.")
POINTS_NOTE = message("If you select another operating point, the answer is derived again from the same score.")


def steps(prediction: Prediction) -> str:
    """HTML list of the next steps if the answer is Unknown; "" otherwise."""
    next_steps = reading_guide.next_steps(prediction)
    return render("steps.html", steps=next_steps) if next_steps else ""
