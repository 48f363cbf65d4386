"""Codes of the FHIR resources: those of the structured report, with the URIs of their coding systems."""

from __future__ import annotations

from functools import cache

from ..dicom.codes import PRIVATE_SCHEME, code, private_scheme
from .datatypes import UCUM, Json, coding, concept

SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "UCUM": UCUM,
}
"""Coding scheme designator -> URI (PS3.16, table 8-1). The private scheme is named by its UID."""

OBSERVATION_CATEGORY = coding("http://terminology.hl7.org/CodeSystem/observation-category", "imaging", "Imaging")
MEASUREMENT_GROUP = coding(SYSTEMS["DCM"], "125007", "Measurement Group")
QUALITATIVE_EVALUATIONS = coding("http://terminology.hl7.org/CodeSystem/umls", "C0034375", "Qualitative Evaluations")
"""Categories by which the guide tells groups and evaluations from measurements."""

RADIOLOGY = coding("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology")

_INTERPRETATIONS = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
INTERPRETATIONS = {
    "Normal": coding(_INTERPRETATIONS, "NEG", "Negative"),
    "Pneumonia": coding(_INTERPRETATIONS, "POS", "Positive"),
    "Unknown": coding(_INTERPRETATIONS, "IND", "Indeterminate"),
}
"""Label -> interpretation by HL7 version 3."""


@cache
def private_system() -> str:
    """URI of the codes that no standard has."""
    return f"urn:oid:{private_scheme()['uid']}"


def term(key: str, wording: str = "") -> Json:
    """The CodeableConcept of a key of `codes.json`; `wording` is its text in the language of the resource."""
    return concept([term_coding(key)], wording)


def term_coding(key: str) -> Json:
    """The coding of a key of `codes.json`."""
    entry = code(key)
    system = private_system() if entry.scheme_designator == PRIVATE_SCHEME else SYSTEMS[entry.scheme_designator]
    return coding(system, entry.value, entry.meaning)


def private_term(value: str, wording: str) -> Json:
    """A code of docs/api.md that is no key of `codes.json`: of an error, an operating point or a population."""
    return concept([coding(private_system(), value)], wording)
