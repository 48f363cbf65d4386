"""Rendering of the HTML templates in `templates`, which escape every value and translate every message.

Sentences of a template are marked by `{% trans %}...{% endtrans %}` or `_("...")` and are looked up in the catalogue of
the language of the request. Values that are a `Message` are translated where they are inserted.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from .. import messages
from ..evaluation import number_format
from ..languages import LANGUAGES, current_language
from ..messages import Message, deferred, translate
from ..reporting.html_templates import create_environment, translated
from ..reporting.wording import MARKS, format_p_pneumonia

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: object) -> str:
    """Render a template of `templates`, for example "headline.html", with `values` as its variables.

    Every value is escaped, in text and in quoted attributes, unless it is a result of `render_fragment`. Raises
    `jinja2.UndefinedError` if a variable is missing.
    """
    return environment().get_template(template).render(values)


def localised(template: str, **values: object) -> Message:
    """As `render`, for HTML that is part of the page before its first request: it is rendered again per language."""
    return deferred(render, template, **values)


def render_fragment(template: str, **values: object) -> Markup:
    """As `render`, for HTML that is a value of another template, which must not escape it again.

    Only for templates: outside of them, `Markup` escapes the strings that it is joined or formatted with.
    """
    return Markup(render(template, **values))


@cache
def environment() -> Environment:
    """The environment of the templates, created when it is first used. A template is compiled at its first use."""
    environment = create_environment(TEMPLATES)
    environment.policies["ext.i18n.trimmed"] = True
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.globals |= {
        "gettext": _gettext,
        "ngettext": _ngettext,
        "_": _gettext,
        "languages": LANGUAGES,
        "current_language": current_language,
    }
    environment.filters |= {
        "css_string": _css_string,
        "mark": MARKS.__getitem__,
        "p_pneumonia": format_p_pneumonia,
        "percent": number_format.percent,
        "share": number_format.share,
        "whole_percent": number_format.whole_percent,
        "thousands": messages.number,
    }
    return environment


def _css_string(text: str) -> Markup:
    """The text as a string of a style sheet; every character that could end the string or the element is escaped."""
    letters = (letter if letter.isalnum() or letter in " ,.:-" else f"\\{ord(letter):x} " for letter in translate(text))
    return Markup(f'"{"".join(letters)}"')


@pass_context
def _gettext(context: Context, text: str, **values: object) -> str:
    """The translation of a sentence in a template, with its `%(names)s` replaced.

    Jinja's own function would insert values that are messages in English.
    """
    return _insert(context, _catalogue().gettext(text), values)


@pass_context
def _ngettext(context: Context, singular: str, plural: str, num: int, **values: object) -> str:
    return _insert(context, _catalogue().ngettext(singular, plural, num), {"num": num, **values})


def _catalogue() -> Any:
    return messages.catalogue(current_language())


def _insert(context: Context, text: str, values: dict[str, object]) -> str:
    values = {name: translated(value) for name, value in values.items()}
    return (Markup(text) if context.eval_ctx.autoescape else text) % values
