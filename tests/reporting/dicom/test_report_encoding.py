"""A report is encoded to the bytes that pydicom writes."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO

from pneumonia import Predictor
from pneumonia.errors import UnreadableImage
from pneumonia.inference.decision import Failure
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.dicom.report_encoding import encode_report
from pneumonia.reporting.dicom.structured_report import create_structured_report
from tests.support.film_results import encode, film_result
from tests.support.source_films import hospital_film


@pytest.mark.parametrize("language", ["en", "vi", "zh"])
@pytest.mark.parametrize("label", ["Pneumonia", "Normal"])
def test_reports_have_the_bytes_of_pydicom(label: str, language: str, predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film(label=label), options=ResultOptions(language=language))
    report = create_structured_report(film)
    assert encode_report(report) == encode(report)


def test_the_report_of_an_error_has_the_bytes_of_pydicom(predictor: Predictor) -> None:
    failure = Failure("film.dcm", UnreadableImage("The film is damaged."))
    report = create_structured_report(film_result(predictor, hospital_film(), failure=failure))
    assert encode_report(report) == encode(report)


def test_a_report_can_be_encoded_again(predictor: Predictor) -> None:
    report = create_structured_report(film_result(predictor, hospital_film()))
    items = len(report.ContentSequence)
    assert encode_report(report) == encode_report(report)
    assert len(report.ContentSequence) == items


VALUES: dict[str, list[tuple[str, str, Any]]] = {
    "odd and even lengths": [("CodeMeaning", "LO", "odd"), ("UID", "UI", "1.2.3"), ("TextValue", "UT", "even")],
    "other alphabets": [("TextValue", "UT", "Röntgen 胸部 صدر"), ("CodeMeaning", "LO", "肺炎")],
    "a person": [("PersonName", "PN", "Müller^Änne=山田^太郎")],
    "several values": [("PixelSpacing", "DS", [0.15, 0.15]), ("ImageType", "CS", ["DERIVED", "SECONDARY"])],
    "binary values": [("GraphicData", "FL", [1.5, 2.5]), ("Rows", "US", 7), ("RationalNumeratorValue", "SL", -3)],
    "empty values": [("TextValue", "UT", ""), ("CodeMeaning", "LO", None), ("ContentSequence", "SQ", [])],
    "a text of 70,000 letters": [("TextValue", "UT", "a" * 70_000)],
    "a letter that no encoding has": [("TextValue", "UT", "a\ud800b")],
    "dates and times": [("Date", "DA", "20260102"), ("Time", "TM", "101500"), ("DateTime", "DT", "20260102101500")],
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.filterwarnings("ignore")
def test_items_have_the_bytes_of_pydicom(name: str, predictor: Predictor) -> None:
    report = create_structured_report(film_result(predictor, hospital_film()))
    item = Dataset()
    for keyword, representation, value in VALUES[name]:
        item.add_new(keyword, representation, value)
    outer = Dataset()
    outer.ContentSequence, outer.ValueType = [item, Dataset()], "CONTAINER"
    report.ContentSequence = [outer, item]
    assert encode_report(report) == encode(report)


def test_raw_elements_and_items_without_a_length(predictor: Predictor) -> None:
    """Elements as they are after a file was read, and a sequence whose end is marked by a delimiter."""
    report = create_structured_report(film_result(predictor, hospital_film()))
    read = dcmread(DicomBytesIO(encode(report)))
    report.ContentSequence = list(read.ContentSequence)
    element = DataElement("ContentSequence", "SQ", [Dataset()])
    element.is_undefined_length = True
    report.ContentSequence[0]["ContentSequence"] = element
    assert encode_report(report) == encode(report)
