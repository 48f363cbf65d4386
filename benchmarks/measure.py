"""Interleaved timing of product and reference. On a shared machine, ratios are reproducible; absolute times are not."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Workload = Callable[[], object]
"""A function whose run time is measured; its result is ignored."""


@dataclass(frozen=True)
class Pair:
    """Seconds of each run of the product and of the reference, measured alternately. Equal indices are compared."""

    product: tuple[float, ...]
    reference: tuple[float, ...]

    @property
    def speedups(self) -> list[float]:
        """Time of the reference divided by the time of the product, for each pair."""
        return [reference / product for product, reference in zip(self.product, self.reference, strict=True)]

    @property
    def slowdowns(self) -> list[float]:
        """Time of the product divided by the time of the reference, for each pair."""
        return [product / reference for product, reference in zip(self.product, self.reference, strict=True)]


@dataclass(frozen=True)
class Row:
    """One row of the table: `what` was measured and `compared_with` which reference.

    `ratios` has one value per repetition; their median is compared with the targets. The target `must` is required,
    `aim` is desired; None means no target. They are lower bounds if `at_least` is set, else upper bounds. `unit` is `x`
    for ratios. `note` is a detail, such as what was equal on both sides.
    """

    what: str
    compared_with: str
    ratios: tuple[float, ...]
    must: float | None
    aim: float | None
    at_least: bool
    note: str = ""
    unit: str = "x"

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)

    def reaches(self, target: float | None) -> bool:
        """True if the median meets the target; False without a target."""
        if target is None:
            return False
        return self.median >= target if self.at_least else self.median <= target


def interleaved(product: Workload, reference: Workload, repetitions: int, *, times: tuple[int, int] = (1, 1)) -> Pair:
    """Time both workloads alternately, after one warm-up run each.

    `times` is the number of runs per measurement of (product, reference), more than one for short workloads.
    """
    product(), reference()
    pairs = [(seconds_per_run(product, times[0]), seconds_per_run(reference, times[1])) for _ in range(repetitions)]
    return Pair(tuple(first for first, _ in pairs), tuple(second for _, second in pairs))


def seconds_per_run(workload: Workload, times: int = 1) -> float:
    """Seconds per run: the mean of `times` consecutive runs."""
    started_at = time.perf_counter()
    for _ in range(times):
        workload()
    return (time.perf_counter() - started_at) / times


def at_least(
    what: str, compared_with: str, ratios: Sequence[float], must: float | None, aim: float | None, note: str = ""
) -> Row:
    """A row whose value should be large, such as a speed-up."""
    return Row(what, compared_with, tuple(ratios), must, aim, True, note)


def at_most(
    what: str,
    compared_with: str,
    ratios: Sequence[float],
    must: float | None,
    aim: float | None,
    note: str = "",
    unit: str = "x",
) -> Row:
    """A row whose value should be small, such as a relative time or additional megabytes."""
    return Row(what, compared_with, tuple(ratios), must, aim, False, note, unit)
