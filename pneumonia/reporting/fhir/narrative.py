"""The narrative of a resource: the text that a reader sees if the system does not know the data (R4, 2.3.6).

It is XHTML without scripts and styles; every text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from ...languages import LANGUAGES
from .datatypes import Json, text


def narrative(paragraphs: Iterable[str], language: str, rows: Sequence[Sequence[str]] = ()) -> Json:
    """The element `text`: paragraphs, the first in bold, and a table, whose first row and column are headings."""
    blocks = [_paragraph(sentence, is_first=number == 0) for number, sentence in enumerate(filter(None, paragraphs))]
    cells = "".join(_row(row, is_heading=number == 0) for number, row in enumerate(rows))
    if cells:
        blocks.append(f"<table><tbody>{cells}</tbody></table>")
    tag = LANGUAGES[language].tag
    start = f'<div xmlns="http://www.w3.org/1999/xhtml" lang="{tag}" xml:lang="{tag}">'
    return {"status": "generated", "div": f"{start}{''.join(blocks)}</div>"}


def _paragraph(sentence: str, *, is_first: bool) -> str:
    content = _escaped(sentence)
    return f"<p><b>{content}</b></p>" if is_first else f"<p>{content}</p>"


def _row(row: Sequence[str], *, is_heading: bool) -> str:
    names = ["th" if is_heading or number == 0 else "td" for number in range(len(row))]
    return f"<tr>{''.join(f'<{name}>{_escaped(cell)}</{name}>' for name, cell in zip(names, row, strict=True))}</tr>"


def _escaped(sentence: str) -> str:
    return escape(text(sentence))
