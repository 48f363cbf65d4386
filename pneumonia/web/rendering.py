"""Rendering of the HTML templates in `templates`, which escape every value."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..evaluation import number_format
from ..reporting.wording import MARKS, format_p_pneumonia

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: object) -> str:
    """Render a template of `templates`, for example "headline.html", with `values` as its variables.

    Every value is escaped, in text and in quoted attributes, unless it is a result of `render_fragment`. Raises
    `jinja2.UndefinedError` if a variable is missing.
    """
    return environment().get_template(template).render(values)


def render_fragment(template: str, **values: object) -> Markup:
    """As `render`, for HTML that is a value of another template, which must not escape it again.

    Only for templates: outside of them, `Markup` escapes the strings that it is joined or formatted with.
    """
    return Markup(render(template, **values))


@cache
def environment() -> Environment:
    """The environment of the templates, created when it is first used. A template is compiled at its first use."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # the files do not change, so no render needs to check their modification time
    )
    environment.filters |= {
        "mark": MARKS.__getitem__,
        "p_pneumonia": format_p_pneumonia,
        "percent": number_format.percent,
        "share": number_format.share,
        "thousands": "{:,}".format,
    }
    return environment
