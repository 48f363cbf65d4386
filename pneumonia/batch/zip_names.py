"""Decoding of the names in a ZIP. Many writers declare no encoding, and use UTF-8 or the code page of their system.

It is detected for all names of a ZIP together. A wrong guess makes names illegible, but different names stay different.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from .zip_directory import ZipEntry

DEFAULT_CODE_PAGE = "cp437"
"""Code page of the format (APPNOTE.TXT, appendix D). Each byte has a character, so every name can be decoded."""

_SAMPLE = 1_000
"""Number of names by which the code page is detected."""

# Possessive quantifiers keep the time linear in the length of a name.
_CHINESE = re.compile(rb"(?:[\x00-\x7f]++|[\xa1-\xa3\xb0-\xf7][\xa1-\xfe])*+", re.DOTALL)
"""GB 2312: full-width characters, and the 6,763 hanzi of its two levels."""

_TAIWANESE = re.compile(rb"(?:[\x00-\x7f]++|[\xa1-\xc6\xc9-\xf9][\x40-\x7e\xa1-\xfe])*+", re.DOTALL)
"""Big5."""

_JAPANESE = re.compile(
    rb"(?:[\x00-\x7f]++|(?:[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]){2,}+"
    rb"|[\x81-\x9f\xe0-\xfc][\x40\x5b-\x60\x7b-\x7e\x80-\xfc])*+",
    re.DOTALL,
)
"""Shift JIS without half-width katakana, which are bytes of GB 2312. A single character whose second byte is a Latin
letter is an accented letter of a European code page: the "\x94d" of "Schr\x94der"."""


def decode_names(entries: Sequence[ZipEntry]) -> list[str]:
    """The names of the entries, up to a NUL; no name raises."""
    names: list[str | None] = [_declared_name(entry) for entry in entries]
    undeclared = [index for index, name in enumerate(names) if name is None]
    while undeclared:
        code_page = _detect_code_page([entries[index].name for index in undeclared])
        for index in undeclared:
            names[index] = _decode(entries[index].name, code_page)
        undeclared = [index for index in undeclared if names[index] is None]
    return [(name or "").partition("\0")[0] for name in names]


def _declared_name(entry: ZipEntry) -> str | None:
    """The name, if it is ASCII or the entry says how it is encoded; None otherwise, or if that is not true."""
    if entry.unicode_name is not None:
        return entry.unicode_name
    return _decode(entry.name, "utf-8" if entry.has_utf8_flag else "ascii")


def _decode(name: bytes, encoding: str) -> str | None:
    try:
        text = name.decode(encoding)
        # Shift JIS has two codes for some characters; with one of them two names could become one.
        return text if text.encode(encoding) == name else None
    except UnicodeError:
        return None


def _detect_code_page(names: Sequence[bytes]) -> str:
    """The first code page in which most names are plausible; `DEFAULT_CODE_PAGE` if none are.

    At least one of the names can be decoded with it.
    """
    sample = names[:_SAMPLE]
    scores = {code_page: _count_plausible(sample, code_page) for code_page in _IS_PLAUSIBLE}
    best = max(scores, key=scores.__getitem__)
    if best == "gbk" and _is_korean(sample):
        return "cp949"
    return best if scores[best] else DEFAULT_CODE_PAGE


def _count_plausible(names: Iterable[bytes], code_page: str) -> int:
    is_plausible = _IS_PLAUSIBLE[code_page]
    return sum(text is not None and is_plausible(name, text) for name in names for text in [_decode(name, code_page)])


def _matches(pattern: re.Pattern[bytes]) -> Callable[[bytes, str], bool]:
    return lambda name, _: pattern.fullmatch(name) is not None


def _is_korean(names: Iterable[bytes]) -> bool:
    """True if all characters are Hangul, whose codes are those of 60 % of the common hanzi.

    Names with less than twelve different characters are more likely Chinese.
    """
    characters = {pair for name in names for pair in re.findall(rb"[\x80-\xff]{2}", name)}
    return len(characters) >= 12 and all(0xB0 <= pair[0] <= 0xC8 for pair in characters)


def _is_latin(_: bytes, text: str) -> bool:
    """True if the letters that are not ASCII are Latin, and none is a capital after a small letter."""
    is_capital_inside = any(left.islower() and right > "\x7f" and right.isupper() for left, right in pairwise(text))
    return not is_capital_inside and all(
        unicodedata.name(character, "").startswith("LATIN ") for character in text if character > "\x7f"
    )


def _is_russian(_: bytes, text: str) -> bool:
    """True if the letters that are not ASCII are Cyrillic and not single, as accented letters are in Latin words."""
    words = re.findall(r"[^\x00-\x7f]+", text)
    return all(len(word) > 1 and re.fullmatch("[А-яЁё№]+", word) for word in words)


_IS_PLAUSIBLE: dict[str, Callable[[bytes, str], bool]] = {
    "utf-8": lambda *_: True,
    "gbk": _matches(_CHINESE),
    "cp932": _matches(_JAPANESE),
    "cp866": _is_russian,
    DEFAULT_CODE_PAGE: _is_latin,
    "cp850": _is_latin,
    "cp852": _is_latin,
    "cp1252": _is_latin,
    "big5": _matches(_TAIWANESE),
}
"""Whether a name is plausible as text of a code page, by the name's bytes and its text; in the order of preference."""
