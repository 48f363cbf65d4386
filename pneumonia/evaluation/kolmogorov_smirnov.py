"""Two-sample Kolmogorov-Smirnov test in NumPy, with the exact p-value: serving installs no SciPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .metrics import Floats

MAX_EXACT = 10_000_000
"""Maximum product of the two numbers of values for the exact p-value, which takes a second then. Above it the limit
distribution is used, whose error is below .001 for so many values."""


@dataclass(frozen=True)
class TwoSampleTest:
    """`statistic`: largest distance of the two distribution functions. `p_value`: of a distance at least as large for
    two samples of one distribution without ties; with ties the exact one is smaller. `is_exact`: False for the limit
    distribution.
    """

    statistic: float
    p_value: float
    first: int
    second: int
    is_exact: bool


def two_sample_test(first: Floats, second: Floats) -> TwoSampleTest | None:
    """The test of two samples `[n]` and `[m]`; None if one of them is empty."""
    if not len(first) or not len(second):
        return None
    values = np.concatenate([first, second])
    shares = [np.searchsorted(np.sort(sample), values, side="right") / len(sample) for sample in (first, second)]
    return from_distance(float(np.abs(shares[0] - shares[1]).max()), len(first), len(second))


def from_distance(statistic: float, first: int, second: int) -> TwoSampleTest:
    """The test for a distance of two distribution functions of `first` and `second` values."""
    is_exact = first * second <= MAX_EXACT
    p_value = _exact(statistic, first, second) if is_exact else _limit(statistic, first, second)
    return TwoSampleTest(statistic, p_value, first, second, is_exact)


def _exact(statistic: float, first: int, second: int) -> float:
    """P(D >= statistic) by counting the lattice paths that stay nearer to the diagonal (Hodges 1957).

    `inside[j]` is the number of the paths to (i, j) that stay inside, as a share of all paths to (i, second), and
    divided by `exp(log_scale)` against underflow.
    """
    limit = statistic - 0.5 / (first * second)  # distances are multiples of 1 / (first * second)
    first, second = sorted((first, second))
    columns = np.arange(second + 1) / second
    inside, log_scale = (columns < limit).astype(np.float64), 0.0
    for row in range(1, first + 1):
        is_near = np.abs(row / first - columns) < limit
        # Within the band each value is the sum of its left neighbour and the weighted one below.
        inside = np.where(is_near, np.cumsum(np.where(is_near, row / (row + second) * inside, 0.0)), 0.0)
        largest = float(inside.max())
        if not largest:
            return 1.0
        inside, log_scale = inside / largest, log_scale + float(np.log(largest))
    return float(min(max(1 - inside[-1] * np.exp(log_scale), 0.0), 1.0))


def _limit(statistic: float, first: int, second: int) -> float:
    """The p-value of the limit distribution (Kolmogorov 1933)."""
    scaled = statistic * np.sqrt(first * second / (first + second))
    terms = np.arange(1, 101)
    if scaled < 0.2:  # the series converges slowly; the p-value is 1 to eight decimals
        return 1.0
    return float(np.clip(2 * ((-1.0) ** (terms - 1) * np.exp(-2 * (terms * scaled) ** 2)).sum(), 0, 1))
