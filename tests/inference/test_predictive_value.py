"""Predictive values: Bayes' rule on the answers to the test films, with intervals."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from pneumonia import Predictor
from pneumonia.inference.answer_shares import answer_shares
from pneumonia.inference.decision import CLASSES, UNKNOWN, OperatingPoint
from pneumonia.inference.model import Model
from pneumonia.inference.predictive_value import AnswerShares, Share, ratio_interval, wilson_interval

COUNTS = strategies.tuples(strategies.integers(1, 2000), strategies.integers(0, 2000)).map(
    lambda pair: (min(pair), max(pair))
)
"""(count, films) with 0 <= count <= films and at least one film."""

PREVALENCES = strategies.floats(1e-6, 1 - 1e-6)


def shares(positive: tuple[int, int], negative: tuple[int, int]) -> AnswerShares:
    return AnswerShares(Share.of_count(*positive), Share.of_count(*negative), positive[1] + negative[1])


@pytest.mark.parametrize(
    ("prevalence", "positive", "negative"),
    [
        (0.5, 0.9, 0.9),  # 90 of 100 with pneumonia, 10 of 100 without
        (0.1, 0.5, 81 / 82),  # of 1,000: 90 true, 90 false positives; 810 true, 10 false negatives
        (0.9, 81 / 82, 0.5),
    ],
)
def test_the_predictive_values_are_those_of_the_textbook(prevalence: float, positive: float, negative: float) -> None:
    called_positive, called_negative = shares((90, 100), (10, 100)), shares((10, 100), (90, 100))
    assert called_positive.predictive_value(is_positive=True, prevalence=prevalence).value == pytest.approx(positive)
    assert called_negative.predictive_value(is_positive=False, prevalence=prevalence).value == pytest.approx(negative)


def test_films_that_were_unknown_count_in_the_denominator() -> None:
    """Half of the normal films are Unknown: Pneumonia is then a false alarm in 5 of 100 and not in 10 of 100."""
    value = shares((90, 100), (5, 100)).predictive_value(is_positive=True, prevalence=0.5)
    assert value.value == pytest.approx(90 / 95)


@pytest.mark.parametrize(
    ("count", "films", "low", "high"),
    # Newcombe, Statistics in Medicine 1998, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_is_that_of_wilson(count: int, films: int, low: float, high: float) -> None:
    assert wilson_interval(count, films) == pytest.approx((low, high), abs=5e-5)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(COUNTS, COUNTS, PREVALENCES, strategies.booleans())
def test_a_predictive_value_lies_inside_its_interval_and_is_never_certain(
    positive: tuple[int, int], negative: tuple[int, int], prevalence: float, is_positive: bool
) -> None:
    value = shares(positive, negative).predictive_value(is_positive=is_positive, prevalence=prevalence)
    assert 0 <= value.low <= value.value + 1e-9
    assert value.value <= value.high + 1e-9 <= 1 + 1e-9
    assert 0 < value.value < 1
    assert all(1e-4 <= value.as_dict()[name] <= 1 - 1e-4 for name in ("value", "low", "high"))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(COUNTS, COUNTS, PREVALENCES, PREVALENCES)
def test_more_pneumonia_makes_pneumonia_right_more_often(
    positive: tuple[int, int], negative: tuple[int, int], first: float, second: float
) -> None:
    measured = shares(positive, negative)
    rare, common = (
        measured.predictive_value(is_positive=True, prevalence=prevalence) for prevalence in sorted((first, second))
    )
    assert rare.value <= common.value + 1e-12
    assert rare.low <= common.low + 1e-12 and rare.high <= common.high + 1e-12


def test_the_interval_of_the_ratio_covers_the_true_one_in_95_of_100_samples() -> None:
    generator, truth = np.random.default_rng(5), (0.9, 0.1)
    samples = [generator.binomial((300, 200), truth) for _ in range(2000)]
    covered = 0
    for first, second in samples:
        low, high = ratio_interval(Share.of_count(int(first), 300), Share.of_count(int(second), 200))
        covered += low <= truth[0] / truth[1] <= high
    assert 0.93 <= covered / len(samples) <= 0.975


def test_without_any_false_alarm_the_interval_reaches_certainty_and_the_value_does_not() -> None:
    low, high = ratio_interval(Share.of_count(90, 100), Share.of_count(0, 100))
    assert 0 < low < high == math.inf
    value = shares((90, 100), (0, 100)).predictive_value(is_positive=True, prevalence=0.5)
    assert value.high == 1 and value.value < 0.99
    assert value.as_dict()["high"] == 1 - 1e-4


def by_class(normal: tuple[int, int, int], pneumonia: tuple[int, int, int]) -> dict[str, Any]:
    """`answers` of one operating point from counts of (Normal, Pneumonia, Unknown)."""
    names = (*CLASSES, UNKNOWN)
    return {
        name: {
            "films": sum(counts),
            **{
                label: {"value": round(count / sum(counts), 5), "low": None, "high": None}
                for label, count in zip(names, counts, strict=True)
            },
        }
        for name, counts in zip(CLASSES, (normal, pneumonia), strict=True)
    }


def service_figures(normal: tuple[int, int, int], pneumonia: tuple[int, int, int]) -> dict[str, Any]:
    """The keys of a run that has sensitivity and specificity of the answered films only."""
    false_positive, true_negative = normal[1], normal[0]
    false_negative, true_positive = pneumonia[0], pneumonia[1]
    answered = true_negative + false_positive + true_positive + false_negative
    values = {
        "coverage": answered / (sum(normal) + sum(pneumonia)),
        "answered_accuracy": (true_negative + true_positive) / answered,
        "answered_sensitivity": true_positive / (true_positive + false_negative),
        "answered_specificity": true_negative / (true_negative + false_positive),
    }
    figures = {name: {"value": round(value, 5), "low": None, "high": None} for name, value in values.items()}
    confusion = {
        "true_negative": sum(normal),
        "false_positive": 0,
        "true_positive": sum(pneumonia),
        "false_negative": 0,
    }
    return {"confusion": confusion, "operating_points": {"screening": figures}}


TABLES = strategies.tuples(
    strategies.tuples(strategies.integers(50, 400), strategies.integers(0, 60), strategies.integers(0, 150)),
    strategies.tuples(strategies.integers(0, 60), strategies.integers(50, 400), strategies.integers(0, 150)),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(TABLES)
def test_figures_of_answered_films_give_the_counts_of_each_class_or_none(tables: Any) -> None:
    """A run without shares by class must lead to the same predictive value, never to that of other counts."""
    run = service_figures(*tables)
    for label in CLASSES:
        exact = answer_shares({"answers": {"screening": by_class(*tables)}}, "screening", label)
        recovered = answer_shares(run, "screening", label)
        assert recovered is None or recovered == exact


def test_most_figures_of_answered_films_give_the_counts() -> None:
    generator = np.random.default_rng(3)
    tables = [
        (tuple(generator.integers((150, 1, 5), (220, 25, 60))), tuple(generator.integers((1, 250, 5), (30, 380, 60))))
        for _ in range(30)
    ]
    recovered = [answer_shares(service_figures(*table), "screening", CLASSES[1]) for table in tables]
    assert sum(shares is not None for shares in recovered) >= 27


@pytest.mark.parametrize(
    "run",
    [
        None,
        {},
        {"operating_points": {"screening": {}}},
        {"answers": {"screening": {}}},
        {"answers": {"screening": {"Normal": {"films": 3}}}},
        {"answers": {"screening": by_class((10, 0, 5), (5, 0, 5))}},  # no film was answered Pneumonia
    ],
)
def test_without_figures_there_is_no_predictive_value(run: dict[str, Any] | None) -> None:
    assert answer_shares(run, "screening", "Pneumonia") is None


def test_the_embedded_models_have_a_predictive_value_at_every_operating_point(predictor: Predictor) -> None:
    for model in predictor.models:
        run = model.bundle.served_run
        assert run is not None
        total = run["films"]["total"]
        for name in model.operating_points:
            for label in CLASSES:
                measured = model.answer_shares(name, label)
                assert measured is not None and measured.films == total, (name, label)
            assert model.predictive_value(UNKNOWN, name, 0.5) is None


def test_the_answers_of_the_default_point_are_those_of_the_card(predictor: Predictor) -> None:
    for model in predictor.models:
        run = model.bundle.served_run
        assert run is not None
        for label in CLASSES:
            measured = model.answer_shares("balanced", label)
            assert measured is not None
            assert measured.normal.value == pytest.approx(run["classes"]["Normal"][label]["value"], abs=1e-5)
            assert measured.pneumonia.value == pytest.approx(run["classes"]["Pneumonia"][label]["value"], abs=1e-5)


def test_another_operating_point_or_calibration_than_the_tested_one_has_no_predictive_value(
    predictor: Predictor,
) -> None:
    bundle = predictor.models[0].bundle
    own = replace(bundle, operating_points={**bundle.operating_points, "balanced": OperatingPoint(0.1, 0.5, 0.6)})
    recalibrated = replace(bundle, calibration=replace(bundle.calibration, intercept=0.0))
    assert Model(own, 1).predictive_value("Pneumonia", "balanced", 0.5) is None
    assert Model(own, 1).predictive_value("Pneumonia", "confirm", 0.5) is not None
    assert Model(recalibrated, 1).predictive_value("Pneumonia", "balanced", 0.5) is None
