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
    """Seconds of each run of the product and of the reference, measured alternately; equal indices belong together."""

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
    """One line of the table.

    `ratios` has one value per repetition; their median is compared with the targets. `must` and `aim` are lower bounds
    if `at_least` is set, else upper bounds; None means no target. `unit` is `x` for ratios. `note` states what was
    equal on both sides, or another detail.
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
        if target is None:
            return False
        return self.median >= target if self.at_least else self.median <= target


def interleaved(product: Workload, reference: Workload, repetitions: int, *, times: tuple[int, int] = (1, 1)) -> Pair:
    """Time both workloads alternately after one warm-up run each; short ones run several `times` per measurement."""
    product(), reference()
    pairs = [(seconds_per_run(product, times[0]), seconds_per_run(reference, times[1])) for _ in range(repetitions)]
    return Pair(tuple(first for first, _ in pairs), tuple(second for _, second in pairs))


def seconds_per_run(workload: Workload, times: int = 1) -> float:
    """Seconds per run: the mean of `times` consecutive runs."""
    started = time.perf_counter()
    for _ in range(times):
        workload()
    return (time.perf_counter() - started) / times


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
