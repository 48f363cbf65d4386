"""Small plots as inline SVG: they need no library and no network, and take their colours from the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 440, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 46
_TICKS = 5


@dataclass(frozen=True)
class Line:
    """A curve through (x, y); `dashed` for what it is held against."""

    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False


@dataclass(frozen=True)
class Mark:
    """A point with its name beside it, or a nameless one of a `size` in pixels."""

    x: float
    y: float
    name: str = ""
    size: float = 5.0


@dataclass(frozen=True)
class Axes:
    """What the axes say, and where they end; they start at 0."""

    x: str
    y: str
    x_end: float = 1.0
    y_end: float = 1.0

    def place(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of a value."""
        across = _LEFT + (WIDTH - _LEFT - _RIGHT) * x / self.x_end
        down = HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * y / self.y_end
        return round(across, 1), round(down, 1)


def plot(title: str, description: str, axes: Axes, lines: Iterable[Line] = (), marks: Iterable[Mark] = ()) -> str:
    """An SVG that scales with its place; the description says in words what it shows."""
    drawn = [_frame(axes), *(_line(axes, line) for line in lines), *_marks(axes, list(marks))]
    return (
        f'<figure class="plot"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}. '
        f'{escape(description)}">{"".join(drawn)}</svg>'
        f"<figcaption><strong>{escape(title)}.</strong> {escape(description)}</figcaption></figure>"
    )


def _frame(axes: Axes) -> str:
    parts = []
    for step in range(_TICKS + 1):
        x, y = axes.x_end * step / _TICKS, axes.y_end * step / _TICKS
        across, down = axes.place(x, y)
        left, bottom = axes.place(0, 0)
        right, top = axes.place(axes.x_end, axes.y_end)
        parts.append(f'<line class="grid" x1="{across}" y1="{top}" x2="{across}" y2="{bottom}"/>')
        parts.append(f'<line class="grid" x1="{left}" y1="{down}" x2="{right}" y2="{down}"/>')
        parts.append(f'<text x="{across}" y="{bottom + 16}" text-anchor="middle">{100 * x:.3g}</text>')
        parts.append(f'<text x="{left - 6}" y="{down + 4}" text-anchor="end">{100 * y:.3g}</text>')
    middle_x, middle_y = (_LEFT + WIDTH - _RIGHT) / 2, (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(f'<text class="axis" x="{middle_x}" y="{HEIGHT - 8}" text-anchor="middle">{escape(axes.x)}, %</text>')
    turned = f'transform="rotate(-90 14 {middle_y})"'
    parts.append(f'<text class="axis" x="14" y="{middle_y}" text-anchor="middle" {turned}>{escape(axes.y)}, %</text>')
    return "".join(parts)


def _line(axes: Axes, line: Line) -> str:
    path = " ".join("{},{}".format(*axes.place(x, y)) for x, y in zip(line.x, line.y, strict=True))
    return f'<polyline class="{"against" if line.dashed else "curve"}" points="{path}"/>'


def _marks(axes: Axes, marks: Sequence[Mark]) -> Iterable[str]:
    """Circles with names to their right and below, each name at least a line under the one before it."""
    lowest = 0.0
    for mark in sorted(marks, key=lambda mark: -mark.y):
        x, y = axes.place(mark.x, mark.y)
        yield f'<circle class="mark" cx="{x}" cy="{y}" r="{mark.size}"/>'
        if mark.name:
            lowest = max(y + 16, lowest + 16)
            yield f'<text class="name" x="{x + 9}" y="{lowest}">{escape(mark.name)}</text>'
