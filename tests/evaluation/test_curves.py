"""The curves of page and card equal those of a direct count."""

from __future__ import annotations

import numpy as np
import pytest

from pneumonia.evaluation import curves
from pneumonia.evaluation.metrics import Decisions

THRESHOLD = 0.6


@pytest.fixture(scope="session")
def curve_set(answers: Decisions) -> dict[str, curves.Curve]:
    return curves.all_curves(answers.labels, answers.probability, THRESHOLD)


def test_every_curve_has_its_columns(curve_set: dict[str, curves.Curve]) -> None:
    assert {name: set(curve) for name, curve in curve_set.items()} == {
        "roc": {"false_positive_rate", "sensitivity"},
        "precision_recall": {"precision", "sensitivity"},
        "reliability": {"count", "probability", "observed"},
        "risk_coverage": {"coverage", "risk"},
        "thresholds": {"threshold", "true_positive", "false_positive"},
    }


def test_the_columns_of_a_curve_have_equal_length_within_the_limit(curve_set: dict[str, curves.Curve]) -> None:
    for curve in curve_set.values():
        assert len({len(values) for values in curve.values()}) == 1
        assert all(0 < len(values) <= curves.MAX_POINTS for values in curve.values())


@pytest.mark.parametrize("name", ["roc", "precision_recall", "reliability", "risk_coverage"])
def test_rates_lie_between_zero_and_one(curve_set: dict[str, curves.Curve], name: str) -> None:
    rates = [rate for key, values in curve_set[name].items() if key != "count" for rate in values]
    assert all(0 <= rate <= 1 for rate in rates)


def test_the_roc_goes_from_corner_to_corner(curve_set: dict[str, curves.Curve]) -> None:
    points = list(zip(curve_set["roc"]["false_positive_rate"], curve_set["roc"]["sensitivity"], strict=True))
    assert (points[0], points[-1]) == ((0, 0), (1, 1))
    assert points == sorted(points)


def test_each_point_of_the_roc_is_reached_by_some_threshold(
    answers: Decisions, curve_set: dict[str, curves.Curve]
) -> None:
    positives, negatives = answers.labels == 1, answers.labels == 0
    reached = {
        (
            round(float((answers.probability[negatives] >= cut).mean()), 5),
            round(float((answers.probability[positives] >= cut).mean()), 5),
        )
        for cut in [*answers.probability, np.inf]
    }
    assert set(zip(curve_set["roc"]["false_positive_rate"], curve_set["roc"]["sensitivity"], strict=True)) <= reached


def test_the_confusion_counts_equal_a_direct_count(answers: Decisions, curve_set: dict[str, curves.Curve]) -> None:
    curve = curve_set["thresholds"]
    assert curve["threshold"] == [percent / 100 for percent in range(101)]
    for index, threshold in enumerate(curve["threshold"]):
        films = zip(answers.labels, answers.probability, strict=True)
        labels = [label for label, probability in films if probability >= threshold]
        assert (curve["true_positive"][index], curve["false_positive"][index]) == (labels.count(1), labels.count(0))


def test_at_threshold_zero_every_film_is_positive(answers: Decisions, curve_set: dict[str, curves.Curve]) -> None:
    curve = curve_set["thresholds"]
    assert curve["true_positive"][0] + curve["false_positive"][0] == len(answers.labels)


def test_the_reliability_counts_are_all_films(answers: Decisions, curve_set: dict[str, curves.Curve]) -> None:
    curve = curve_set["reliability"]
    assert sum(curve["count"]) == len(answers.labels)
    assert len(curve["count"]) <= 15 and min(curve["count"]) > 0


def test_a_reliability_bin_has_the_means_of_its_films(answers: Decisions, curve_set: dict[str, curves.Curve]) -> None:
    for count, predicted, observed in zip(*curve_set["reliability"].values(), strict=True):
        number = min(int(predicted * 15), 14)
        inside = (answers.probability >= number / 15) & (answers.probability < (number + 1) / 15)
        assert inside.sum() == count
        assert predicted == pytest.approx(answers.probability[inside].mean(), abs=1e-5)
        assert observed == pytest.approx(answers.labels[inside].mean(), abs=1e-5)


def test_the_risk_of_all_films_is_the_error_at_the_threshold(
    answers: Decisions, curve_set: dict[str, curves.Curve]
) -> None:
    curve = curve_set["risk_coverage"]
    error = ((answers.probability >= THRESHOLD) != (answers.labels == 1)).mean()
    assert (curve["coverage"][-1], curve["risk"][-1]) == (1.0, pytest.approx(error, abs=1e-5))
    assert curve["coverage"] == sorted(curve["coverage"])


def test_the_most_certain_film_is_answered_first(answers: Decisions, curve_set: dict[str, curves.Curve]) -> None:
    most_certain = np.argmax(np.abs(curves.logit(answers.probability) - curves.logit(np.array(THRESHOLD))))
    wrong = (answers.probability[most_certain] >= THRESHOLD) != (answers.labels[most_certain] == 1)
    assert curve_set["risk_coverage"]["risk"][0] == float(wrong)


def test_a_film_count_below_the_limit_is_not_thinned() -> None:
    labels, probability = np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.4, 0.6])
    assert curves.risk_coverage(labels, probability, 0.5)["coverage"] == [0.25, 0.5, 0.75, 1.0]


def test_probabilities_0_and_1_have_a_finite_logit() -> None:
    assert np.isfinite(curves.logit(np.array([0.0, 0.5, 1.0]))).all()


def test_the_roc_point_of_a_threshold_follows_from_its_counts(answers: Decisions) -> None:
    curve = curves.at_thresholds(answers.labels, answers.probability, {"low": 0.2, "high": 0.8})
    assert curve["name"] == ["low", "high"]
    for place, cut in enumerate((0.2, 0.8)):
        called = answers.probability >= cut
        assert curve["sensitivity"][place] == pytest.approx(called[answers.labels == 1].mean(), abs=1e-5)
        assert curve["false_positive_rate"][place] == pytest.approx(called[answers.labels == 0].mean(), abs=1e-5)
