"""One element of the source object -> an element that the standard allows, or None.

The result objects copy attributes of films as they come, and must be valid all the same. Identifiers are copied as they
are, since a changed one would be another identifier. Other texts are shortened to the length that their value
representation allows, and what is malformed is left out.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VM, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement

from ...imaging.dicom import number_parser
from . import character_sets

Value: TypeAlias = "str | int | float"

IDENTIFIERS = {
    *("PatientID", "AccessionNumber", "StudyID", "AdmissionID", "RequestedProcedureID", "ScheduledProcedureStepID"),
    *("PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest", "IssuerOfPatientID"),
}
"""Identifiers of patient, study and order, copied at any length: an archive that has the film has them as well."""

_CODES = {"CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "UniversalEntityID", "LocalNamespaceEntityID"}
"""Attributes whose values are dropped if they are too long."""

MAX_CHARACTERS = {"LO": 64, "SH": 16, "ST": 1024, "LT": 10240, "UT": 10240, "UC": 1024}
"""Maximum number of characters of a text (PS3.5, table 6.2-1); those of UT and UC have no limit there."""

_MAX_NAME_CHARACTERS = 64
"""Maximum number of characters of a component group of a name (PS3.5, section 6.2)."""

_TEXTS = {"ST", "LT", "UT"}
"""Value representations with one value, in which a backslash is a character."""

_SEX = {"MALE": "M", "FEMALE": "F", "OTHER": "O"}
_DATE = re.compile(r"(\d{4})[-./]?(\d{2})[-./]?(\d{2})")
_TIME = re.compile(r"([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d|60)(\.\d{1,6})?)?)?")
_DATE_TIME = re.compile(r"(\d{4})(?:(\d{2})(?:(\d{2})(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?")
_ZONE = re.compile(r"[+-](0\d|1[0-4])[0-5]\d")
_PATTERNS = {
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9 _]{1,16}"),
    "UI": re.compile(r"(?!0\.0)[0-2](\.(0|[1-9]\d*))+"),
    "UR": re.compile(r"[!-~]{1,1024}"),
}
_OWN_UIDS = {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"}
_LENIENT_UID = re.compile(r"(?!0\.0)[0-2](\.\d+)+")
"""UIDs of the film may have leading zeros, which are not allowed: an archive that accepted them finds the results by
them."""

MAX_UID_CHARACTERS = 64
"""Maximum length of a UID (PS3.5, section 9.1)."""

_INTEGER_LIMITS = {"US": (0, 65535), "SS": (-32768, 32767), "UL": (0, 2**32 - 1), "IS": (-(2**31), 2**31 - 1)}
_ENUMERATED = {
    "PatientSex": {"M", "F", "O"},
    "Laterality": {"R", "L"},
    "ImageLaterality": {"R", "L", "U", "B"},
    "PatientIdentityRemoved": {"YES", "NO"},
    "TypeOfPatientID": {"TEXT", "RFID", "BARCODE"},
    "UniversalEntityIDType": {"DNS", "EUI64", "ISO", "URI", "UUID", "X400", "X500"},
}
"""Enumerated values of attributes that are copied (PS3.3); other values are dropped."""


def clean(keyword: str, raw: RawDataElement, encodings: Sequence[str]) -> DataElement | None:
    """The element with the value representation of the standard and valid values; None if it has none.

    `encodings` are Python's names of the encodings of the file, see `character_sets`.
    """
    vr = dictionary_VR(keyword)[:2]  # of two that are allowed, such as "US or SS", the first
    values = _values(keyword, vr, raw, encodings)
    if not values:
        return None
    maximum = dictionary_VM(keyword).split("-")[-1]
    values = values[: int(maximum)] if maximum.isdecimal() else values
    return DataElement(raw.tag, vr, values[0] if len(values) == 1 else values, validation_mode=IGNORE)


def is_uid_of_film(text: str) -> bool:
    """True if results can refer to a film by this UID."""
    return len(text) <= MAX_UID_CHARACTERS and _LENIENT_UID.fullmatch(text) is not None


def _values(keyword: str, vr: str, raw: RawDataElement, encodings: Sequence[str]) -> list[Value]:
    value = raw.value or b""
    if vr in _INTEGER_LIMITS or vr in {"DS", "FL", "FD"}:
        return _numbers(vr, raw)
    if keyword == "TimezoneOffsetFromUTC":
        zone = value.decode("latin-1").strip(" \0")
        return [zone] if _ZONE.fullmatch(zone) else []
    if vr in MAX_CHARACTERS or vr == "PN":
        return list(_texts(keyword, vr, value, encodings))
    allowed = _ENUMERATED.get(keyword)
    parts = [_clean_code(keyword, vr, part) for part in value.decode("latin-1").split("\\")]
    # The position of a value has a meaning, so one invalid value invalidates all.
    return list(parts) if all(parts) and (allowed is None or allowed.issuperset(parts)) else []


def _texts(keyword: str, vr: str, value: bytes, encodings: Sequence[str]) -> list[str]:
    text = character_sets.decode(value, encodings)
    if vr in _TEXTS:
        return [text[: MAX_CHARACTERS[vr]]] if text.strip() else []
    parts = [" ".join(part.split()) if vr == "PN" else part.strip() for part in text.split("\\")]
    clean_parts = [re.sub(r"[\t\n\f\r]", " ", part) for part in parts]
    if vr == "PN":
        return [name for name in map(_name, clean_parts) if name]
    if keyword in IDENTIFIERS:
        return [part for part in clean_parts if part]
    if keyword in _CODES:
        return [part for part in clean_parts if 0 < len(part) <= MAX_CHARACTERS[vr]]
    return [part[: MAX_CHARACTERS[vr]].rstrip() for part in clean_parts if part]


def _name(text: str) -> str:
    """A person name: at most three component groups, each with at most five components and 64 characters."""
    groups = ["^".join(group.split("^")[:5])[:_MAX_NAME_CHARACTERS].strip(" ^") for group in text.split("=")[:3]]
    return "=".join(groups).rstrip("=")


def _clean_code(keyword: str, vr: str, text: str) -> str:
    """The text of a code, an identifier, a date or a time; "" if it is invalid."""
    text = text.strip(" \0\t\r\n")
    if vr == "CS":
        text = text.upper()
        text = _SEX.get(text, text) if keyword == "PatientSex" else text
    if vr in _FORMATS:
        return _FORMATS[vr](text)
    pattern = _LENIENT_UID if keyword in _OWN_UIDS else _PATTERNS.get(vr)
    if vr == "UI" and len(text) > MAX_UID_CHARACTERS:
        return ""
    return text if pattern is None or pattern.fullmatch(text) else ""


def _date(text: str) -> str:
    """A date as DICOM writes it, from 20200229, 2020.02.29 (ACR-NEMA) or 2020-02-29; "" if there is no such day."""
    match = _DATE.fullmatch(text)
    try:
        return datetime.date(*map(int, match.groups())).strftime("%Y%m%d").zfill(8) if match else ""
    except ValueError:
        return ""


def _time(text: str) -> str:
    match = _TIME.fullmatch(text)
    return "".join(filter(None, match.groups())) if match else ""


def _date_time(text: str) -> str:
    """A date with time and zone, each of which may be shortened from the right (PS3.5, section 6.2)."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return ""
    year, month, day, time, _ = match.groups()
    is_valid = bool(_date(f"{year}{month or '01'}{day or '01'}")) and (not time or bool(_time(time)))
    return text if is_valid else ""


_FORMATS: dict[str, Callable[[str], str]] = {"DA": _date, "TM": _time, "DT": _date_time}


def _numbers(vr: str, raw: RawDataElement) -> list[Value]:
    numbers = number_parser.parse_numbers(raw.value or b"", raw.VR or vr, vr, raw.is_little_endian)
    if not numbers or any(number is None for number in numbers):
        return []
    values = [number for number in numbers if number is not None]
    if vr not in _INTEGER_LIMITS:
        return [_shortened(number) if vr == "DS" else number for number in values]
    low, high = _INTEGER_LIMITS[vr]
    if any(number != int(number) or not low <= number <= high for number in values):
        return []
    return [int(number) for number in values]


def _shortened(number: float) -> float:
    """The number with as many digits as a decimal string of 16 characters holds."""
    return float(f"{number:.9g}")
