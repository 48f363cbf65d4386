"""Small plots as inline SVG, without a plotting library. Their colours are defined in `page.css`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from ..messages import join, message
from .rendering import render_fragment

WIDTH, HEIGHT = 440, 340
"""Size of a plot in SVG pixels."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 46
"""Margins around the plot area in SVG pixels, for the labels of ticks and axes."""

_TICK_INTERVALS = 5
"""Number of intervals between the ticks of an axis."""


@dataclass(frozen=True)
class Line:
    """A polyline through the points (x, y); `dashed` marks a reference line."""

    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False


@dataclass(frozen=True)
class Mark:
    """A circle at (x, y) with an optional name beside it; `size` is its radius in SVG pixels."""

    x: float
    y: float
    name: str = ""
    size: float = 5.0


@dataclass(frozen=True)
class Axes:
    """Labels and upper ends of the axes. Both start at 0. Values are shares; tick labels are percentages."""

    x: str
    y: str
    x_end: float = 1.0
    y_end: float = 1.0

    def to_pixel(self, x: float, y: float) -> tuple[float, float]:
        """SVG coordinates of the point (x, y), in pixels from the upper left corner."""
        column = _LEFT + (WIDTH - _LEFT - _RIGHT) * x / self.x_end
        row = HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * y / self.y_end
        return round(column, 1), round(row, 1)


def plot(title: str, description: str, axes: Axes, lines: Iterable[Line] = (), marks: Iterable[Mark] = ()) -> Markup:
    """HTML `<figure>` with an SVG that scales with its container. `description` is its caption and text alternative."""
    heading = message("{sentence}.", sentence=title)
    left, bottom = axes.to_pixel(0, 0)
    right, top = axes.to_pixel(axes.x_end, axes.y_end)
    return render_fragment(
        "plot.html",
        title=heading,
        description=description,
        name=join([heading, description]),
        axis_names=[join([axis, "%"], ", ") for axis in (axes.x, axes.y)],
        size=(WIDTH, HEIGHT),
        edges={"left": left, "right": right, "top": top, "bottom": bottom},
        middle=((_LEFT + WIDTH - _RIGHT) / 2, (_TOP + HEIGHT - _BOTTOM) / 2),
        ticks=[_tick(axes, step / _TICK_INTERVALS) for step in range(_TICK_INTERVALS + 1)],
        polylines=[(_points(axes, line), line.dashed) for line in lines],
        circles=_circles(axes, marks),
    )


class _Tick(NamedTuple):
    """The pixel position of a tick on both axes, and its label on each."""

    column: float
    row: float
    x_label: str
    y_label: str


def _tick(axes: Axes, share: float) -> _Tick:
    """The tick at a share (0..1) of the length of both axes."""
    x, y = axes.x_end * share, axes.y_end * share
    return _Tick(*axes.to_pixel(x, y), f"{100 * x:.3g}", f"{100 * y:.3g}")


def _points(axes: Axes, line: Line) -> str:
    """Attribute `points` of the SVG polyline."""
    return " ".join("{},{}".format(*axes.to_pixel(x, y)) for x, y in zip(line.x, line.y, strict=True))


class _Circle(NamedTuple):
    """The pixel position of a mark, and the row of the name to its lower right."""

    mark: Mark
    column: float
    row: float
    name_row: float


def _circles(axes: Axes, marks: Iterable[Mark]) -> list[_Circle]:
    """Positions of the marks, from top to bottom. Names are at least 16 px apart, so that they do not overlap."""
    circles, name_row = [], 0.0
    for mark in sorted(marks, key=lambda mark: -mark.y):
        column, row = axes.to_pixel(mark.x, mark.y)
        if mark.name:
            name_row = max(row + 16, name_row + 16)
        circles.append(_Circle(mark, column, row, name_row))
    return circles
