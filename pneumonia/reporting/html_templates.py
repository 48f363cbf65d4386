"""Jinja2 environments for the HTML of page and reports: every value is escaped, every message translated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..messages import Message, translate
from .unbroken_percent import percent_parts

SHARED_TEMPLATES = Path(__file__).parent / "templates"
"""Templates that page and reports share: `table.html`, `unbroken.html`."""


def create_environment(*folders: Path) -> Environment:
    """An environment for the templates in `folders` and in `SHARED_TEMPLATES`.

    A variable without a value is an error. A template is compiled at its first use.
    """
    environment = Environment(
        loader=FileSystemLoader([*folders, SHARED_TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        finalize=translated,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # the files do not change, so no render needs to check their modification time
    )
    environment.filters["percent_parts"] = percent_parts
    return environment


def translated(value: Any) -> Any:
    """The value; a message in the current language."""
    return translate(value) if isinstance(value, Message) else value
