"""Rules for one translated sentence: complete, same placeholders, tags, Markdown and punctuation, and not overlong."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from babel.messages.catalog import Message

from pneumonia.monitoring.report_text import display_width

MAX_LABEL = 45
"""Characters of an English text without a full stop that counts as a label, whose place on the page is small."""

_PATTERNS = {
    "placeholders": r"\{\w*(?:![rs])?(?::[^{}]*)?\}|%\(\w+\)[a-z]|%%",
    "tags": r"</?[a-z][^>]*>",
    "bold marks": r"\*\*",
    "code": r"`[^`]*`",
    "addresses": r"https?://[^\s)]+",
    "line breaks": r"\n",
}
_ENDS = {"。": ".", "？": "?", "！": "!", "：": ":", "；": ";", "…": "…"}
_SAME = re.compile(r"[A-Z0-9][A-Za-z0-9()]*|\W+|.*(?:%|\{).{0,12}", re.DOTALL)
"""Texts that may be the same in another language: one word such as DICOM, signs, numbers with a unit."""


def problems(message: Message, code: str) -> Iterator[str]:
    """The problems of one entry of a catalogue, each with its English text."""
    singular = message.id if isinstance(message.id, str) else message.id[0]
    plural = message.id if isinstance(message.id, str) else message.id[-1]
    translations = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
    for number, text in enumerate(translations):
        # A language with one form for all numbers translates the plural.
        english = singular if number == 0 and len(translations) > 1 else plural
        for problem in _problems(english, text, code, is_plural=len(translations) > 1 or singular != plural):
            yield f"{problem}: {english!r} -> {text!r}"
    if message.fuzzy:
        yield f"fuzzy: {singular!r}"


def _problems(english: str, text: str, code: str, *, is_plural: bool) -> Iterator[str]:
    if not text:
        yield "not translated"
        return
    if text == english and " " in english and not _SAME.fullmatch(english):
        yield "same as the English text"
    for name, pattern in _PATTERNS.items():
        expected, received = (Counter(re.findall(pattern, part)) for part in (english, text))
        if is_plural and name == "placeholders":  # the form for one may leave out the number
            expected, received = (
                Counter({key: 1 for key in part if "count" not in key and "num" not in key})
                for part in (expected, received)
            )
        if expected != received:
            yield f"other {name}"
    if _end(english) != _end(text):
        yield "other punctuation at the end"
    if english[:1].isspace() != text[:1].isspace() or english[-1:].isspace() != text[-1:].isspace():
        yield "other spaces at start or end"
    if "  " in text and "  " not in english:
        yield "two spaces"
    if unicodedata.normalize("NFC", text) != text:
        yield "not in Unicode form NFC"
    if len(english) <= MAX_LABEL and not _end(english) and display_width(text) > 1.6 * len(english) + 20:
        yield "overlong"


def _end(text: str) -> str:
    """The punctuation at the end, without marks of Markdown, tags and quotes."""
    last = re.sub(r"(?:</?\w+>|[*`'\"”’»」)）\s\u00a0])+$", "", text)[-1:]
    last = _ENDS.get(last, last)
    return last if last in ".?!:;…" else ""
