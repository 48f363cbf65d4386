"""The monitoring report for a terminal: sentences and aligned tables in the current language, without plots."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from ..messages import translate
from ..validation.report import Report

FIRST_COLUMN = 50
"""Columns of the terminal for the first column of a table: the numbers then fit into 100."""


def as_text(report: Report) -> str:
    """The report as lines of text."""
    lines = [report.title, *report.lines, ""]
    for verdict in report.verdicts:
        lines += [f"{translate(verdict.title)}: {translate(verdict.headline)}"]
        lines += [f"  {translate(sentence)}" for sentence in verdict.sentences]
    for section in report.sections:
        lines += ["", translate(section.heading)]
        lines += [f"  {translate(paragraph)}" for paragraph in section.paragraphs]
        for table in section.tables:
            lines += ["", *(f"  {line}" for line in align([table.columns, *table.rows]))]
    return "\n".join(translate(line) for line in lines) + "\n"


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; a first cell that is longer than `FIRST_COLUMN` continues on further lines."""
    cells: list[list[str]] = []
    for first, *rest in ([translate(cell) for cell in row] for row in rows):
        beginning, *continued = list(_wrap(first, FIRST_COLUMN)) or [""]
        cells.append([beginning, *rest])
        cells += [[f"  {line}", *[""] * len(rest)] for line in continued]
    widths = [max(display_width(row[column]) for row in cells) for column in range(len(cells[0]))]
    return ["  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def display_width(text: str) -> int:
    """Columns that a text takes in a terminal: a Chinese character two, a combining mark none (UAX 11)."""
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _pad(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


def _wrap(text: str, width: int) -> Iterator[str]:
    """The lines of a text, broken at spaces; a part without spaces, such as a Chinese sentence, within the part."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if display_width(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        *pieces, line = _pieces(word, width)
        yield from pieces
    if line:
        yield line


def _pieces(word: str, width: int) -> Iterator[str]:
    """The word in pieces of at most `width` columns."""
    piece = ""
    for character in word:
        if piece and display_width(piece + character) > width:
            yield piece
            piece = ""
        piece += character
    yield piece
