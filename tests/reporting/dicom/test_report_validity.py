"""The structured report is valid for dciodvfy, and dsrdump shows what a radiologist has to know."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import Comprehensive3DSRStorage

from pneumonia import Predictor
from pneumonia.errors import Busy, FilmError, InternalError, UnreadableImage
from pneumonia.inference.decision import REASONS, Failure, Reason
from pneumonia.languages import LANGUAGES
from pneumonia.messages import message
from pneumonia.reporting.dicom.film_result import FilmResult
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.dicom.structured_report import create_structured_report
from tests.support.dicom_programs import iod_errors, run_program
from tests.support.film_results import encode, film_result
from tests.support.source_films import hospital_film

ROOT = "1.2.826.0.1.3680043.10.999"
HOSPITAL = ResultOptions(uid_root=ROOT, language="fr", institution_name="Hôpital général", station_name="AI-1")
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "pneumonia": ({}, {}),
    "normal": ({"label": "Normal"}, {"prevalence": 0.01}),
    "adult": ({"population": "adults"}, {"options": HOSPITAL}),
    "refused": ({"BodyPartExamined": "HAND"}, {"options": ResultOptions(language="zh")}),
    "error": ({}, {"failure": Failure(None, UnreadableImage("The DICOM file is damaged."))}),
    "internal error": ({}, {"failure": Failure(None, InternalError("Internal error; id 1."))}),
    "nobody": (
        {"PatientName": None, "PatientID": None, "PatientBirthDate": None, "StudyDate": None, "StudyID": ""},
        {},
    ),
    "japanese": (
        {
            "SpecificCharacterSet": ["", "ISO 2022 IR 87"],
            "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
            "StudyDescription": "胸部",
        },
        {},
    ),
    "cyrillic": ({"SpecificCharacterSet": "ISO_IR 144", "PatientName": "Люкceмбypг"}, {}),
    "malformed": (
        {
            "PatientSex": "Female",
            "StudyDate": "20231399",
            "StudyTime": "9:5",
            "PatientAge": "3Y",
            "PatientName": "Doe^Jane^A^B^C^D\\Roe",
            "StudyDescription": "long " * 40,
            "PatientOrientation": "L",
        },
        {},
    ),
    "3D": ({}, {"options": ResultOptions(sr_class="comprehensive_3d")}),
    "secondary capture": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "Modality": "OT"}, {}),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_dciodvfy_finds_no_error(predictor: Predictor, tmp_path: Path, name: str) -> None:
    tags, options = VARIANTS[name]
    path = tmp_path / "report.dcm"
    path.write_bytes(encode(create_structured_report(film_result(predictor, hospital_film(**tags), **options))))
    assert iod_errors(path) == []


@pytest.mark.slow
def test_every_reason_error_and_language_is_valid(predictor: Predictor, tmp_path: Path) -> None:
    scored, refused = (film_result(predictor, hospital_film(BodyPartExamined=part)) for part in ("CHEST", "HAND"))
    results: list[FilmResult] = [scored]
    for code in REASONS:
        film = scored if code == "inconclusive" else refused
        assert film.prediction is not None
        answer = dataclasses.replace(film.prediction, label="Unknown", reason=Reason(code, message("Advice.")))
        results.append(dataclasses.replace(film, result=answer))
    errors = [error("Text.") for error in (*FilmError.__subclasses__(), Busy, InternalError)]
    results += [dataclasses.replace(refused, reading=None, model=None, result=Failure(None, e)) for e in errors]
    path = tmp_path / "report.dcm"
    for number, film in enumerate(results):
        for language in list(LANGUAGES) if number == 0 else [list(LANGUAGES)[number % len(LANGUAGES)]]:
            options = dataclasses.replace(HOSPITAL, language=language)
            path.write_bytes(encode(create_structured_report(dataclasses.replace(film, options=options))))
            assert iod_errors(path) == [], (film.result, language)


def test_dsrdump_shows_patient_answer_and_notice(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "report.dcm"
    path.write_bytes(encode(create_structured_report(film_result(predictor, hospital_film()))))
    text = run_program("dsrdump", "--print-long-values", "--print-all-codes", path).stdout
    assert "CONTINUOUS" not in text
    for expected in (
        "Comprehensive SR Document",
        "Doe^Jane (F, 2020-02-29, #MRN-4711)",
        "Verification Flag   : UNVERIFIED",
        'Observer Type")=(121007,DCM,"Device")',
        '(233604007,SCT,"Pneumonia")=(52101004,SCT,"Present")',
        '(111001,DCM,"Algorithm Name")="Chest-film assistant"',
        'Pixel Data Rows")="448" ',
        "POLYLINE",
        "not a replacement for a radiologist",
        "It can be wrong",
    ):
        assert expected in text


def test_a_3d_report_has_the_same_content(predictor: Predictor, tmp_path: Path) -> None:
    film, texts = film_result(predictor, hospital_film()), []
    for options in (ResultOptions(), ResultOptions(sr_class="comprehensive_3d")):
        path = tmp_path / "report.dcm"
        report = create_structured_report(dataclasses.replace(film, options=options))
        path.write_bytes(encode(report))
        text = run_program("dsrdump", "--print-long-values", "--print-all-codes", path).stdout
        texts.append([line for line in text.splitlines() if "Tracking Unique Identifier" not in line])
    assert report.SOPClassUID == report.file_meta.MediaStorageSOPClassUID == Comprehensive3DSRStorage
    assert texts[0][0] == "Comprehensive SR Document" and texts[1][0] == "Comprehensive 3D SR Document"
    assert texts[0][1:] == texts[1][1:]


def test_no_library_quotes_the_patient(
    predictor: Predictor, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    """Names that break the rules of the standard are those that libraries quote in warnings."""
    caplog.set_level("DEBUG")
    tags: dict[str, Any] = {
        "PatientName": "Secretname",
        "PatientID": "SECRET" * 12,
        "ReferringPhysicianName": "Secretdoctor",
    }
    create_structured_report(film_result(predictor, hospital_film(**tags)))
    messages = [record.getMessage() for record in caplog.records] + [str(warning.message) for warning in recwarn]
    assert [text for text in messages if "secret" in text.lower()] == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tid1500reader") is None, reason="needs tid1500reader: pip install dcmqi (140 MB)")
def test_dcmqi_reads_answer_and_zone(predictor: Predictor, tmp_path: Path) -> None:
    """dcmqi of the Quantitative Image Informatics for Cancer Research project reads reports of template 1500."""
    report, output = tmp_path / "report.dcm", tmp_path / "report.json"
    film = film_result(predictor, hospital_film())
    report.write_bytes(encode(create_structured_report(film)))
    command = ["tid1500reader", "--inputDICOM", str(report), "--outputMetadata", str(output)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    answer, zone, *_ = json.loads(output.read_text(encoding="utf-8"))["Measurements"]
    numbers = {item["quantity"]["CodeMeaning"]: item["value"] for item in answer["measurementItems"]}
    assert float(numbers["Probability"]) == film.result.as_dict()["probabilities"]["Pneumonia"]
    codes = {
        item["conceptCode"]["CodeMeaning"]: item["conceptValue"]["CodeMeaning"]
        for item in answer["qualitativeEvaluations"]
        if isinstance(item["conceptValue"], dict)
    }
    assert codes["Pneumonia"] == "Present" and codes["Summary of Analyses"] == "Succeeded"
    assert zone["FindingSite"]["CodeMeaning"].endswith("zone of lung")
    assert zone["measurementAlgorithmIdentification"]["AlgorithmName"] == "Chest-film assistant"
