"""Weighted quantiles equal those of the repeated values."""

from __future__ import annotations

import numpy as np
import pytest

from pneumonia.evaluation.metrics import unit_weights
from pneumonia.evaluation.quantiles import quantile_figure, weighted_quantile

VALUES = np.array([0.3, 0.9, 0.1, 0.5, 0.7, 0.2])


@pytest.mark.parametrize("share", [0.05, 0.1, 0.25, 0.5, 0.9, 1.0])
def test_weights_are_counts(share: float) -> None:
    random = np.random.default_rng(0)
    weights = random.integers(0, 4, (50, len(VALUES))).astype(np.float64)
    weights[:, 0] += 1
    expected = [
        np.quantile(np.repeat(VALUES, row.astype(int)), share, method="averaged_inverted_cdf") for row in weights
    ]
    np.testing.assert_allclose(weighted_quantile(VALUES, share, weights), expected)


def test_the_median_of_equal_weights_is_the_usual_one() -> None:
    for count in (1, 2, 5, 6):
        assert weighted_quantile(VALUES[:count], 0.5, unit_weights(count))[0] == pytest.approx(
            np.median(VALUES[:count])
        )


def test_without_values_there_is_no_figure_and_a_row_without_weight_is_left_out() -> None:
    assert quantile_figure(np.array([]), 0.5, np.ones((3, 0)))["value"] is None
    assert np.isnan(weighted_quantile(VALUES, 0.5, np.zeros((1, 6)))[0])
    weights = np.array([[1.0] * 6, [0.0] * 6])
    assert quantile_figure(VALUES, 0.5, weights) == {"value": 0.4, "low": 0.4, "high": 0.4}
