"""The structured report: each value of the prediction, the source, the regions, and what it says without an answer."""

from __future__ import annotations

import dataclasses
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from pydicom import DataElement, Dataset, dcmread
from pydicom.config import IGNORE
from pydicom.tag import Tag

from pneumonia import Predictor
from pneumonia.errors import UnreadableImage
from pneumonia.inference import explain
from pneumonia.inference.decision import Failure, Prediction
from pneumonia.messages import message
from pneumonia.reporting.dicom.codes import _file
from pneumonia.reporting.dicom.concepts import concept
from pneumonia.reporting.dicom.film_result import FilmResult
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.dicom.structured_report import create_structured_report
from tests.support.dicom_programs import iod_errors
from tests.support.film_results import encode, film_result
from tests.support.source_films import HOSPITAL, average, hospital_film
from tests.support.sr_items import groups, items, value, values, zone_of

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "pneumonia": ({}, {}),
    "normal": ({"label": "Normal"}, {"operating_point": "screening", "prevalence": 0.07}),
    "adult": ({"label": "Normal", "population": "adults"}, {"operating_point": "confirm"}),
    "stated age": ({"PatientAge": None, "PatientBirthDate": None}, {"age": 4.5}),
    "age not covered": ({"PatientAge": "010Y"}, {}),
    "a lateral view": ({"ViewPosition": "LL"}, {}),
    "another body part": ({"BodyPartExamined": "HAND"}, {}),
    "inverted": ({"PhotometricInterpretation": "MONOCHROME1"}, {}),
}


def report_of(film: FilmResult) -> Dataset:
    """The report as a receiver reads it."""
    return dcmread(io.BytesIO(encode(create_structured_report(film))))


@pytest.mark.parametrize("name", CASES)
def test_every_value_of_the_prediction_is_in_the_report(predictor: Predictor, name: str) -> None:
    tags, options = CASES[name]
    film = film_result(predictor, hospital_film(**tags), **options)
    prediction = film.result.as_dict()
    answer = groups(report_of(film))[0]
    probabilities, reason = prediction["probabilities"], prediction["reason"]
    is_scored = probabilities is not None
    assert values(answer, "answer") == [prediction["label"]]
    assert values(answer, "probability") == ([probabilities["Pneumonia"]] if is_scored else [])
    assert values(answer, "prevalence") == ([prediction["prevalence"]] if is_scored else [])
    assert values(answer, "probability_at_prevalence") == (
        [prediction["probability_at_prevalence"]] if is_scored else []
    )
    assert values(answer, "operating_point") == [prediction["operating_point"]]
    assert values(answer, "subject_age") == ([] if prediction["age"] is None else [prediction["age"]])
    assert values(answer, "age_source") == ([] if prediction["age_source"] is None else [prediction["age_source"]])
    assert values(answer, "reason") == ([] if reason is None else [reason["code"], reason["message"]])
    assert values(answer, "warning") == prediction["warnings"]
    shares = {zone_of(item): value(item) for item in items(answer, "zone_share")}
    assert shares == (prediction["zones"] or {})
    parameters = [item.TextValue for item in answer.ContentSequence if item.get("TextValue", "").count("=") == 1]
    identity = {key: text for key, text in prediction["model"].items() if key != "name" and text is not None}
    assert set(parameters) >= {f"model={prediction['model']['name']}", *(f"{k}={v}" for k, v in identity.items())}


def test_the_limits_are_those_of_the_operating_point(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film(), operating_point="confirm")
    assert film.model is not None
    point, answer = film.model.operating_points["confirm"], groups(report_of(film))[0]
    for key, limit in (("lower_limit", point.low), ("threshold", point.threshold), ("upper_limit", point.high)):
        assert values(answer, key) == [pytest.approx(limit, abs=1e-6)]


@pytest.mark.parametrize(("label", "key"), [("Normal", "negative"), ("Pneumonia", "positive")])
def test_the_predictive_value_has_its_interval_and_its_number_of_films(
    predictor: Predictor, label: str, key: str
) -> None:
    film = film_result(predictor, hospital_film(label), prevalence=0.2)
    answer, expected = groups(report_of(film))[0], film.result.as_dict()["predictive_value"]
    (item,) = items(answer, f"{key}_predictive_value")
    upper, lower = (value(child) for child in item.ContentSequence)
    assert value(item) == expected["value"]
    assert value(item) + upper == pytest.approx(expected["high"]) and value(item) - lower == pytest.approx(
        expected["low"]
    )
    assert values(answer, "test_films") == [expected["films"]]


PRESENCE = {"Pneumonia": "52101004", "Normal": "272519000"}


@pytest.mark.parametrize("label", PRESENCE)
def test_pneumonia_is_present_or_absent_according_to_the_answer(predictor: Predictor, label: str) -> None:
    report = report_of(film_result(predictor, hospital_film(label)))
    assert values(groups(report)[0], "pneumonia") == [PRESENCE[label]]
    assert values(report, "summary_of_analyses") == ["111222"]


def test_a_film_that_was_not_scored_is_not_evaluated(predictor: Predictor) -> None:
    report = report_of(film_result(predictor, hospital_film(BodyPartExamined="HAND")))
    assert values(report, "pneumonia") == ["373121007"]
    assert values(report, "summary_of_analyses") == ["111225"]
    assert len(groups(report)) == 1


def test_an_inconclusive_film_is_undetermined(predictor: Predictor) -> None:
    mixed = (average("Pneumonia").astype(float) + average("Normal")) / 2
    shares = np.linspace(0, 1, 41)
    for share in shares:
        mixed = (1 - share) * average("Normal").astype(float) + share * average("Pneumonia")
        pixels = np.rint(mixed).astype(np.uint8)
        film = film_result(predictor, hospital_film(PixelData=pixels.tobytes()), operating_point="confirm")
        if film.result.as_dict()["label"] == "Unknown":
            break
    report = report_of(film)
    assert values(groups(report)[0], "pneumonia") == ["373068000"]
    assert values(report, "reason")[0] == "inconclusive"


def test_an_error_has_a_report_that_says_so(predictor: Predictor) -> None:
    error = UnreadableImage(message("The DICOM file is damaged or truncated before its pixel data."))
    report = report_of(film_result(predictor, hospital_film(), failure=Failure("film.dcm", error)))
    assert values(report, "error") == ["unreadable_image", error.message]
    assert values(report, "summary_of_analyses") == ["111224"]
    assert values(report, "pneumonia") == ["373121007"]
    assert not items(report, "answer") and not items(report, "probability")


def test_the_report_never_states_a_finding(predictor: Predictor) -> None:
    """The only item "Finding" is the modifier that says of what the probability is."""
    report = report_of(film_result(predictor, hospital_film()))
    assert [item.RelationshipType for item in items(report, "finding")] == ["HAS CONCEPT MOD"]
    assert items(items(report, "probability")[0], "finding") == items(report, "finding")


def test_the_report_belongs_to_the_study_and_refers_to_the_film(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    report = report_of(film)
    assert report.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.33"
    assert (report.StudyInstanceUID, report.Modality) == (HOSPITAL["StudyInstanceUID"], "SR")
    assert report.SOPInstanceUID == film.sop_instance_uid("dicom-sr") == report.file_meta.MediaStorageSOPInstanceUID
    assert report.SeriesInstanceUID == film.series_instance_uid("dicom-sr")
    assert (report.CompletionFlag, report.VerificationFlag) == ("COMPLETE", "UNVERIFIED")
    study = report.CurrentRequestedProcedureEvidenceSequence[0]
    series = study.ReferencedSeriesSequence[0]
    assert study.StudyInstanceUID == HOSPITAL["StudyInstanceUID"]
    assert series.SeriesInstanceUID == HOSPITAL["SeriesInstanceUID"]
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == HOSPITAL["SOPInstanceUID"]
    references = [item for item in report.iterall() if item.keyword == "ReferencedSOPClassUID"]
    assert len(references) == 3 + len(groups(report)[1:])
    assert {reference.value for reference in references} == {HOSPITAL["SOPClassUID"]}


def test_the_patient_and_the_study_are_copied(predictor: Predictor) -> None:
    report = report_of(film_result(predictor, hospital_film()))
    keywords = ("PatientSex", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber")
    assert {keyword: report[keyword].value for keyword in keywords} == {key: HOSPITAL[key] for key in keywords}
    assert (report.PatientName, report.PatientID, report.PatientBirthDate) == ("Doe^Jane", "MRN-4711", "20200229")
    assert report.ReferringPhysicianName == HOSPITAL["ReferringPhysicianName"]
    assert report.Manufacturer == ResultOptions().manufacturer


def test_missing_attributes_of_type_2_are_empty(predictor: Predictor) -> None:
    names = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"]
    names += ["AccessionNumber", "ReferringPhysicianName"]
    absent: dict[str, Any] = dict.fromkeys([*names, "PatientAge", "StudyDescription"])
    data = hospital_film(**absent)
    report = report_of(film_result(predictor, data, age=3.0))
    assert [name for name in names if name not in report or report[name].value] == []
    assert "StudyDescription" not in report


def test_the_order_of_the_film_is_referenced(predictor: Predictor) -> None:
    order = Dataset()
    order.RequestedProcedureID, order.RequestedProcedureDescription = "RP-9", "Chest X-ray"
    report = report_of(film_result(predictor, hospital_film(RequestAttributesSequence=[order])))
    (request,) = report.ReferencedRequestSequence
    assert (request.RequestedProcedureID, request.AccessionNumber) == ("RP-9", HOSPITAL["AccessionNumber"])
    assert request.StudyInstanceUID == HOSPITAL["StudyInstanceUID"]
    assert request.FillerOrderNumberImagingServiceRequest == ""


def test_an_order_with_an_invalid_study_is_referenced_in_the_study_of_the_film(predictor: Predictor) -> None:
    order = Dataset()
    order["StudyInstanceUID"] = DataElement("StudyInstanceUID", "UI", "1.2.03", validation_mode=IGNORE)
    report = report_of(film_result(predictor, hospital_film(RequestAttributesSequence=[order])))
    assert report.ReferencedRequestSequence[0].StudyInstanceUID == HOSPITAL["StudyInstanceUID"]


def test_the_same_film_gives_the_same_bytes(predictor: Predictor) -> None:
    reports = [encode(create_structured_report(film_result(predictor, hospital_film()))) for _ in range(2)]
    assert reports[0] == reports[1]


def test_times_are_in_the_zone_of_the_source(predictor: Predictor) -> None:
    report = report_of(film_result(predictor, hospital_film(TimezoneOffsetFromUTC="+0530")))
    assert (report.ContentDate, report.ContentTime, report.TimezoneOffsetFromUTC) == ("20261126", "193506", "+0530")
    report = report_of(film_result(predictor, hospital_film()))
    assert (report.ContentTime, report.TimezoneOffsetFromUTC) == ("140506", "+0000")


@pytest.mark.parametrize("language", ["en", "id", "es", "fr", "pt", "zh", "vi"])
def test_texts_are_in_the_language_of_the_options(predictor: Predictor, language: str) -> None:
    report = report_of(film_result(predictor, hospital_film(), options=ResultOptions(language=language)))
    comments = values(report, "comment")
    assert len(comments) == 7 and not any("**" in comment for comment in comments)
    assert ("not a replacement for a radiologist" in comments[-1]) == (language == "en")
    (tag,) = [item for item in report.ContentSequence if "Language" in item.ConceptNameCodeSequence[0].CodeMeaning]
    assert value(tag).startswith(language)


def test_the_report_begins_with_the_notice_and_the_answer(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    kinds = [item.ValueType for item in report_of(film).ContentSequence if item.RelationshipType == "CONTAINS"]
    assert kinds == ["TEXT", "TEXT", "CONTAINER", "CONTAINER"]
    notice, answer = values(report_of(film), "comment")[:2]
    assert notice == "AI result, not for primary diagnosis"
    assert answer.startswith("Pneumonia: P(pneumonia)")


def test_a_label_that_the_prevalence_contradicts_has_a_warning(predictor: Predictor) -> None:
    report = report_of(film_result(predictor, hospital_film(), prevalence=0.001))
    (warning,) = values(report, "warning")
    assert "At a prevalence of 0.1 %" in warning
    assert warning not in values(report, "comment")


def region_of(report: Dataset) -> np.ndarray[Any, Any]:
    (region,) = [item for item in groups(report)[1].ContentSequence if item.ValueType == "SCOORD"]
    assert region.GraphicType == "POLYLINE"
    return np.asarray(region.GraphicData).reshape(-1, 2)


def test_the_region_is_the_zone_that_the_page_names(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    report, prediction = report_of(film), film.result
    assert isinstance(prediction, Prediction) and prediction.zones is not None
    strongest = max(prediction.zones, key=lambda zone: prediction.zones[zone])  # type: ignore[index]
    assert zone_of(groups(report)[1]) == strongest
    assert values(groups(report)[1], "zone_share") == [round(prediction.zones[strongest], 4)]
    points = region_of(report)
    width, height = average("Pneumonia").shape[::-1]
    assert points.min() >= 0 and points[:, 0].max() <= width and points[:, 1].max() <= height
    assert (points[0] == points[-1]).all()
    side = points[:, 0].mean() / width
    assert side > 0.5 if strongest.startswith("left") else side < 0.5


def with_shares(film: FilmResult, **others: float) -> FilmResult:
    assert isinstance(film.result, Prediction)
    shares = dict.fromkeys(explain.ZONES, 0.01) | others
    return dataclasses.replace(film, result=dataclasses.replace(film.result, zones=shares))


def test_a_zone_with_almost_as_much_evidence_has_a_region_too(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    both = report_of(with_shares(film, left_lower=0.4, right_middle=0.3, right_lower=0.2))
    assert [zone_of(group) for group in groups(both)[1:]] == ["left_lower", "right_middle"]
    assert [values(group, "zone_share") for group in groups(both)[1:]] == [[0.4], [0.3]]
    tracking = [item.value for item in both.iterall() if item.tag == Tag("UID")]
    assert len(tracking) == len(set(tracking))
    one = report_of(with_shares(film, left_lower=0.6, right_middle=0.3))
    assert [zone_of(group) for group in groups(one)[1:]] == ["left_lower"]


def test_a_contradictory_header_has_an_outline_without_a_side_and_a_warning(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film(PatientOrientation=["A", "F"]))
    answer, *zones = groups(report_of(film))
    assert not list(items(answer, "zone_share")) and zones
    assert not any(items(zone, "laterality") for zone in zones)
    assert any("PatientOrientation" in text for text in values(answer, "warning"))
    assert any("side of the image: " in text for text in values(answer, "comment"))


def test_the_region_is_drawn_on_the_stored_image_with_its_frame(predictor: Predictor) -> None:
    """The model receives the film without a uniform frame; the outline lies on the whole image."""
    plain = average("Pneumonia")
    framed = np.zeros((plain.shape[0] + 60, plain.shape[1] + 200), np.uint8)
    framed[20:-40, 150:-50] = plain
    tags = {"Rows": framed.shape[0], "Columns": framed.shape[1], "PixelData": framed.tobytes()}
    expected = region_of(report_of(film_result(predictor, hospital_film())))
    film = film_result(predictor, hospital_film(**tags))
    assert film.reading is not None and film.reading.area.left > 0.1
    region = region_of(report_of(film))
    assert np.abs(region.mean(axis=0) - expected.mean(axis=0) - (150, 20)).max() < 8


def test_a_normal_film_has_no_region(predictor: Predictor) -> None:
    assert len(groups(report_of(film_result(predictor, hospital_film("Normal"))))) == 1


CLASSES_OF_FRAMES = {
    "1.2.840.10008.5.1.4.1.1.7.2": {1},  # multi-frame secondary capture
    "1.2.840.113619.4.26": set(),  # private
    "1.2.840.10008.5.1.1.29": set(),  # retired, single frame
    "1.2.840.10008.5.1.4.1.1.7": set(),  # secondary capture, which has one frame
}


@pytest.mark.parametrize("uid", CLASSES_OF_FRAMES)
def test_multi_frame_private_and_retired_classes_have_reports(predictor: Predictor, tmp_path: Path, uid: str) -> None:
    pixels = np.stack([average("Pneumonia")] * 2)
    film = film_result(predictor, hospital_film(SOPClassUID=uid, NumberOfFrames=2, PixelData=pixels.tobytes()))
    report = report_of(film)
    references = [item for item in report.iterall() if item.keyword == "ReferencedSOPClassUID"]
    assert {reference.value for reference in references} == {uid}
    frames = [item.value for item in report.iterall() if item.keyword == "ReferencedFrameNumber"]
    assert set(frames) == CLASSES_OF_FRAMES[uid]
    path = tmp_path / "report.dcm"
    path.write_bytes(encode(create_structured_report(film)))
    assert iod_errors(path) == []


def test_highdicom_reads_the_report_back(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    report = highdicom.sr.srread(io.BytesIO(encode(create_structured_report(film))))
    content = report.content
    assert isinstance(content, highdicom.sr.MeasurementReport)
    regions = content.get_planar_roi_measurement_groups()
    assert {region.roi.graphic_type for region in regions if region.roi} == {highdicom.sr.GraphicTypeValues.POLYLINE}
    (answer,) = content.get_image_measurement_groups()
    by_name = {measurement.name.meaning: measurement.value for measurement in answer.get_measurements()}
    assert by_name["Probability"] == film.result.as_dict()["probabilities"]["Pneumonia"]
    assert content.get_observer_contexts()[0].observer_type.meaning == "Device"


def test_reports_share_concepts_and_change_none(predictor: Predictor) -> None:
    """Also when threads make them at the same time, as those of the page do."""
    films = [film_result(predictor, hospital_film(), age=age) for age in (4, 9)]
    expected = [encode(create_structured_report(film)) for film in films]
    before = {key: concept(key).to_json() for key in _file()["concepts"]}
    with ThreadPoolExecutor(4) as threads:
        reports = list(threads.map(lambda film: encode(create_structured_report(film)), films * 2))
    assert reports == expected * 2
    assert {key: concept(key).to_json() for key in before} == before
