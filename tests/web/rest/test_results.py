"""`POST /api/v1/results`: the result objects of a film as files."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from pneumonia.reporting import result_files
from pneumonia.web.rest import result_kinds

PATH = "/api/v1/results"
needs_highdicom = pytest.mark.skipif(not result_files.is_available(), reason="needs requirements-hospital.txt")


@pytest.fixture(scope="module")
def study_film(large_film: Any) -> bytes:
    """A film that belongs to a study, with a patient's name."""
    import pydicom
    from pydicom.uid import generate_uid

    from ...support.dicom_files import dicom

    dataset = pydicom.dcmread(io.BytesIO(dicom(large_film)), force=True)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "MRN-4711"
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def post(rest: httpx.Client, content: bytes, **parameters: str) -> httpx.Response:
    return rest.post(PATH, content=content, params=parameters)


def test_the_kinds_are_those_of_result_files_and_the_report() -> None:
    assert (*result_files.KINDS, "pdf") == result_kinds.KINDS
    for kind in result_files.KINDS:
        is_fhir = kind == result_files.FHIR
        expected = result_files.FHIR_MEDIA_TYPE if is_fhir else result_files.DICOM_MEDIA_TYPE
        assert result_kinds.MEDIA_TYPES[kind] == expected


@needs_highdicom
def test_a_structured_report_is_in_the_study_of_the_film(rest: httpx.Client, study_film: bytes) -> None:
    import pydicom

    reply = post(rest, study_film, kind="dicom-sr")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/dicom"), reply.text
    assert reply.headers["content-disposition"] == 'attachment; filename="result.sr.dcm"'
    source, report = (pydicom.dcmread(io.BytesIO(data)) for data in (study_film, reply.content))
    assert report.StudyInstanceUID == source.StudyInstanceUID and report.PatientName == "Doe^Jane"
    again = pydicom.dcmread(io.BytesIO(post(rest, study_film, kind="dicom-sr").content))
    assert again.SOPInstanceUID == report.SOPInstanceUID


@needs_highdicom
@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, "ComprehensiveSRStorage"),
        ({"sr_class": "comprehensive"}, "ComprehensiveSRStorage"),
        ({"sr_class": "comprehensive_3d"}, "Comprehensive3DSRStorage"),
    ],
    ids=["default", "comprehensive", "3d"],
)
def test_the_class_of_the_report_is_the_requested_one(
    rest: httpx.Client, study_film: bytes, parameters: dict[str, str], name: str
) -> None:
    import pydicom
    from pydicom import uid

    reply = post(rest, study_film, kind="dicom-sr", **parameters)
    assert reply.status_code == 200, reply.text
    assert pydicom.dcmread(io.BytesIO(reply.content)).SOPClassUID == getattr(uid, name)


def test_a_wrong_class_of_the_report_is_refused_with_those_that_exist(rest: httpx.Client, study_film: bytes) -> None:
    for form in ({"params": {"kind": "fhir", "sr_class": "3d"}, "content": study_film},
                 {"data": {"kind": "fhir", "sr_class": "3d"}, "files": {"file": study_film}}):  # fmt: skip
        reply = rest.post(PATH, **form)
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "usage")
        assert "sr_class. Allowed: comprehensive, comprehensive_3d. Received: '3d'" in reply.json()["error"]["message"]


@pytest.mark.slow
@needs_highdicom
def test_several_kinds_are_a_zip(rest: httpx.Client, study_film: bytes) -> None:
    reply = rest.post(PATH, files={"file": ("ward 3.dcm", study_film)}, data={"kind": "fhir,dicom-sr,pdf"})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/zip"), reply.text
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.namelist() == ["ward 3.sr.dcm", "ward 3.fhir.json", "ward 3.pdf"]
        assert json.loads(archive.read("ward 3.fhir.json"))["resourceType"] == "Bundle"


def test_the_report_is_in_the_requested_language_or_refused(rest: httpx.Client, files: dict[str, Path]) -> None:
    from pypdf import PdfReader

    film = files["film.png"].read_bytes()
    texts = []
    for language in ("en", "de", "fr"):
        reply = post(rest, film, kind="pdf", language=language)
        if language == "de":
            assert reply.status_code == 400 and "fr" in reply.json()["error"]["message"]
        else:
            assert (reply.status_code, reply.headers["content-type"]) == (200, "application/pdf")
            texts.append(PdfReader(io.BytesIO(reply.content)).pages[0].extract_text())
    assert texts[0] != texts[1]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "usage"),
        ("kind=", 400, "usage"),
        ("kind=dicom", 400, "usage"),
        ("kind=pdf,sr", 400, "usage"),
        ("kind=pdf&age=x", 400, "usage"),
        ("kind=pdf&sr_class=3d", 400, "usage"),
        ("kind=pdf&note=x", 400, "usage"),
        ("kind=pdf", 415, "unsupported_format"),
        ("kind=fhir,pdf", 415, "unsupported_format"),
    ],
)
def test_wrong_calls(rest: httpx.Client, query: str, status: int, code: str) -> None:
    reply = rest.post(f"{PATH}?{query}", content=b"no film")
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


@needs_highdicom
def test_a_picture_has_no_study(rest: httpx.Client, files: dict[str, Path]) -> None:
    reply = post(rest, files["film.png"].read_bytes(), kind="dicom-sr")
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "unsupported_dicom")


@pytest.mark.slow
@needs_highdicom
def test_a_film_that_cannot_be_read_has_objects_that_say_so(rest: httpx.Client, study_film: bytes) -> None:
    damaged = study_film[: len(study_film) - 5_000]
    reply = post(rest, damaged, kind="dicom-sr")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/dicom"), reply.text
    assert post(rest, damaged, kind="pdf").status_code == 422


def test_without_the_extra_the_error_names_the_command(
    rest: httpx.Client, study_film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_files, "is_available", lambda: False)
    reply = post(rest, study_film, kind="dicom-sr")
    assert (reply.status_code, reply.json()["error"]["code"]) == (501, "usage")
    assert "pip install -r requirements-hospital.txt" in reply.json()["error"]["message"]
    assert post(rest, study_film, kind="pdf").status_code == 200
