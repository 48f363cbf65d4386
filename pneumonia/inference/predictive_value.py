"""Predictive value of an answer: of the films with this answer, the share for which it is right, at a prevalence.

Bayes' rule turns the prevalence and the likelihood ratio of an answer into the share of films with pneumonia among the
films with this answer. The likelihood ratio is P(answer | pneumonia) / P(answer | normal) on the test films of the
model; films that were Unknown count in both denominators, so the prevalence is that among all films of a site.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Z_95 = 1.959964
"""Quantile of the normal distribution for a two-sided interval of 95 %."""


@dataclass(frozen=True)
class Share:
    """A share of films (0..1) with its 95 % interval `low`..`high`."""

    value: float
    low: float
    high: float

    @classmethod
    def of_count(cls, count: int, films: int) -> Share:
        """The share `count` of `films`, with the interval of Wilson (1927), which is not empty for 0 or all films.

        A count of 0 becomes the share 1 / (films + 2) and one of all films its counterpart, by the rule of succession,
        as for probabilities (`decision.supported_limit`): no finite number of films supports 0 % or 100 %.
        """
        rest = 1 / (films + 2)
        low, high = wilson_interval(count, films)
        return cls(min(max(count / films, rest), 1 - rest), low, high)

    def widened(self, low: float | None, high: float | None) -> Share:
        """The share with an interval that contains `low`..`high` too, for example that of a bootstrap over patients."""
        return self if low is None or high is None else Share(self.value, min(self.low, low), max(self.high, high))


@dataclass(frozen=True)
class PredictiveValue:
    """The share (0..1) of films with an answer for which it is right, with its 95 % interval.

    For Pneumonia it is the positive, for Normal the negative predictive value. `films` is the number of test films.
    """

    value: float
    low: float
    high: float
    films: int

    def as_dict(self) -> dict[str, float]:
        """Shares have four decimals and are never 0 or 1, as all probabilities of a prediction."""
        shares = {"value": self.value, "low": self.low, "high": self.high}
        rounded = {name: min(max(round(share, 4), 1e-4), 1 - 1e-4) for name, share in shares.items()}
        return {**rounded, "films": self.films}

    def of_other_class(self) -> PredictiveValue:
        """The share of the same films for which the answer is wrong."""
        return PredictiveValue(1 - self.value, 1 - self.high, 1 - self.low, self.films)


@dataclass(frozen=True)
class AnswerShares:
    """How often the films of each class get one label at one operating point; `pneumonia` and `normal` are the classes.

    `films` is the number of test films of both classes.
    """

    pneumonia: Share
    normal: Share
    films: int

    def predictive_value(self, *, is_positive: bool, prevalence: float) -> PredictiveValue:
        """The predictive value of the label where `prevalence` (0..1) of the films show pneumonia.

        `is_positive`: the label is Pneumonia, and the value is the share of its films with pneumonia; otherwise it is
        Normal, and the value is the share without.

        The interval is that of the likelihood ratio, because the predictive value rises or falls steadily with it.
        """
        ratios = (self.pneumonia.value / self.normal.value, *ratio_interval(self.pneumonia, self.normal))
        share, low, high = (_posterior(prevalence, ratio) for ratio in ratios)
        value = PredictiveValue(share, low, high, self.films)
        return value if is_positive else value.of_other_class()


def wilson_interval(count: float, films: float) -> tuple[float, float]:
    """95 % interval of the share `count` of `films`, by the score method of Wilson (1927)."""
    share, square = count / films, Z_95 * Z_95 / films
    middle = share + square / 2
    half = Z_95 * math.sqrt(share * (1 - share) / films + square / (4 * films))
    return max(0.0, (middle - half) / (1 + square)), min(1.0, (middle + half) / (1 + square))


def ratio_interval(numerator: Share, denominator: Share) -> tuple[float, float]:
    """95 % interval of the ratio of two independent shares from their intervals; the upper end may be infinite.

    Method of variance estimates recovery (Donner and Zou, Statistical Methods in Medical Research 2012), in the form
    that needs no division by zero for the lower end. The shares are independent, because the films of the two classes
    are of different patients.
    """
    above, below = numerator, denominator
    product = above.value * below.value
    lower_term = above.low * (2 * above.value - above.low)
    root = math.sqrt(max(0.0, product**2 - lower_term * below.high * (2 * below.value - below.high)))
    low = max(0.0, lower_term / (product + root))
    upper_term = below.low * (2 * below.value - below.low)
    if upper_term <= 0:
        return low, math.inf
    root = math.sqrt(max(0.0, product**2 - above.high * (2 * above.value - above.high) * upper_term))
    return low, (product + root) / upper_term


def _posterior(prevalence: float, ratio: float) -> float:
    """P(pneumonia) after an answer with this likelihood ratio."""
    if math.isinf(ratio):
        return 1.0
    positive = prevalence * ratio
    return positive / (positive + 1 - prevalence)
