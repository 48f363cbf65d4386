"""Data types of FHIR R4 as plain dicts: texts, codings, identifiers, references, quantities, times.

Source: HL7 FHIR R4, 2.24 "Data Types" (http://hl7.org/fhir/R4/datatypes.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

DICOM_UID = "urn:dicom:uid"
"""System of an identifier whose value is a DICOM UID, written as `urn:oid:...` (FHIR R4, ImagingStudy, 10.4.4)."""

UCUM = "http://unitsofmeasure.org"
URI = "urn:ietf:rfc:3986"
"""System of an identifier or code that is itself a URI."""

IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
DATA_ABSENT_REASONS = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
DATA_ABSENT_EXTENSION = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]|[\ud800-\udfff]")
_SPACES = re.compile(" +")


def text(value: object) -> str:
    """A text as FHIR allows it in an element: no control characters, no outer and no repeated blanks; may be empty.

    No-break spaces between a number and its sign stay.
    """
    return _SPACES.sub(" ", _CONTROLS.sub(" ", str(value))).strip()


def without_empty(elements: Json) -> Json:
    """The elements that have a value; FHIR allows no empty string, list or object (R4, 2.6.2, "JSON")."""
    return {name: value for name, value in elements.items() if value is not None and value not in ("", [], {})}


def coding(system: str, code: str, display: str = "") -> Json:
    """A code with the URI of its system and its meaning in English."""
    return without_empty({"system": system, "code": code, "display": text(display)})


def concept(codings: Iterable[Json], wording: str = "") -> Json:
    """A CodeableConcept; `wording` is its text in the language of the resource."""
    return without_empty({"coding": list(codings), "text": text(wording)})


def text_concept(wording: str) -> Json:
    """A CodeableConcept without a code."""
    return {"text": text(wording)}


def data_absent(code: str, display: str, wording: str = "") -> Json:
    """The CodeableConcept of `Observation.dataAbsentReason`."""
    return concept([coding(DATA_ABSENT_REASONS, code, display)], wording)


def uid_identifier(uid: str, kind: Json | None = None) -> Json:
    """The identifier of a DICOM UID; `kind` is its type."""
    return without_empty({"type": kind, "system": DICOM_UID, "value": f"urn:oid:{uid}"})


def identifier_type(code: str, display: str) -> Json:
    """The type of an identifier by table 0203 of HL7 version 2, such as MR or ACSN."""
    return concept([coding(IDENTIFIER_TYPES, code, display)])


def reference(url: str, kind: str) -> Json:
    """A reference to the entry of the bundle whose full URL is `url`; `kind` is its resource type."""
    return {"reference": url, "type": kind}


def logical_reference(kind: str, identifier: Json | None, display: str = "") -> Json | None:
    """A reference by identifier to a resource that the receiver has; None without identifier and display.

    R4, 2.3.0.2 "Logical references".
    """
    parts = without_empty({"identifier": identifier, "display": text(display)})
    return {"type": kind, **parts} if parts else None


def quantity(value: float, unit: str = "1", *, unit_name: str = "") -> Json:
    """A number with its UCUM unit: a probability or share ("1"), years ("a"), a number of films ("{films}")."""
    return {"value": value, "unit": unit_name or unit, "system": UCUM, "code": unit}


def instant(moment: datetime) -> str:
    """A time-zone-aware moment with milliseconds, as `instant` and `dateTime` need it."""
    if moment.tzinfo is None:
        raise ValueError("a FHIR instant needs a time zone")
    return moment.isoformat(timespec="milliseconds")
