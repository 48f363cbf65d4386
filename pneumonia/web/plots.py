"""Small plots as inline SVG, without a plotting library. Their colours are defined in `page.css`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

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


def plot(title: str, description: str, axes: Axes, lines: Iterable[Line] = (), marks: Iterable[Mark] = ()) -> str:
    """HTML `<figure>` with an SVG that scales with its container. `description` is its caption and text alternative."""
    parts = [_frame(axes), *(_line(axes, line) for line in lines), *_marks(axes, list(marks))]
    return (
        f'<figure class="plot"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}. '
        f'{escape(description)}">{"".join(parts)}</svg>'
        f"<figcaption><strong>{escape(title)}.</strong> {escape(description)}</figcaption></figure>"
    )


def _frame(axes: Axes) -> str:
    left, bottom = axes.to_pixel(0, 0)
    right, top = axes.to_pixel(axes.x_end, axes.y_end)
    parts = []
    for step in range(_TICK_INTERVALS + 1):
        x, y = axes.x_end * step / _TICK_INTERVALS, axes.y_end * step / _TICK_INTERVALS
        column, row = axes.to_pixel(x, y)
        parts.append(f'<line class="grid" x1="{column}" y1="{top}" x2="{column}" y2="{bottom}"/>')
        parts.append(f'<line class="grid" x1="{left}" y1="{row}" x2="{right}" y2="{row}"/>')
        parts.append(f'<text x="{column}" y="{bottom + 16}" text-anchor="middle">{100 * x:.3g}</text>')
        parts.append(f'<text x="{left - 6}" y="{row + 4}" text-anchor="end">{100 * y:.3g}</text>')
    middle_x, middle_y = (_LEFT + WIDTH - _RIGHT) / 2, (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(f'<text class="axis" x="{middle_x}" y="{HEIGHT - 8}" text-anchor="middle">{escape(axes.x)}, %</text>')
    rotation = f'transform="rotate(-90 14 {middle_y})"'
    parts.append(f'<text class="axis" x="14" y="{middle_y}" text-anchor="middle" {rotation}>{escape(axes.y)}, %</text>')
    return "".join(parts)


def _line(axes: Axes, line: Line) -> str:
    path = " ".join("{},{}".format(*axes.to_pixel(x, y)) for x, y in zip(line.x, line.y, strict=True))
    return f'<polyline class="{"reference" if line.dashed else "curve"}" points="{path}"/>'


def _marks(axes: Axes, marks: Sequence[Mark]) -> Iterable[str]:
    """SVG circles with their names to the lower right. Names are at least 16 px apart, so that they do not overlap."""
    last_y = 0.0
    for mark in sorted(marks, key=lambda mark: -mark.y):
        x, y = axes.to_pixel(mark.x, mark.y)
        yield f'<circle class="mark" cx="{x}" cy="{y}" r="{mark.size}"/>'
        if mark.name:
            last_y = max(y + 16, last_y + 16)
            yield f'<text class="name" x="{x + 9}" y="{last_y}">{escape(mark.name)}</text>'
