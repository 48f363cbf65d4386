"""Age and view: which elements of the header are used, and in which order."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset

from pneumonia.imaging import read
from pneumonia.imaging.dicom.header import LATERAL_WARNING
from pneumonia.imaging.dicom.patient_age import age_years
from pneumonia.imaging.sides import SIDES_UNKNOWN_WARNING
from tests.support.dicom_files import CHILD, dicom
from tests.support.patterns import pattern

NO_AGE: dict[str, Any] = {"PatientAge": None, "PatientBirthDate": None}


def warnings(**tags: Any) -> tuple[str, ...]:
    return read(dicom(pattern(), **tags)).warnings


def age(**tags: Any) -> float | None:
    dataset = Dataset()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return age_years(dataset)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("text", "years"),
    [
        *(("005Y", 5), ("5Y", 5), ("005y", 5), ("5", 5), ("005", 5), (" 5 Y ", 5), ("5 years", 5), ("5 yrs.", 5)),
        *(("060M", 5), ("60 M", 5), ("60months", 5), ("4,5Y", 4.5), ("4.5Y", 4.5), ("260W", 5), ("1826D", 5)),
        *(("000Y", 0), ("120Y", 120), ("64", 64), ("064Y", 64)),
    ],
)
def test_an_age_is_read_in_every_spelling(text: str, years: float) -> None:
    assert age(PatientAge=text) == pytest.approx(years, abs=0.02)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "text", ["", "Y", "-05Y", "999Y", "126Y", "5Z", "5 males", "five", "²Y", "00AY", "5Y6M", "1e1Y"]
)
def test_a_malformed_or_impossible_age_is_unknown(text: str) -> None:
    assert age(PatientAge=text) is None


DATES = [
    ("20200229", "20250228", 4),
    ("20200229", "20250301", 5),
    ("20200101", "20260101", 6),
    ("20200101", "20251231", 5),
    ("2020.01.01", "2025.06.30", 5),
    ("2020-01-01", "20250630", 5),
    ("20200101", "20250630120000.000000", 5),
    ("20240630", "20240630", 0),
    ("19500101", "20250101", 75),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("birth", "study", "years"), DATES)
def test_without_an_age_the_birth_date_and_the_study_date_give_it(birth: str, study: str, years: int) -> None:
    assert age(PatientBirthDate=birth, StudyDate=study) == years
    assert age(PatientBirthDate=birth, StudyDate=study, PatientAge="999Y") == years


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("birth", "study"),
    [
        ("20250101", "20240101"),  # born after the study
        ("19000101", "20260101"),  # stands for an unknown birth date
        ("00010101", "20260101"),
        ("20201301", "20260101"),
        ("20200230", "20260101"),
        ("2020", "20260101"),
        ("202001011", "20260101"),
        ("unknown", "20260101"),
        ("", "20260101"),
        ("20200101", ""),
    ],
)
def test_impossible_dates_give_no_age(birth: str, study: str) -> None:
    assert age(PatientBirthDate=birth, StudyDate=study) is None


@pytest.mark.parametrize("keyword", ["AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "ContentDate"])
def test_another_date_of_the_film_replaces_a_missing_or_impossible_study_date(keyword: str) -> None:
    later: dict[str, Any] = {keyword: "20250601"}
    assert age(PatientBirthDate="20200101", **later) == 5
    assert age(PatientBirthDate="20200101", StudyDate="19000101", **later) == 5
    assert age(PatientBirthDate="20200101", StudyDate="20240101", **later) == 4


@pytest.mark.filterwarnings("ignore")
def test_the_age_with_a_unit_is_preferred_to_the_dates_and_the_dates_to_a_bare_number() -> None:
    dates: dict[str, Any] = {"PatientBirthDate": "20200101", "StudyDate": "20260601"}
    assert age(PatientAge="003Y", **dates) == 3
    assert age(PatientAge="30", **dates) == 6


@pytest.mark.parametrize(("study", "years"), [("20250101", 4), ("20260201", 6), ("20200801", 0)])
def test_the_age_by_dates_is_a_fact_of_the_film_and_the_dates_are_not(study: str, years: int) -> None:
    tags: dict[str, Any] = {**NO_AGE, "PatientBirthDate": "20200115", "StudyDate": study}
    film = read(dicom(pattern(), **tags))
    assert (film.age_years, film.warnings) == (years, ())
    assert "age" not in repr(film)
    values = repr({name: value for name, value in vars(film).items() if name != "pixels"})
    assert "2020" not in values and study not in values


def test_without_an_age_and_without_dates_the_age_is_not_known() -> None:
    assert read(dicom(pattern(), **NO_AGE)).age_years is None
    assert read(dicom(pattern(), PatientAge=None, PatientBirthDate=CHILD["PatientBirthDate"])).age_years is None


def code(value: str, scheme: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "view"
    return item


@pytest.mark.parametrize("value", [("399067008", "SCT"), ("399173006", "SCT"), ("R-10236", "SRT"), ("R-10232", "SNM3")])
def test_a_view_code_of_a_lateral_view_is_flagged(value: tuple[str, str]) -> None:
    assert warnings(ViewCodeSequence=[code(*value)]) == (LATERAL_WARNING,)
    assert warnings(ViewCodeSequence=[code(*value)], ViewPosition="AP") == ()


@pytest.mark.parametrize(
    "value", [("399348003", "SCT"), ("272479007", "SCT"), ("R-10206", "SRT"), ("LATERAL", "99LOCAL")]
)
def test_any_other_view_code_is_passed_on(value: tuple[str, str]) -> None:
    assert warnings(ViewCodeSequence=[code(*value)]) == ()


@pytest.mark.parametrize("directions", [["A", "F"], ["P", "F"], ["AL", "FP"], ["H", "A"]])
def test_an_orientation_from_front_to_back_is_a_lateral_view(directions: list[str]) -> None:
    assert warnings(PatientOrientation=directions) == (LATERAL_WARNING,)
    """A frontal view contradicts it: then the film is read, and no side is named."""
    frontal = [code("399348003", "SCT")]
    assert warnings(PatientOrientation=directions, ViewPosition="PA") == (SIDES_UNKNOWN_WARNING,)
    assert warnings(PatientOrientation=directions, ViewCodeSequence=frontal) == (SIDES_UNKNOWN_WARNING,)


@pytest.mark.parametrize("directions", [["L", "F"], ["LA", "F"], "", ["F", "L"], ["R", "H"]])
def test_any_other_orientation_is_passed_on(directions: Any) -> None:
    assert warnings(PatientOrientation=directions) == ()
