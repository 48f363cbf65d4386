"""Access to the values of a data set.

pydicom converts a value when it is accessed, and raises many exception types if the value is damaged. Each access and
each conversion to the expected type is translated here, so that all other code works with values of known types.
"""

from __future__ import annotations

from typing import Any

import pydicom
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from ...messages import message
from ..decoding import translate_decoder_errors
from . import number_parser

SUBJECT = message("DICOM file")
"""How error messages name the file."""


def raw_element(dataset: pydicom.Dataset, tag: BaseTag) -> pydicom.DataElement | RawDataElement:
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


def text(dataset: pydicom.Dataset, keyword: str) -> str:
    """The value of a code, an age or a date as text; empty if the element is missing.

    A value that is not converted yet is decoded here, whatever its value representation, since pydicom would warn about
    a malformed one and quote it.
    """
    with translate_decoder_errors(SUBJECT):
        raw = dataset.get_item(keyword)
        if isinstance(raw, RawDataElement):
            return (raw.value or b"").decode("latin-1").strip(" \0\t\r\n")
        return str(dataset.get(keyword, ""))


def first_text(dataset: pydicom.Dataset, keyword: str) -> str:
    """The first of the values as text; empty if the element is missing."""
    with translate_decoder_errors(SUBJECT):
        if isinstance(dataset.get_item(keyword), RawDataElement):
            return text(dataset, keyword).split("\\")[0]
        values = dataset.get(keyword, "")
        return str(values[0] if isinstance(values, MultiValue) and values else values)


def texts(dataset: pydicom.Dataset, keyword: str) -> list[str]:
    """All values of a code as text; empty if the element is missing or empty."""
    with translate_decoder_errors(SUBJECT):
        if isinstance(dataset.get_item(keyword), RawDataElement):
            joined = text(dataset, keyword)
            return joined.split("\\") if joined else []
        values = dataset.get(keyword)
        return [str(item) for item in (values if isinstance(values, MultiValue) else [values or ""])] if values else []


def numbers(dataset: pydicom.Dataset, keyword: str) -> list[float | None]:
    """All numbers of an element, None for each that cannot be read; empty if the element is missing or empty.

    Reads decimal strings with faults, and values whose representation in the file is not that of the standard.
    """
    with translate_decoder_errors(SUBJECT):
        raw = dataset.get_item(keyword)
        if isinstance(raw, RawDataElement):
            standard_vr = dictionary_VR(raw.tag)[:2]  # of two that are allowed, such as "US or SS", the first
            return number_parser.parse_numbers(
                raw.value or b"", raw.VR or standard_vr, standard_vr, raw.is_little_endian
            )
        values = dataset.get(keyword)
        values = list(values) if isinstance(values, MultiValue) else [] if values is None else [values]
        return [float(item) for item in values]


def keep_integer(dataset: pydicom.Dataset, keyword: str, *, minimum: int, maximum: int = 2**31) -> None:
    """Replace an element by the first of its numbers that is an integer in the range; delete it if none is."""
    if keyword not in dataset:
        return
    integers = [number for number in numbers(dataset, keyword) if number is not None and number == int(number)]
    value = next((int(number) for number in integers if minimum <= number <= maximum), None)
    if value is None:
        del dataset[keyword]
    else:
        set_value(dataset, keyword, value)


def set_value(dataset: pydicom.Dataset, keyword: str, value: Any) -> None:
    """Replace an element by a valid one, without the warnings of pydicom about its value."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    vr = dictionary_VR(tag)
    dataset[keyword] = pydicom.DataElement(tag, vr, value, validation_mode=pydicom.config.IGNORE)


def set_missing(dataset: pydicom.Dataset, keyword: str, value: Any) -> None:
    """Set an element that is missing, unless the value is None."""
    if keyword not in dataset and value is not None:
        set_value(dataset, keyword, value)
