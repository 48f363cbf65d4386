"""Sentences for users that can be shown in another language.

`message("The film has {count} frames.", count=3)` is the English text, a `str`, and keeps its template and its values.
`translate` builds the text again from the template of the language's catalogue. API, JSON and log use it as a string
and therefore stay English. How to write a sentence: docs/languages.md.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from string import Formatter
from typing import Any

from .languages import ENGLISH, LANGUAGES, Language, current_language, use_language

DOMAIN = "pneumonia"
FOLDER = Path(__file__).parent / "locale"
"""The catalogues: `<code>/LC_MESSAGES/pneumonia.po`, and the compiled `.mo` that is read."""


class Message(str):
    """An English text that can be built again in another language by `build`.

    Equality and hash are those of the English text. Concatenation and other methods of `str` return a plain `str`,
    which is not translated any more.
    """

    build: Callable[[str], str]
    """Language code -> the text in that language. It is a function of this module with its arguments bound, so that a
    message can be pickled and copied."""

    def __new__(cls, english: str, build: Callable[[str], str]) -> Message:
        instance = super().__new__(cls, english)
        instance.build = build
        return instance

    def __reduce__(self) -> tuple[Any, ...]:
        return Message, (str(self), self.build)


def message(template: str, /, **values: object) -> Message:
    """The sentence `template`, whose `{names}` are replaced by `values`, as `str.format` does.

    The template must be a literal, since it is the key in the catalogues. Values that are messages are translated too.
    A template without values is not formatted.
    """
    english = template.format_map(values) if values else template
    return Message(english, partial(_build, template, values))


def plural_message(singular: str, plural: str, /, count: int, **values: object) -> Message:
    """As `message`, with the form for `count`, which both templates can contain as `{count}`."""
    values = {"count": count, **values}
    template = singular if count == 1 else plural
    return Message(template.format_map(values), partial(_build_plural, singular, plural, count, values))


def join(parts: Iterable[str], separator: str | None = None) -> Message:
    """The texts `parts` with `separator` between them; None: what the language puts between two sentences.

    `", "`, `"; "` and `": "` are written as in the language.
    """
    parts = tuple(part for part in parts if part)
    return Message((" " if separator is None else separator).join(parts), partial(_build_joined, parts, separator))


def number(value: float, spec: str = ",") -> Message:
    """A number with the decimal and thousands signs of the language; `spec` is a format specification of Python."""
    return Message(format(value, spec), partial(_build_number, value, spec))


def deferred(function: Callable[..., str], *arguments: Any, **options: Any) -> Message:
    """The text that `function` returns, which is called again in each language, for example for a rendered template."""
    call = partial(function, *arguments, **options)
    return Message(_call(call, ENGLISH), partial(_call, call))


def translate(text: str, language: str | None = None) -> str:
    """The text in a language, by default that of the request; a text that is not a `Message` is returned unchanged."""
    if not isinstance(text, Message):
        return text
    return text.build(language or current_language())


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The catalogue of a language; without one, the English texts."""
    if language == ENGLISH:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, FOLDER, [language], fallback=True)


def _build(template: str, values: dict[str, object], language: str) -> str:
    text = catalogue(language).gettext(template) if template else ""
    return _format(text, values, language) if values else text


def _build_plural(singular: str, plural: str, count: int, values: dict[str, object], language: str) -> str:
    return _format(catalogue(language).ngettext(singular, plural, count), values, language)


def _build_joined(parts: tuple[str, ...], separator: str | None, language: str) -> str:
    signs = LANGUAGES[language]
    between = signs.between_sentences if separator is None else signs.separators.get(separator, separator)
    return between.join(translate(part, language) for part in parts)


def _build_number(value: float, spec: str, language: str) -> str:
    return _localise(format(value, spec), LANGUAGES[language])


def _call(call: Callable[[], str], language: str) -> str:
    with use_language(language):
        return str(translate(call(), language))


def _format(template: str, values: dict[str, object], language: str) -> str:
    return _LanguageFormatter(language).vformat(template, (), values)


def _localise(text: str, language: Language) -> str:
    return text.translate({ord(","): language.thousands, ord("."): language.decimal})


class _LanguageFormatter(Formatter):
    """`str.format` with values that are messages translated, and numbers written as in the language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        value = super().get_value(key, args, kwargs)
        return translate(value, self._language) if isinstance(value, Message) else value

    def format_field(self, value: Any, format_spec: str) -> str:
        text: str = super().format_field(value, format_spec)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return _localise(text, LANGUAGES[self._language]) if is_number else text
