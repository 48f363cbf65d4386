"""Figures of made results equal those computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pneumonia import Predictor
from pneumonia.evaluation import metrics
from pneumonia.evaluation.intervals import wilson_bounds
from pneumonia.inference.decision import UNKNOWN
from pneumonia.validation import film_results, shares
from pneumonia.validation.evaluate import Question, Validation
from pneumonia.validation.film_results import without_repeats
from pneumonia.validation.goal import Goal
from pneumonia.validation.local_point import assign_folds
from pneumonia.validation.outcomes import outcomes_of

from .made_results import made_result, made_table, validated

TABLE = {(1, "Pneumonia"): 45, (1, "Normal"): 5, (0, "Normal"): 40, (0, "Pneumonia"): 10}
"""The 2 x 2 table 40/10/5/45."""


@pytest.fixture(scope="module")
def table(predictor: Predictor) -> Validation:
    return validated(predictor, made_table(TABLE))


@pytest.mark.parametrize(
    ("name", "hits", "films", "low", "high"),
    [
        # Wilson 1927, equation with z = 1.96, checked against R's prop.test(correct = FALSE).
        ("sensitivity", 45, 50, 0.7864, 0.9565),
        ("specificity", 40, 50, 0.6696, 0.8876),
        ("ppv", 45, 55, 0.6967, 0.8981),
        ("npv", 40, 45, 0.7650, 0.9516),
        ("accuracy", 85, 100, 0.7672, 0.9070),
    ],
)
def test_shares_of_a_two_by_two_table(
    table: Validation, name: str, hits: int, films: int, low: float, high: float
) -> None:
    figure = table.figures["service"]["shares"]["answered"][name]
    assert (figure["hits"], figure["films"]) == (hits, films)
    assert figure["value"] == pytest.approx(hits / films, abs=1e-5)
    assert (figure["low"], figure["high"]) == (pytest.approx(low, abs=2e-4), pytest.approx(high, abs=2e-4))
    assert figure["patient_low"] is None


def test_each_film_is_independent_without_patients(table: Validation) -> None:
    assert table.figures["independence"] == "films"
    assert table.figures["films"]["patients"] is None


def test_the_predictive_value_follows_bayes_at_the_stated_prevalence(predictor: Predictor) -> None:
    values = validated(predictor, made_table(TABLE), Question(prevalence=0.1)).figures["service"]["at_prevalence"]
    assert values["ppv"]["value"] == pytest.approx(0.9 * 0.1 / (0.9 * 0.1 + 0.2 * 0.9), abs=1e-4)
    assert values["npv"]["value"] == pytest.approx(0.8 * 0.9 / (0.8 * 0.9 + 0.1 * 0.1), abs=1e-4)
    assert values["ppv"]["low"] < values["ppv"]["value"] < values["ppv"]["high"]


def test_a_perfect_table_promises_no_certainty(predictor: Predictor) -> None:
    figures = validated(predictor, made_table({(1, "Pneumonia"): 20, (0, "Normal"): 20})).figures
    value = figures["service"]["at_prevalence"]["ppv"]
    # By the rule of succession 21 of 22 and 1 of 22; see `inference.predictive_value`.
    assert value["value"] == pytest.approx(21 / 22, abs=1e-4)
    assert value["low"] < 0.87 and value["high"] > 0.999


def test_films_without_an_answer_count_as_wrong_in_the_second_reading(predictor: Predictor) -> None:
    results = made_table({(1, "Pneumonia"): 6, (1, UNKNOWN): 3, (1, "failed"): 1, (0, "Normal"): 5, (0, UNKNOWN): 5})
    figures = validated(predictor, results).figures
    answered, everything = (figures["service"]["shares"][name] for name in ("answered", "all"))
    assert (answered["sensitivity"]["value"], everything["sensitivity"]["value"]) == (1.0, 0.6)
    assert (answered["specificity"]["value"], everything["specificity"]["value"]) == (1.0, 0.5)
    assert figures["service"]["shares"]["coverage"]["hits"] == 11
    assert figures["service"]["reasons"] == {
        "inconclusive": {"Pneumonia": 3, "Normal": 5},
        "unreadable_image": {"Pneumonia": 1},
    }
    assert figures["films"]["unreadable"] == 1


def test_a_refused_film_has_no_part_in_the_roc(predictor: Predictor) -> None:
    results = made_table(TABLE)
    results += [made_result(f"r{n}", 0, UNKNOWN, reason="unlike_training_films") for n in range(7)]
    entry = validated(predictor, results).figures["models"]["children"]
    assert (entry["films"], entry["scored"]) == (107, 100)
    # 45 of 50 above 40 of 50, ties count half: .9 * .8 + (.9 * .2 + .1 * .8) / 2
    assert entry["discrimination"]["auroc"]["value"] == pytest.approx(0.85)


def test_the_shares_are_those_of_the_metrics() -> None:
    films = outcomes_of(made_table({**TABLE, (1, UNKNOWN): 7, (0, UNKNOWN): 3, (0, "failed"): 2})).decisions
    unit = metrics.unit_weights(len(films.labels))
    pairs = [
        (shares.ANSWERED["sensitivity"], metrics.answered_sensitivity),
        (shares.ANSWERED["specificity"], metrics.answered_specificity),
        (shares.ANSWERED["accuracy"], metrics.answered_accuracy),
        (shares.ALL["sensitivity"], metrics.overall_sensitivity),
        (shares.ALL["specificity"], metrics.overall_specificity),
        (shares.ALL["accuracy"], metrics.overall_accuracy),
        (shares.answered_share, metrics.coverage),
    ]
    for definition, metric in pairs:
        assert shares.share(films, definition)["value"] == pytest.approx(float(metric(films, unit)[0]), abs=1e-5)


def test_films_of_a_patient_are_drawn_together(predictor: Predictor) -> None:
    """Twice the same films of the same patients add nothing: the interval is that of half as many films."""
    once = made_table(TABLE)
    twice = [
        made_result(f"{result.name} {copy}", result.film.label, result.answer, group=result.name)
        for result in once
        for copy in range(2)
    ]
    figures = validated(predictor, twice).figures
    figure = figures["service"]["shares"]["answered"]["sensitivity"]
    assert figures["independence"] == "patients"
    assert figure["films"] == 100
    assert figure["patient_high"] - figure["patient_low"] == pytest.approx(0.166, abs=0.02)  # of 50 patients
    assert figure["high"] - figure["low"] == pytest.approx(0.119, abs=0.005)  # of 100 films
    size = figures["models"]["children"]["sample_size"]["sensitivity"]
    assert size["design_effect"] == pytest.approx(2.0, abs=0.3)


def test_the_sample_size_gives_the_interval(predictor: Predictor) -> None:
    size = validated(predictor, made_table(TABLE)).figures["models"]["children"]["sample_size"]["sensitivity"]
    # Buderer's normal approximation needs 139; Wilson's interval reaches further down than up.
    assert size["needed"] == 196
    assert wilson_bounds(0.9, 196)[0] >= 0.85 > wilson_bounds(0.9, 195)[0]
    assert size["to_add"] == size["needed"] - 50


def test_each_group_has_its_row(predictor: Predictor) -> None:
    results = made_table({(1, "Pneumonia"): 8, (0, "Normal"): 8}, age=3.0, sex="F", site="north")
    results += made_table({(1, "Normal"): 4, (0, "Normal"): 2}, age=39.9, sex="male", site="south")
    rows = {(row["by"], row["group"]): row for row in validated(predictor, results).figures["subgroups"]}
    assert set(rows) == {
        ("age", "1-5"), ("age", "18-39"), ("sex", "female"), ("sex", "male"), ("site", "north"), ("site", "south")
    }  # fmt: skip
    assert rows["site", "south"]["shares"]["answered"]["sensitivity"]["value"] == 0
    assert rows["site", "north"]["auroc"]["value"] == 1
    assert rows["site", "south"]["auroc"] is None  # fewer than five normal films


def test_the_most_confident_wrong_answers_come_first(predictor: Predictor) -> None:
    results = [
        made_result("right", 1, "Pneumonia"),
        made_result("undecided", 0, UNKNOWN, 0.74),
        made_result("wrong", 0, "Pneumonia", 0.8),
        made_result("most wrong", 1, "Normal", 0.02),
    ]
    assert [film.name for film in validated(predictor, results).worst] == ["most wrong", "wrong", "undecided"]


def test_at_most_twenty_wrong_films_are_listed(predictor: Predictor) -> None:
    assert len(validated(predictor, made_table({(1, "Normal"): 30, (0, "Normal"): 3})).worst) == 20


def test_the_same_film_counts_once() -> None:
    first, second = (made_result(name, 1, "Pneumonia") for name in ("a.png", "b.png"))
    other = made_result("c.png", 0, "Normal")
    same = film_results.FilmResult(**{**vars(second), "digest": first.digest})
    kept, problems = without_repeats([first, same, other])
    assert [result.name for result in kept] == ["a.png", "c.png"]
    assert [(problem.file, problem.code) for problem in problems] == [("b.png", "same_film")]


def test_the_same_film_with_two_labels_does_not_count() -> None:
    first, second = made_result("a.png", 1, "Pneumonia"), made_result("b.png", 0, "Normal")
    same = film_results.FilmResult(**{**vars(second), "digest": first.digest})
    kept, problems = without_repeats([first, same])
    assert kept == []
    assert {problem.code for problem in problems} == {"same_film_other_label"}


def test_two_files_that_cannot_be_read_are_not_the_same_film() -> None:
    kept, problems = without_repeats(made_table({(1, "failed"): 3}))
    assert (len(kept), problems) == (3, [])


LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
SCORES = np.array([0.1, 0.2, 0.3, 0.6, 0.25, 0.7, 0.8, 0.9])


def test_the_threshold_reaches_the_sensitivity_at_the_best_specificity() -> None:
    assert 0.6 < Goal(sensitivity=0.75).threshold(LABELS, SCORES, 0.5) < 0.7
    assert 0.2 < Goal(sensitivity=0.9).threshold(LABELS, SCORES, 0.5) < 0.25


def test_a_costly_miss_lowers_the_threshold() -> None:
    assert 0.6 < Goal(cost_ratio=1).threshold(LABELS, SCORES, 0.5) < 0.7
    assert 0.2 < Goal(cost_ratio=10).threshold(LABELS, SCORES, 0.5) < 0.25


def test_a_rare_disease_raises_the_threshold() -> None:
    assert 0.6 < Goal(cost_ratio=10).threshold(LABELS, SCORES, 0.01) < 0.7


def test_the_films_of_a_patient_are_in_one_fold() -> None:
    results = [made_result(f"{n}", n % 2, "Normal", group=f"patient {n // 3}") for n in range(60)]
    folds = assign_folds(outcomes_of(results))
    assert all(len(set(folds[start : start + 3])) == 1 for start in range(0, 60, 3))
    assert set(np.bincount(folds)) == {12}


def test_no_film_at_all_has_figures_and_no_models(predictor: Predictor) -> None:
    figures = validated(predictor, []).figures
    assert figures["models"] == {} and figures["films"]["used"] == 0


def test_one_class_alone_has_no_roc_and_no_calibration(predictor: Predictor) -> None:
    entry = validated(predictor, made_table({(0, "Normal"): 60})).figures["models"]["children"]
    assert entry["discrimination"] == {} == entry["calibration"]
    assert entry["verdict"]["code"] == "too_few"
