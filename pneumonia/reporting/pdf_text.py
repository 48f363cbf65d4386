"""Text of the PDF report in any script: fonts for its parts, shaping, and the order of right-to-left names.

reportlab's own paragraphs set one script per word and do not order right-to-left text without a library that has no
wheels (rlbidi). Text that needs shaping is therefore a `ShapedText`; all other text is a paragraph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

from ..languages import current_language
from ..messages import translate
from . import bidi, pdf_fonts
from .unbroken_figures import with_unbroken_figures, without_gap_before_percent

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Flowable

NO_GLYPH = "□"
"""Symbol for a character that no font of the report has."""


def markup(text: str) -> str:
    """The text in the language of the request as markup of a paragraph, with the font of each script."""
    return escaped(translate(text))


def escaped(text: str) -> str:
    """A text, without messages, as markup of a paragraph, with the font of each script."""
    base = pdf_fonts.base_font(current_language())
    text = unbroken(text)
    parts = []
    for font, part in pdf_fonts.runs(pdf_fonts.replace_missing(text, NO_GLYPH), base):
        content = escape(part, quote=False)
        parts.append(content if font == base else f'<font name="{font}">{content}</font>')
    return "".join(parts)


def unbroken(text: str) -> str:
    """The text with figures that reportlab does not separate from their unit, in the language of the request."""
    if pdf_fonts.base_font(current_language()) == pdf_fonts.HAN:
        text = without_gap_before_percent(text)
    return with_unbroken_figures(text)


def paragraph(text: str, style: ParagraphStyle, heading: str = "") -> Flowable:
    """The user's text, for example a name in any script, after a bold `heading`."""
    from reportlab.platypus import Paragraph

    text = pdf_fonts.replace_missing(text, NO_GLYPH)
    if pdf_fonts.is_shaped(text):
        return shaped_text(text, style, heading)
    return Paragraph(f"<b>{markup(heading)}</b> {escaped(text)}" if heading else escaped(text), style)


@dataclass(frozen=True)
class Glyphs:
    """Glyphs of a line beside each other: their font, their characters in that font, and their place in points."""

    font: str
    characters: str
    x: float
    y: float


def shaped_text(text: str, style: ParagraphStyle, heading: str = "") -> Flowable:
    """A flowable with `heading` and `text`, whose letters are joined and ordered as their scripts require."""
    from reportlab.platypus import Flowable

    class ShapedText(Flowable):
        """Lines of glyphs below each other."""

        def wrap(self, available_width: float, _: float) -> tuple[float, float]:
            self._lines = list(_lines(f"{translate(heading)} {text}".strip(), style.fontSize, available_width))
            self.width, self.height = available_width, style.leading * len(self._lines)
            return self.width, self.height

        def getSpaceAfter(self) -> float:  # noqa: N802
            return float(style.spaceAfter)

        def draw(self) -> None:
            for number, line in enumerate(self._lines, start=1):
                baseline = self.height - style.leading * number + 0.25 * style.leading
                for part in joined(line_glyphs(line, style.fontSize), style.fontSize):
                    self.canv.setFont(part.font, style.fontSize)
                    self.canv.drawString(part.x, baseline + part.y, part.characters, shaping=False)

    return ShapedText()


def _lines(text: str, size: float, width: float) -> Iterator[str]:
    """The text split at spaces into lines that fit into the width."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and line_width(longer, size) > width:
            yield line
            longer = word
        line = longer
    if line:
        yield line


def line_width(text: str, size: float) -> float:
    """Width of a line in points."""
    return sum(advance for _, _, advance, _, _ in _placed(text, size))


def joined(glyphs: Sequence[Glyphs], size: float) -> list[Glyphs]:
    """Glyphs that follow each other at their usual distance as one, so that a reader of the PDF can extract words."""
    parts: list[Glyphs] = []
    for glyph in glyphs:
        last = parts[-1] if parts else None
        if last and (last.font, last.y) == (glyph.font, glyph.y) and abs(_end(last, size) - glyph.x) < 0.01 * size:
            parts[-1] = replace(last, characters=last.characters + glyph.characters)
        else:
            parts.append(glyph)
    return parts


def _end(part: Glyphs, size: float) -> float:
    return part.x + float(pdf_fonts.register(part.font).stringWidth(part.characters, size))


def line_glyphs(text: str, size: float) -> list[Glyphs]:
    """The glyphs of a line from left to right."""
    x, glyphs = 0.0, []
    for font, character, advance, x_offset, y_offset in _placed(text, size):
        glyphs.append(Glyphs(font, character, x + x_offset, y_offset))
        x += advance
    return glyphs


def _placed(text: str, size: float) -> Iterator[tuple[str, str, float, float, float]]:
    """(font, character in the font, advance, offset to the right, offset upwards) of each glyph, left to right."""
    runs = list(_runs(text))
    for index in bidi.visual_order([level for _, _, level in runs]):
        font, part, level = runs[index]
        yield from _shaped(font, part, level % 2 == 1, size)


def _runs(text: str) -> Iterator[tuple[str, str, int]]:
    """(font, text, level) of each part with one font and one direction, in the order of reading."""
    base = bidi.base_level(text)
    level_of = bidi.levels(text, base)
    start = 0
    for font, part in pdf_fonts.runs(text, pdf_fonts.base_font(current_language())):
        first = start
        for position in range(start, start + len(part)):
            if position > first and level_of[position] != level_of[first]:
                yield font, text[first:position], level_of[first]
                first = position
        start += len(part)
        yield font, text[first:start], level_of[first]


def _shaped(
    font_name: str, text: str, is_right_to_left: bool, size: float
) -> Iterator[tuple[str, str, float, float, float]]:
    """The glyphs of a run from left to right, shaped by HarfBuzz."""
    import uharfbuzz

    font: Any = pdf_fonts.register(font_name)
    harfbuzz_font = font.hbFont(size)
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if is_right_to_left else "ltr"
    uharfbuzz.shape(harfbuzz_font, buffer)
    scale = size / 1000
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        code = _character(font, harfbuzz_font, info.codepoint, position.x_advance)
        lengths = (position.x_advance, position.x_offset, position.y_offset)
        advance, x_offset, y_offset = (font.pdfScale(length) * scale for length in lengths)
        yield font_name, chr(code), advance, x_offset, y_offset


def _character(font: Any, harfbuzz_font: Any, glyph: int, advance: int) -> int:
    """The character by which reportlab draws a glyph; a ligature, which has none, gets a private one."""
    characters = font.face.glyphToChar.get(glyph)
    if characters:
        return int(characters[0])
    return int(font.hbAddPrivate(harfbuzz_font.glyph_to_string(glyph), glyph, advance))
