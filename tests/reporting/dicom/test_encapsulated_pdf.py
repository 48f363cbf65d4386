"""The encapsulated PDF: its document, its references and its attributes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pypdf import PdfReader

from pneumonia import Predictor
from pneumonia.errors import UnreadableImage
from pneumonia.inference.decision import Failure
from pneumonia.reporting.dicom.encapsulated_pdf import create_encapsulated_pdf
from pneumonia.reporting.dicom.options import ResultOptions
from tests.support.dicom_files import CHILD
from tests.support.dicom_programs import iod_errors, run_program
from tests.support.film_results import encode, film_result
from tests.support.source_films import HOSPITAL, hospital_film

FAILURE = Failure("DOE^JANE.dcm", UnreadableImage("The DICOM image is damaged."))


def document_of(predictor: Predictor, data: bytes, **options: Any) -> Dataset:
    return dcmread(io.BytesIO(encode(create_encapsulated_pdf(film_result(predictor, data, **options)))))


def text_of(document: Dataset) -> str:
    page = document.EncapsulatedDocument[: document.EncapsulatedDocumentLength]
    assert page.startswith(b"%PDF-") and page.rstrip().endswith(b"%%EOF")
    return " ".join(PdfReader(io.BytesIO(page)).pages[0].extract_text().split())


def test_the_page_is_the_report(predictor: Predictor) -> None:
    text = text_of(document_of(predictor, hospital_film()))
    for expected in ("AI result, not for primary diagnosis", "Pneumonia P(pneumonia) over 99 %", "2026-11-26 14:05"):
        assert expected in text
    assert not any(value in text for value in CHILD.values())


def test_the_attributes_are_those_of_the_study(predictor: Predictor) -> None:
    document = document_of(predictor, hospital_film())
    assert document.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert document.DocumentTitle == "Chest-film report"
    assert (document.Modality, document.VerificationFlag) == ("DOC", "UNVERIFIED")
    assert document.StudyInstanceUID == HOSPITAL["StudyInstanceUID"]
    assert (document.PatientName, document.PatientID) == (CHILD["PatientName"], CHILD["PatientID"])
    (source,) = document.SourceInstanceSequence
    assert source.ReferencedSOPInstanceUID == HOSPITAL["SOPInstanceUID"]


def test_an_error_has_a_page_that_says_so(predictor: Predictor) -> None:
    text = text_of(document_of(predictor, hospital_film(), failure=FAILURE))
    assert "No answer The DICOM image is damaged. (unreadable_image)" in text
    assert "DOE" not in text and "not a replacement for a radiologist" in text


def test_a_refused_film_has_a_page(predictor: Predictor) -> None:
    assert "Reason for Unknown" in text_of(document_of(predictor, hospital_film(ViewPosition="LL")))


def test_the_page_is_in_the_language_of_the_options(predictor: Predictor) -> None:
    document = document_of(predictor, hospital_film(), options=ResultOptions(language="es"))
    assert "Neumonía" in text_of(document)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"failure": FAILURE, "options": ResultOptions(language="vi")}])
def test_dicom3tools_finds_no_error_and_dcmtk_extracts_the_page(
    predictor: Predictor, tmp_path: Path, options: dict[str, Any]
) -> None:
    path = tmp_path / "pdf.dcm"
    document = create_encapsulated_pdf(film_result(predictor, hospital_film(AcquisitionDate="20230105"), **options))
    path.write_bytes(encode(document))
    assert iod_errors(path) == []
    process = run_program("dcm2pdf", path, tmp_path / "page.pdf")
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "page.pdf").read_bytes() == document.EncapsulatedDocument[: document.EncapsulatedDocumentLength]
