"""Calibration and operating points meet their requirements on the films on which they were chosen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia.evaluation.metrics import Floats, Labels
from pneumonia.evaluation.operating_points import (
    ANSWERED_ERROR,
    MAX_UNDECIDED,
    calibrate,
    class_weights,
    operating_points,
)
from pneumonia.inference.decision import UNKNOWN, Calibration, OperatingPoint

Scored = tuple[Labels, Floats]


def sigmoid(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logit)))


def simulate(seed: int, films: int = 747, distance: float = 4.0, shift: float = 0.0, scale: float = 1.0) -> Scored:
    """Labels and scores. Three films in four have pneumonia; `distance` is that of the class means in deviations."""
    random = np.random.default_rng(seed)
    labels = (random.random(films) < 0.74).astype(np.int64)
    return labels, sigmoid(scale * (random.normal(distance * (labels - 0.5), 1.0) + shift))


BALANCED = 0.74
"""Share of pneumonia among the films of all cases, used as threshold of `balanced`."""

CASES = {
    "good": simulate(1),
    "poor": simulate(2, distance=1.0),
    "useless": simulate(3, distance=0.0),
    "sure": simulate(4, distance=8.0, scale=3.0),
    "shifted up": simulate(5, shift=10.0),
    "shifted down": simulate(6, shift=-10.0),
    "few": simulate(7, films=40),
    "with ties": (simulate(8)[0], np.round(simulate(8)[1], 1)),
}


def sensitivity(scores: Scored, point: OperatingPoint) -> float:
    labels, probability = scores
    return float((probability[labels == 1] >= point.threshold).mean())


def specificity(scores: Scored, point: OperatingPoint) -> float:
    labels, probability = scores
    return float((probability[labels == 0] < point.threshold).mean())


@pytest.mark.parametrize("scores", CASES.values(), ids=CASES)
def test_screening_reaches_its_sensitivity(scores: Scored) -> None:
    assert sensitivity(scores, operating_points(*scores, BALANCED)["screening"]) >= 0.99


@pytest.mark.parametrize("scores", CASES.values(), ids=CASES)
def test_confirm_reaches_its_specificity(scores: Scored) -> None:
    assert specificity(scores, operating_points(*scores, BALANCED)["confirm"]) >= 0.99


@pytest.mark.parametrize("prevalence", [0.5, 0.74])
def test_at_balanced_a_film_is_as_likely_pneumonia_as_normal_at_equal_prevalence(prevalence: float) -> None:
    point = operating_points(*CASES["good"], prevalence)["balanced"]
    calibration = Calibration(1.0, 0.0, prevalence)
    assert calibration.at_prevalence(0.5, point.threshold) == pytest.approx(0.5)


def test_balanced_does_not_favour_the_more_frequent_class() -> None:
    """With calibrated scores, the error rate is the same for normal and for pneumonia films."""
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
    # Screening must not miss more pneumonia films than balanced.
    assert points["screening"].threshold <= points["balanced"].threshold <= points["confirm"].threshold


def decided(probability: Floats, point: OperatingPoint) -> npt.NDArray[np.bool_]:
    return np.array([point.label(float(value)) != UNKNOWN for value in probability])


@pytest.mark.parametrize("name", ["screening", "balanced", "confirm"])
def test_the_undecided_band_is_limited(name: str) -> None:
    labels, probability = CASES["poor"]
    point = operating_points(labels, probability, 0.5)[name]
    forced = (probability >= min(point.threshold, 0.5)) & (probability < max(point.threshold, 0.5))
    assert 1 - decided(probability, point).mean() == pytest.approx(max(MAX_UNDECIDED, forced.mean()), abs=0.01)


def test_a_wider_band_may_be_allowed() -> None:
    labels, probability = CASES["poor"]
    point = operating_points(labels, probability, 0.5, max_undecided=0.3)["balanced"]
    assert 1 - decided(probability, point).mean() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("balanced", [0.5, BALANCED, 0.2])
@pytest.mark.parametrize("scores", CASES.values(), ids=CASES)
def test_no_answer_contradicts_its_probability(scores: Scored, balanced: float) -> None:
    for point in operating_points(*scores, balanced).values():
        assert point.low <= 0.5 <= point.high
        assert all(point.label(probability) != "Normal" for probability in (0.5, 0.5001, 0.9))
        assert all(point.label(probability) != "Pneumonia" for probability in (0.1, 0.4999, 0.5))


def test_films_between_a_threshold_and_one_half_cost_no_further_film() -> None:
    """The band grows beyond this interval only as far as its error requires."""
    labels, probability = CASES["sure"]
    confirm = operating_points(labels, probability, BALANCED)["confirm"]
    assert (confirm.low, confirm.high) == (0.5, confirm.threshold)


def test_weights_decide_which_errors_count() -> None:
    """One film in ten is normal, and one normal film in six is wrong: 1.6 % of all films, 8 % with equal classes."""
    random = np.random.default_rng(31)
    labels = (random.random(4000) < 0.9).astype(np.int64)
    probability = sigmoid(random.normal(np.where(labels == 1, 5.0, -1.0), 1.0))
    plain = operating_points(labels, probability, 0.5)["balanced"]
    equal = operating_points(labels, probability, 0.5, class_weights(labels))["balanced"]
    assert (plain.low, plain.high) == (0.5, 0.5)
    assert equal.low < 0.5 < equal.high


def test_balanced_calibration_does_not_depend_on_the_prevalence() -> None:
    random = np.random.default_rng(32)
    for share in (0.5, 0.74, 0.9):
        labels = (random.random(60_000) < share).astype(np.int64)
        raw = random.normal(2.0 * (labels - 0.5), 1.0)
        calibration = calibrate(labels, sigmoid(raw), balanced=True)
        assert (calibration.slope, calibration.intercept) == pytest.approx((2.0, 0.0), abs=0.06)
        assert calibration.prevalence == 0.5


def test_the_band_is_the_narrowest_with_the_allowed_error() -> None:
    labels, probability = simulate(21, films=4000, distance=3.6)
    point = operating_points(labels, probability, 0.5)["balanced"]
    answered = decided(probability, point)
    wrong = (probability >= point.threshold) != (labels == 1)
    assert 0 < 1 - answered.mean() < MAX_UNDECIDED
    assert wrong[answered].mean() == pytest.approx(ANSWERED_ERROR, abs=0.001)


def test_there_is_no_band_if_the_error_without_it_is_low_enough() -> None:
    labels, probability = CASES["sure"]
    assert decided(probability, operating_points(labels, probability, BALANCED)["balanced"]).all()


def test_no_threshold_coincides_with_a_film() -> None:
    labels, probability = CASES["poor"]
    for point in operating_points(labels, probability, BALANCED).values():
        assert point.threshold not in probability


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (1.0, -1.5), (2.5, 1.0), (0.5, 0.3)])
def test_calibration_recovers_the_simulated_shift(slope: float, intercept: float) -> None:
    random = np.random.default_rng(11)
    raw = random.normal(0.0, 2.0, 40_000)
    labels = (random.random(len(raw)) < sigmoid(slope * raw + intercept)).astype(np.int64)
    calibration = calibrate(labels, sigmoid(raw))
    assert (calibration.slope, calibration.intercept) == pytest.approx((slope, intercept), abs=0.06)
    assert calibration.prevalence == pytest.approx(labels.mean())


def test_calibrated_probabilities_are_right_on_average() -> None:
    labels, scores = simulate(12, films=5000, distance=2.0, shift=1.0, scale=3.0)
    calibration = calibrate(labels, scores)
    probability = np.array([calibration.probability(float(score)) for score in scores])
    assert probability.mean() == pytest.approx(labels.mean(), abs=1e-3)
    assert abs(probability - labels).mean() < abs(scores - labels).mean() + 0.05


@pytest.mark.parametrize("scores", CASES.values(), ids=CASES)
def test_calibration_preserves_the_order_of_useful_scores(scores: Scored) -> None:
    labels, raw = scores
    if np.corrcoef(labels, raw)[0, 1] < 0.2:
        pytest.skip("these scores do not depend on the label")
    assert calibrate(labels, raw).slope > 0


@pytest.mark.parametrize("gap", [0.01, 0.001])
def test_perfectly_separated_films_can_be_calibrated(gap: float) -> None:
    """The slope has no optimum in this case. Whatever it is, every score must have a valid probability."""
    labels = np.array([0, 1] * 50)
    calibration = calibrate(labels, np.where(labels == 1, 0.5 + gap, 0.5 - gap))
    for score in (0.0, 0.5, 1.0):
        assert 0 <= calibration.probability(score) <= 1
