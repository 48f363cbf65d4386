"""Fonts of the PDF report: one for each script, subsets of permissively licensed fonts (`fonts/README.md`).

reportlab embeds only the glyphs that a report uses. A font is registered when a report needs it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportlab.pdfbase.ttfonts import TTFont

FOLDER = Path(__file__).parent / "fonts"

BASE, BOLD, HAN = "Report", "Report-Bold", "Report-Han"
FILES = {BASE: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf"}
"""DejaVu Sans with Latin, Greek, Cyrillic, Armenian and Georgian letters."""


_LOCK = threading.Lock()


@dataclass(frozen=True)
class ScriptFont:
    """A font file and the ranges of characters for which it is used.

    `is_shaped`: letters change their form or place by their neighbours, so the text needs a shaping engine.
    """

    file: str
    ranges: tuple[tuple[int, int], ...]
    is_shaped: bool = True


SCRIPT_FONTS = {
    HAN: ScriptFont("ReportHan.ttf", ((0x2E80, 0x30FF), (0x31F0, 0x9FFF), (0xF900, 0xFAFF), (0xFE30, 0xFFEF)), False),
    "Report-Hangul": ScriptFont("ReportHangul.ttf", ((0x3130, 0x318F), (0xAC00, 0xD7A3)), False),
    "Report-Arabic": ScriptFont(
        "ReportArabic.ttf", ((0x0600, 0x06FF), (0x0750, 0x077F), (0x08A0, 0x08FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))
    ),
    "Report-Hebrew": ScriptFont("ReportHebrew.ttf", ((0x0590, 0x05FF), (0xFB1D, 0xFB4F))),
    "Report-Thaana": ScriptFont("ReportThaana.ttf", ((0x0780, 0x07BF),)),
    "Report-NKo": ScriptFont("ReportNKo.ttf", ((0x07C0, 0x07FF),)),
    "Report-Devanagari": ScriptFont("ReportDevanagari.ttf", ((0x0900, 0x097F), (0xA8E0, 0xA8FF))),
    "Report-Bengali": ScriptFont("ReportBengali.ttf", ((0x0980, 0x09FF),)),
    "Report-Gurmukhi": ScriptFont("ReportGurmukhi.ttf", ((0x0A00, 0x0A7F),)),
    "Report-Gujarati": ScriptFont("ReportGujarati.ttf", ((0x0A80, 0x0AFF),)),
    "Report-Oriya": ScriptFont("ReportOriya.ttf", ((0x0B00, 0x0B7F),)),
    "Report-Tamil": ScriptFont("ReportTamil.ttf", ((0x0B80, 0x0BFF),)),
    "Report-Telugu": ScriptFont("ReportTelugu.ttf", ((0x0C00, 0x0C7F),)),
    "Report-Kannada": ScriptFont("ReportKannada.ttf", ((0x0C80, 0x0CFF),)),
    "Report-Malayalam": ScriptFont("ReportMalayalam.ttf", ((0x0D00, 0x0D7F),)),
    "Report-Sinhala": ScriptFont("ReportSinhala.ttf", ((0x0D80, 0x0DFF),)),
    "Report-Thai": ScriptFont("ReportThai.ttf", ((0x0E00, 0x0E7F),)),
    "Report-Lao": ScriptFont("ReportLao.ttf", ((0x0E80, 0x0EFF),)),
    "Report-Myanmar": ScriptFont("ReportMyanmar.ttf", ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))),
    "Report-Ethiopic": ScriptFont("ReportEthiopic.ttf", ((0x1200, 0x139F), (0x2D80, 0x2DDF))),
    "Report-Khmer": ScriptFont("ReportKhmer.ttf", ((0x1780, 0x17FF), (0x19E0, 0x19FF))),
    "Report-Tifinagh": ScriptFont("ReportTifinagh.ttf", ((0x2D30, 0x2D7F),), False),
}
"""Name of a registered font -> its file; the characters of `BASE` come first."""

JOINERS = frozenset("\u200c\u200d\u25cc")
"""Invisible characters and the dotted circle, which belong to the script of the letter before them."""


def base_font(language: str) -> str:
    """Name of the font of all text in a language; that of Chinese has Latin letters too."""
    return HAN if language == "zh" else BASE


def register(name: str) -> TTFont:
    """Register the font with reportlab, process-wide, and return it."""
    with _LOCK:
        return _register(name)


@cache
def _register(name: str) -> TTFont:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    font = TTFont(name, FOLDER / (FILES.get(name) or SCRIPT_FONTS[name].file))
    pdfmetrics.registerFont(font)
    # There is no italic face, and bold for Latin letters only. reportlab looks up both bold entries for bold text.
    bold = BOLD if name == BASE else name
    if name == BASE:
        _register(BOLD)
    pdfmetrics.registerFontFamily(name, normal=name, italic=name, bold=bold, boldItalic=bold)
    return font


def has_glyph(name: str, character: str) -> bool:
    """Whether a font has the character."""
    return ord(character) in register(name).face.charToGlyph


def font_of(character: str, base: str = BASE) -> str | None:
    """Name of the font for a character: `base` if it has it, else that of its script; None if no font has it."""
    if has_glyph(base, character):
        return base
    code = ord(character)
    for name, font in SCRIPT_FONTS.items():
        if any(start <= code <= end for start, end in font.ranges) and has_glyph(name, character):
            return name
    return BASE if has_glyph(BASE, character) else None


def runs(text: str, base: str = BASE) -> list[tuple[str, str]]:
    """Split a text into (font name, part). Spaces and joiners belong to the run before them.

    Raises `KeyError` if a character is in no font; see `replace_missing`.
    """
    parts: list[tuple[str, str]] = []
    for character in text:
        stays = parts and (character in JOINERS or character in " \u00a0") and has_glyph(parts[-1][0], " ")
        name = parts[-1][0] if stays else font_of(character, base)
        if name is None:
            raise KeyError(f"no font has U+{ord(character):04X}")
        if parts and parts[-1][0] == name:
            parts[-1] = (name, parts[-1][1] + character)
        else:
            parts.append((name, character))
    return parts


def replace_missing(text: str, replacement: str) -> str:
    """The text with `replacement` for each character that no font has."""
    return "".join(character if character in JOINERS or font_of(character) else replacement for character in text)


def is_shaped(text: str) -> bool:
    """Whether a part of the text needs a shaping engine."""
    return any(name in SCRIPT_FONTS and SCRIPT_FONTS[name].is_shaped for name, _ in runs(text))
