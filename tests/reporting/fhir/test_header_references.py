"""Patient, order and times of a film's header as FHIR, for headers of every hospital."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom import Dataset

from pneumonia.reporting.dicom.source import SourceInstance
from pneumonia.reporting.fhir.header_references import film_time, order_reference, patient_reference, study_time
from tests.support.source_films import hospital_film


def header_of(**tags: Any) -> Dataset:
    return SourceInstance.from_bytes(hospital_film(**tags)).header


NAMES = {
    "Doe^Jane": "Doe, Jane",
    "Doe^Jane^Mary^Dr^III": "Doe, Jane Mary",
    "Doe": "Doe",
    "^Jane": "Jane",
    "Wang^XiaoDong=王^小东": "Wang, XiaoDong / 王, 小东",
    "=山田^太郎": "山田, 太郎",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_written_as_people_write_it(name: str) -> None:
    subject = patient_reference(header_of(SpecificCharacterSet="ISO_IR 192", PatientName=name))
    assert subject is not None and subject["display"] == NAMES[name]


def test_a_film_without_patient_and_order_has_no_references() -> None:
    header = header_of(PatientName=None, PatientID="", AccessionNumber=None)
    assert patient_reference(header) is None and order_reference(header) is None


def issuer(**values: str) -> list[Dataset]:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return [item]


ISSUERS = [
    ("ISO", "1.2.40.0.13.1", "urn:oid:1.2.40.0.13.1"),
    ("URI", "http://hospital.example/mrn", "http://hospital.example/mrn"),
    ("UUID", "6E8BC430-9C3A-11D9-9669-0800200C9A66", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"),
    ("ISO", "not an oid", None),
    ("DNS", "hospital.example", None),
]


@pytest.mark.parametrize(("kind", "universal", "system"), ISSUERS)
def test_the_issuer_is_the_system_of_the_identifier(kind: str, universal: str, system: str | None) -> None:
    items = issuer(UniversalEntityID=universal, UniversalEntityIDType=kind)
    subject = patient_reference(header_of(IssuerOfPatientIDQualifiersSequence=items))
    order = order_reference(header_of(IssuerOfAccessionNumberSequence=items))
    assert subject is not None and order is not None
    assert subject["identifier"].get("system") == order["identifier"].get("system") == system
    assert subject["identifier"]["value"] == "MRN-4711" and order["identifier"]["value"] == "A-77"


TIMES: dict[str, tuple[dict[str, Any], str | None]] = {
    "with zone": ({"TimezoneOffsetFromUTC": "-0330"}, "2023-01-05T10:11:12-03:30"),
    "without zone": ({}, "2023-01-05"),
    "without time": ({"StudyTime": None, "TimezoneOffsetFromUTC": "+0100"}, "2023-01-05"),
    "hour only": ({"StudyTime": "10", "TimezoneOffsetFromUTC": "+0100"}, "2023-01-05"),
    "leap second": ({"StudyTime": "235960", "TimezoneOffsetFromUTC": "+0100"}, "2023-01-05"),
    "fractions": ({"StudyTime": "101112.5", "TimezoneOffsetFromUTC": "+0000"}, "2023-01-05T10:11:12+00:00"),
    "no such day": ({"StudyDate": "20230231"}, None),
    "no date": ({"StudyDate": None}, None),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_time_has_its_zone_or_is_a_date(name: str) -> None:
    tags, expected = TIMES[name]
    assert study_time(header_of(**tags)) == expected


def test_the_film_has_the_time_of_its_acquisition() -> None:
    assert film_time(header_of(AcquisitionDate="20230106", AcquisitionTime="000001")) == "2023-01-06"
    assert film_time(header_of()) == "2023-01-05"
