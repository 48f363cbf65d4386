"""The FHIR bundle: valid by others' models and R4's invariants, complete, in seven languages, postable twice."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle, islice, product
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from pneumonia import Predictor
from pneumonia.errors import Busy, FilmError, InternalError, UnreadableImage
from pneumonia.inference.decision import REASONS, Failure, Reason
from pneumonia.languages import LANGUAGES
from pneumonia.messages import message
from pneumonia.reporting.dicom.film_result import FilmResult
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.dicom.source import SourceInstance
from pneumonia.reporting.fhir.bundle import create_bundle, to_json
from tests.support.fhir_rules import resources, violations
from tests.support.film_results import CREATED_AT, film_result
from tests.support.pydicom_files import FOLDERS
from tests.support.source_films import HOSPITAL, hospital_film

Json = dict[str, Any]

FILMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "pneumonia": ({}, {}),
    "normal": ({"label": "Normal"}, {"operating_point": "screening", "prevalence": 0.07}),
    "adult": ({"label": "Pneumonia", "population": "adults"}, {"operating_point": "confirm"}),
    "stated age": ({"PatientAge": None, "PatientBirthDate": None}, {"age": 4.5}),
    "age not covered": ({"PatientAge": "010Y"}, {}),
    "another body part": ({"BodyPartExamined": "HAND"}, {}),
    "inverted": ({"PhotometricInterpretation": "MONOCHROME1"}, {}),
    "no patient": ({"PatientName": None, "PatientID": None, "AccessionNumber": None, "StudyDate": None}, {}),
    "markup in names": ({"PatientName": "<b>&\"'^Jane", "StudyDescription": "<script>alert(1)</script> & x"}, {}),
    "japanese name": (
        {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう"},
        {},
    ),
}


def bundle_of(film: FilmResult) -> Json:
    """The bundle as a receiver reads it."""
    bundle: Json = json.loads(to_json(create_bundle(film)))
    return bundle


def check(bundle: Json) -> None:
    Bundle.model_validate(bundle)
    assert violations(bundle) == []


def observation(bundle: Json, code: str) -> Json:
    """The first observation with a code."""
    return next(item for item in resources(bundle, "Observation") if item["code"]["coding"][0]["code"] == code)


def components(item: Json) -> dict[str, Any]:
    """Code -> value of the components of an observation."""
    pairs = ((part["code"]["coding"][0]["code"], part) for part in item["component"])
    return {code: next(value for name, value in part.items() if name.startswith("value")) for code, part in pairs}


@pytest.mark.parametrize("name", FILMS)
def test_the_bundle_of_a_film_is_valid(predictor: Predictor, name: str) -> None:
    tags, options = FILMS[name]
    check(bundle_of(film_result(predictor, hospital_film(**tags), **options)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_results_and_errors_are_valid_in_every_language(predictor: Predictor, language: str) -> None:
    """Seven languages, with all reasons for Unknown and an error, from one reading."""
    film = film_result(predictor, hospital_film(), options=ResultOptions(language=language, uid_root="1.2.3"))
    assert film.prediction is not None and film.reading is not None
    refused: dict[str, Any] = {
        "label": "Unknown",
        "probability": None,
        "zones": None,
        "population": None,
        "predictive_value": None,
    }
    refused |= dict.fromkeys(("predictive_value", "prevalence", "probability_at_prevalence"))
    results: list[Any] = [film.prediction]
    results += [dataclasses.replace(film.prediction, **refused, reason=Reason(code)) for code in REASONS]
    results += [Failure("Doe^Jane.dcm", UnreadableImage(message("The image is blank <&>.")))]
    for result in results:
        bundle = bundle_of(dataclasses.replace(film, result=result))
        check(bundle)
        assert {item["language"] for item in resources(bundle, "Observation")} == {LANGUAGES[language].tag}


def test_every_figure_is_that_of_the_json(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film(), operating_point="confirm", prevalence=0.2)
    bundle, values = bundle_of(film), film.result.as_dict()
    assert film.model is not None
    point = film.model.operating_points["confirm"]
    answer = observation(bundle, "answer")
    assert answer["valueCodeableConcept"]["coding"][0]["code"] == values["label"] == "Pneumonia"
    probability = observation(bundle, "122157")
    assert probability["valueQuantity"] == {
        "value": values["probabilities"]["Pneumonia"], "unit": "1", "system": "http://unitsofmeasure.org", "code": "1"
    }  # fmt: skip
    ranges = [(part.get("low"), part.get("high")) for part in probability["referenceRange"]]
    limits = [tuple(limit and limit["value"] for limit in part) for part in ranges]
    low, high = pytest.approx(point.low, abs=1e-6), pytest.approx(point.high, abs=1e-6)
    assert limits == [(None, low), (low, high), (high, None)]
    assert components(probability)["122411"]["value"] == pytest.approx(point.threshold, abs=1e-6)
    shifted = observation(bundle, "p_at_prevalence")
    assert shifted["valueQuantity"]["value"] == values["probability_at_prevalence"]
    assert components(shifted)["prevalence"]["value"] == 0.2
    value = observation(bundle, "ppv")
    assert value["valueQuantity"]["value"] == values["predictive_value"]["value"]
    interval, films = components(value)["interval_95"], components(value)["films"]
    assert (interval["low"]["value"], interval["high"]["value"], films["value"]) == tuple(
        values["predictive_value"][key] for key in ("low", "high", "films")
    )


def test_each_zone_has_its_share_its_site_and_its_side(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    zones = [item for item in resources(bundle_of(film), "Observation") if "bodySite" in item]
    heights = {"281392002": "upper", "281393007": "middle", "281394001": "lower"}
    sides = {"24028007": "right", "7771000": "left"}
    shares = {}
    for item in zones:
        side = components(item)["272741003"]["coding"][0]["code"]
        height = item["bodySite"]["coding"][0]["code"]
        shares[f"{sides[side]}_{heights[height]}"] = item["valueQuantity"]["value"]
    assert shares == film.result.as_dict()["zones"]
    assert zones[0]["bodySite"]["text"] == "patient's right, upper zone"


def test_a_contradictory_header_has_no_zone_of_a_side(predictor: Predictor) -> None:
    bundle = bundle_of(film_result(predictor, hospital_film(PatientOrientation=["A", "F"])))
    assert not any("bodySite" in item for item in resources(bundle, "Observation"))
    assert "patient's right," not in json.dumps(bundle)
    (report,) = resources(bundle, "DiagnosticReport")
    assert "left side of the image" in report["text"]["div"]
    assert any("PatientOrientation" in note["text"] for note in observation(bundle, "answer")["note"])


def test_a_film_that_was_not_scored_has_no_probability(predictor: Predictor) -> None:
    bundle = bundle_of(film_result(predictor, hospital_film(BodyPartExamined="HAND")))
    codes = [item["code"]["coding"][0]["code"] for item in resources(bundle, "Observation")]
    assert codes == ["answer", "233604007"]
    presence = observation(bundle, "233604007")
    assert presence["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
    answer = observation(bundle, "answer")
    assert answer["valueCodeableConcept"]["coding"][0]["code"] == "Unknown"
    assert components(answer)["reason"]["coding"][0]["code"] == "not_a_chest_film"
    assert answer["note"][0]["text"].startswith("According to the DICOM header (BodyPartExamined)")


def test_an_error_is_a_cancelled_report_without_a_value(predictor: Predictor) -> None:
    error = UnreadableImage(message("The DICOM file is damaged or truncated before its pixel data."))
    bundle = bundle_of(film_result(predictor, hospital_film(), failure=Failure("film.dcm", error)))
    check(bundle)
    (report,), (answer,) = resources(bundle, "DiagnosticReport"), resources(bundle, "Observation")
    assert (report["status"], answer["status"]) == ("cancelled", "cancelled")
    assert answer["dataAbsentReason"]["coding"][0]["code"] == "error"
    assert components(answer)["error"]["coding"][0]["code"] == "unreadable_image"
    assert str(error) in report["conclusion"] and "No answer" in report["conclusion"]


def test_the_report_is_preliminary_and_states_no_diagnosis(predictor: Predictor) -> None:
    (report,) = resources(bundle_of(film_result(predictor, hospital_film())), "DiagnosticReport")
    assert report["status"] == "preliminary"
    assert "conclusionCode" not in report
    assert report["conclusion"] == "Pneumonia, P(pneumonia) over 99 %. AI result, not for primary diagnosis."
    assert "not a replacement for a radiologist" in report["text"]["div"]


def test_patient_order_and_study_are_found_by_their_identifiers(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film(IssuerOfPatientID="DISTRICT", TimezoneOffsetFromUTC="+0700"))
    bundle = bundle_of(film)
    (report,), (study,) = resources(bundle, "DiagnosticReport"), resources(bundle, "ImagingStudy")
    assert report["subject"]["identifier"]["value"] == "MRN-4711"
    assert report["subject"]["identifier"]["assigner"] == {"display": "DISTRICT"}
    assert report["subject"]["display"] == "Doe, Jane"
    assert report["basedOn"][0]["identifier"]["value"] == HOSPITAL["AccessionNumber"]
    assert study["identifier"][0] == {"system": "urn:dicom:uid", "value": f"urn:oid:{HOSPITAL['StudyInstanceUID']}"}
    assert study["started"] == report["effectiveDateTime"] == "2023-01-05T10:11:12+07:00"
    (series,) = study["series"]
    assert (series["uid"], series["modality"]["code"]) == (HOSPITAL["SeriesInstanceUID"], "DX")
    assert series["instance"][0]["uid"] == HOSPITAL["SOPInstanceUID"]
    assert not resources(bundle, "Patient")


def test_the_algorithm_is_named_with_its_model(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    (device,) = resources(bundle_of(film), "Device")
    versions = {part["type"]["text"]: part["value"] for part in device["version"]}
    model = film.result.as_dict()["model"]
    assert (versions["model revision"], versions["model sha256"]) == (model["revision"], model["sha256"])
    assert "not a medical device" in device["note"][0]["text"]


def test_the_same_result_has_the_same_identifiers_and_another_answer_others(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    later = dataclasses.replace(film, created_at=datetime(2031, 1, 1, tzinfo=UTC))
    other = film_result(predictor, hospital_film(), operating_point="screening")
    first, second, third = (
        [(entry["fullUrl"], entry["request"]["ifNoneExist"]) for entry in bundle_of(result)["entry"]]
        for result in (film, later, other)
    )
    assert first == second
    assert set(first) & set(third) == set(first[-2:])  # the algorithm and the study


def test_the_id_of_an_internal_error_is_not_part_of_the_identifiers(predictor: Predictor) -> None:
    errors = [InternalError("id 1"), InternalError("id 2"), Busy("id 1")]
    films = [film_result(predictor, hospital_film(), failure=Failure("film.dcm", error)) for error in errors]
    urls = [bundle_of(film)["entry"][0]["fullUrl"] for film in films]
    assert urls[0] == urls[1] != urls[2]


def test_no_file_name_is_in_the_bundle(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    named = dataclasses.replace(film, result=dataclasses.replace(film.result, file="SECRET^NAME.dcm"))
    assert "SECRET" not in to_json(create_bundle(named)).decode()


DAMAGES: dict[str, Callable[[Json], Any]] = {
    "obs-6": lambda bundle: resources(bundle, "Observation")[0].pop("valueCodeableConcept"),
    "2.3.0.1": lambda bundle: resources(bundle, "Observation")[0]["device"].update(reference="urn:uuid:0"),
    "2.6.2": lambda bundle: bundle.update(id=""),
    "2.24.0.1": lambda bundle: resources(bundle, "DiagnosticReport")[0].update(issued="2026-11-26"),
    "txt-1": lambda bundle: resources(bundle, "Device")[0]["text"].update(
        div='<div xmlns="http://www.w3.org/1999/xhtml" lang="en"><script/></div>'
    ),
}


@pytest.mark.parametrize("rule", DAMAGES)
def test_the_rules_of_these_tests_detect_a_violation(predictor: Predictor, rule: str) -> None:
    bundle = bundle_of(film_result(predictor, hospital_film()))
    DAMAGES[rule](bundle)
    assert any(f"{rule}: " in problem for problem in violations(bundle))


@pytest.mark.slow
def test_hundreds_of_variants_are_valid(predictor: Predictor) -> None:
    """Every film with every operating point, two prevalences, and four languages each."""
    languages = cycle(LANGUAGES)
    for tags, options in FILMS.values():
        data = hospital_film(**tags)
        for point, prevalence in product(predictor.point_names, (None, 0.001)):
            film = film_result(predictor, data, **{**options, "operating_point": point, "prevalence": prevalence})
            for language in islice(languages, 4):
                check(bundle_of(dataclasses.replace(film, options=ResultOptions(language=language))))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_headers_of_many_writers_are_valid() -> None:
    """The files of pydicom and pydicom-data that are images with identifiers, without reading their pixels."""
    failure, count = Failure("film.dcm", UnreadableImage("The file is damaged.")), 0
    for path in (path for folder in FOLDERS.values() for path in sorted(folder.rglob("*")) if path.is_file()):
        data = path.read_bytes()
        try:
            source = SourceInstance.from_bytes(data)
        except FilmError:
            continue
        film = FilmResult(source, data, None, failure, None, ResultOptions(language="zh"), CREATED_AT)
        assert violations(bundle_of(film)) == [], path.name
        count += 1
    assert count > 150
