"""HTML fragments below the headline: probability bars, operating points, next steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..evaluation import number_format
from ..inference.decision import CLASSES, DEFAULT_POINT, UNKNOWN, OperatingPoint, Prediction
from ..reporting import reading_guide
from ..reporting.wording import format_probabilities
from .rendering import render

_MEANINGS = {
    "screening": "fewest missed cases, more false alarms",
    "balanced": "balances missed cases against false alarms",
    "confirm": "fewest false alarms, more missed cases",
}


def bars(prediction: Prediction, point: OperatingPoint) -> str:
    """HTML of a bar for each probability and of the operating point's decision line; "" if the film was not scored."""
    if prediction.probabilities is None or prediction.probability is None:
        return ""
    return render(
        "bars.html",
        probabilities=prediction.probabilities,
        texts=format_probabilities(prediction),
        p_pneumonia=prediction.probability,
        operating_point=prediction.operating_point,
        ranges=((CLASSES[0], 0.0, point.low), (UNKNOWN, point.low, point.high), (CLASSES[1], point.high, 1.0)),
        low=_limit(point.low),
        high=_limit(point.high),
    )


def _limit(value: float) -> str:
    return f"{100 * value:.0f} %" if 0.01 <= value <= 0.99 else f"{100 * value:.1f} %"


def point_choices(points: Mapping[str, OperatingPoint], run: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """(label, value) of the radio button of each operating point.

    The label has the point's name, its meaning and, if the run has measured it, sensitivity, specificity and coverage.
    """
    measured = (run or {}).get("operating_points", {})
    return [(_choice(name, measured.get(name)), name) for name in points]


def _choice(name: str, measured: Mapping[str, number_format.Figure] | None) -> str:
    lines = [name.capitalize() + (" (default)" if name == DEFAULT_POINT else "")]
    lines += [_MEANINGS[name]] if name in _MEANINGS else []
    if measured:
        sensitivity, specificity, coverage = (
            number_format.share(measured[key]["value"])
            for key in ("answered_sensitivity", "answered_specificity", "coverage")
        )
        lines.append(f"sensitivity {sensitivity}, specificity {specificity}; answers {coverage} of films")
    return "\n".join(lines)


FIGURES_NOTE = "Sensitivity and specificity are those of the answered test films; the others were Unknown."
POINTS_NOTE = "If you select another operating point, the answer is derived again from the same score."


def steps(prediction: Prediction) -> str:
    """HTML list of the next steps if the answer is Unknown; "" otherwise."""
    next_steps = reading_guide.next_steps(prediction)
    return render("steps.html", steps=next_steps) if next_steps else ""
