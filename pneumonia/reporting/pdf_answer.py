"""The answer in the PDF report: label, P(pneumonia), what it is worth, the line with the limits, and the warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..inference.bundle import Bundle
from ..inference.decision import CLASSES, LABEL_NAMES, UNKNOWN, Prediction
from ..inference.gate_report import GateReport
from ..languages import current_language
from ..messages import join, message, translate
from . import answer_text, gate_wording, pdf_fonts, provenance, wording
from .answer_text import Scale, format_limit
from .pdf_text import markup

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Flowable

LABEL_COLOURS = {CLASSES[0]: "#00608f", CLASSES[1]: "#a84300", UNKNOWN: "#565b66"}
"""Colour of each label, as in page.css. The mark and the word convey the label without colour."""

_SCALE_HEIGHT = 34.0
_LINE_HEIGHT = 5.0
_TEXT_SIZE = 7.0


def answer_flowables(
    prediction: Prediction,
    bundle: Bundle | None,
    styles: Mapping[str, ParagraphStyle],
    width: float,
    gate: GateReport | None = None,
) -> list[Flowable]:
    """The answer as reportlab flowables; `bundle` is that of `Prediction.model`, `width` that of the page in points.

    `gate` is what the gate measured of a film that it refused.
    """
    from reportlab.platypus import Paragraph

    return [
        Paragraph(_heading(prediction), styles["answer"]),
        *(Paragraph(text, styles["plain"]) for text in _lines(prediction, bundle, gate)),
        *_scale(prediction, bundle, styles, width),
    ]


def _heading(prediction: Prediction) -> str:
    label = f"{wording.MARKS[prediction.label]} {markup(LABEL_NAMES[prediction.label])}"
    heading = f'<font color="{LABEL_COLOURS[prediction.label]}">{label}</font>'
    if prediction.probability is None:
        return heading
    return f"{heading} <font size=10>{markup(wording.format_p_pneumonia(prediction))}</font>"


def _lines(prediction: Prediction, bundle: Bundle | None, gate: GateReport | None) -> Iterator[str]:
    """The paragraphs below the heading as markup of reportlab."""
    point = answer_text.describe_point(prediction)
    shares = [
        message("{label} {probability}", label=LABEL_NAMES[name], probability=text)
        for name, text in wording.format_probabilities(prediction).items()
    ]
    probabilities = message("Calibrated probabilities: {shares}.", shares=join(shares, ", ")) if shares else ""
    yield markup(join([message("{sentence}.", sentence=point), probabilities]))
    if prediction.reason is not None:
        measured = "" if gate is None else gate_wording.describe_report(gate)
        reason = markup(join([prediction.reason.message, measured]))
        yield f"<b>{markup(message('Reason for Unknown:'))}</b> {reason}"
    yield from map(markup, filter(None, _meaning(prediction, bundle)))
    for warning in prediction.warnings:
        yield f"⚠ {markup(warning)}"


def _meaning(prediction: Prediction, bundle: Bundle | None) -> list[str]:
    """What the numbers mean, and whose model answered; the same sentences as on the page."""
    frequency = [answer_text.describe_frequency(prediction), answer_text.describe_frequency_source(prediction)]
    if bundle is None:
        return [join(frequency)]
    calibrated = bundle.calibration.prevalence
    at_prevalence = answer_text.describe_film_at_prevalence(prediction, calibrated)
    if answer_text.caution_at_prevalence(prediction, calibrated):
        at_prevalence = message("⚠ {sentence}", sentence=at_prevalence)
    return [join(frequency), at_prevalence, provenance.describe(prediction, bundle)]


def _scale(
    prediction: Prediction, bundle: Bundle | None, styles: Mapping[str, ParagraphStyle], width: float
) -> list[Flowable]:
    """The line with the film and the limits, and what would change the answer; nothing if the film was not scored."""
    from reportlab.platypus import Paragraph, Spacer

    point = None if bundle is None else bundle.operating_points.get(prediction.operating_point)
    if bundle is None or point is None:
        return []
    scale = Scale.of(prediction, point, bundle.calibration)
    if scale is None:
        return []
    change = Paragraph(markup(answer_text.describe_change(prediction, scale)), styles["plain"])
    return [_drawing(scale, 0.6 * width), change, Spacer(0, 3)]


def _drawing(scale: Scale, width: float) -> Any:
    """The line from 0 to 100 %: ranges of the labels, limits, and a triangle at the film's P(pneumonia)."""
    from reportlab.graphics.shapes import Drawing, Line, Polygon, Rect
    from reportlab.lib.colors import HexColor

    drawing, bottom = Drawing(width, _SCALE_HEIGHT), 12.0
    top, ink = bottom + _LINE_HEIGHT, HexColor("#1b1d22")
    ranges = ((CLASSES[0], 0.0, scale.low), (UNKNOWN, scale.low, scale.high), (CLASSES[1], scale.high, 1.0))
    for label, start, end in ranges:
        fill = HexColor("#d9dce2" if label == UNKNOWN else LABEL_COLOURS[label])
        drawing.add(Rect(start * width, bottom, (end - start) * width, _LINE_HEIGHT, fillColor=fill, strokeColor=None))
    for limit, anchor in _limits(scale):
        drawing.add(Line(limit * width, bottom - 2, limit * width, top + 2, strokeColor=ink, strokeWidth=0.8))
        drawing.add(_string(limit * width, bottom - 10, format_limit(limit), anchor))
    x = scale.probability * width
    drawing.add(Polygon([x, top + 1, x - 4, top + 7, x + 4, top + 7], fillColor=ink, strokeColor=None))
    drawing.add(_string(x, top + 9, wording.format_probability(scale.probability), _anchor(scale.probability)))
    return drawing


def _limits(scale: Scale) -> list[tuple[float, str]]:
    """The limits with the `textAnchor` of their texts; one if they are equal in whole percents."""
    if not scale.has_unknown:
        return [(scale.high, _anchor(scale.high))]
    if scale.high - scale.low >= 0.1:
        return [(limit, _anchor(limit)) for limit in (scale.low, scale.high)]
    return [(scale.low, "end"), (scale.high, "start")]


def _anchor(share: float) -> str:
    return "start" if share < 0.06 else "end" if share > 0.94 else "middle"


def _string(x: float, y: float, text: str, anchor: str) -> Any:
    from reportlab.graphics.shapes import String

    return String(
        x, y, translate(text), fontName=pdf_fonts.base_font(current_language()), fontSize=_TEXT_SIZE, textAnchor=anchor
    )
