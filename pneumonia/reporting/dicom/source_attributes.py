"""Attributes of the source object that results use, by module of the standard (PS3.3).

A table instead of a copy of everything: what is not listed here never leaves the source object.
"""

from __future__ import annotations

from dataclasses import dataclass, field

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
    """What is kept of the items of a sequence: attributes, and those of which one of each group must be present."""

    keywords: tuple[str, ...]
    required: tuple[tuple[str, ...], ...] = field(default=())


_CODE = Item(
    ("CodeValue", "LongCodeValue", "URNCodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning"),
    (("CodeValue", "LongCodeValue", "URNCodeValue"), ("CodingSchemeDesignator", "URNCodeValue"), ("CodeMeaning",)),
)
"""Basic code sequence macro, PS3.3, section 8.8."""

_ISSUER = Item(
    ("LocalNamespaceEntityID", "UniversalEntityID", "UniversalEntityIDType"),
    (("LocalNamespaceEntityID", "UniversalEntityID"), ("LocalNamespaceEntityID", "UniversalEntityIDType")),
)
"""HL7v2 hierarchic designator macro, PS3.3, section 10.14."""

_INSTANCE = Item(
    ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID"), (("ReferencedSOPClassUID",), ("ReferencedSOPInstanceUID",))
)

SEQUENCES = {
    "IssuerOfPatientIDQualifiersSequence": Item(
        ("UniversalEntityID", "UniversalEntityIDType"), (("UniversalEntityID",), ("UniversalEntityIDType",))
    ),
    "OtherPatientIDsSequence": Item(
        ("PatientID", "IssuerOfPatientID", "TypeOfPatientID"), (("PatientID",), ("TypeOfPatientID",))
    ),
    "IssuerOfAccessionNumberSequence": _ISSUER,
    "IssuerOfAdmissionIDSequence": _ISSUER,
    "ProcedureCodeSequence": _CODE,
    "RequestedProcedureCodeSequence": _CODE,
    "ScheduledProtocolCodeSequence": _CODE,
    "AnatomicRegionSequence": _CODE,
    "ViewCodeSequence": _CODE,
    "ReferencedStudySequence": _INSTANCE,
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
