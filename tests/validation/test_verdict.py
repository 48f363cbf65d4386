"""The verdict follows the rules of docs/validation.md."""

from __future__ import annotations

import pytest

from pneumonia import Predictor
from pneumonia.inference.decision import UNKNOWN
from pneumonia.validation.evaluate import Validation

from .made_results import made_result, made_table, shifted_films, validated


def code_of(validation: Validation) -> str:
    return str(validation.figures["models"]["children"]["verdict"]["code"])


CASES = {
    "few normal films": ({(1, "Pneumonia"): 80, (0, "Normal"): 49}, "too_few"),
    "good": ({(1, "Pneumonia"): 97, (1, "Normal"): 3, (0, "Normal"): 96, (0, "Pneumonia"): 4}, "use"),
    "sensitivity too low": (
        {(1, "Pneumonia"): 80, (1, "Normal"): 20, (0, "Normal"): 96, (0, "Pneumonia"): 4}, "do_not_use"
    ),
    "chance": ({(1, "Pneumonia"): 50, (1, "Normal"): 50, (0, "Normal"): 50, (0, "Pneumonia"): 50}, "do_not_use"),
    "mostly no answer": (
        {(1, "Pneumonia"): 60, (1, UNKNOWN): 80, (0, "Normal"): 60, (0, UNKNOWN): 80}, "do_not_use"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_follows_from_the_counts(predictor: Predictor, case: str) -> None:
    counts, expected = CASES[case]
    assert code_of(validated(predictor, made_table(counts))) == expected


def test_a_local_point_can_be_the_condition(predictor: Predictor) -> None:
    validation = validated(predictor, shifted_films())
    entry = validation.figures["models"]["children"]
    assert entry["verdict"]["code"] == "local_point"
    assert entry["local"]["cross_fitted"]["with_unknown"]["answered"]["specificity"]["value"] > 0.95
    assert "as low as 4" in entry["verdict"]["sentences"][2]  # specificity 45 of 90, lower end 40 %


def test_three_sentences_name_films_card_and_reason(predictor: Predictor) -> None:
    first, second, third = validated(predictor, made_table(CASES["good"][0])).figures["models"]["children"]["verdict"][
        "sentences"
    ]
    assert first.startswith(
        "On your 200 films, 100 of them with pneumonia, the model for children of 1-5 years answered"
    )
    assert "97.0 % (91.5-99.0)" in first and "96.0 % (90.2-98.4)" in first
    assert "card" in second
    assert third.startswith("Use it at balanced as a second look")


def test_the_wider_interval_decides(predictor: Predictor) -> None:
    """300 films of 30 patients: Wilson's lower end is above 80 %, that of the patients is not."""
    counts = {(1, "Pneumonia"): 26, (1, "Normal"): 4, (0, "Normal"): 29, (0, "Pneumonia"): 1}
    results = [
        made_result(f"{film.name}-{copy}", film.film.label, film.answer, group=film.name)
        for film in made_table(counts)
        for copy in range(10)
    ]
    validation = validated(predictor, results)
    figure = validation.figures["models"]["children"]["shares"]["answered"]["sensitivity"]
    assert figure["low"] > 0.8 > figure["patient_low"]
    assert code_of(validation) != "use"
