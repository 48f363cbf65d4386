"""Films with arbitrary attributes have valid reports: no header costs the film or its results."""

from __future__ import annotations

from pathlib import Path

import pytest

from pneumonia import Predictor
from pneumonia.reporting.dicom.structured_report import create_structured_report
from tests.support.arbitrary_headers import film_of
from tests.support.dicom_programs import iod_errors, run_program
from tests.support.film_results import encode, film_result

LENGTH = "Length invalid for this VR"
"""dciodvfy counts bytes, the standard characters (PS3.5, table 6.2-1)."""


def check(predictor: Predictor, seed: int, path: Path) -> None:
    film = film_result(predictor, film_of(seed))
    path.write_bytes(encode(create_structured_report(film)))
    errors = [error for error in iod_errors(path) if LENGTH not in error and "invalid data values" not in error]
    assert errors == [], f"seed {seed}"
    assert run_program("dsrdump", path).returncode == 0, f"seed {seed}"


@pytest.mark.slow
def test_fifteen_films_have_valid_reports(predictor: Predictor, tmp_path: Path) -> None:
    for seed in range(15):
        check(predictor, seed, tmp_path / "report.dcm")


@pytest.mark.soak
def test_a_thousand_films_have_valid_reports(predictor: Predictor, tmp_path: Path) -> None:
    for seed in range(1000):
        check(predictor, seed, tmp_path / "report.dcm")
