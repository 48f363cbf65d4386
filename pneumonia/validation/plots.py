"""Small plots of a report: lines and marks between two axes, as data, which HTML and PDF draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..messages import number

WIDTH, HEIGHT = 360, 300
"""Size in pixels of the SVG, in points of the PDF."""

LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 42
"""Margins around the plot area."""

TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Values at the ticks of an axis of shares; their labels are percentages."""


@dataclass(frozen=True)
class Line:
    """A polyline through (x, y), both 0..1. `kind`: "own", "card" or "reference"."""

    x: Sequence[float]
    y: Sequence[float]
    kind: str


@dataclass(frozen=True)
class Mark:
    """A circle at (x, y) with a radius in pixels. `kind` as for `Line`."""

    x: float
    y: float
    radius: float
    kind: str


@dataclass(frozen=True)
class Plot:
    """A plot with its title, a description as text alternative, and the names of the axes, whose values are shares.

    `x_ticks`: (position 0..1, label) for an x axis that is none of shares; it has no grid lines.
    """

    title: str
    description: str
    x_name: str
    y_name: str
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()
    x_ticks: Sequence[tuple[float, str]] = ()


def tick_labels(plot: Plot) -> tuple[list[tuple[float, str]], list[tuple[float, str]]]:
    """(ticks of the x axis, ticks of the y axis), each as position and label."""
    shares: list[tuple[float, str]] = [(value, number(100 * value, ".0f")) for value in TICKS]
    return list(plot.x_ticks) or shares, shares


def to_pixel(x: float, y: float) -> tuple[float, float]:
    """Position of a point in pixels from the upper left corner."""
    column = LEFT + (WIDTH - LEFT - RIGHT) * x
    return round(column, 1), round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y, 1)
