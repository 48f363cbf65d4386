"""Drift: the statistics beside those of SciPy, and their rules on samples of the card's own films and on others."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pneumonia import Predictor
from pneumonia.inference.decision import Calibration
from pneumonia.monitoring import drift
from pneumonia.monitoring.histograms import EDGES, SCORE, bin_of
from pneumonia.monitoring.reference import Counts, Reference, histogram


@pytest.fixture(scope="module")
def reference(predictor: Predictor) -> Reference:
    found = Reference.of(predictor.models[1].bundle)
    assert found is not None
    return found


def sample(counts: Counts, films: int, seed: int) -> Counts:
    drawn: Counts = np.random.default_rng(seed).multinomial(films, counts / counts.sum())
    return drawn


def mixture(reference: Reference, share: float) -> Counts:
    rows = reference.scores / reference.scores.sum(axis=1, keepdims=True)
    mixed: Counts = 1e6 * ((1 - share) * rows[0] + share * rows[1])
    return mixed


def test_the_tail_of_chi_squared_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for degrees in (1, 2, 3, 8, 9, 20):
        for value in (0.01, 1.0, 7.5, 30.0, 80.0):
            assert drift._chi_squared_tail(value, degrees) == pytest.approx(stats.chi2.sf(value, degrees), rel=1e-9)


def test_the_index_is_the_textbook_sum() -> None:
    own, card = np.array([300.0, 500.0, 200.0]), np.array([400.0, 400.0, 200.0])
    expected = (0.3 - 0.4) * np.log(0.3 / 0.4) + (0.5 - 0.4) * np.log(0.5 / 0.4)
    assert drift.stability_index(own, card) == pytest.approx(expected, abs=1e-3)
    assert drift.stability_index(card, card) == 0
    assert np.isfinite(drift.stability_index(np.array([10.0, 0.0]), np.array([0.0, 10.0])))


def test_each_value_has_the_bin_of_its_histogram() -> None:
    for name, edges in EDGES.items():
        values = np.array([-1e9, *edges, 1e9])
        assert [bin_of(name, value) for value in values] == [0, *range(1, len(edges) + 1), len(edges)]
        assert histogram(name, values).sum() == len(values)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.8])
def test_another_share_of_pneumonia_is_no_drift_and_is_estimated(reference: Reference, share: float) -> None:
    for seed in range(5):
        comparison = drift.compare_scores(sample(mixture(reference, share), 600, seed), reference.scores)
        assert comparison.result == drift.NONE
    assert comparison.share is not None and comparison.share["low"] is not None
    assert comparison.share["low"] - 0.05 <= share <= (comparison.share["high"] or 0) + 0.05


@pytest.mark.parametrize("films", [50, 500])
def test_films_of_the_card_do_not_drift(reference: Reference, films: int) -> None:
    for name, card in reference.measures.items():
        results = [drift.compare_measures(sample(card, films, seed), card).result for seed in range(10)]
        assert results == [drift.NONE] * 10, name


def moved(card: Counts, share: float, films: int) -> Counts:
    """Films of the card, of which a share has a gate measure that is one bin larger."""
    return sample((1 - share) * card + share * np.roll(card, 1), films, 0)


@pytest.mark.parametrize(("share", "result"), [(0.0, drift.NONE), (0.7, drift.SHIFT), (1.0, drift.LARGE)])
def test_moved_measures_drift_by_how_far_they_moved(reference: Reference, share: float, result: str) -> None:
    card = reference.measures["distance"]
    assert drift.compare_measures(moved(card, share, 500), card).result == result


def test_many_films_do_not_turn_a_small_difference_into_drift(reference: Reference) -> None:
    card = reference.measures["distance"]
    comparison = drift.compare_measures(moved(card, 0.3, 100_000), card)
    assert comparison.index_p_value is not None and comparison.index_p_value < drift.ALPHA
    assert comparison.result == drift.NONE


def test_too_few_films_have_no_statistics(reference: Reference) -> None:
    comparison = drift.compare_scores(sample(mixture(reference, 0.3), drift.MIN_FILMS - 1, 0), reference.scores)
    assert comparison == drift.Comparison(drift.MIN_FILMS - 1, int(reference.scores.sum()), drift.TOO_FEW)


def test_the_exact_test_of_two_shares_is_twice_the_one_sided_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for hits, films, card_hits, card_films in ((3, 50, 26, 1560), (20, 200, 26, 1560), (0, 60, 40, 300), (5, 9, 1, 9)):
        table = [[hits, films - hits], [card_hits, card_films - card_hits]]
        one_sided = min(stats.fisher_exact(table, alternative=side).pvalue for side in ("less", "greater"))
        assert drift._exact_p_value(hits, films, card_hits, card_films) == pytest.approx(min(1, 2 * one_sided))
    assert drift._exact_p_value(0, 50, 0, 100) == 1


@pytest.mark.parametrize(
    ("refused", "result"), [(3, drift.NONE), (8, drift.NONE), (20, drift.SHIFT), (60, drift.LARGE)]
)
def test_the_share_of_refused_films_is_compared(refused: int, result: str) -> None:
    comparison = drift.compare_shares(refused, 200, 26, 1560)
    assert comparison.result == result
    assert comparison.share is not None and comparison.share["value"] == refused / 200
    assert drift.compare_shares(0, 200, 0, 1560).result == drift.NONE


def test_a_site_with_another_calibration_is_compared_by_it(predictor: Predictor, reference: Reference) -> None:
    bundle = predictor.models[1].bundle
    moved = dataclasses.replace(
        bundle, calibration=Calibration(bundle.calibration.slope, bundle.calibration.intercept - 2, 0.1)
    )
    other = Reference.of(moved)
    assert other is not None
    assert np.median(other.probabilities[1]) < np.median(reference.probabilities[1])
    own = histogram(SCORE, np.concatenate(other.probabilities))
    assert drift.compare_scores(own, other.scores).result == drift.NONE
    assert drift.compare_scores(own, reference.scores).result != drift.NONE
