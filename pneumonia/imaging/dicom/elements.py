"""Access to the values of a data set.

pydicom converts a value when it is accessed, and raises many exception types if the value is damaged. Each access and
each conversion to the expected type is translated here, so that all other code works with values of known types.
"""

from __future__ import annotations

from typing import Any

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from ..decoding import translate_decoder_errors

SUBJECT = "DICOM file"
"""How error messages name the file."""

_CODE_VRS = {None, "CS", "AS"}
"""Value representations that `text` decodes. In a file with implicit value representations it is None."""


def stored(dataset: pydicom.Dataset, tag: BaseTag) -> pydicom.DataElement | RawDataElement:
    """The element as it is stored, in most cases not converted yet."""
    with translate_decoder_errors(SUBJECT):
        return dataset.get_item(tag)


def value(dataset: pydicom.Dataset, keyword: str, default: Any = None) -> Any:
    """The value of an element, of any type; `default` if the element is missing."""
    with translate_decoder_errors(SUBJECT):
        return dataset.get(keyword, default)


def integer(dataset: pydicom.Dataset, keyword: str, default: int | None = None) -> int:
    """The value as an integer; without a `default`, a missing element is an error. Raises `UnreadableImage`."""
    with translate_decoder_errors(SUBJECT):
        return int(dataset[keyword].value if default is None else dataset.get(keyword, default))


def number(dataset: pydicom.Dataset, keyword: str, default: float) -> float:
    """The value as a number; raises `UnreadableImage`."""
    with translate_decoder_errors(SUBJECT):
        return float(dataset.get(keyword, default))


def text(dataset: pydicom.Dataset, keyword: str) -> str:
    """The value of a code (VR CS) or an age (VR AS) as text; empty if the element is missing.

    A value that is not converted yet is decoded here, since pydicom would warn about a malformed one and quote it.
    """
    with translate_decoder_errors(SUBJECT):
        raw = dataset.get_item(keyword)
        if isinstance(raw, RawDataElement) and raw.VR in _CODE_VRS:
            return (raw.value or b"").decode("latin-1").rstrip(" \0")
        return str(dataset.get(keyword, ""))


def first_text(dataset: pydicom.Dataset, keyword: str) -> str:
    """The first of the values as text; empty if the element is missing."""
    with translate_decoder_errors(SUBJECT):
        element = dataset.get_item(keyword)
        if isinstance(element, RawDataElement) and element.VR in _CODE_VRS:
            return text(dataset, keyword).split("\\")[0]
        values = dataset.get(keyword, "")
        return str(values[0] if isinstance(values, MultiValue) and values else values)


def is_empty(dataset: pydicom.Dataset, keyword: str) -> bool:
    """True if the element exists without a value; zero is a value."""
    with translate_decoder_errors(SUBJECT):
        return bool(keyword in dataset and not dataset[keyword].value and dataset[keyword].value != 0)
