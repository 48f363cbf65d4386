"""All result files of a film from one call: kinds, order, names, errors, films that belong to no study."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import dcmread

from pneumonia import Predictor
from pneumonia.errors import UnreadableImage, UnsupportedDicom, UsageError
from pneumonia.inference.decision import Failure
from pneumonia.reporting import result_files
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.result_files import KINDS, SUFFIXES, ResultFile, check_kinds, create_result_files
from tests.support.film_results import CREATED_AT
from tests.support.source_films import HOSPITAL, hospital_film

Grey = npt.NDArray[np.uint8]
CLASSES = {
    "dicom-sr": "1.2.840.10008.5.1.4.1.1.88.33",
    "secondary-capture": "1.2.840.10008.5.1.4.1.1.7",
    "presentation-state": "1.2.840.10008.5.1.4.1.1.11.1",
    "encapsulated-pdf": "1.2.840.10008.5.1.4.1.1.104.1",
}


def create(predictor: Predictor, data: bytes, *kinds: str, **options: Any) -> list[ResultFile]:
    reading = predictor.read(data)
    result = predictor.decide(reading, file="film.dcm")
    settings = ResultOptions(**options)
    return create_result_files(predictor, data, result, reading, kinds, settings, created_at=CREATED_AT)


def test_each_kind_is_a_file_of_its_own(predictor: Predictor) -> None:
    files = create(predictor, hospital_film(), *reversed(KINDS))
    assert [file.kind for file in files] == list(KINDS)
    assert [file.name_suffix for file in files] == [SUFFIXES[kind] for kind in KINDS]
    for file in files[:-1]:
        dataset = dcmread(io.BytesIO(file.data))
        assert (file.media_type, file.sop_class_uid) == ("application/dicom", CLASSES[file.kind])
        assert dataset.StudyInstanceUID == HOSPITAL["StudyInstanceUID"]
        assert dataset.SOPInstanceUID == file.sop_instance_uid == dataset.file_meta.MediaStorageSOPInstanceUID
    assert (files[-1].media_type, files[-1].sop_class_uid) == ("application/fhir+json", None)
    assert len({file.sop_instance_uid for file in files}) == len(KINDS)


def test_the_fhir_report_refers_to_the_other_files(predictor: Predictor) -> None:
    report_file, _, fhir = create(predictor, hospital_film(), "dicom-sr", "encapsulated-pdf", "fhir")
    report = json.loads(fhir.data)["entry"][0]["resource"]
    assert report["identifier"][1]["value"] == f"urn:oid:{report_file.sop_instance_uid}"
    (form,) = report["presentedForm"]
    assert form["contentType"] == "application/pdf" and form["data"].startswith("JVBERi0")
    (alone,) = create(predictor, hospital_film(), "fhir")
    report = json.loads(alone.data)["entry"][0]["resource"]
    assert len(report["identifier"]) == 1 and "presentedForm" not in report


def test_the_same_call_gives_the_same_files(predictor: Predictor) -> None:
    first, second = (create(predictor, hospital_film(), "dicom-sr", "fhir", language="vi") for _ in range(2))
    assert first == second


def test_a_film_that_could_not_be_read_has_files_that_say_so(predictor: Predictor) -> None:
    data = hospital_film()[:900]
    failure = Failure("film.dcm", UnreadableImage("The DICOM file is damaged or truncated before its pixel data."))
    files = create_result_files(predictor, data, failure, None, KINDS, ResultOptions())
    report = json.loads(files[-1].data)["entry"][0]["resource"]
    assert report["status"] == "cancelled" and files[0].kind == "dicom-sr"


def test_a_picture_has_a_bundle_without_study_and_patient(
    predictor: Predictor, normal_film: Grey, encode: Callable[..., bytes]
) -> None:
    (file,) = create(predictor, encode(normal_film, "PNG"), "fhir")
    bundle = json.loads(file.data)
    assert {entry["resource"]["resourceType"] for entry in bundle["entry"]} == {
        "DiagnosticReport", "Observation", "Device"
    }  # fmt: skip
    assert "subject" not in bundle["entry"][0]["resource"]
    (again,) = create(predictor, encode(normal_film, "PNG"), "fhir")
    (other,) = create(predictor, encode(normal_film[1:], "PNG"), "fhir")
    assert file.data == again.data != other.data


def test_a_picture_cannot_have_dicom_objects(
    predictor: Predictor, normal_film: Grey, encode: Callable[..., bytes]
) -> None:
    for kinds in (["dicom-sr"], ["fhir", "secondary-capture"]):
        with pytest.raises(UnsupportedDicom, match="not a DICOM file"):
            create(predictor, encode(normal_film, "PNG"), *kinds)


def test_a_prediction_without_its_reading_has_the_limits_of_its_model(predictor: Predictor) -> None:
    data = hospital_film(population="adults")
    prediction = predictor.predict(data)
    (file,) = create_result_files(predictor, data, prediction, None, ["fhir"], ResultOptions())
    observations = [entry["resource"] for entry in json.loads(file.data)["entry"]]
    assert any("referenceRange" in item for item in observations)


def test_a_prediction_without_its_reading_has_all_files(predictor: Predictor) -> None:
    data = hospital_film()
    prediction = predictor.predict(data)
    files = create_result_files(predictor, data, prediction, None, KINDS, ResultOptions())
    assert [file.kind for file in files] == list(KINDS)


def test_a_film_without_its_size_has_no_presentation_state_but_the_other_files(predictor: Predictor) -> None:
    failure = Failure("film.dcm", UnreadableImage("The DICOM image is damaged."))
    files = create_result_files(predictor, hospital_film(Rows=None), failure, None, KINDS, ResultOptions())
    assert [file.kind for file in files] == [kind for kind in KINDS if kind != "presentation-state"]


def test_an_unknown_kind_is_named_with_those_that_are_allowed() -> None:
    with pytest.raises(UsageError, match="Allowed: dicom-sr, .*fhir. Received: 'hl7v2'"):
        check_kinds(["fhir", "hl7v2"])


def test_without_the_extra_only_fhir_is_made(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_files, "find_spec", lambda name: None)
    assert not result_files.is_available()
    assert create(predictor, hospital_film(), "fhir")
    for kind in CLASSES:
        with pytest.raises(UsageError, match=r"pip install -r requirements-hospital\.txt"):
            create(predictor, hospital_film(), kind)


FHIR_ALONE = """
import sys
from pneumonia import load_predictor
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.result_files import create_result_files
data = sys.stdin.buffer.read()
predictor = load_predictor("", threads=1)
before = set(sys.modules)
reading = predictor.read(data)
create_result_files(predictor, data, predictor.decide(reading), reading, ["fhir"], ResultOptions())
print(sorted({name.split(".")[0] for name in sys.modules} & {"highdicom", "pynetdicom", "fhir", "reportlab"}))
"""


def test_fhir_needs_none_of_the_packages_of_the_extra(predictor: Predictor) -> None:
    process = subprocess.run(
        [sys.executable, "-c", FHIR_ALONE], input=hospital_film(), capture_output=True, timeout=120
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip() == b"[]"
