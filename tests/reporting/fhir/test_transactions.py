"""What a FHIR server has after bundles were posted: no resource twice, one study, one algorithm."""

from __future__ import annotations

from pneumonia import Predictor
from pneumonia.errors import UnreadableImage
from pneumonia.inference.decision import Failure
from pneumonia.reporting.fhir.bundle import create_bundle
from tests.support.fhir_store import FhirStore
from tests.support.film_results import film_result
from tests.support.source_films import HOSPITAL, hospital_film

KINDS = ("DiagnosticReport", "Observation", "Device", "ImagingStudy")


def counts(store: FhirStore) -> tuple[int, ...]:
    return tuple(map(store.count, KINDS))


def test_a_bundle_that_is_posted_again_creates_nothing(predictor: Predictor) -> None:
    store, bundle = FhirStore(), create_bundle(film_result(predictor, hospital_film()))
    assert set(store.transaction(bundle)) == {"201"}
    assert counts(store) == (1, 11, 1, 1)
    assert set(store.transaction(create_bundle(film_result(predictor, hospital_film())))) == {"200"}
    assert counts(store) == (1, 11, 1, 1)


def test_another_answer_is_another_report_of_the_same_study_and_algorithm(predictor: Predictor) -> None:
    store = FhirStore()
    for point in ("balanced", "screening"):
        store.transaction(create_bundle(film_result(predictor, hospital_film(), operating_point=point)))
    assert counts(store) == (2, 22, 1, 1)
    reports = [item for item in store.resources.values() if item["resourceType"] == "DiagnosticReport"]
    assert len({report["imagingStudy"][0]["reference"] for report in reports}) == 1


def test_two_films_of_one_study_share_it(predictor: Predictor) -> None:
    store = FhirStore()
    for number in (1, 2):
        data = hospital_film(SOPInstanceUID=f"1.2.3.{number}", InstanceNumber=number)
        store.transaction(create_bundle(film_result(predictor, data)))
    assert counts(store) == (2, 22, 1, 1)


def test_the_study_of_the_server_is_not_changed(predictor: Predictor) -> None:
    store = FhirStore()
    identifier = {"system": "urn:dicom:uid", "value": f"urn:oid:{HOSPITAL['StudyInstanceUID']}"}
    known = {"resourceType": "ImagingStudy", "identifier": [identifier], "note": [{"text": "of the PACS"}]}
    store.resources["ImagingStudy/pacs"] = known
    store.transaction(create_bundle(film_result(predictor, hospital_film())))
    assert store.resources["ImagingStudy/pacs"] == known and store.count("ImagingStudy") == 1
    (report,) = (item for item in store.resources.values() if item["resourceType"] == "DiagnosticReport")
    assert report["imagingStudy"] == [{"reference": "ImagingStudy/pacs", "type": "ImagingStudy"}]


def test_an_error_and_the_answer_after_it_are_two_reports(predictor: Predictor) -> None:
    store, failure = FhirStore(), Failure("film.dcm", UnreadableImage("The file is damaged."))
    store.transaction(create_bundle(film_result(predictor, hospital_film(), failure=failure)))
    store.transaction(create_bundle(film_result(predictor, hospital_film())))
    statuses = [item["status"] for item in store.resources.values() if item["resourceType"] == "DiagnosticReport"]
    assert statuses == ["cancelled", "preliminary"]
