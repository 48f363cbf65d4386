"""Text on a picture: lines of sentences, drawn by Pillow with the fonts of the PDF report."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont, features

from ..languages import current_language
from ..messages import translate
from . import pdf_fonts
from .pdf_text import NO_GLYPH
from .unbroken_figures import with_unbroken_figures

Colour = tuple[int, int, int]

_HAN = "\u2e80-\u9fff\uff00-\uffef"
_PIECES = re.compile(f"[{_HAN}][\u3001\u3002\uff0c\uff1a\uff1b\uff09]*|[^ {_HAN}]+ *| +")
"""Parts between which a line may end: a Han character with the punctuation that must not begin a line, or a word."""


@dataclass(frozen=True)
class TextStyle:
    """Size in pixels of the letters, colour, and distance of the lines as a multiple of the size."""

    size: int
    colour: Colour
    is_bold: bool = False
    leading: float = 1.3

    @property
    def line_height(self) -> int:
        return round(self.size * self.leading)


def lines_of(text: str, width: float, style: TextStyle) -> list[str]:
    """The text in the language of the request, split into lines of at most `width` pixels.

    A word that is longer than a line is split. A character that no font has becomes a box.
    """
    words = with_unbroken_figures(re.sub("[ \t\r\n]+", " ", translate(text)))
    return list(_lines(pdf_fonts.replace_missing(words, NO_GLYPH), width, style))


def draw_line(image: Image.Image, position: tuple[float, float], line: str, style: TextStyle) -> int:
    """Draw a line whose top left corner is at `position`; returns its width in pixels."""
    mask = _mask(line, style, pdf_fonts.base_font(current_language()))
    image.paste(style.colour, (round(position[0]), round(position[1])), mask)
    return mask.width


def line_width(line: str, style: TextStyle) -> float:
    """Width of a line in pixels."""
    return _width(line, style.size, style.is_bold, pdf_fonts.base_font(current_language()))


@lru_cache(maxsize=512)
def _mask(line: str, style: TextStyle, base: str) -> Image.Image:
    """A line as "L". Most sentences are the same for many films, and rendering them takes as long as drawing one."""
    parts = [(_font(name, style.size, style.is_bold), part) for name, part in pdf_fonts.runs(line, base)]
    width = math.ceil(sum(font.getlength(part) for font, part in parts))
    image = Image.new("L", (max(1, width), round(style.size * 1.3)))
    draw, x = ImageDraw.Draw(image), 0.0
    for font, part in parts:
        # The baseline is the same for all fonts of a line, their ascents are not.
        draw.text((x, style.size), part, 255, font, anchor="ls")
        x += font.getlength(part)
    return image


@lru_cache(maxsize=8192)
def _width(line: str, size: int, is_bold: bool, base: str) -> float:
    return sum(_font(name, size, is_bold).getlength(part) for name, part in pdf_fonts.runs(line, base))


def _lines(text: str, width: float, style: TextStyle) -> Iterator[str]:
    line, used = "", 0.0
    for piece in _pieces(text, width, style):
        length = line_width(piece, style)
        if line and used + line_width(piece.rstrip(" "), style) > width:
            yield line.rstrip(" ")
            line, used = "", 0.0
        line, used = line + piece, used + length
    if line.strip():
        yield line.rstrip(" ")


def _pieces(text: str, width: float, style: TextStyle) -> Iterator[str]:
    for match in _PIECES.finditer(text):
        piece = match.group()
        while line_width(piece, style) > width and len(piece) > 1:
            fitting = next(n for n in range(len(piece) - 1, 0, -1) if n == 1 or line_width(piece[:n], style) <= width)
            yield piece[:fitting]
            piece = piece[fitting:]
        yield piece


def _font(name: str, size: int, is_bold: bool) -> ImageFont.FreeTypeFont:
    return _load(pdf_fonts.BOLD if is_bold and name == pdf_fonts.BASE else name, size)


@lru_cache(maxsize=64)
def _load(name: str, size: int) -> ImageFont.FreeTypeFont:
    script = pdf_fonts.SCRIPT_FONTS.get(name)
    is_shaped = script is not None and script.is_shaped and features.check("raqm")
    layout = ImageFont.Layout.RAQM if is_shaped else ImageFont.Layout.BASIC
    file = pdf_fonts.FILES.get(name) or pdf_fonts.SCRIPT_FONTS[name].file
    return ImageFont.truetype(pdf_fonts.FOLDER / file, size, layout_engine=layout)
