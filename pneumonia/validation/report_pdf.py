"""The report of a validation as a PDF of several A4 pages. reportlab is imported only when a report is requested."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..evaluation.table import Table
from ..languages import LANGUAGES, current_language
from ..messages import message, translate
from ..reporting import pdf_fonts, pdf_report, pdf_text
from ..reporting.wording import DISCLAIMER, TITLE
from .pdf_plot import RULE, draw_plot
from .plots import Plot
from .report import Report, Section, Thumbnail

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

MARGIN = 40.0
"""Page margin in points."""

THUMBNAILS_PER_ROW = 4


def to_pdf(report: Report) -> bytes:
    """The bytes of the PDF, in the current language."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    buffer = io.BytesIO()
    with pdf_report.REPORTLAB_LOCK:
        document = SimpleDocTemplate(
            buffer,
            pagesize=A4,
            leftMargin=MARGIN,
            rightMargin=MARGIN,
            topMargin=MARGIN,
            bottomMargin=MARGIN + 12,
            title=translate(report.title),
            author="",
            lang=LANGUAGES[current_language()].tag,
            creator=translate(TITLE),
        )
        document.build(_story(report), onFirstPage=_draw_page_number, onLaterPages=_draw_page_number)
    return buffer.getvalue()


def _draw_page_number(canvas: Any, document: Any) -> None:
    canvas.setFont(pdf_fonts.base_font(current_language()), 7)
    canvas.drawRightString(document.pagesize[0] - MARGIN, MARGIN - 6, str(canvas.getPageNumber()))


def _story(report: Report) -> list[Flowable]:
    story = [_paragraph(report.title, "title"), *(_paragraph(line, "small") for line in report.lines)]
    for verdict in report.verdicts:
        story.append(
            _paragraph(message("{model}: {verdict}", model=verdict.title, verdict=verdict.headline), "heading")
        )
        story += [_paragraph(sentence) for sentence in verdict.sentences]
    for section in report.sections:
        story += _section(section)
    return [*story, _paragraph(translate(DISCLAIMER).replace("**", ""), "small")]


def _section(section: Section) -> list[Flowable]:
    from reportlab.platypus import KeepTogether, Spacer

    heading = [Spacer(0, 8), _paragraph(section.heading, "section"), *map(_paragraph, section.paragraphs)]
    parts: list[Flowable] = [KeepTogether(heading)]
    if section.plots:
        parts.append(_side_by_side([_plot(plot) for plot in section.plots]))
    for table in section.tables:
        parts += [_paragraph(table.caption, "caption"), _table(table), Spacer(0, 4)]
    if section.thumbnails:
        parts.append(_thumbnails(section.thumbnails))
    return parts


def _paragraph(text: str, style: str = "plain") -> Flowable:
    from reportlab.lib.styles import ParagraphStyle

    styles = pdf_report.paragraph_styles()
    if style == "section":
        own = ParagraphStyle("section", styles["heading"], fontSize=11, leading=14, spaceBefore=6, spaceAfter=3)
    elif style == "caption":
        own = ParagraphStyle("caption", styles["heading"], keepWithNext=1)  # never the last line of a page
    else:
        own = styles[style]
    return pdf_text.paragraph(translate(text), own)


def _table(table: Table) -> Flowable:
    """A table over the page's width; long ones continue on the next page below their heading."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import LongTable

    cells = [[_paragraph(cell, "small") for cell in row] for row in (table.columns, *table.rows)]
    count = len(table.columns)
    width = A4[0] - 2 * MARGIN
    first = width * (0.5 if count <= 3 else 0.34)
    widths = [first, *([(width - first) / max(count - 1, 1)] * (count - 1))]
    style = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor(RULE)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ]
    return LongTable(cells, colWidths=widths, repeatRows=1, hAlign="LEFT", style=style)


def _side_by_side(drawings: Sequence[tuple[Flowable, Flowable]]) -> Flowable:
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import Table as Layout

    width = (A4[0] - 2 * MARGIN) / 2
    rows = [[drawing for drawing, _ in drawings], [caption for _, caption in drawings]]
    return Layout(rows, colWidths=[width] * len(drawings), hAlign="LEFT", style=[("VALIGN", (0, 0), (-1, -1), "TOP")])


def _plot(plot: Plot) -> tuple[Flowable, Flowable]:
    """The drawing and its caption."""
    caption = message("{title}. {description}", title=plot.title, description=plot.description)
    return draw_plot(plot), _paragraph(caption, "small")


def _thumbnails(films: Sequence[Thumbnail]) -> Flowable:
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import Table as Layout

    side = (A4[0] - 2 * MARGIN) / THUMBNAILS_PER_ROW
    cells: list[Any] = [
        [_picture(film.jpeg, side - 8), _paragraph(film.caption, "small"), _paragraph(_shortened(film.name), "small")]
        for film in films
    ]
    cells += [""] * (-len(cells) % THUMBNAILS_PER_ROW)
    rows = [cells[start : start + THUMBNAILS_PER_ROW] for start in range(0, len(cells), THUMBNAILS_PER_ROW)]
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
    return Layout(rows, colWidths=[side] * THUMBNAILS_PER_ROW, hAlign="LEFT", style=style)


def _picture(jpeg: bytes, side: float) -> Flowable:
    from reportlab.platypus import Image

    picture = Image(io.BytesIO(jpeg))
    scale = min(side / picture.imageWidth, side / picture.imageHeight)
    return Image(io.BytesIO(jpeg), picture.imageWidth * scale, picture.imageHeight * scale, hAlign="LEFT")


def _shortened(name: str) -> str:
    """The end of a long path, with spaces at which it can be broken."""
    text = name if len(name) <= 120 else "..." + name[-117:]
    return text.replace("/", "/\u200b").replace("_", "_\u200b")
