"""HTML fragments below the headline: probability bars, operating points, next steps."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ..evaluation import number_format
from ..inference.decision import CLASSES, DEFAULT_POINT, UNKNOWN, OperatingPoint, Prediction
from ..reporting import reading_guide
from ..reporting.wording import MARKS, format_probability

_MEANINGS = {
    "screening": "fewest missed cases, more false alarms",
    "balanced": "balances missed cases against false alarms",
    "confirm": "fewest false alarms, more missed cases",
}


def bars(prediction: Prediction, point: OperatingPoint) -> str:
    """HTML of a bar for each probability and of the operating point's decision line; "" if the film was not scored."""
    if prediction.probabilities is None or prediction.probability is None:
        return ""
    rows = "".join(_bar(label, value) for label, value in prediction.probabilities.items())
    return f'<div class="bars">{rows}{_scale(prediction.probability, prediction.operating_point, point)}</div>'


def _bar(label: str, value: float) -> str:
    return (
        f'<div class="bar {label.lower()}">'
        f'<span class="name"><span aria-hidden="true">{MARKS[label]}</span> {label}</span>'
        f'<span class="track"><span style="width:{100 * value:.1f}%"></span></span>'
        f'<span class="value">{format_probability(value)}</span></div>'
    )


def _scale(value: float, name: str, point: OperatingPoint) -> str:
    """HTML of the decision line, 0 to 1: the ranges of Normal, Unknown and Pneumonia, and a pointer at P(pneumonia)."""
    ranges = ((CLASSES[0], 0.0, point.low), (UNKNOWN, point.low, point.high), (CLASSES[1], point.high, 1.0))
    segments = "".join(
        f'<span class="segment {label.lower()}" style="width:{100 * (high - low):.2f}%"></span>'
        for label, low, high in ranges
    )
    limits = f"Normal below {_limit(point.low)}, Pneumonia above {_limit(point.high)}, Unknown in between"
    decision = f"At {escape(name)}: {limits}."
    pointer = f'<span class="pointer" style="left:{100 * value:.2f}%"></span>'
    return f'<div class="scale" aria-hidden="true">{segments}{pointer}</div><p class="fine">{decision}</p>'


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


POINTS_NOTE = (
    "Sensitivity and specificity are those of the answered test films; the others were Unknown. If you select another "
    "operating point, the answer is derived again from the same score."
)


def steps(prediction: Prediction) -> str:
    """HTML list of the next steps if the answer is Unknown; "" otherwise."""
    items = "".join(f"<li>{escape(step)}</li>" for step in reading_guide.next_steps(prediction))
    return f'<div class="steps"><h3>What to do next</h3><ul>{items}</ul></div>' if items else ""
