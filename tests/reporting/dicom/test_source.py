"""The header of a source object: which files have results, and valid attributes from invalid ones."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from pydicom import DataElement, Dataset
from pydicom.config import IGNORE
from pydicom.uid import UID

from pneumonia.errors import UnsupportedDicom
from pneumonia.reporting.dicom.source import SourceInstance
from tests.support import dicom_bytes
from tests.support.dicom_files import UNCOMPRESSED, dicom
from tests.support.invalid_attributes import INVALID
from tests.support.source_films import HOSPITAL, hospital_film

PIXELS = np.zeros((64, 72), np.uint8)


def film(**tags: Any) -> bytes:
    return dicom(PIXELS, **{**HOSPITAL, **tags})


def header(**tags: Any) -> Dataset:
    return SourceInstance.from_bytes(film(**tags)).header


def test_the_identifiers_are_those_of_the_file() -> None:
    source = SourceInstance.from_bytes(hospital_film())
    assert source.sop_instance_uid == HOSPITAL["SOPInstanceUID"]
    assert source.sop_class_uid == HOSPITAL["SOPClassUID"]
    assert source.study_instance_uid == HOSPITAL["StudyInstanceUID"]
    assert source.series_instance_uid == HOSPITAL["SeriesInstanceUID"]
    assert not source.is_multiframe


# A deflated data set needs a meta header that says so.
ENCODINGS = [
    (syntax, preamble) for syntax in UNCOMPRESSED for preamble in (True, False) if preamble or not syntax.is_deflated
]


@pytest.mark.parametrize(("syntax", "preamble"), ENCODINGS)
def test_every_encoding_of_a_header_gives_the_same_attributes(syntax: UID, preamble: bool) -> None:
    request = Dataset()
    request.RequestedProcedureID, request.AccessionNumber = "R-1", "A-77"
    request.RequestedProcedureCodeSequence = [code_item()]
    tags = {**HOSPITAL, "RequestAttributesSequence": [request]}
    attributes = SourceInstance.from_bytes(dicom(PIXELS, syntax=syntax, preamble=preamble, **tags)).header
    assert attributes == SourceInstance.from_bytes(dicom(PIXELS, **tags)).header
    assert attributes.PatientName == "Doe^Jane"
    assert attributes.RequestAttributesSequence[0].RequestedProcedureCodeSequence[0].CodeMeaning == "Chest X-ray"
    assert "PixelData" not in attributes


def code_item(**values: str) -> Dataset:
    item = Dataset()
    for keyword, value in {"CodeValue": "399208008", "CodingSchemeDesignator": "SCT", **values}.items():
        setattr(item, keyword, value)
    item.CodeMeaning = "Chest X-ray"
    return item


NO_RESULTS = {
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(200), "not a DICOM file"),
    "nothing": (b"", "not a DICOM file"),
    "no study": (film(StudyInstanceUID=None), "Missing: StudyInstanceUID"),
    "an empty series": (film(SeriesInstanceUID=""), "Missing: SeriesInstanceUID"),
    "a UID of zeros": (film(StudyInstanceUID="0.0"), "Missing: StudyInstanceUID"),
    "a malformed UID": (film(StudyInstanceUID="study 1"), "Missing: StudyInstanceUID"),
    "a report": (film(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33"), "not an image"),
    "a presentation state": (film(SOPClassUID="1.2.840.10008.5.1.4.1.1.11.1"), "not an image"),
    "no identifiers": (dicom(PIXELS, SOPInstanceUID=None, preamble=False), "SOPInstanceUID, StudyInstanceUID"),
}


@pytest.mark.parametrize("name", NO_RESULTS)
def test_what_cannot_have_results_is_unsupported_and_the_error_says_why(name: str) -> None:
    data, text = NO_RESULTS[name]
    with pytest.raises(UnsupportedDicom, match=text) as error:
        SourceInstance.from_bytes(data)
    assert "Doe" not in error.value.message and "study 1" not in error.value.message


@pytest.mark.parametrize("uid", ["1.2.840.10008.5.1.4.1.1.7", "1.2.840.113619.4.26", "1.2.840.10008.5.1.1.29"])
def test_every_image_class_has_results_also_private_and_retired_ones(uid: str) -> None:
    assert SourceInstance.from_bytes(film(SOPClassUID=uid)).sop_class_uid == uid


def test_the_meta_header_replaces_missing_identifiers_of_the_object() -> None:
    """Some exporters leave the identifiers of the object out of the data set."""
    data = film()
    instance = dicom_bytes.explicit(8, 0x18, "UI", HOSPITAL["SOPInstanceUID"].encode())
    assert data.count(instance) == 1
    assert SourceInstance.from_bytes(data.replace(instance, b"")).sop_instance_uid == HOSPITAL["SOPInstanceUID"]


@pytest.mark.parametrize("name", INVALID)
def test_an_attribute_is_corrected_or_dropped(name: str) -> None:
    tags, keyword, expected = INVALID[name]
    assert header(**tags).get(keyword) == expected


def test_an_element_of_unknown_representation_is_read_as_the_standard_defines_it() -> None:
    """Archives that do not know an attribute store it as UN, with a length of four bytes (PS3.5, section 6.2.2)."""
    data = dicom_bytes.replaced(film(), (0x10, 0x20), "UN", b"MRN-4711")
    assert SourceInstance.from_bytes(data).header.PatientID == "MRN-4711"
    data = dicom_bytes.replaced(film(), (0x28, 0x10), "UN", struct.pack("<H", 64))
    assert SourceInstance.from_bytes(data).header.Rows == 64


@pytest.mark.parametrize(("written", "weight"), [(b"12,5", 12.5), (b"12.5 kg", 12.5), (b"heavy", None), (b"", None)])
def test_a_decimal_string_with_faults_is_read(written: bytes, weight: float | None) -> None:
    data = dicom_bytes.replaced(film(PatientWeight=70), (0x10, 0x1030), "DS", written)
    assert SourceInstance.from_bytes(data).header.get("PatientWeight") == weight


@pytest.mark.parametrize("is_undefined", [True, False])
def test_a_sequence_of_unknown_representation_is_read(is_undefined: bool) -> None:
    """Its items are in implicit VR little endian whatever the file is in (PS3.5, section 6.2.2, note 2)."""
    item = dicom_bytes.implicit(0x32, 0x1060, b"Chest ") + dicom_bytes.implicit(0x40, 0x1001, b"RP-9")
    if is_undefined:
        items = dicom_bytes.item(item + dicom_bytes.ITEM_END, dicom_bytes.UNDEFINED) + dicom_bytes.SEQUENCE_END
    else:
        items = dicom_bytes.item(item)
    element = dicom_bytes.explicit(0x40, 0x275, "UN", items, dicom_bytes.UNDEFINED if is_undefined else None)
    (request,) = SourceInstance.from_bytes(dicom_bytes.before(film(), element)).header.RequestAttributesSequence
    assert (request.RequestedProcedureID, request.RequestedProcedureDescription) == ("RP-9", "Chest")


def test_items_that_lack_required_attributes_are_left_out() -> None:
    incomplete = code_item()
    del incomplete.CodingSchemeDesignator
    codes = header(ProcedureCodeSequence=[incomplete, code_item()]).ProcedureCodeSequence
    assert [code.CodeValue for code in codes] == ["399208008"]
    assert "ProcedureCodeSequence" not in header(ProcedureCodeSequence=[incomplete])


def test_items_have_what_their_macros_require() -> None:
    """PS3.3, sections 8.8 and 10.14: a code of at most 16 characters, and an identifier with its type."""
    long, issuer = code_item(), Dataset()
    long["CodeValue"] = DataElement("CodeValue", "SH", "1" * 17, validation_mode=IGNORE)
    issuer.UniversalEntityID, issuer.LocalNamespaceEntityID = "1.2.3", "Ward"
    attributes = header(ProcedureCodeSequence=[long, code_item()], IssuerOfAdmissionIDSequence=[issuer, issuer])
    assert [code.CodeValue for code in attributes.ProcedureCodeSequence] == ["399208008"]
    (admission,) = attributes.IssuerOfAdmissionIDSequence
    assert admission.LocalNamespaceEntityID == "Ward" and "UniversalEntityID" not in admission


def test_a_uid_with_leading_zeros_is_that_of_the_study_but_no_reference() -> None:
    reference = Dataset()
    for keyword, uid in (("ReferencedSOPClassUID", "1.2.3"), ("ReferencedSOPInstanceUID", "1.2.03")):
        reference[keyword] = DataElement(keyword, "UI", uid, validation_mode=IGNORE)
    attributes = header(StudyInstanceUID="1.2.03", ReferencedStudySequence=[reference])
    assert attributes.StudyInstanceUID == "1.2.03" and "ReferencedStudySequence" not in attributes


def test_a_film_with_few_attributes_has_a_header() -> None:
    required = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    nobody: dict[str, Any] = {"PatientName": None, "PatientID": None, "PatientBirthDate": None, "PatientAge": None}
    attributes = SourceInstance.from_bytes(dicom(PIXELS, **{key: HOSPITAL[key] for key in required}, **nobody)).header
    assert "PatientID" not in attributes and attributes.Rows == 64


def test_private_and_other_attributes_are_not_copied() -> None:
    attributes = header(PatientComments="lives next door", OperatorsName="Poe^Edgar")
    assert "PatientComments" not in attributes and "OperatorsName" not in attributes
