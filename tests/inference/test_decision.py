from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from pneumonia import Predictor
from pneumonia.errors import UsageError
from pneumonia.inference.decision import (
    CLASSES,
    DEFAULT_POINT,
    UNKNOWN,
    Calibration,
    OperatingPoint,
    check_age,
    check_prevalence,
    get_operating_point,
    supported_limit,
)

from .made_predictions import prediction


def _points(bounds: list[float]) -> OperatingPoint:
    low, threshold, high = sorted(bounds)
    return OperatingPoint(min(low, 0.5), threshold, max(high, 0.5))


POINTS = strategies.lists(strategies.floats(0, 1), min_size=3, max_size=3).map(_points)
"""All valid operating points."""

POINT = OperatingPoint(low=0.25, threshold=0.5, high=0.75)
SLOPES = [0.1, 1.0, 2.6, 20.0]


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("intercept", [-5.0, 0.0, 5.0])
def test_a_calibrated_probability_rises_with_the_score(slope: float, intercept: float) -> None:
    calibration = Calibration(slope, intercept, prevalence=0.5)
    probabilities = [calibration.probability(step / 1000) for step in range(1001)]
    assert probabilities == sorted(probabilities)
    assert probabilities[0] < probabilities[-1]
    assert all(0 <= probability <= 1 for probability in probabilities)


@pytest.mark.parametrize("score", [0.0, 1.0, 5e-324, 1 - 2**-53])
@pytest.mark.parametrize("slope", [1.0, 2.6, 20.0, 60.0])
def test_a_saturated_score_has_a_finite_probability(score: float, slope: float) -> None:
    # A slope of 60 is what the fit gives where validation separates almost perfectly.
    probability = Calibration(slope, 1.8, prevalence=0.5).probability(score)
    assert math.isfinite(probability)
    assert (probability > 0.5) is (score > 0.5)


def test_the_neutral_calibration_changes_nothing() -> None:
    neutral = Calibration(1.0, 0.0, prevalence=0.5)
    for score in (0.001, 0.3, 0.5, 0.999):
        assert neutral.probability(score) == pytest.approx(score)


@pytest.mark.parametrize(
    ("prevalence", "probability", "moved"),
    [
        (0.5, 0.8, 0.5),  # odds 4 at prior odds 4: likelihood ratio 1, so the result is the prior
        (0.5, 0.5, 0.2),
        (0.1, 0.8, 0.1),
        (0.8, 0.3, 0.3),
        (0.1, 0.0, 0.0),
        (0.1, 1.0, 1.0),
    ],
)
def test_another_prevalence_moves_the_odds_by_the_prior_odds(
    prevalence: float, probability: float, moved: float
) -> None:
    assert Calibration(1.0, 0.0, prevalence=0.8).at_prevalence(prevalence, probability) == pytest.approx(moved)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(strategies.floats(1e-6, 1 - 1e-6), strategies.floats(1e-6, 1 - 1e-6), strategies.floats(0.01, 0.99))
def test_the_logit_moves_by_the_difference_of_the_prior_logits(
    score: float, requested: float, calibrated: float
) -> None:
    def logit(share: float) -> float:
        return math.log(share / (1 - share))

    calibration = Calibration(1.0, 0.0, prevalence=calibrated)
    moved = calibration.at_prevalence(requested, score)
    assert calibration.at_prevalence(calibrated, score) == pytest.approx(score)
    if 1e-9 < moved < 1 - 1e-9:
        assert logit(moved) - logit(score) == pytest.approx(logit(requested) - logit(calibrated), abs=1e-5)


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, 1.1, 10, math.nan, math.inf, "0.1", True])
def test_an_invalid_prevalence_is_refused_with_the_allowed_range(prevalence: Any) -> None:
    with pytest.raises(UsageError, match=r"Allowed: above 0 and below 1\. Received: "):
        check_prevalence(prevalence)


@pytest.mark.parametrize("prevalence", [None, 1e-9, 0.1, 0.999])
def test_a_share_between_0_and_1_or_none_is_a_prevalence(prevalence: float | None) -> None:
    check_prevalence(prevalence)


@pytest.mark.parametrize(
    ("probability", "label"),
    [
        (0.0, "Normal"),
        (math.nextafter(0.25, 0), "Normal"),
        (0.25, "Unknown"),
        (0.5, "Unknown"),
        (0.75, "Unknown"),
        (math.nextafter(0.75, 1), "Pneumonia"),
        (1.0, "Pneumonia"),
    ],
)
def test_probabilities_at_the_limits_are_unknown(probability: float, label: str) -> None:
    assert POINT.label(probability) == label


@pytest.mark.parametrize(
    ("probability", "label"),
    [(0.0, "Normal"), (math.nextafter(0.5, 0), "Normal"), (0.5, "Pneumonia"), (1, "Pneumonia")],
)
def test_the_label_at_threshold_switches_at_the_threshold(probability: float, label: str) -> None:
    assert POINT.label_at_threshold(probability) == label


@settings(max_examples=100, deadline=None, derandomize=True)
@given(POINTS, strategies.floats(0, 1))
def test_a_label_never_contradicts_the_label_at_threshold(point: OperatingPoint, probability: float) -> None:
    assert point.label(probability) in {point.label_at_threshold(probability), UNKNOWN}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    POINTS,
    strategies.floats(0, 1) | strategies.sampled_from([0.0, math.nextafter(0.5, 0), 0.5, math.nextafter(0.5, 1), 1.0]),
    strategies.floats(1e-6, 1 - 1e-6),
    strategies.none() | strategies.integers(1, 10**7),
)
def test_a_label_never_contradicts_its_probability(
    point: OperatingPoint, probability: float, prevalence: float, films: int | None
) -> None:
    limit = None if films is None else supported_limit(films * (1 - prevalence), films * prevalence)
    reported = Calibration(1.0, 0.0, prevalence, limit).supported(probability)
    assert 0 < reported < 1
    assert not (point.label(probability) == "Normal" and reported > 0.5)
    assert not (point.label(probability) == "Pneumonia" and reported < 0.5)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    strategies.floats(0, 1),
    strategies.floats(1e-9, 1 - 1e-9),
    strategies.floats(1e-12, 1 - 1e-9),
    strategies.none() | strategies.integers(0, 10**7),
)
def test_no_probability_is_0_or_1_at_any_prevalence_nor_after_rounding(
    probability: float, calibrated: float, requested: float, films: int | None
) -> None:
    limit = None if films is None else supported_limit(films * (1 - calibrated), films * calibrated)
    calibration = Calibration(1.0, 0.0, calibrated, limit)
    for prevalence in (None, requested):
        reported = calibration.supported(probability, prevalence)
        assert 0 <= reported <= 1
        for label in CLASSES:
            answer = prediction(label, reported).as_dict()
            for value in (answer["confidence"], *answer["probabilities"].values()):
                assert 1e-4 <= value <= 1 - 1e-4


def test_the_limit_follows_from_the_validation_films_of_each_class() -> None:
    lowest, highest = supported_limit(200, 800)
    assert lowest == pytest.approx(1 / 202)
    assert highest == pytest.approx(801 / 802)
    assert supported_limit(0, 0) == pytest.approx((1 / 3, 2 / 3))
    assert supported_limit(10**9, 10**9) == (1e-4, 1 - 1e-4)
    calibration = Calibration(1.0, 0.0, 0.8, (lowest, highest))
    assert (calibration.supported(0.0), calibration.supported(1.0)) == (lowest, highest)
    assert calibration.supported(0.3) == 0.3


def test_the_film_is_clipped_and_not_the_prevalence() -> None:
    """Where the disease is rare, a film that looks normal must not get a probability above the prevalence."""
    calibration = Calibration(1.0, 0.0, 0.5, (0.01, 0.99))
    assert calibration.supported(0.0, 0.001) == pytest.approx(calibration.at_prevalence(0.001, 0.01))
    assert 0 < calibration.supported(0.0, 0.001) < 0.001


@pytest.mark.parametrize("limit", [(0.0, 0.9), (0.1, 1.0), (0.6, 0.9), (0.1, 0.4), (math.nan, 0.9)])
def test_an_invalid_limit_is_refused(limit: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="0 < lowest < 0.5 < highest < 1"):
        Calibration(1.0, 0.0, 0.5, limit)


@pytest.mark.parametrize("age", [-0.1, 130.1, 1000, math.nan, math.inf, "4", True, [4]])
def test_an_invalid_age_is_refused_with_the_allowed_range(age: Any) -> None:
    with pytest.raises(UsageError, match=r"Allowed: 0 to 130 years\. Received: "):
        check_age(age)


@pytest.mark.parametrize("age", [None, 0, 0.5, 5, 130, 64.9])
def test_an_age_in_years_or_none_is_allowed(age: float | None) -> None:
    check_age(age)


@pytest.mark.parametrize("triple", [(0.51, 0.7, 0.9), (0.6, 0.6, 0.6), (0.1, 0.3, 0.49), (0, 0, 0), (1, 1, 1)])
def test_an_operating_point_that_contradicts_its_probability_cannot_be_created(
    triple: tuple[float, float, float],
) -> None:
    with pytest.raises(ValueError, match=rf"low <= 0.5 <= high, not low {triple[0]}, high {triple[2]}"):
        OperatingPoint(*triple)


@pytest.mark.parametrize(
    "triple",
    [(0.5, 0.4, 0.7), (0.2, 0.8, 0.7), (-0.1, 0.5, 0.7), (0.2, 0.5, 1.1), (math.nan, 0.5, 0.7), (0.2, 0.5, math.nan)],
)
def test_an_invalid_operating_point_cannot_be_created(triple: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="0 <= low <= threshold <= high <= 1"):
        OperatingPoint(*triple)


@pytest.mark.parametrize("triple", [(0, 0, 0.5), (0.5, 1, 1), (0, 0.5, 1), (0.5, 0.5, 0.5)])
def test_an_operating_point_may_touch_its_limits(triple: tuple[float, float, float]) -> None:
    assert OperatingPoint(*triple).threshold == triple[1]


def test_an_unknown_operating_point_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(UsageError, match=r"Allowed: screening, balanced\. Received: 'strict'\.$"):
        get_operating_point({"screening": POINT, "balanced": POINT}, "strict")


def test_the_embedded_model_has_the_default_operating_point(predictor: Predictor) -> None:
    assert (
        get_operating_point(predictor.models[0].operating_points, DEFAULT_POINT)
        is predictor.models[0].operating_points[DEFAULT_POINT]
    )
    assert CLASSES == ("Normal", "Pneumonia")
