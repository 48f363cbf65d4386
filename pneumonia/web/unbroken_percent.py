"""Percentages in HTML that no line break separates from their sign."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from ..messages import translate

_PERCENTAGE = re.compile(r"[\d.,]+[ \u00a0\u202f]%")


def unbroken_percent(text: str) -> Markup:
    """The sentence in the language of the request, escaped, with each percentage in an element that does not wrap.

    A no-break space would do the same, but it would also be in the text that is copied from the page.
    """
    return Markup(
        _PERCENTAGE.sub(lambda match: f'<span class="nowrap">{match[0]}</span>', str(escape(translate(text))))
    )
