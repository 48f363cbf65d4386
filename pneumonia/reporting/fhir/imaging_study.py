"""The ImagingStudy of the source object, as far as the object itself tells.

`DICOM SR to FHIR Resource Mapping` assumes that the receiver has it. The bundle finds it by its identifier and makes it
only where it is missing, with the series and the instance of the film.
"""

from __future__ import annotations

from pydicom import Dataset

from .datatypes import DATA_ABSENT_EXTENSION, URI, Json, coding, text, without_empty
from .header_references import accession_identifier, order_reference, patient_reference, study_identifier, study_time

_DCM = "http://dicom.nema.org/resources/ontology/DCM"


def imaging_study(header: Dataset) -> Json:
    """The study of a film whose header is that of a `SourceInstance` (R4, 10.4 "ImagingStudy")."""
    order = order_reference(header)
    return without_empty(
        {
            "resourceType": "ImagingStudy",
            "identifier": [item for item in (study_identifier(header), accession_identifier(header)) if item],
            "status": "available",
            "modality": _modalities(header),
            "subject": patient_reference(header) or _UNKNOWN_SUBJECT,
            "started": study_time(header),
            "basedOn": [order] if order else None,
            "description": text(header.get("StudyDescription") or ""),
            "series": [_series(header)],
        }
    )


_UNKNOWN_SUBJECT = {"extension": [{"url": DATA_ABSENT_EXTENSION, "valueCode": "unknown"}]}
"""The subject of a study is mandatory, also where the header names no patient."""


def _modalities(header: Dataset) -> list[Json]:
    modality = text(header.get("Modality") or "")
    return [coding(_DCM, modality)] if modality else []


def _series(header: Dataset) -> Json:
    # The modality of a series is mandatory; OT (other) is the standard's term for an object that states none.
    modality = _modalities(header) or [coding(_DCM, "OT")]
    return without_empty(
        {
            "uid": str(header.SeriesInstanceUID),
            "number": _number(header, "SeriesNumber"),
            "modality": modality[0],
            "description": text(header.get("SeriesDescription") or ""),
            "instance": [
                without_empty(
                    {
                        "uid": str(header.SOPInstanceUID),
                        "sopClass": {"system": URI, "code": f"urn:oid:{header.SOPClassUID}"},
                        "number": _number(header, "InstanceNumber"),
                    }
                )
            ],
        }
    )


def _number(header: Dataset, keyword: str) -> int | None:
    """A number of type unsignedInt; None if it is missing or negative."""
    value = header.get(keyword)
    return int(value) if value is not None and str(value).strip() and 0 <= int(value) < 2**31 else None
