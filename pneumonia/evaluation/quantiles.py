"""Quantiles with 95 % intervals from a bootstrap over patients."""

from __future__ import annotations

import numpy as np

from . import metrics
from .metrics import Figure, Floats

_TOLERANCE = 1e-9
"""Bootstrap weights are counts, so their cumulative sums differ by at least 1 or are equal."""


def quantile_figure(values: Floats, share: float, weights: Floats) -> Figure:
    """Quantile `share` (0..1) of `values` `[N]` with its interval; `weights` is `[R, N]`. None without values."""
    if not len(values):
        return {"value": None, "low": None, "high": None}
    value = weighted_quantile(values, share, metrics.unit_weights(len(values)))
    return metrics.with_interval(float(value[0]), weighted_quantile(values, share, weights))


def weighted_quantile(values: Floats, share: float, weights: Floats) -> Floats:
    """Quantile `share` of `values` `[N]` for each row of `weights` `[R, N]`: `[R]`.

    Definition: the averaged inverted distribution function (Hyndman and Fan 1996, type 2), which for `share` .5 is the
    usual median. NaN for a row without weight.
    """
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[:, order], axis=1)
    total = cumulative[:, -1]
    target = (share * total)[:, None]
    last = len(values) - 1
    lower = np.minimum((cumulative < target - _TOLERANCE).sum(axis=1), last)
    upper = np.minimum((cumulative <= target + _TOLERANCE).sum(axis=1), last)
    # At share 1 no film lies above; the same holds for the last film that was drawn.
    heaviest = last - np.argmax(weights[:, order][:, ::-1] > 0, axis=1)
    ordered = values[order]
    result: Floats = (ordered[np.minimum(lower, heaviest)] + ordered[np.minimum(upper, heaviest)]) / 2
    return np.where(total > 0, result, np.nan)
