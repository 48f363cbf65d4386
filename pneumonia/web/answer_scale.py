"""The line with P(pneumonia) of a film and the limits of its operating point: positions and texts of its SVG."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..inference.decision import CLASSES, UNKNOWN, Prediction
from ..messages import message
from ..reporting.answer_text import Scale, describe_change, describe_limits, format_limit
from ..reporting.wording import format_p_pneumonia, format_probability

EDGE = 8.0
"""Percent of the width beside an end of the line in which a text is aligned to this end, so that it is not cut off."""

TEXT_WIDTH = 16.0
"""Percent of the width that two limits need between them on a phone, if both texts are centred."""


class Segment(NamedTuple):
    """The range of a label: its start and width in percent of the line."""

    label: str
    start: float
    width: float


class Position(NamedTuple):
    """A position in percent of the line, its text, and the SVG value `text-anchor` of the text."""

    position: float
    text: str
    anchor: str


def scale_values(prediction: Prediction, scale: Scale) -> dict[str, Any]:
    """The variables of the scale in `bars.html`."""
    description = message(
        "Scale of P(pneumonia) from 0 % to 100 %. {limits} This film: {probability}.",
        limits=describe_limits(prediction, scale),
        probability=format_p_pneumonia(prediction),
    )
    return {
        "description": description,
        "segments": _segments(scale),
        "ticks": _ticks(scale),
        "film": _position(scale.probability, format_probability(scale.probability)),
        "change": describe_change(prediction, scale),
    }


def _segments(scale: Scale) -> list[Segment]:
    ranges = ((CLASSES[0], 0.0, scale.low), (UNKNOWN, scale.low, scale.high), (CLASSES[1], scale.high, 1.0))
    return [Segment(label, _percent(start), _percent(end - start)) for label, start, end in ranges if end > start]


def _ticks(scale: Scale) -> list[Position]:
    """Both limits; one if they are equal in whole percents. Texts that would touch each other lean outwards."""
    low, high = (_position(limit, format_limit(limit)) for limit in (scale.low, scale.high))
    if not scale.has_unknown:
        return [high]
    if high.position - low.position >= TEXT_WIDTH:
        return [low, high]
    left = low.anchor if low.anchor == "start" else "end"
    right = high.anchor if high.anchor == "end" else "start"
    return [low._replace(anchor=left), high._replace(anchor=right)]


def _position(value: float, text: str) -> Position:
    position = _percent(value)
    anchor = "start" if position < EDGE else "end" if position > 100 - EDGE else "middle"
    return Position(position, text, anchor)


def _percent(share: float) -> float:
    return round(100 * share, 2)
