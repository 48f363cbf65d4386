"""Wilson intervals of shares, and the number of films that a stated width of the interval needs."""

from __future__ import annotations

import math

from .metrics import Figure

Z_95 = 1.959963984540054
"""Quantile .975 of the standard normal distribution."""


def wilson_interval(hits: int, total: int) -> Figure:
    """`hits / total` with its 95 % Wilson interval, which is also valid at shares of 0 and 1; None if `total` is 0.

    Wilson 1927, without correction for continuity.
    """
    if total == 0:
        return {"value": None, "low": None, "high": None}
    share = hits / total
    low, high = wilson_bounds(share, total)
    return {"value": round(share, 5), "low": round(low, 5), "high": round(high, 5)}


def wilson_bounds(share: float, total: float) -> tuple[float, float]:
    """The 95 % Wilson interval of a share (0..1) among `total` films."""
    middle = (share + Z_95**2 / (2 * total)) / (1 + Z_95**2 / total)
    half = Z_95 * math.sqrt(share * (1 - share) / total + Z_95**2 / (4 * total**2)) / (1 + Z_95**2 / total)
    # At 0 and 1 the bound is exact; the sum would be off by the rounding of the last bit.
    return (middle - half if share else 0.0), (middle + half if share < 1 else 1.0)


def films_for_margin(share: float, margin: float) -> int:
    """Smallest number of films of one class whose Wilson interval reaches at most `margin` to either side of the share.

    `share` is the expected sensitivity (films with pneumonia) or specificity (normal films). Buderer 1996 asks the same
    with the normal approximation, which needs too few films near 0 and 1.
    """

    def is_too_wide(films: int) -> bool:
        low, high = wilson_bounds(share, films)
        return max(share - low, high - share) > margin

    too_few, enough = 0, 1
    while is_too_wide(enough):
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (middle, enough) if is_too_wide(middle) else (too_few, middle)
    return enough
