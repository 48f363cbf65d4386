"""Percentages and intervals that no line break divides, in HTML; `templates/unbroken.html` marks them."""

from __future__ import annotations

import re

from ..messages import translate

_PERCENTAGE = re.compile(r"([\d.,]+[ \u00a0\u202f]%|\([\d.,]+-[\d.,]+\))")


def percent_parts(text: str) -> list[tuple[str, bool]]:
    """The sentence in the language of the request as (part, whether it stays on one line) in their order.

    Such a part is a percentage, or an interval such as `(84.1-92.3)`.

    A no-break space would do the same, but it would also be in the text that is copied from the page.
    """
    return [(part, index % 2 == 1) for index, part in enumerate(_PERCENTAGE.split(translate(text))) if part]
