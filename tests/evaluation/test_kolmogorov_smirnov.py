"""The two-sample test equals SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pneumonia.evaluation import kolmogorov_smirnov
from pneumonia.evaluation.kolmogorov_smirnov import from_distance, two_sample_test


@pytest.mark.parametrize(("first", "second"), [(1, 1), (5, 3), (20, 31), (50, 50), (240, 624), (300, 7)])
@pytest.mark.parametrize("shift", [0.0, 0.3, 5.0])
def test_the_exact_p_value_is_that_of_scipy(first: int, second: int, shift: float) -> None:
    rng = np.random.default_rng(first)
    samples = rng.normal(size=first), rng.normal(shift, 1, second)
    test, expected = two_sample_test(*samples), stats.ks_2samp(*samples, method="exact")
    assert test is not None and test.is_exact
    assert test.statistic == pytest.approx(expected.statistic)
    assert test.p_value == pytest.approx(expected.pvalue, abs=1e-9)
    assert (test.first, test.second) == (first, second)


def test_large_samples_do_not_underflow() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=2000), rng.normal(size=1900)
    test = two_sample_test(*samples)
    assert test is not None
    assert test.p_value == pytest.approx(stats.ks_2samp(*samples, method="exact").pvalue, abs=1e-9)


def test_the_limit_distribution_serves_very_many_films(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kolmogorov_smirnov, "MAX_EXACT", 0)
    test = from_distance(0.1, 500, 500)
    assert not test.is_exact
    assert test.p_value == pytest.approx(stats.kstwobign.sf(0.1 * np.sqrt(250)), abs=1e-9)


def test_an_empty_sample_has_no_test() -> None:
    assert two_sample_test(np.array([]), np.array([1.0])) is None
