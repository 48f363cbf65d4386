"""Percentages that no line break separates from their sign, in HTML; `templates/unbroken.html` marks them."""

from __future__ import annotations

import re

from ..messages import translate

_PERCENTAGE = re.compile(r"([\d.,]+[ \u00a0\u202f]%)")


def percent_parts(text: str) -> list[tuple[str, bool]]:
    """The sentence in the language of the request as (part, whether it is a percentage) in their order.

    A no-break space would do the same, but it would also be in the text that is copied from the page.
    """
    return [(part, index % 2 == 1) for index, part in enumerate(_PERCENTAGE.split(translate(text))) if part]
