"""Conversion of the page's Markdown texts to report paragraphs: headings, bullets, bold, italics, links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from .pdf_text import unbroken

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Flowable

_MARKUP = (
    (re.compile(r"\[([^\]]+)\]\((https://[^)\s]+)\)"), r'<a href="\2" color="#00608f">\1</a>'),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<b>\1</b>"),
    # The font has no italic face, so italics become upright.
    (re.compile(r"(?<!\*)\*([^*\s][^*]*)\*(?!\*)"), r"\1"),
)


def paragraphs(markdown: str, styles: Mapping[str, ParagraphStyle]) -> list[Flowable]:
    """Convert Markdown to reportlab flowables, one per line that is not empty.

    `styles` must contain `plain`, and `heading` and `bullet` if the text has such lines.
    """
    from reportlab.platypus import Paragraph

    flowables: list[Flowable] = []
    for line in filter(None, map(str.strip, markdown.splitlines())):
        if line.startswith("#"):
            flowables.append(Paragraph(_to_markup(line.lstrip("# ")), styles["heading"]))
        elif line.startswith("* "):
            flowables.append(Paragraph(_to_markup(line[2:]), styles["bullet"], bulletText="•"))
        else:
            flowables.append(Paragraph(_to_markup(line), styles["plain"]))
    return flowables


def _to_markup(line: str) -> str:
    text = escape(unbroken(line), quote=False)
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return text
