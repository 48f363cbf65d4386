"""The report of a validation as one HTML file without external parts, and its body for the page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from ..languages import LANGUAGES, current_language
from ..messages import translate
from ..reporting.html_templates import create_environment
from ..reporting.wording import DISCLAIMER
from . import plots
from .plots import Plot
from .report import Report

_FOLDER = Path(__file__).parent
STYLE = _FOLDER / "report.css"


def to_html(report: Report) -> str:
    """The whole file, in the current language."""
    return _render(
        "report.html",
        report=report,
        body=Markup(body(report, open_all=True)),
        style=Markup(STYLE.read_text(encoding="utf-8")),
        language=LANGUAGES[current_language()].tag,
        disclaimer=_plain(DISCLAIMER),
    )


def body(report: Report, *, open_all: bool = False, with_lines: bool = False) -> str:
    """Verdicts and sections; closed sections open by a click unless `open_all`. `with_lines`: the lines above too."""
    lines = report.lines if with_lines else ()
    return _render("body.html", report=report, lines=lines, open_all=open_all, draw=_draw, data_url=_data_url)


def _draw(plot: Plot) -> Markup:
    (left, bottom), (right, top) = plots.to_pixel(0, 0), plots.to_pixel(1, 1)
    x_ticks, y_ticks = plots.tick_labels(plot)
    markup = _render(
        "plot.html",
        plot=plot,
        size=(plots.WIDTH, plots.HEIGHT),
        edges={"left": left, "right": right, "top": top, "bottom": bottom},
        middle=((left + right) / 2, (top + bottom) / 2),
        x_ticks=[(plots.to_pixel(value, 0)[0], label) for value, label in x_ticks],
        y_ticks=[(plots.to_pixel(0, value)[1], label) for value, label in y_ticks],
        lines=[(line.kind, _points(line.x, line.y)) for line in plot.lines],
        marks=[(mark, *plots.to_pixel(mark.x, mark.y)) for mark in plot.marks],
    )
    return Markup(markup)


def _points(xs: Sequence[float], ys: Sequence[float]) -> str:
    return " ".join("{},{}".format(*plots.to_pixel(x, y)) for x, y in zip(xs, ys, strict=True))


def _data_url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _plain(markdown: str) -> str:
    """The text of a sentence of the page without the signs for bold print."""
    return translate(markdown).replace("**", "")


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    return create_environment(_FOLDER / "templates")
