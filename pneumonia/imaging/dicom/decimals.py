"""Numbers of a data set, read one by one: a malformed value costs that value, not the film."""

from __future__ import annotations

import math

import pydicom
from pydicom.dataelem import RawDataElement

from ...errors import UnreadableImage
from ..decoding import translate_decoder_errors
from .elements import SUBJECT

_DECIMAL_KEYWORDS = ("Window", "Rescale")
"""Beginnings of the keywords whose values are decimal texts."""

_TEXT_VRS = {None, "DS", "IS", "LO", "SH", "UN", "CS"}
"""Value representations of a text that devices write for decimals; None in files of implicit value representation."""

_MAX_CHARACTERS = 64
"""The standard allows 16. Longer texts are numbers with more digits than a float holds."""


def numbers(dataset: pydicom.Dataset, keyword: str) -> list[float]:
    """The values of an element; NaN stands for each value that is empty, malformed or infinite.

    An empty list if the element is missing or cannot be read. The decimal comma that some devices write is accepted.
    """
    try:
        with translate_decoder_errors(SUBJECT):
            element = dataset.get_item(keyword)
            is_text = keyword.startswith(_DECIMAL_KEYWORDS) and isinstance(element, RawDataElement)
            if is_text and element.VR in _TEXT_VRS:
                return [_parse(text) for text in (element.value or b"").decode("latin-1").split("\\")]
            value = dataset.get(keyword)
            if value is None:
                return []
            if isinstance(value, bytes):  # an integer of unknown value representation
                return [float(int.from_bytes(value, "little" if dataset.original_encoding[1] else "big"))]
            values = [value] if isinstance(value, (int, float, str)) else list(value)
            return [_parse(str(number)) for number in values]
    except UnreadableImage:
        return []


def first_number(dataset: pydicom.Dataset, keyword: str) -> float | None:
    """The first value of an element, or None if it is missing, malformed or infinite."""
    values = numbers(dataset, keyword)
    return values[0] if values and math.isfinite(values[0]) else None


def _parse(text: str) -> float:
    try:
        number = float(text[:_MAX_CHARACTERS].strip(" \0").replace(",", "."))
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
