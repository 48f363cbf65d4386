"""Calibration and operating points keep on the films they were chosen on what they promise there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia.evaluation.metrics import Floats, Labels
from pneumonia.evaluation.operating_points import ANSWERED_ERROR, MAX_UNDECIDED, calibrate, operating_points
from pneumonia.inference.decision import UNKNOWN, Calibration, OperatingPoint

Scored = tuple[Labels, Floats]


def sigmoid(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logit)))


def scored(seed: int, films: int = 747, apart: float = 4.0, shift: float = 0.0, scale: float = 1.0) -> Scored:
    """Films of which three in four show pneumonia; `apart` deviations between the classes."""
    random = np.random.default_rng(seed)
    labels = (random.random(films) < 0.74).astype(np.int64)
    return labels, sigmoid(scale * (random.normal(apart * (labels - 0.5), 1.0) + shift))


BALANCED = 0.74
"""The share of pneumonia among the films of all cases."""

CASES = {
    "good": scored(1),
    "poor": scored(2, apart=1.0),
    "useless": scored(3, apart=0.0),
    "sure": scored(4, apart=8.0, scale=3.0),
    "shifted up": scored(5, shift=10.0),
    "shifted down": scored(6, shift=-10.0),
    "few": scored(7, films=40),
    "with ties": (scored(8)[0], np.round(scored(8)[1], 1)),
}


def sensitivity(scores: Scored, point: OperatingPoint) -> float:
    labels, probability = scores
    return float((probability[labels == 1] >= point.threshold).mean())


def specificity(scores: Scored, point: OperatingPoint) -> float:
    labels, probability = scores
    return float((probability[labels == 0] < point.threshold).mean())


@pytest.mark.parametrize("scores", CASES.values(), ids=CASES)
def test_screening_keeps_its_sensitivity(scores: Scored) -> None:
    assert sensitivity(scores, operating_points(*scores, BALANCED)["screening"]) >= 0.99


@pytest.mark.parametrize("scores", CASES.values(), ids=CASES)
def test_confirm_keeps_its_specificity(scores: Scored) -> None:
    assert specificity(scores, operating_points(*scores, BALANCED)["confirm"]) >= 0.99


@pytest.mark.parametrize("prevalence", [0.5, 0.74])
def test_at_balanced_a_film_is_as_likely_pneumonia_as_normal_at_equal_prevalence(prevalence: float) -> None:
    point = operating_points(*CASES["good"], prevalence)["balanced"]
    calibration = Calibration(1.0, 0.0, prevalence)
    assert calibration.at_prevalence(0.5, point.threshold) == pytest.approx(0.5)


def test_balanced_does_not_lean_to_the_class_of_which_there_are_more() -> None:
    """Scores that are worth their probabilities: as many of the healthy are wrong as of the sick."""
    random = np.random.default_rng(22)
    labels = (random.random(40_000) < 0.74).astype(np.int64)
    raw = sigmoid(random.normal(3.0 * (labels - 0.5), 1.0))
    calibration = calibrate(labels, raw)
    scores = labels, np.array([calibration.probability(float(score)) for score in raw])
    point = operating_points(*scores, calibration.prevalence)["balanced"]
    assert sensitivity(scores, point) == pytest.approx(specificity(scores, point), abs=0.01)


@pytest.mark.parametrize("scores", CASES.values(), ids=CASES)
def test_the_points_are_in_order(scores: Scored) -> None:
    points = operating_points(*scores, BALANCED)
    assert list(points) == ["screening", "balanced", "confirm"]
    for point in points.values():
        assert 0 <= point.low <= point.threshold <= point.high <= 1
    # A point for screening that misses more of the sick than the balanced one would be worse than useless.
    assert points["screening"].threshold <= points["balanced"].threshold <= points["confirm"].threshold


def decided(probability: Floats, point: OperatingPoint) -> npt.NDArray[np.bool_]:
    return np.array([point.label(float(one)) != UNKNOWN for one in probability])


@pytest.mark.parametrize("name", ["screening", "balanced", "confirm"])
def test_a_band_that_would_need_too_many_films_holds_the_most_it_may(name: str) -> None:
    labels, probability = CASES["poor"]
    point = operating_points(labels, probability, BALANCED)[name]
    assert 1 - decided(probability, point).mean() == pytest.approx(MAX_UNDECIDED, abs=0.01)


def test_the_band_leaves_the_risk_that_is_allowed_and_is_no_wider() -> None:
    labels, probability = scored(21, films=4000, apart=3.6)
    point = operating_points(labels, probability, 0.5)["balanced"]
    answered = decided(probability, point)
    wrong = (probability >= point.threshold) != (labels == 1)
    assert 0 < 1 - answered.mean() < MAX_UNDECIDED
    assert wrong[answered].mean() == pytest.approx(ANSWERED_ERROR, abs=0.001)


def test_where_forced_answers_are_good_enough_no_film_is_left_undecided() -> None:
    labels, probability = CASES["sure"]
    assert decided(probability, operating_points(labels, probability, BALANCED)["balanced"]).all()


def test_a_threshold_lies_between_films_and_on_none() -> None:
    labels, probability = CASES["poor"]
    for point in operating_points(labels, probability, BALANCED).values():
        assert point.threshold not in probability


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (1.0, -1.5), (2.5, 1.0), (0.5, 0.3)])
def test_calibration_finds_the_shift_that_was_made(slope: float, intercept: float) -> None:
    random = np.random.default_rng(11)
    raw = random.normal(0.0, 2.0, 40_000)
    labels = (random.random(len(raw)) < sigmoid(slope * raw + intercept)).astype(np.int64)
    calibration = calibrate(labels, sigmoid(raw))
    assert (calibration.slope, calibration.intercept) == pytest.approx((slope, intercept), abs=0.06)
    assert calibration.prevalence == pytest.approx(labels.mean())


def test_calibrated_probabilities_are_right_on_average() -> None:
    labels, scores = scored(12, films=5000, apart=2.0, shift=1.0, scale=3.0)
    calibration = calibrate(labels, scores)
    probability = np.array([calibration.probability(float(score)) for score in scores])
    assert probability.mean() == pytest.approx(labels.mean(), abs=1e-3)
    assert abs(probability - labels).mean() < abs(scores - labels).mean() + 0.05


@pytest.mark.parametrize("scores", CASES.values(), ids=CASES)
def test_calibration_keeps_the_order_of_films_that_are_told_apart(scores: Scored) -> None:
    labels, raw = scores
    if np.corrcoef(labels, raw)[0, 1] < 0.2:
        pytest.skip("these scores say nothing")
    assert calibrate(labels, raw).slope > 0


@pytest.mark.parametrize("gap", [0.01, 0.001])
def test_films_that_are_told_apart_without_a_mistake_can_be_calibrated(gap: float) -> None:
    """The slope has no best value then; whatever it becomes, every score must keep a probability."""
    labels = np.array([0, 1] * 50)
    calibration = calibrate(labels, np.where(labels == 1, 0.5 + gap, 0.5 - gap))
    for score in (0.0, 0.5, 1.0):
        assert 0 <= calibration.probability(score) <= 1
