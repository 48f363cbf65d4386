"""Attributes of the source object that results use, by module of the standard (PS3.3).

A table instead of a copy of everything: what is not listed here never leaves the source object.
"""

from __future__ import annotations

from dataclasses import dataclass

PATIENT = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "TypeOfPatientID"),
    *("PatientBirthDate", "PatientBirthTime", "PatientSex", "OtherPatientIDsSequence", "OtherPatientNames"),
    *("EthnicGroup", "PatientIdentityRemoved", "DeidentificationMethod"),
)
"""Patient module, C.7.1.1."""

STUDY = (
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
    *("IssuerOfAccessionNumberSequence", "ReferringPhysicianName", "PhysiciansOfRecord", "ProcedureCodeSequence"),
    *("ReferencedStudySequence", "PatientAge", "PatientSize", "PatientWeight", "AdmissionID"),
    "IssuerOfAdmissionIDSequence",
)
"""General Study and Patient Study modules, C.7.2.1 and C.7.2.2."""

SERIES = (
    *("Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDate", "SeriesTime", "SeriesDescription", "Laterality"),
    *("BodyPartExamined", "ProtocolName", "PatientPosition", "ViewPosition", "RequestAttributesSequence"),
    *("AnatomicRegionSequence", "ViewCodeSequence"),
)
"""General Series module and the modules of CR and DX series, C.7.3.1, C.8.1.1 and C.8.11."""

EQUIPMENT = (
    *("Manufacturer", "ManufacturerModelName", "InstitutionName", "InstitutionalDepartmentName", "StationName"),
    *("DeviceSerialNumber", "SoftwareVersions"),
)
"""General Equipment module, C.7.5.1. The result objects name it as the equipment of the acquisition only."""

IMAGE = (
    *("SOPClassUID", "SOPInstanceUID", "InstanceNumber", "ImageType", "ImageLaterality", "PatientOrientation"),
    *("AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime", "ContentDate", "ContentTime"),
    *("TimezoneOffsetFromUTC", "NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelSpacing", "ImagerPixelSpacing"),
    *("NominalScannedPixelSpacing", "PixelSpacingCalibrationType", "PixelSpacingCalibrationDescription"),
    *("PixelAspectRatio", "EstimatedRadiographicMagnificationFactor", "WindowCenter", "WindowWidth"),
    *("WindowCenterWidthExplanation", "VOILUTFunction", "RescaleIntercept", "RescaleSlope", "RescaleType"),
    *("PresentationLUTShape", "BurnedInAnnotation", "LossyImageCompression", "LossyImageCompressionRatio"),
    "LossyImageCompressionMethod",
)
"""Image modules, C.7.6 and C.8.11."""

KEYWORDS = (*PATIENT, *STUDY, *SERIES, *EQUIPMENT, *IMAGE)


@dataclass(frozen=True)
class Item:
    """What is kept of the items of a sequence.

    An item without one of the attributes `required` is left out. Of attributes that belong together, `pair`, both are
    kept or none. `max_items` is the number of items that the standard allows, None for any.
    """

    keywords: tuple[str, ...]
    required: tuple[str, ...] = ()
    pair: tuple[str, ...] = ()
    max_items: int | None = None


_CODE = Item(
    ("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning"),
    required=("CodeValue", "CodingSchemeDesignator", "CodeMeaning"),
)
"""Basic code sequence macro, PS3.3, section 8.8; codes of more than 16 characters are left out."""

_UNIVERSAL = ("UniversalEntityID", "UniversalEntityIDType")
_ISSUER = Item(("LocalNamespaceEntityID", *_UNIVERSAL), pair=_UNIVERSAL, max_items=1)
"""HL7v2 hierarchic designator macro, PS3.3, section 10.14."""

_REFERENCE = ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID")

SEQUENCES = {
    "IssuerOfPatientIDQualifiersSequence": Item(_UNIVERSAL, required=_UNIVERSAL, max_items=1),
    "OtherPatientIDsSequence": Item(
        ("PatientID", "IssuerOfPatientID", "TypeOfPatientID"), required=("PatientID", "TypeOfPatientID")
    ),
    "IssuerOfAccessionNumberSequence": _ISSUER,
    "IssuerOfAdmissionIDSequence": _ISSUER,
    "ProcedureCodeSequence": _CODE,
    "RequestedProcedureCodeSequence": _CODE,
    "ScheduledProtocolCodeSequence": _CODE,
    "AnatomicRegionSequence": _CODE,
    "ViewCodeSequence": _CODE,
    "ReferencedStudySequence": Item(_REFERENCE, required=_REFERENCE),
    "RequestAttributesSequence": Item(
        (
            *("RequestedProcedureID", "AccessionNumber", "IssuerOfAccessionNumberSequence", "StudyInstanceUID"),
            *("ReferencedStudySequence", "RequestedProcedureDescription", "RequestedProcedureCodeSequence"),
            *("ScheduledProcedureStepID", "ScheduledProcedureStepDescription", "ScheduledProtocolCodeSequence"),
            *("PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest"),
        )
    ),
}
"""Sequences that are kept."""
