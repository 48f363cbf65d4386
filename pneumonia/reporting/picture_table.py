"""A table on a picture: a first column of names, and columns of values with a rule below each row."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from .picture_text import Colour, TextStyle, draw_line, line_width, lines_of

RULE: Colour = (80, 84, 92)
"""Colour of a rule."""

_PADDING, _GUTTER = 5, 14
_VALUE_SHARE = 0.3
"""Width of a column of values as a share of the table."""


def draw_table(rows: Sequence[Sequence[str]], width: int, style: TextStyle) -> Image.Image:
    """Draw rows of cells, the first with the headings, as an RGB image of this width on black. Cells may have lines."""
    value_width = round(_VALUE_SHARE * width)
    name_width = width - value_width * (len(rows[0]) - 1)
    widths = [name_width, *(value_width for _ in rows[0][1:])]
    cells = [[lines_of(cell, w - _GUTTER, style) for cell, w in zip(row, widths, strict=True)] for row in rows]
    heights = [max(map(len, row)) * style.line_height + 2 * _PADDING for row in cells]
    image = Image.new("RGB", (width, sum(heights) + 1))
    draw, top = ImageDraw.Draw(image), 0
    for row, height in zip(cells, heights, strict=True):
        _draw_row(image, row, widths, top + _PADDING, style)
        top += height
        draw.line((0, top, width, top), RULE)
    return image


def _draw_row(
    image: Image.Image, cells: Sequence[Sequence[str]], widths: Sequence[int], top: int, style: TextStyle
) -> None:
    """Draw the cells of a row: names from the left, values to the right."""
    left = 0
    for column, (lines, width) in enumerate(zip(cells, widths, strict=True)):
        for number, line in enumerate(lines):
            x = left if column == 0 else left + width - line_width(line, style)
            draw_line(image, (x, top + number * style.line_height), line, style)
        left += width
