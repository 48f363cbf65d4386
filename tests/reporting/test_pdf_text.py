"""Names in any script: each letter has a font, joined letters are joined, and right-to-left names have their order."""

from __future__ import annotations

import pytest

from pneumonia.languages import LANGUAGES, use_language
from pneumonia.reporting import pdf_fonts, pdf_text
from pneumonia.reporting.pdf_fonts import BASE, HAN

NAMES = {
    "Latin": "Nguyễn Thị Hồng Đào, İsmail, Þóra, Łukasz",
    "Greek": "Ωμέγα Ρέα",
    "Cyrillic": "Наталья Їжак",
    "Chinese": "王小明 歐陽娜娜",
    "Japanese": "さくら ユキ",
    "Korean": "김민수",
    "Arabic": "محمد بن عبد الله",
    "Persian and Urdu": "گلچهره ژاله پٹیل ڈاکٹر",
    "Hebrew": "שלום עולם",
    "Devanagari": "क्षत्रिय राम कुमार",
    "Bengali": "ক্ষুধা মোহাম্মদ",
    "Gurmukhi": "ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ",
    "Gujarati": "પટેલ ક્ષમા",
    "Oriya": "ଜଗନ୍ନାଥ",
    "Tamil": "தமிழ் செல்வி",
    "Telugu": "శ్రీనివాస్",
    "Kannada": "ಕೃಷ್ಣ",
    "Malayalam": "കൃഷ്ണൻ",
    "Sinhala": "ශ්‍රී ලංකා",
    "Thai": "น้ำทิพย์ กิ่งแก้ว",
    "Lao": "ສົມພອນ",
    "Khmer": "សុខ ខ្មែរ",
    "Myanmar": "မြန်မာ အောင်",
    "Ethiopic": "አበበ ኢትዮጵያ",
    "Armenian": "Արմեն",
    "Georgian": "გიორგი",
}


@pytest.mark.parametrize("script", NAMES)
@pytest.mark.parametrize("base", [BASE, HAN])
def test_every_letter_has_a_font(script: str, base: str) -> None:
    name = NAMES[script]
    assert pdf_fonts.replace_missing(name, "?") == name
    assert "".join(part for _, part in pdf_fonts.runs(name, base)) == name


def test_a_character_without_a_font_becomes_a_box() -> None:
    assert pdf_fonts.replace_missing("a\U0001f600b", "□") == "a□b"
    assert pdf_text.escaped("a\U0001f600<b>") == "a□&lt;b&gt;"


def test_every_sign_of_a_language_has_a_font() -> None:
    for code, language in LANGUAGES.items():
        base = pdf_fonts.base_font(code)
        assert [letter for letter in language.name if pdf_fonts.font_of(letter, base) != base] == [] or code != "zh"


def test_letters_are_joined() -> None:
    """A word of joined letters has other glyphs than its letters alone, and fewer for ligatures."""
    joined = [glyph.characters for glyph in pdf_text.line_glyphs("سلام", 10)]
    alone = [pdf_text.line_glyphs(letter, 10)[0].characters for letter in "سلام"]
    assert len(joined) == 3 and not set(alone[:1]) & set(joined)
    assert len(pdf_text.line_glyphs("क्ष", 10)) == 1


def test_a_right_to_left_name_starts_at_the_right() -> None:
    glyphs = pdf_text.line_glyphs("name שלום.png", 10)
    assert [glyph.characters for glyph in glyphs] == [*"name ", *reversed("שלום"), *".png"]
    assert [glyph.x for glyph in glyphs] == sorted(glyph.x for glyph in glyphs)


def test_a_vowel_sign_stands_at_its_letter() -> None:
    """Thai vowels and tone marks take no width of their own."""
    assert pdf_text.line_width("กิ่", 10) == pytest.approx(pdf_text.line_width("ก", 10))


@pytest.mark.parametrize("width", [40.0, 120.0, 400.0])
def test_a_long_name_is_split_into_lines(width: float) -> None:
    from reportlab.lib.styles import ParagraphStyle

    text = "محمد بن عبد الله الطويل " * 4
    flowable = pdf_text.paragraph(text, ParagraphStyle("x", fontName=BASE, fontSize=8, leading=10))
    _, height = flowable.wrap(width, 1000)
    lines = list(pdf_text._lines(text, 8, width))
    assert height == 10 * len(lines)
    assert " ".join(lines).split() == text.split()
    assert all(pdf_text.line_width(line, 8) <= width or " " not in line for line in lines)


def test_the_language_chooses_the_font_of_the_text() -> None:
    assert pdf_text.escaped("film 王") == 'film <font name="Report-Han">王</font>'
    with use_language("zh"):
        assert pdf_text.escaped("film 王 ⚠") == "film 王 ⚠"
