"""What the header of the source object says about patient, order and time, as references and dates of FHIR.

The guide assumes that Patient and ServiceRequest exist at the receiver and are found by identifier ("DICOM SR to FHIR
Resource Mapping", Mapping, "Other Resource Relationships"): a film's header is no source for the master data of a
patient, so no Patient is created.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from pydicom import Dataset

from .datatypes import Json, identifier_type, logical_reference, text, uid_identifier, without_empty

_ACCESSION_TYPE = identifier_type("ACSN", "Accession ID")
_RECORD_NUMBER_TYPE = identifier_type("MR", "Medical record number")

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_TIME = re.compile(r"(\d{2})(\d{2})(\d{2})(?:\.\d{1,6})?")
_DATE_TIME = re.compile(r"(\d{8})(\d{6}(?:\.\d{1,6})?)?\d*([+-]\d{4})?")
_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})")
_FILM_TIMES = (
    ("AcquisitionDate", "AcquisitionTime"),
    ("ContentDate", "ContentTime"),
    ("SeriesDate", "SeriesTime"),
    ("StudyDate", "StudyTime"),
)
"""Date and time of a film, by preference, after AcquisitionDateTime, which has its own offset from UTC."""

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


def patient_reference(header: Dataset) -> Json | None:
    """The patient by identifier, with the name as display; None if the header has neither."""
    return logical_reference("Patient", _patient_identifier(header), _patient_name(header))


def order_reference(header: Dataset) -> Json | None:
    """The ServiceRequest by accession number; None without one."""
    identifier = accession_identifier(header)
    return None if identifier is None else logical_reference("ServiceRequest", identifier)


def accession_identifier(header: Dataset) -> Json | None:
    """The accession number with its issuer (PS3.3, C.12.1.1.5); None without one."""
    value = _first_text(header, "AccessionNumber")
    if not value:
        return None
    system, issuer = _issuer(header, "IssuerOfAccessionNumberSequence")
    return _identifier(_ACCESSION_TYPE, value, system, issuer)


def study_identifier(header: Dataset) -> Json:
    """The identifier of the study."""
    return uid_identifier(str(header.StudyInstanceUID))


def film_time(header: Dataset) -> str | None:
    """When the film was made, as `dateTime`; a date alone where the header states no time zone, None without a date.

    FHIR demands a time zone with each time (R4, 2.24.0.1 "Primitive Types"), and that of the modality is known from
    TimezoneOffsetFromUTC only.
    """
    offset = _first_text(header, "TimezoneOffsetFromUTC")
    moments = (_moment(*_date_and_time(header, names), offset) for names in _FILM_TIMES)
    exact = _DATE_TIME.fullmatch(_first_text(header, "AcquisitionDateTime"))
    acquired = _moment(exact[1], exact[2] or "", exact[3] or offset) if exact else None
    return acquired or next(filter(None, moments), None)


def study_time(header: Dataset) -> str | None:
    """When the study began, as `dateTime`; see `film_time`."""
    offset = _first_text(header, "TimezoneOffsetFromUTC")
    return _moment(*_date_and_time(header, ("StudyDate", "StudyTime")), offset)


def _date_and_time(header: Dataset, keywords: tuple[str, str]) -> tuple[str, str]:
    date, time = (_first_text(header, keyword) for keyword in keywords)
    return date, time


def _moment(date_text: str, time_text: str, offset_text: str) -> str | None:
    """A date, with the time if it has seconds and the offset from UTC is known; None if there is no such day."""
    date, time, offset = _DATE.fullmatch(date_text), _TIME.fullmatch(time_text), _OFFSET.fullmatch(offset_text)
    try:
        if date is None:
            return None
        day = datetime(int(date[1]), int(date[2]), int(date[3]))
    except ValueError:  # no day of the calendar
        return None
    try:
        if time is None or offset is None:
            raise ValueError
        zone = timezone((1 if offset[1] == "+" else -1) * timedelta(hours=int(offset[2]), minutes=int(offset[3])))
        return day.replace(hour=int(time[1]), minute=int(time[2]), second=int(time[3]), tzinfo=zone).isoformat()
    except ValueError:  # no time of the day, or none of a known zone
        return day.date().isoformat()


def _patient_identifier(header: Dataset) -> Json | None:
    value = _first_text(header, "PatientID")
    if not value:
        return None
    system, issuer = _issuer(header, "IssuerOfPatientIDQualifiersSequence")
    return _identifier(_RECORD_NUMBER_TYPE, value, system, _first_text(header, "IssuerOfPatientID") or issuer)


def _identifier(kind: Json, value: str, system: str, issuer: str) -> Json:
    assigner = {"display": issuer} if issuer else None
    return without_empty({"type": kind, "system": system, "value": value, "assigner": assigner})


def _issuer(header: Dataset, keyword: str) -> tuple[str, str]:
    """(URI, name) of the issuer in a sequence, "" if unknown (HL7v2 Hierarchic Designator Macro, PS3.3, 10.14)."""
    items = header.get(keyword) or []
    if not items:
        return "", ""
    item = items[0]
    universal = _first_text(item, "UniversalEntityID")
    kind = _first_text(item, "UniversalEntityIDType").upper()
    name = _first_text(item, "LocalNamespaceEntityID") or universal
    if kind == "ISO" and _OID.fullmatch(universal):
        return f"urn:oid:{universal}", name
    if kind == "UUID" and _UUID.fullmatch(universal):
        return f"urn:uuid:{universal.lower()}", name
    if kind == "URI" and _URI.fullmatch(universal):
        return universal, name
    return "", name


def _patient_name(header: Dataset) -> str:
    """The alphabetic form of the name, followed by the ideographic one, as a person would write them."""
    value = header.get("PatientName")
    first = value[0] if isinstance(value, (list, tuple)) and value else value
    groups = [] if first is None else str(first).split("=")[:2]
    return text(" / ".join(filter(None, map(_written_name, groups))))


def _written_name(group: str) -> str:
    """A component group `family^given^middle^prefix^suffix` (PS3.5, 6.2.1) as "Family, Given Middle"."""
    family, *others = (text(part) for part in group.split("^"))
    given = " ".join(part for part in others[:2] if part)
    return ", ".join(part for part in (family, given) if part)


def _first_text(header: Dataset, keyword: str) -> str:
    """The first value of an element as text; "" if it is missing or empty."""
    value = header.get(keyword)
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        value = value[0] if value else None
    return "" if value is None else text(value)
