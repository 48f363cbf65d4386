"""No line of a report or a result picture begins with the unit of a figure, in any language."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from pneumonia.languages import LANGUAGES, use_language
from pneumonia.reporting import pdf_report, pdf_text, picture_text
from pneumonia.reporting.unbroken_figures import with_unbroken_figures

SENTENCES = {
    "en": "P(pneumonia) 93 %, of 100 such answers 88.5 % are right; 12 mm, 50 MB.",
    "fr": "P(pneumonie) 93\u202f%, sur 100 réponses 88,5 % sont justes ; 12 mm, 50 Mo.",
    "zh": "肺炎概率 93 %，在 100 次此类回答中约有 88.5\u00a0% 正确。",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("93 % or 93\u202f%", "93\u00a0% or 93\u00a0%"),
        ("12 mm, 3 s", "12\u00a0mm, 3\u00a0s"),
        ("3 samples of 4 minutes", "3 samples of 4 minutes"),
        ("% of 4", "% of 4"),
    ],
)
def test_only_a_unit_is_joined_to_its_figure(text: str, expected: str) -> None:
    assert with_unbroken_figures(text) == expected


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_line_begins_with_a_unit(code: str) -> None:
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import Paragraph

    text = SENTENCES.get(code, SENTENCES["en"])
    style = picture_text.TextStyle(20, (0, 0, 0))
    with use_language(code):
        buffer = io.BytesIO()
        canvas = Canvas(buffer)
        for width in range(60, 300, 4):
            paragraph = Paragraph(pdf_text.escaped(text), pdf_report.paragraph_styles()["plain"])
            paragraph.wrapOn(canvas, width, 1000)
            paragraph.drawOn(canvas, 0, 0)
            canvas.showPage()
            lines = picture_text.lines_of(text, 100 + 3 * width, style)
            assert not any(line.startswith(("%", "mm", "M")) for line in lines), lines
        canvas.save()
    for page in PdfReader(buffer).pages:
        lines = page.extract_text().splitlines()
        assert not any(line.strip().startswith(("%", "mm", "M")) for line in lines), lines
