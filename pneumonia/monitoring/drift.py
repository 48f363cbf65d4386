"""Drift of unlabelled films against the card: population stability index and Kolmogorov-Smirnov test, with thresholds.

Two conditions have to hold before a difference is called drift: it is large (the index or the distance reaches a
bound) and it is not noise (p < `ALPHA`, for the number of films that there are). With few films only the second one is
hard to meet, with many films only the first. `python -m benchmarks.drift_power` measures how often each rule is right;
its table is in docs/monitoring.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..evaluation import kolmogorov_smirnov
from ..evaluation.intervals import wilson_interval
from ..evaluation.metrics import Figure, Floats
from .reference import Counts

TOO_FEW, NONE, SHIFT, LARGE = "too_few", "none", "shift", "large"
"""Results of a comparison: not enough films, no drift, drift, large drift."""

MIN_FILMS = 50
"""Smallest number of films that are compared. Below it only a change of most films could be told from noise."""

PSI_SHIFT, PSI_LARGE = 0.1, 0.25
"""Bounds of the population stability index that are in general use (Siddiqi 2006, Credit Risk Scorecards, ch. 9)."""

KS_SHIFT, KS_LARGE = 0.15, 0.3
"""Bounds of the largest distance of the two distribution functions: so many films of 100 have moved past one value."""

SHARE_SHIFT, SHARE_LARGE = 0.05, 0.15
"""Bounds of the difference of two shares of films, such as those that the gate refuses."""

ALPHA = 0.0001
"""Largest p-value of drift. Small, because a report has many comparisons and somebody looks every week: with .001, a
source of 10 films a week would have a false alarm in 8 of 100 years."""

GROUPS = 10
"""Number of groups of bins for the index; each holds about as many of the card's films."""

_SMOOTHING = 0.5
"""Added to the number of films of each group, since the logarithm of an empty one is infinite."""

_STEPS = 1000
"""Steps of a distance of distribution functions for its p-value."""

_SHARES = np.linspace(0, 1, 501)
_LIKELIHOOD_DROP = 1.92
"""Half of the 95 % quantile of chi-squared with one degree of freedom: limits of a profile likelihood interval."""


@dataclass(frozen=True)
class Comparison:
    """One comparison of a site's films with the card's.

    `index` is the population stability index, `distance` the largest distance of the distribution functions at the
    edges of the bins; both are None for fewer than `MIN_FILMS` films. `result` is `TOO_FEW`, `NONE`, `SHIFT` or
    `LARGE`. `share`: see `compare_scores`.
    """

    films: int
    card_films: int
    result: str
    index: float | None = None
    index_p_value: float | None = None
    distance: float | None = None
    distance_p_value: float | None = None
    share: Figure | None = None


def compare_measures(site: Counts, card: Counts) -> Comparison:
    """Compare two histograms `[bins]` of one gate measure."""
    films, card_films = int(site.sum()), int(card.sum())
    if min(films, card_films) < MIN_FILMS:
        return Comparison(films, card_films, TOO_FEW)
    return _compare(site, card / card_films, card_films, fitted=0, share=None)


def compare_scores(site: Counts, card: Counts) -> Comparison:
    """Compare a histogram of the site's scores `[bins]` with the card's `[2, bins]` by class.

    Nobody knows how many of the site's films show pneumonia, and more of it moves the scores without any drift. So the
    card's classes are mixed in the proportion that explains the site's scores best (maximum likelihood), and what this
    mixture leaves unexplained is compared. `share` of the result is this proportion with its 95 % interval; it is the
    site's share of pneumonia if the films of each class are as on the card.
    """
    films = int(site.sum())
    totals = card.sum(axis=1)
    if films < MIN_FILMS or not totals.all():
        return Comparison(films, int(totals.sum()), TOO_FEW)
    share = mixture_share(site, card)
    value = share["value"] or 0.0
    expected = (1 - value) * card[0] / totals[0] + value * card[1] / totals[1]
    # The number of films whose distribution is known as well as that of the mixture, in tens.
    card_films = 1 / ((1 - value) ** 2 / totals[0] + value**2 / totals[1])
    return _compare(site, expected, max(1, int(card_films) // 10 * 10), fitted=1, share=share)


def compare_shares(hits: int, films: int, card_hits: int, card_films: int) -> Comparison:
    """Compare shares of films, such as those that the gate refuses. `distance` is the difference, `share` the first."""
    share = wilson_interval(hits, films)
    if min(films, card_films) < MIN_FILMS:
        return Comparison(films, card_films, TOO_FEW, share=share)
    difference = hits / films - card_hits / card_films
    p_value = _exact_p_value(hits, films, card_hits, card_films)
    result = _result(abs(difference), p_value, SHARE_SHIFT, SHARE_LARGE)
    return Comparison(films, card_films, result, distance=difference, distance_p_value=p_value, share=share)


def _exact_p_value(hits: int, films: int, card_hits: int, card_films: int) -> float:
    """Fisher's exact test of two shares, twice the smaller tail. The normal approximation fails for rare refusals."""
    total = hits + card_hits

    def tail(first: int, last: int) -> float:
        constant = _log_choices(films + card_films, total)
        terms = (
            _log_choices(films, k) + _log_choices(card_films, total - k) - constant for k in range(first, last + 1)
        )
        return sum(map(math.exp, terms))

    smaller = min(tail(max(0, total - card_films), hits), tail(hits, min(films, total)))
    return min(1.0, 2 * smaller)


def _log_choices(films: int, chosen: int) -> float:
    """Logarithm of the number of ways to choose some of the films."""
    return math.lgamma(films + 1) - math.lgamma(chosen + 1) - math.lgamma(films - chosen + 1)


def mixture_share(site: Counts, card: Counts) -> Figure:
    """The share of the second class in `card` `[2, bins]` that explains `site` `[bins]` best, with its 95 % interval.

    The interval is that of the profile likelihood; it does not contain the uncertainty of the card's distributions.
    """
    smoothed = card + _SMOOTHING
    shares = smoothed / smoothed.sum(axis=1, keepdims=True)
    mixtures = (1 - _SHARES)[:, None] * shares[0] + _SHARES[:, None] * shares[1]
    likelihood = np.log(mixtures) @ site
    near = _SHARES[likelihood >= likelihood.max() - _LIKELIHOOD_DROP]
    return {"value": float(_SHARES[likelihood.argmax()]), "low": float(near.min()), "high": float(near.max())}


def _compare(site: Counts, expected: Floats, card_films: int, *, fitted: int, share: Figure | None) -> Comparison:
    films = int(site.sum())
    groups = _groups(expected)
    site_groups, card_groups = (
        np.bincount(groups, values).astype(np.float64) for values in (site, expected * card_films)
    )
    index = stability_index(site_groups, card_groups)
    # Yurdakul and Naranjo 2020, Journal of Risk Model Validation 14(4): index / (1/n + 1/m) is about chi-squared.
    index_p = _chi_squared_tail(index / (1 / films + 1 / card_films), len(site_groups) - 1 - fitted)
    distance = float(np.abs(np.cumsum(site) / films - np.cumsum(expected)).max())
    distance_p = _distance_p_value(math.floor(distance * _STEPS), films, card_films)
    results = (_result(index, index_p, PSI_SHIFT, PSI_LARGE), _result(distance, distance_p, KS_SHIFT, KS_LARGE))
    worst = max(results, key=(NONE, SHIFT, LARGE).index)
    return Comparison(films, card_films, worst, index, index_p, distance, distance_p, share)


@lru_cache(maxsize=4096)
def _distance_p_value(steps: int, films: int, card_films: int) -> float:
    """The p-value of a distance, rounded down to steps of .001: never too small, and the same test is made once.

    The exact test of a thousand films takes 10 ms.
    """
    return kolmogorov_smirnov.from_distance(steps / _STEPS, films, card_films).p_value


def stability_index(site: Floats, card: Floats) -> float:
    """The population stability index of two histograms `[groups]`: sum of (p - q) ln(p / q), in nats.

    It is the symmetric Kullback-Leibler divergence (Jeffreys 1946) of the smoothed shares.
    """
    p, q = ((values + _SMOOTHING) / (values + _SMOOTHING).sum() for values in (site, card))
    return float(((p - q) * np.log(p / q)).sum())


def _groups(expected: Floats) -> Counts:
    """The group of each bin, 0 to at most `GROUPS` - 1: by the card's distribution function at the bin's middle."""
    middle = np.cumsum(expected) - expected / 2
    numbers = np.minimum((middle * GROUPS).astype(np.int64), GROUPS - 1)
    _, groups = np.unique(numbers, return_inverse=True)
    return groups.astype(np.int64)


def _result(size: float, p_value: float, shift: float, large: float) -> str:
    if p_value >= ALPHA or size < shift:
        return NONE
    return LARGE if size >= large else SHIFT


def _chi_squared_tail(value: float, degrees: int) -> float:
    """P(chi-squared > value), by the recurrence of the incomplete gamma function (Abramowitz and Stegun 26.4.8)."""
    half = value / 2
    if degrees < 1:
        return 1.0
    tail, first = (math.erfc(math.sqrt(half)), 1) if degrees % 2 else (math.exp(-half), 2)
    for order in range(first, degrees, 2):
        tail += half ** (order / 2) * math.exp(-half) / math.gamma(order / 2 + 1)
    return min(tail, 1.0)
