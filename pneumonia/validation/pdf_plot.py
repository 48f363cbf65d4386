"""A plot of a report as a drawing of reportlab, in points from the lower left corner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..languages import current_language
from ..messages import translate
from ..reporting import pdf_fonts, pdf_text
from . import plots
from .plots import Plot

if TYPE_CHECKING:
    from reportlab.graphics.shapes import Group
    from reportlab.platypus import Flowable

RULE = "#d4d8e0"
"""Colour of grid lines and of the rules of tables."""

_COLOURS = {"own": "#00608f", "card": "#a84300", "reference": "#565b66"}
_DASHES = {"own": None, "card": [5, 3], "reference": [2, 3]}
"""Kind of a line -> lengths of dashes and gaps in points: a line is told apart without colour."""

_SCALE = 0.68
"""Size of the drawing as a share of `plots.WIDTH` and `plots.HEIGHT`: two fit beside each other."""


def draw_plot(plot: Plot) -> Flowable:
    """The plot with its axes, without title and description."""
    from reportlab.graphics.shapes import Drawing, Group

    group = Group(transform=(_SCALE, 0, 0, _SCALE, 0, 0))
    _add_ticks(group, plot)
    _add_curves(group, plot)
    _add_axis_names(group, plot)
    drawing = Drawing(plots.WIDTH * _SCALE, plots.HEIGHT * _SCALE)
    drawing.add(group)
    return drawing


def _add_ticks(group: Group, plot: Plot) -> None:
    """The labels of the ticks, with grid lines along axes of shares."""
    (left, bottom), (right, top) = _point(0, 0), _point(1, 1)
    x_ticks, y_ticks = plots.tick_labels(plot)
    for value, label in x_ticks:
        x, _ = _point(value, 0)
        if not plot.x_ticks:
            group.add(_grid_line(x, bottom, x, top))
        group.add(_string(x, bottom - 15, label, "middle"))
    for value, label in y_ticks:
        _, y = _point(0, value)
        group.add(_grid_line(left, y, right, y))
        group.add(_string(left - 5, y - 4, label, "end"))


def _add_curves(group: Group, plot: Plot) -> None:
    from reportlab.graphics.shapes import Circle, PolyLine
    from reportlab.lib.colors import HexColor

    for line in plot.lines:
        points = [coordinate for x, y in zip(line.x, line.y, strict=True) for coordinate in _point(x, y)]
        colour, dashes = HexColor(_COLOURS[line.kind]), _DASHES[line.kind]
        group.add(PolyLine(points, strokeColor=colour, strokeWidth=1.6, strokeDashArray=dashes))
    for mark in plot.marks:
        colour = HexColor(_COLOURS[mark.kind])
        fill = colour if mark.kind == "own" else None
        group.add(Circle(*_point(mark.x, mark.y), mark.radius, fillColor=fill, strokeColor=colour))


def _add_axis_names(group: Group, plot: Plot) -> None:
    from reportlab.graphics.shapes import Group

    (left, bottom), (right, top) = _point(0, 0), _point(1, 1)
    group.add(_string((left + right) / 2, 6, plot.x_name, "middle"))
    axis = Group(_string(0, 0, plot.y_name, "middle"))
    axis.translate(12, (bottom + top) / 2)
    axis.rotate(90)
    group.add(axis)


def _grid_line(x: float, y: float, x_end: float, y_end: float) -> Any:
    from reportlab.graphics.shapes import Line
    from reportlab.lib.colors import HexColor

    return Line(x, y, x_end, y_end, strokeColor=HexColor(RULE), strokeWidth=0.7)


def _string(x: float, y: float, text: str, anchor: str) -> Any:
    from reportlab.graphics.shapes import String

    content = pdf_fonts.replace_missing(translate(text), pdf_text.NO_GLYPH)
    font = pdf_fonts.base_font(current_language())
    return String(x, y, content, textAnchor=anchor, fontName=font, fontSize=11)


def _point(x: float, y: float) -> tuple[float, float]:
    """Position in the drawing, whose origin is the lower left corner."""
    column, row = plots.to_pixel(x, y)
    return column, plots.HEIGHT - row
