"""Percentages and intervals that no line break divides, in HTML and in Markdown.

`templates/unbroken.html` marks them in HTML, `markdown_with_unbroken_percent` in Markdown.
"""

from __future__ import annotations

import re

from ..messages import Message, deferred, translate

_INTERVAL = r"\(?\.?\d[\d.,]*[-\u2013]\.?\d(?:[\d.,]*\d)?\)?"
_PERCENTAGE = re.compile(rf"([\d.,]+[ \u00a0\u202f]%|{_INTERVAL})")
_CODE = re.compile(r"(`[^`]*`)")
"""Code in Markdown, where an HTML element would be shown as text."""


def percent_parts(text: str) -> list[tuple[str, bool]]:
    """The sentence in the language of the request as (part, whether it stays on one line) in their order.

    Such a part is a percentage, or an interval such as `(84.1-92.3)` or `1-5`.

    A no-break space would do the same, but it would also be in the text that is copied from the page.
    """
    return [(part, index % 2 == 1) for index, part in enumerate(_PERCENTAGE.split(translate(text))) if part]


def markdown_with_unbroken_percent(text: str) -> Message:
    """The Markdown text with such parts in HTML elements that stay on one line; its values are escaped already."""
    return deferred(_marked, text)


def _marked(text: str) -> str:
    return "".join(part if part.startswith("`") else _marked_text(part) for part in _CODE.split(translate(text)))


def _marked_text(text: str) -> str:
    return "".join(f'<span class="nowrap">{part}</span>' if is_kept else part for part, is_kept in percent_parts(text))
