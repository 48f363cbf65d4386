"""The PDF report: one A4 page about one film, for printing or for the patient's record.

It contains the content of the page, and about the patient only the age that was used and the note that the user typed.
The file name is left out, because it is often the patient's name. reportlab (BSD licence) does the layout; it is
imported only when a report is requested.
"""

from __future__ import annotations

import io
import threading
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from ..imaging import WHOLE, Area
from ..inference.bundle import Bundle
from ..inference.decision import Failure, Prediction
from ..inference.gate_report import GateReport
from ..inference.graph import Activation, LungField
from ..languages import LANGUAGES, current_language
from ..messages import join, message, translate
from . import pdf_fonts, pdf_text, provenance, reading_guide, wording, zone_table
from .pdf_answer import answer_flowables
from .pdf_markdown import paragraphs
from .pdf_pictures import average_of, pictures_of, pictures_side_by_side, reduced
from .pdf_text import NO_GLYPH, markup
from .result_lines import NO_ANSWER, NOTICE, created_line

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Flowable

REPORT_TITLE = message("Chest-film report")

MAX_NOTE_LENGTH = 200
"""Maximum number of characters of a note: enough for a name, a number and a date, not for a medical history."""

A4_WIDTH = 595.28
"""Width of the page in points."""

MARGIN = 40.0
"""Page margin in points."""

FOOTER = 62.0
"""Height in points of the footer with model and disclaimer."""

REPORTLAB_LOCK = threading.Lock()
"""One report is rendered at a time: reportlab registers fonts process-wide and is not documented as thread-safe. A page
takes 0.03 s."""


def render_pdf(
    film: npt.NDArray[np.uint8],
    prediction: Prediction,
    activation: Activation | None,
    *,
    area: Area = WHOLE,
    lung_field: LungField | None = None,
    bundle: Bundle | None = None,
    gate: GateReport | None = None,
    note: str = "",
    created_at: datetime | None = None,
) -> bytes:
    """Render one A4 page about a film, with the activation map beside it; returns the bytes of the PDF.

    `film` is the display image, uint8 `[H, W]`. `activation` is None without an answer, and covers `area` of the
    film, as does `lung_field`, None if the model predicts none. `bundle` is that of `Prediction.model`, for the line on
    age, model, test and licence. `gate` is what the gate measured of a film that it refused; the most similar class
    average is then beside the film. `note` is the user's text in any script; a character that is missing in the font
    becomes a box. `created_at` defaults to the current time. Raises `UsageError` if the note is longer than
    `MAX_NOTE_LENGTH` characters.
    """
    note, width = _normalize_note(note), A4_WIDTH - 2 * MARGIN
    body = _header(note, created_at or datetime.now().astimezone())
    body += answer_flowables(prediction, bundle, paragraph_styles(), width, gate)
    in_lungs = lung_field is not None
    pictures = pictures_of(film, prediction, activation, area, lung_field) | average_of(gate)
    body += pictures_side_by_side(pictures, width, paragraph_styles()["small"])
    body += _zone_table(prediction, in_lungs=in_lungs)
    body += paragraphs(translate(reading_guide.describe(prediction, in_lungs=in_lungs)), paragraph_styles())
    return _one_page(body, _footer(prediction))


def render_failure_pdf(
    failure: Failure, film: npt.NDArray[np.uint8] | None = None, *, created_at: datetime | None = None
) -> bytes:
    """Render one A4 page about a film that could not be analysed: the error, and the film if it could be read."""
    from reportlab.platypus import Paragraph

    styles = paragraph_styles()
    body = _header("", created_at or datetime.now().astimezone())
    body.append(Paragraph(markup(NO_ANSWER), styles["answer"]))
    body.append(Paragraph(markup(join([failure.error.message, f"({failure.error.code})"], " ")), styles["plain"]))
    if film is not None:
        body += pictures_side_by_side({"": reduced(film)}, A4_WIDTH - 2 * MARGIN, styles["small"])
    return _one_page(body, _disclaimer())


def _one_page(body: list[Flowable], footer: list[Flowable]) -> bytes:
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    width, height = A4_WIDTH - 2 * MARGIN, A4[1] - 2 * MARGIN - FOOTER
    buffer = io.BytesIO()
    with REPORTLAB_LOCK:
        canvas = Canvas(buffer, pagesize=A4, lang=LANGUAGES[current_language()].tag)
        canvas.setTitle(translate(REPORT_TITLE))
        canvas.setAuthor("")
        canvas.setCreator(translate(wording.TITLE))
        _draw_frame(canvas, body, width, height, MARGIN + FOOTER)
        _draw_frame(canvas, footer, width, FOOTER, MARGIN)
        canvas.showPage()
        canvas.save()
    return buffer.getvalue()


def _normalize_note(note: str) -> str:
    """Join the lines of the note, and convert it to NFC, so that a letter and its accent are one glyph."""
    text = " ".join(unicodedata.normalize("NFC", note).split())
    if len(text) > MAX_NOTE_LENGTH:
        raise UsageError(
            message(
                "The note is too long. Allowed: {limit} characters. Received: {count}.",
                limit=MAX_NOTE_LENGTH,
                count=len(text),
            )
        )
    return text


def paragraph_styles() -> dict[str, ParagraphStyle]:
    """The paragraph styles of a report by name: plain, title, heading, bullet, answer, small."""
    from reportlab.lib.styles import ParagraphStyle

    language = current_language()
    font = pdf_fonts.base_font(language)
    bold = pdf_fonts.BOLD if font == pdf_fonts.BASE else font
    pdf_fonts.register(font)
    wrap = "CJK" if font == pdf_fonts.HAN else None
    plain = ParagraphStyle("plain", fontName=font, fontSize=8, leading=10.5, spaceAfter=3, wordWrap=wrap)
    return {
        "plain": plain,
        "title": ParagraphStyle("title", plain, fontName=bold, fontSize=14, leading=18, spaceAfter=1),
        "heading": ParagraphStyle("heading", plain, fontName=bold, fontSize=8.5, leading=11, spaceBefore=4),
        "bullet": ParagraphStyle("bullet", plain, leftIndent=9, spaceAfter=1),
        "answer": ParagraphStyle("answer", plain, fontName=bold, fontSize=18, leading=23, spaceBefore=6),
        "small": ParagraphStyle("small", plain, fontSize=6.5, leading=8.5, spaceAfter=2),
    }


def _header(note: str, created_at: datetime) -> list[Flowable]:
    from reportlab.platypus import Paragraph

    styles = paragraph_styles()
    created = created_line(created_at)
    header = [
        Paragraph(markup(REPORT_TITLE), styles["title"]),
        Paragraph(markup(NOTICE), styles["heading"]),
        Paragraph(markup(created), styles["plain"]),
    ]
    if note:
        header.append(pdf_text.paragraph(note, styles["plain"], message("Note by the user:")))
    if note != pdf_fonts.replace_missing(note, NO_GLYPH):
        explanation = message("{box} replaces a character that no font of the report has.", box=NO_GLYPH)
        header.append(Paragraph(markup(explanation), styles["small"]))
    return header


def _zone_table(prediction: Prediction, *, in_lungs: bool) -> list[Flowable]:
    """Table of the share of the activation in each lung zone, arranged like the film: the patient's right on the left.

    If less than half of the activation lies inside the lungs, the table has no zones, only the shares inside and
    outside.
    """
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Spacer, Table

    rows = zone_table.rows(prediction, in_lungs=in_lungs)
    if not rows:
        return []
    cells = [[translate(cell) for cell in row] for row in rows]
    grid = [
        ("GRID", (0, 0), (-1, -1), 0.4, HexColor("#b8bcc4")),
        ("FONT", (0, 0), (-1, -1), pdf_fonts.base_font(current_language()), 7.5, 9),
    ]
    padding = [("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 2)]
    widths = [130.0, *(90.0 for _ in rows[0][1:])]
    return [Table(cells, colWidths=widths, hAlign="LEFT", style=[*grid, *padding]), Spacer(0, 5)]


def _footer(prediction: Prediction) -> list[Flowable]:
    """Model and disclaimer below a rule."""
    return _disclaimer(provenance.describe_identity(prediction.model))


def _disclaimer(identity: str = "") -> list[Flowable]:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import HRFlowable, Paragraph

    small = paragraph_styles()["small"]
    rule = HRFlowable(A4_WIDTH - 2 * MARGIN, 0.5, color=HexColor("#b8bcc4"), spaceAfter=3)
    lines = [Paragraph(markup(identity), small)] if identity else []
    return [rule, *lines, *paragraphs(translate(wording.DISCLAIMER), {"plain": small})]


def _draw_frame(canvas: Any, story: list[Flowable], width: float, height: float, bottom: float) -> None:
    """Draw `story` from the top of a frame downwards, shrunk if it does not fit, because a report is one page."""
    from reportlab.platypus import KeepInFrame

    frame = KeepInFrame(width, height, story, mode="shrink")
    _, used_height = frame.wrapOn(canvas, width, height)
    frame.drawOn(canvas, MARGIN, bottom + height - used_height)
