"""Figures that no line break separates from their unit, for text that this package breaks into lines itself, and for
components of Gradio that take text and no HTML.

HTML does the same without other characters (`unbroken_percent.py`).
"""

from __future__ import annotations

import re

from ..messages import Message, deferred, translate

NO_BREAK_SPACE = "\u00a0"
_PERCENT = "[%‰\uff05]"
_UNIT = rf"(?:{_PERCENT}|(?:mm|cm|MB|kB|GB|Mo|ko|Go|px|kV|mAs|s|min|h)\b)"
_GAP = re.compile(rf"(?<=\d)[ \u202f](?={_UNIT})")
_GAP_OF_PERCENT = re.compile(rf"(?<=\d)[ \u00a0\u202f](?={_PERCENT})")


def with_unbroken_figures(text: str) -> str:
    """The text with a no-break space between a figure and its unit, and in place of narrow no-break spaces.

    reportlab breaks lines at the latter.
    """
    return _GAP.sub(NO_BREAK_SPACE, text).replace("\u202f", NO_BREAK_SPACE)


def message_with_unbroken_figures(text: str) -> Message:
    """As `with_unbroken_figures`, for a message that is translated later."""
    return deferred(_translated, text)


def _translated(text: str) -> str:
    return with_unbroken_figures(translate(text))


def without_gap_before_percent(text: str) -> str:
    """The text with `93%` for `93 %`, for lines of Chinese, which reportlab breaks at any space."""
    return _GAP_OF_PERCENT.sub("", text)
