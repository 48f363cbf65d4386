"""Numbers as DICOM files write them: decimal strings with faults, and binary values under a wrong value representation.

Decimal strings (VR DS and IS, PS3.5 section 6.2) are written by hand, by scripts and by software with local settings:
decimal commas, units, exponents of Fortran, `NaN`, more digits than allowed.
"""

from __future__ import annotations

import math
import re
import struct

_NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+))(?:[eEdD]([+-]?\d{1,4}))?\s*(?:[^\W\d_]|[%°/*^])*")
"""A number with decimal point or comma, an exponent, and a unit, which is ignored."""

_REGULAR = re.compile(r" *[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)? *")
_MAX_REGULAR_CHARACTERS = 16
_MAX_CHARACTERS = 64
"""The standard allows 16; a number of double precision may take 24."""

_MAX_NUMBERS = 100
"""Numbers of one element that are read; the elements that are read have one number for each window."""

_BINARY = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FL": "f", "FD": "d", "AT": "H"}
_BY_SIZE = {1: "B", 2: "H", 4: "L", 8: "Q"}
_TEXT = re.compile(rb"[\t\n\r -\xff]*[\0 ]*", re.DOTALL)


def is_regular(value: bytes) -> bool:
    """True if every number of a decimal string is written as the standard requires."""
    parts = value.decode("latin-1").rstrip("\0").split("\\")
    return all(_REGULAR.fullmatch(part) and len(part.rstrip()) <= _MAX_REGULAR_CHARACTERS for part in parts)


def parse_decimals(value: bytes) -> list[float | None]:
    """The numbers of a decimal string; None for one that cannot be read."""
    text = value[: _MAX_CHARACTERS * _MAX_NUMBERS].decode("utf-8", "replace").replace("\u2212", "-")
    parts = [part for group in re.split(r"[\\;]", text) for part in _split_at_commas(group)]
    return [_parse_decimal(part) for part in parts[:_MAX_NUMBERS]]


def _split_at_commas(text: str) -> list[str]:
    """A comma between numbers with decimal points separates them; otherwise it is a decimal comma."""
    parts = text.split(",")
    return parts if all("." in part for part in parts) else [text]


def _parse_decimal(text: str) -> float | None:
    text = text.strip(" \0\t\r\n\"'")
    match = _NUMBER.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    if match is None:
        return None
    number = float(match[1].replace(",", ".") + (f"e{match[2]}" if match[2] else ""))
    return number if math.isfinite(number) else None


def parse_numbers(value: bytes, vr: str, standard_vr: str, is_little_endian: bool) -> list[float | None]:
    """The numbers of an element with the value representation `vr`; the standard requires `standard_vr`.

    Under the name of a text or of bytes, an element may hold a text or, if the standard requires it, a binary number.
    """
    if vr not in _BINARY and _TEXT.fullmatch(value):
        decimals = parse_decimals(value) if value.strip(b" \0") else []
        if standard_vr not in _BINARY or not value or any(decimal is not None for decimal in decimals):
            return decimals
    code = _BINARY.get(vr) or _BY_SIZE.get(len(value), "H")
    count = min(len(value) // struct.calcsize("=" + code), _MAX_NUMBERS)
    numbers = struct.unpack_from(f"{'<' if is_little_endian else '>'}{count}{code}", value)
    return [float(number) if math.isfinite(number) else None for number in numbers]
