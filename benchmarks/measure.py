"""Two ways side by side in one run: absolute times do not come again on a shared machine, ratios do."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Workload = Callable[[], object]


@dataclass(frozen=True)
class Pair:
    """Seconds of two ways, taken in turn: the first of ours belongs to the first of theirs."""

    product: tuple[float, ...]
    reference: tuple[float, ...]

    @property
    def speedups(self) -> list[float]:
        """How many times faster ours is, pair by pair."""
        return [reference / product for product, reference in zip(self.product, self.reference, strict=True)]

    @property
    def slowdowns(self) -> list[float]:
        """How many times as long ours takes, pair by pair."""
        return [product / reference for product, reference in zip(self.product, self.reference, strict=True)]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `ratios` are the repetitions'; their median counts. `must` and `aim` are lower bounds where `at_least`, else upper
    ones; None where there is no target. `unit` is `x` for ratios. `note` says what was equal on both sides, or what
    else is worth knowing.
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
    """Time both ways in turn, after a run of each that does not count; short ways run several `times` in a row."""
    product(), reference()
    pairs = [(seconds_per_run(product, times[0]), seconds_per_run(reference, times[1])) for _ in range(repetitions)]
    return Pair(tuple(first for first, _ in pairs), tuple(second for _, second in pairs))


def seconds_per_run(workload: Workload, times: int = 1) -> float:
    """Seconds that one run takes, the mean of so many in a row."""
    started = time.perf_counter()
    for _ in range(times):
        workload()
    return (time.perf_counter() - started) / times


def at_least(
    what: str, compared_with: str, ratios: Sequence[float], must: float | None, aim: float | None, note: str = ""
) -> Row:
    """A row that should be large: so many times faster."""
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
    """A row that should be small: so many times as long, or so many megabytes more."""
    return Row(what, compared_with, tuple(ratios), must, aim, False, note, unit)
