"""Identifiers of the objects of one film: the same for the same answer, others for everything else."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from pneumonia import Predictor
from pneumonia.errors import Busy, InternalError
from pneumonia.inference.decision import Failure
from pneumonia.reporting.dicom.film_result import SERIES_ORDER
from pneumonia.reporting.dicom.options import ResultOptions
from tests.support.film_results import film_result
from tests.support.source_films import hospital_film


def test_the_same_film_and_answer_have_the_same_identifiers(predictor: Predictor) -> None:
    first = film_result(predictor, hospital_film())
    second = dataclasses.replace(film_result(predictor, hospital_film()), created_at=datetime(2031, 1, 1, tzinfo=UTC))
    for kind in SERIES_ORDER:
        assert first.sop_instance_uid(kind) == second.sop_instance_uid(kind)
        assert first.series_instance_uid(kind) == second.series_instance_uid(kind)


VARIANTS: dict[str, dict[str, Any]] = {
    "operating point": {"operating_point": "screening"},
    "prevalence": {"prevalence": 0.1},
    "stated age": {"age": 4.0},
    "language": {"options": ResultOptions(language="fr")},
    "root": {"options": ResultOptions(uid_root="1.2.3")},
    "class": {"options": ResultOptions(sr_class="comprehensive_3d")},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_another_answer_or_option_has_another_instance(predictor: Predictor, name: str) -> None:
    first, second = film_result(predictor, hospital_film()), film_result(predictor, hospital_film(), **VARIANTS[name])
    assert first.sop_instance_uid("dicom-sr") != second.sop_instance_uid("dicom-sr")


def test_the_class_of_the_report_changes_no_other_object(predictor: Predictor) -> None:
    first = film_result(predictor, hospital_film())
    second = dataclasses.replace(first, options=ResultOptions(sr_class="comprehensive_3d"))
    changed = [kind for kind in SERIES_ORDER if first.sop_instance_uid(kind) != second.sop_instance_uid(kind)]
    assert changed == ["dicom-sr"] and first.series_instance_uid(changed[0]) != second.series_instance_uid(changed[0])


def test_another_source_instance_has_another_instance_in_the_same_series(predictor: Predictor) -> None:
    first = film_result(predictor, hospital_film())
    second = film_result(predictor, hospital_film(SOPInstanceUID="1.2.3.4.5", InstanceNumber=5))
    assert first.sop_instance_uid("dicom-sr") != second.sop_instance_uid("dicom-sr")
    assert first.series_instance_uid("dicom-sr") == second.series_instance_uid("dicom-sr")
    assert (first.instance_number, second.instance_number) == (2, 5)


def test_a_film_with_a_corrected_patient_has_another_instance_and_series(predictor: Predictor) -> None:
    first = film_result(predictor, hospital_film(PatientID="4711"))
    second = film_result(predictor, hospital_film(PatientID="4712"))
    coerced = film_result(predictor, hospital_film(PatientID="4711", IssuerOfPatientID="CITY"))
    for kind in SERIES_ORDER:
        assert first.sop_instance_uid(kind) != second.sop_instance_uid(kind)
        assert first.series_instance_uid(kind) != second.series_instance_uid(kind)
        assert first.sop_instance_uid(kind) == coerced.sop_instance_uid(kind)


def test_the_kinds_have_series_of_their_own(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    assert len({film.series_instance_uid(kind) for kind in SERIES_ORDER}) == len(SERIES_ORDER)
    assert [film.series_number(kind) for kind in SERIES_ORDER] == [9500, 9501, 9502, 9503]


def test_the_id_of_an_internal_error_is_not_part_of_the_identifiers(predictor: Predictor) -> None:
    errors = [InternalError("id 1"), InternalError("id 2"), Busy("id 1")]
    films = [film_result(predictor, hospital_film(), failure=Failure("film.dcm", error)) for error in errors]
    uids = [film.sop_instance_uid("dicom-sr") for film in films]
    assert uids[0] == uids[1] != uids[2]


def test_the_time_of_creation_needs_a_zone(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    with pytest.raises(ValueError, match="time zone"):
        dataclasses.replace(film, created_at=datetime(2031, 1, 1))  # noqa: DTZ001


def test_the_text_of_a_result_does_not_name_the_patient(predictor: Predictor) -> None:
    """It may appear in a debugger or in the message of an assertion."""
    assert "Doe" not in repr(film_result(predictor, hospital_film()))
