"""Patient, order and times of a film's header as FHIR, for headers of every hospital."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement

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
    both = {"AcquisitionDateTime": "20230107080910.5-0500", "TimezoneOffsetFromUTC": "+0100"}
    assert film_time(header_of(**both)) == "2023-01-07T08:09:10-05:00"
    assert film_time(header_of(AcquisitionDateTime="202301070809", TimezoneOffsetFromUTC="+0100")) == "2023-01-07"


TEXT = st.text(max_size=70)
ELEMENTS = {"PatientName": "PN", "PatientID": "LO", "IssuerOfPatientID": "LO", "AccessionNumber": "SH"}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(texts=st.fixed_dictionaries(dict.fromkeys(ELEMENTS, TEXT | st.lists(TEXT, min_size=2, max_size=3))))
def test_any_text_gives_references_without_empty_parts(texts: dict[str, Any]) -> None:
    """Names and identifiers in any script, with control characters, lone surrogates, several values, or blank."""
    header = Dataset()
    for keyword, vr in ELEMENTS.items():
        header[keyword] = DataElement(keyword, vr, texts[keyword], validation_mode=IGNORE)
    for element in (patient_reference(header), order_reference(header)):
        assert element is None or (element.keys() & {"identifier", "display"} and not list(blank_parts(element)))
        assert "\ud800" not in str(element)


def blank_parts(value: Any) -> Iterator[Any]:
    """Empty values, and texts with outer blanks, control characters or surrogates, at any depth."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from blank_parts(part)
    elif not value or value != value.strip() or {"Cc", "Cs"} & {unicodedata.category(sign) for sign in value}:
        yield value
