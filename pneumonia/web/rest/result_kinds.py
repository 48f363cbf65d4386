"""Kinds of results that the REST API makes, with their media types."""

from __future__ import annotations

PDF = "pdf"
DICOM = "application/dicom"
MEDIA_TYPES = {
    "dicom-sr": DICOM,
    "secondary-capture": DICOM,
    "presentation-state": DICOM,
    "encapsulated-pdf": DICOM,
    "fhir": "application/fhir+json",
    PDF: "application/pdf",
}
"""Kind -> media type (PS3.18, section 8.7.3.5; FHIR R4, section 2.1.0.6).

A test compares it with the files that are made."""
KINDS = tuple(MEDIA_TYPES)
