"""Wilson intervals of shares, and the number of films that a stated width of the interval needs."""

from __future__ import annotations

from ..inference.predictive_value import wilson_interval as score_interval
from .metrics import Figure


def wilson_interval(hits: int, total: int) -> Figure:
    """`hits / total` with its 95 % Wilson interval, which is also valid at shares of 0 and 1; None if `total` is 0.

    Wilson 1927, without correction for continuity.
    """
    if total == 0:
        return {"value": None, "low": None, "high": None}
    share = hits / total
    low, high = score_interval(hits, total)
    return {"value": round(share, 5), "low": round(low, 5), "high": round(high, 5)}


def wilson_bounds(share: float, total: float) -> tuple[float, float]:
    """The 95 % Wilson interval of a share (0..1) among `total` films."""
    return score_interval(share * total, total)


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
