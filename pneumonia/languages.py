"""The languages of page, report, reading guide and command line, and the choice of one.

The API, the JSON of the command line, and the log are English in every language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

ENGLISH = "en"


@dataclass(frozen=True)
class Language:
    """A language: its own name, how it writes numbers, and what stands between two sentences.

    `separators` replaces signs between the items of a list and after a title. `tag` (BCP 47) is for HTML, PDF and the
    choice of Gradio's own texts.
    """

    name: str
    tag: str
    decimal: str = "."
    thousands: str = ","
    between_sentences: str = " "
    separators: Mapping[str, str] = field(default_factory=dict)


LANGUAGES = {
    ENGLISH: Language("English", "en"),
    "id": Language("Bahasa Indonesia", "id", ",", "."),
    "es": Language("Español", "es", ",", "\u00a0"),
    "fr": Language("Français", "fr", ",", "\u00a0", separators={": ": "\u00a0: ", "; ": "\u00a0; "}),
    "pt": Language("Português", "pt-BR", ",", "."),
    "zh": Language("简体中文", "zh-CN", between_sentences="", separators={", ": "，", ": ": "：", "; ": "；"}),
    "vi": Language("Tiếng Việt", "vi", ",", "."),
}
"""Code -> language. Number signs follow the Unicode CLDR, with one kind of no-break space, which every font has."""

_OTHER_CODES = {"in": "id"}
"""Codes that browsers and systems have used for a language before: Indonesian (ISO 639 of 1988)."""

_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


def current_language() -> str:
    """Code of the language in which the running request is answered; English unless `use_language` says otherwise."""
    return _language.get()


@contextmanager
def use_language(code: str) -> Iterator[None]:
    """Answer in the language `code` inside the block. Other requests that run at the same time are not affected."""
    token = _language.set(code)
    try:
        yield
    finally:
        _language.reset(token)


def set_language(code: str) -> None:
    """Answer in the language `code` in the present context, that of one request or of one command."""
    _language.set(code)


def find(tag: str) -> str | None:
    """Code of the language of a tag such as `pt-BR`, `zh_CN.UTF-8` or `in`; None if there is no catalogue for it."""
    code = tag.strip().replace("_", "-").split("-")[0].split(".")[0].lower()
    code = _OTHER_CODES.get(code, code)
    return code if code in LANGUAGES else None


def from_accept_language(header: str) -> str:
    """Code of the first language of an `Accept-Language` header (RFC 9110, 12.5.4) that has a catalogue, or English."""
    tags = sorted((_tag_and_weight(part) for part in header[:1000].split(",")), key=lambda tag: -tag[1])
    codes = (find(tag) for tag, weight in tags if weight > 0)
    return next((code for code in codes if code), ENGLISH)


def _tag_and_weight(part: str) -> tuple[str, float]:
    tag, _, parameter = part.partition(";")
    try:
        return tag, float(parameter.strip().removeprefix("q=") or 1)
    except ValueError:
        return tag, 0.0
