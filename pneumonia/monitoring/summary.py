"""The counts of a period by source and model, with their comparison with the card."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..evaluation.intervals import wilson_interval
from ..evaluation.reference_measures import DISTANCE, RESEMBLANCE
from ..inference.bundle import Bundle
from ..inference.decision import CLASSES, UNKNOWN
from .counts import ANSWER, ERROR, INVERTED, OPINION, OPINIONS, REFUSED
from .drift import Comparison, compare_measures, compare_scores, compare_shares
from .histograms import EDGES, SCORE
from .reference import Counts, Reference

if TYPE_CHECKING:  # the page imports this module, and SQLite only if it counts
    from .store import Row

MIN_SHOWN = 5
"""Smallest number of films whose answers are shown: with fewer, who knows the patients of a day could tell whose."""

ALL_SOURCES = ""
"""Source of the group that sums up all sources of a model, if there are several."""

MEASURES = (DISTANCE, RESEMBLANCE)

LABELS = (*CLASSES, UNKNOWN)

RECENT_DAYS = 28
"""Days at the end of a period that are compared with the days before: long enough for the films of a small site."""

REFUSED_SHARE = "refused"
"""Name of the comparison of the shares that the gate refuses, beside those of the histograms."""

Json = dict[str, Any]


class Group(NamedTuple):
    """What is summed up together: a source, or "" for all of them, and the model with its site file."""

    source: str
    model: str
    revision: str
    sha256: str
    site: str
    population: str


@dataclasses.dataclass(frozen=True)
class GroupSummary:
    """A group in a period: its counts by (name, value), those of each week by its Monday, and the comparisons.

    `comparisons` with the card is empty if the model is not loaded, or its card has no distributions. `changes`
    compares the last `RECENT_DAYS` with the days before; it has no scores, because the share of pneumonia changes with
    the season and nobody knows it.
    """

    group: Group
    counts: Counter[tuple[str, str]]
    weeks: Mapping[date, Counter[tuple[str, str]]]
    comparisons: Mapping[str, Comparison]
    changes: Mapping[str, Comparison]
    reference: Reference | None

    @property
    def films(self) -> int:
        """Number of films with an answer."""
        return sum(self.counts[ANSWER, label] for label in LABELS)


def summarise(rows: Sequence[Row], bundles: Iterable[Bundle], until: date) -> list[GroupSummary]:
    """Each group of the counts: for each model all sources, then the sources with the most films first.

    `bundles` are the models in use, `until` is the last day of the period.
    """
    references = {bundle_key(bundle): Reference.of(bundle) for bundle in bundles}
    sums = _sum_up(rows, until - timedelta(days=RECENT_DAYS - 1))
    summaries = [
        _summary(group, summed, references.get((group.sha256, group.site)))
        for group, summed in sums.items()
        if group.source != ALL_SOURCES or _has_several_sources(group, sums)
    ]
    return sorted(summaries, key=_order)


@dataclasses.dataclass
class _Sums:
    """The counts of a group: all, those of the recent days, and those of each week by its Monday."""

    all: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)
    recent: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)
    weeks: dict[date, Counter[tuple[str, str]]] = dataclasses.field(default_factory=dict)


def _sum_up(rows: Iterable[Row], first_recent: date) -> dict[Group, _Sums]:
    """The sums of each source, and of all sources of a model."""
    sums: dict[Group, _Sums] = {}
    for row in rows:
        if row.name == ERROR:
            continue
        group = Group(*row.series[:-1])
        monday = row.day - timedelta(days=row.day.weekday())
        for summed in (sums.setdefault(name, _Sums()) for name in (group, group._replace(source=ALL_SOURCES))):
            counters = [summed.all, summed.weeks.setdefault(monday, Counter())]
            for counter in counters + [summed.recent] * (row.day >= first_recent):
                counter[row.name, row.value] += row.films
    return sums


def _summary(group: Group, sums: _Sums, reference: Reference | None) -> GroupSummary:
    return GroupSummary(
        group,
        sums.all,
        dict(sorted(sums.weeks.items())),
        _comparisons(sums.all, reference),
        _changes(sums.all, sums.recent),
        reference,
    )


def _order(entry: GroupSummary) -> tuple[object, ...]:
    group = entry.group
    return group.population, group.sha256, group.site, group.source != ALL_SOURCES, -entry.films, group.source


def _has_several_sources(pooled: Group, groups: Iterable[Group]) -> bool:
    return sum(group._replace(source=ALL_SOURCES) == pooled for group in groups) > 2


def bundle_key(bundle: Bundle) -> tuple[str, str]:
    """What identifies the model of a group: its hash and its site file."""
    return bundle.identity.sha256, bundle.identity.site or ""


def errors(rows: Iterable[Row]) -> dict[str, Counter[str]]:
    """Source -> error code -> number of files that could not be read."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        if row.name == ERROR:
            counts.setdefault(row.series.source, Counter())[row.value] += row.films
    return counts


def _changes(counts: Counter[tuple[str, str]], recent: Counter[tuple[str, str]]) -> dict[str, Comparison]:
    """The comparison of recent films with those before; empty if there are none before."""
    earlier = counts - recent  # without what would be 0
    if not recent[ANSWER, CLASSES[0]] + recent[ANSWER, CLASSES[1]] + recent[ANSWER, UNKNOWN] or not earlier:
        return {}
    changes = {name: compare_measures(histogram(recent, name), histogram(earlier, name)) for name in MEASURES}
    (refused, films), (refused_earlier, films_earlier) = _refused(recent), _refused(earlier)
    return {
        **changes,
        REFUSED_SHARE: compare_shares(refused, films, refused_earlier, films_earlier),
        INVERTED: compare_shares(recent[INVERTED, ""], films, earlier[INVERTED, ""], films_earlier),
    }


def _refused(counts: Mapping[tuple[str, str], int]) -> tuple[int, int]:
    """(films that the gate refused, films that it measured)."""
    refused = int(histogram(counts, DISTANCE, prefix=REFUSED).sum())
    return refused, refused + int(histogram(counts, DISTANCE).sum())


def _comparisons(counts: Mapping[tuple[str, str], int], reference: Reference | None) -> dict[str, Comparison]:
    if reference is None:
        return {}
    measures = {name: compare_measures(histogram(counts, name), card) for name, card in reference.measures.items()}
    return {
        SCORE: compare_scores(histogram(counts, SCORE), reference.scores),
        **{name: measures[name] for name in MEASURES},
        REFUSED_SHARE: compare_shares(*_refused(counts), reference.refused, reference.films),
    }


def histogram(counts: Mapping[tuple[str, str], int], name: str, *, prefix: str = "") -> Counts:
    """The histogram `name` among the counts, `[bins]`; of refused films with the prefix `counts.REFUSED`."""
    bins = [counts.get((prefix + name, str(number)), 0) for number in range(len(EDGES[name]) + 1)]
    return np.array(bins, np.int64)


def opinions(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Label -> opinion of physicians -> number of films."""
    return {
        label: {opinion: counts.get((OPINION, f"{label}/{opinion}"), 0) for opinion in OPINIONS} for label in LABELS
    }


def answers(counts: Mapping[tuple[str, str], int]) -> dict[str, Json]:
    """Label -> `films`, and their share with its 95 % Wilson interval."""
    total = sum(counts.get((ANSWER, label), 0) for label in LABELS)
    numbers = {label: counts.get((ANSWER, label), 0) for label in LABELS}
    return {label: {"films": films, **wilson_interval(films, total)} for label, films in numbers.items()}
