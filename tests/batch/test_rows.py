"""A result as a row: the documented columns, and cells that no spreadsheet evaluates."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumonia import Failure, Prediction
from pneumonia.batch import rows
from pneumonia.batch.rows import TableOptions
from pneumonia.errors import UnreadableImage
from pneumonia.inference.decision import ModelIdentity, Reason
from pneumonia.inference.explain import ZONES
from pneumonia.inference.predictive_value import PredictiveValue

DOCS = (Path(__file__).parents[2] / "docs" / "batch.md").read_text()
OPTIONS = TableOptions(ModelIdentity("embedded", "abc", "f" * 64), "balanced", 0.25)


def prediction(label: str, probability: float | None, **options: object) -> Prediction:
    fields = {"reason": None, "zones": None, "warnings": ()} | options
    return Prediction("a.png", label, probability, "balanced", model=OPTIONS.model, **fields)  # type: ignore[arg-type]


def test_the_docs_name_every_column_in_order() -> None:
    documented = re.findall(r"^\| (`.*?) \|", DOCS, re.MULTILINE)
    assert [name for cell in documented for name in re.findall(r"`(\w+)`", cell)] == list(rows.COLUMNS)


def test_a_row_has_all_values_of_the_prediction() -> None:
    zones = {zone: number / 100 for number, zone in enumerate(ZONES)}
    values = {"probability_at_prevalence": 0.82, "predictive_value": PredictiveValue(0.8, 0.7, 0.9, 624)}
    answer = prediction("Pneumonia", 0.93219, zones=zones, warnings=("One.", "Two."), prevalence=0.25, **values)
    row = rows.result_cells(answer, OPTIONS)
    assert list(row) == list(rows.COLUMNS)
    assert (row["file"], row["label"], row["confidence"]) == ("a.png", "Pneumonia", "0.9322")
    assert (row["probability_normal"], row["probability_pneumonia"]) == ("0.0678", "0.9322")
    assert (row["operating_point"], row["prevalence"]) == ("balanced", "0.25")
    assert (row["probability_at_prevalence"], row["predictive_value"]) == ("0.8200", "0.8000")
    assert [row[zone] for zone in ZONES] == [f"{value:.4f}" for value in zones.values()]
    assert row["warnings"] == "One. Two."
    assert (row["model_name"], row["model_revision"], row["model_sha256"]) == ("embedded", "abc", "f" * 64)
    assert (row["reason_code"], row["error_code"]) == ("", "")


def test_a_refused_film_has_its_reason_and_no_numbers() -> None:
    row = rows.result_cells(prediction("Unknown", None, reason=Reason("not_a_chest_film")), OPTIONS)
    assert row["reason_code"] == "not_a_chest_film" and "frontal chest film" in row["reason"]
    numbers = ("confidence", "probability_normal", "probability_at_prevalence", "predictive_value", *ZONES)
    assert [row[name] for name in numbers] == [""] * 10


def test_a_failure_has_its_error_and_the_model() -> None:
    row = rows.result_cells(Failure("b.png", UnreadableImage("It is damaged.")), OPTIONS)
    assert (row["file"], row["label"]) == ("b.png", "")
    assert (row["error_code"], row["error"]) == ("unreadable_image", "It is damaged.")
    assert row["model_sha256"] == "f" * 64 and row["operating_point"] == "balanced"


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_that_would_be_evaluated_becomes_text(first: str) -> None:
    assert rows.escape_formula(f"{first}cmd|' /C calc'!A0") == f"'{first}cmd|' /C calc'!A0"
    row = rows.result_cells(Failure(f"{first}1+1.png", UnreadableImage(f"{first}2")), OPTIONS)
    assert row["file"].startswith("'") and row["error"].startswith("'")


@pytest.mark.parametrize("start", [" ", "\xa0", "\u200b", "\ufeff", " \u2060 "])
def test_spaces_before_a_formula_do_not_hide_it(start: str) -> None:
    assert rows.escape_formula(f"{start}=1+1.png") == f"'{start}=1+1.png"
    assert rows.unescape(f"'{start}=1+1.png") == f"{start}=1+1.png"


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_name_begins_no_cell_in_a_spreadsheet_with_another_separator(separator: str) -> None:
    line = rows.csv_line([f"a{separator}=1+1.png", "Normal"]).decode()
    cells = [cell for record in csv.reader([line], delimiter=separator) for cell in record]
    assert not any(cell.startswith("=") for cell in cells)
    assert next(csv.reader([line])) == [f"a{separator}=1+1.png", "Normal"]


NAMES = st.text() | st.text("\\ud89cf'=\udcff\ud800", max_size=16)
"""Any Unicode, and names of the characters of which the text for an invalid byte consists."""


@settings(deadline=None, derandomize=True)
@given(NAMES, NAMES)
def test_two_names_never_become_one_cell(one: str, other: str) -> None:
    assert (rows.escape_formula(one) == rows.escape_formula(other)) == (one == other)


@settings(deadline=None, derandomize=True)
@given(NAMES)
def test_a_name_is_read_back_from_its_cell(name: str) -> None:
    cell = rows.escape_formula(name)
    assert rows.unescape(cell.encode().decode()) == name


@settings(deadline=None, derandomize=True)
@given(st.lists(st.text(st.characters(exclude_characters="\x00", codec="utf-8")), min_size=2))
def test_a_line_is_read_back_as_it_was(cells: list[str]) -> None:
    line = rows.csv_line(cells).decode()
    assert line.endswith("\n")
    assert list(csv.reader(io.StringIO(line, newline=""))) == [cells]


def test_a_name_that_is_not_unicode_does_not_end_the_run() -> None:
    assert rows.escape_formula("bad\udcff.png") == "bad\\udcff.png"
