"""The line on age, model, test and licence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pneumonia.inference.decision import Prediction, Reason
from pneumonia.reporting import provenance
from tests.support.made_bundles import made_bundle

RESEARCH = {"name": "research", "terms": "Non-commercial research only.", "non_commercial": True}
CHILDREN = made_bundle("children")


def answer(population: str | None = "children", age: float | None = None, source: str | None = None) -> Prediction:
    reason = None if population else Reason("age_not_covered")
    patient: dict[str, Any] = {"population": population, "age": age, "age_source": source}
    label, probability = ("Pneumonia", 0.9) if population else ("Unknown", None)
    return Prediction(None, label, probability, "balanced", reason, None, CHILDREN.identity, **patient)


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (answer("adults", 54.9, "file"), "Age 54 from the file."),
        (answer("children", 3.0, "stated"), "Age 3 as stated."),
        (answer("children", 1.5, "file"), "Age 18 months from the file."),
        (answer(None, 1 / 12, "file"), "Age 1 month from the file."),
        (answer("adults", None, "stated"), "Age group as stated: an adult."),
        (answer(None, None, "stated"), "Age group as stated: other."),
        (answer("children"), "No age stated: recognised by the film as that of a child of 1-5 years."),
        (answer(None), "No age stated."),
    ],
)
def test_the_age_has_its_source(prediction: Prediction, expected: str) -> None:
    assert provenance.describe_age(prediction) == expected


@pytest.mark.parametrize(
    ("prediction", "cell"),
    [(answer(age=3.0, source="file"), "3, file"), (answer(source="stated"), "stated"), (answer(), "")],
)
def test_the_cell_of_an_age_names_its_source(prediction: Prediction, cell: str) -> None:
    assert provenance.format_age(prediction) == cell


def test_the_model_has_its_test_films_and_a_restricted_licence() -> None:
    line = provenance.describe(answer(), CHILDREN)
    assert line.endswith("Model for children of 1-5 years, tested on 624 films of the official test set.")
    adults = made_bundle("adults", licence=RESEARCH)
    assert provenance.describe(answer("adults"), adults).endswith("official test set. Non-commercial research only.")
    free = made_bundle("adults", licence={**RESEARCH, "non_commercial": False})
    assert "research" not in provenance.describe(answer("adults"), free)


def test_a_model_without_evaluation_says_that_it_was_not_tested() -> None:
    untested = replace(CHILDREN, evaluation={"runs": {}})
    assert "not tested" in provenance.describe(answer(), untested)


def test_a_refused_film_names_no_model() -> None:
    assert provenance.describe(answer(None), CHILDREN) == "No age stated."
