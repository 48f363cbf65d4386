"""The counts of a period by source and model, with their comparison with the card: the JSON of `monitor --json`."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np

from ..evaluation.intervals import wilson_interval
from ..evaluation.reference_measures import DISTANCE, RESEMBLANCE
from ..inference.bundle import Bundle
from ..inference.decision import CLASSES, UNKNOWN
from .counts import ANSWER, ERROR, INVERTED, OPINION, OPINIONS, REASON, REFUSED
from .drift import Comparison, compare_measures, compare_refused, compare_scores
from .histograms import EDGES, SCORE
from .reference import Counts, Reference
from .store import Row

MIN_SHOWN = 5
"""Smallest number of films whose answers are shown: with fewer, who knows the patients of a day could tell whose."""

ALL_SOURCES = ""
"""Source of the group that sums up all sources of a model, if there are several."""

LABELS = (*CLASSES, UNKNOWN)

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
class Monitored:
    """A group in a period: its counts by (name, value), those of each week by its Monday, and the comparisons.

    `comparisons` is empty if the model is not loaded, or its card has no distributions.
    """

    group: Group
    counts: Counter[tuple[str, str]]
    weeks: Mapping[date, Counter[tuple[str, str]]]
    comparisons: Mapping[str, Comparison]
    reference: Reference | None

    @property
    def films(self) -> int:
        """Number of films with an answer."""
        return sum(self.counts[ANSWER, label] for label in LABELS)


def summarise(rows: Sequence[Row], bundles: Iterable[Bundle]) -> list[Monitored]:
    """Each group of the counts: for each model all sources, then the sources with the most films first.

    `bundles` are the models in use.
    """
    references = {bundle_key(bundle): Reference.of(bundle) for bundle in bundles}
    counts: dict[Group, Counter[tuple[str, str]]] = {}
    weeks: dict[Group, dict[date, Counter[tuple[str, str]]]] = {}
    for row in rows:
        if row.name == ERROR:
            continue
        group = Group(*row.series[:-1])
        monday = row.day - timedelta(days=row.day.weekday())
        for summed in (group, group._replace(source=ALL_SOURCES)):
            week = weeks.setdefault(summed, {}).setdefault(monday, Counter())
            for counter in (counts.setdefault(summed, Counter()), week):
                counter[row.name, row.value] += row.films
    monitored = [
        _monitored(group, counts[group], weeks[group], references.get((group.sha256, group.site)))
        for group in counts
        if group.source != ALL_SOURCES or _has_several_sources(group, counts)
    ]
    return sorted(monitored, key=_order)


def _order(entry: Monitored) -> tuple[object, ...]:
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


def _monitored(
    group: Group,
    counts: Counter[tuple[str, str]],
    weeks: Mapping[date, Counter[tuple[str, str]]],
    reference: Reference | None,
) -> Monitored:
    comparisons = {} if reference is None else _comparisons(counts, reference)
    return Monitored(group, counts, dict(sorted(weeks.items())), comparisons, reference)


def _comparisons(counts: Mapping[tuple[str, str], int], reference: Reference) -> dict[str, Comparison]:
    measures = {name: compare_measures(histogram(counts, name), card) for name, card in reference.measures.items()}
    accepted = int(histogram(counts, DISTANCE).sum())
    refused = int(histogram(counts, DISTANCE, prefix=REFUSED).sum())
    return {
        SCORE: compare_scores(histogram(counts, SCORE), reference.scores),
        **{name: measures[name] for name in (DISTANCE, RESEMBLANCE)},
        REFUSED_SHARE: compare_refused(refused, refused + accepted, reference.refused, reference.films),
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


def as_dict(monitored: Sequence[Monitored], failures: Mapping[str, Counter[str]], since: date, until: date) -> Json:
    """The JSON of a period. Groups and weeks of fewer than `MIN_SHOWN` films have the key `films` only, and None."""
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "min_shown": MIN_SHOWN,
        "groups": [_group_json(entry) for entry in monitored],
        "errors": {source: dict(codes) for source, codes in sorted(failures.items())},
    }


def _group_json(entry: Monitored) -> Json:
    group = entry.group
    head = {
        "source": group.source or None,
        "model": {"name": group.model, "revision": group.revision, "sha256": group.sha256, "site": group.site or None},
        "population": group.population,
    }
    if entry.films < MIN_SHOWN:
        return {**head, "films": None}
    return {
        **head,
        "films": entry.films,
        "answers": answers(entry.counts),
        "reasons": {code: films for (name, code), films in sorted(entry.counts.items()) if name == REASON and films},
        "inverted": entry.counts[INVERTED, ""],
        "comparisons": {name: _comparison_json(comparison) for name, comparison in entry.comparisons.items()},
        "opinions": opinions(entry.counts),
        "weeks": [_week_json(monday, counts) for monday, counts in entry.weeks.items()],
    }


def answers(counts: Mapping[tuple[str, str], int]) -> dict[str, Json]:
    """Label -> `films`, and their share with its 95 % Wilson interval."""
    total = sum(counts.get((ANSWER, label), 0) for label in LABELS)
    numbers = {label: counts.get((ANSWER, label), 0) for label in LABELS}
    return {label: {"films": films, **wilson_interval(films, total)} for label, films in numbers.items()}


def _week_json(monday: date, counts: Mapping[tuple[str, str], int]) -> Json:
    numbers = {label: counts.get((ANSWER, label), 0) for label in LABELS}
    films = sum(numbers.values())
    head = {"monday": monday.isoformat()}
    return {**head, "films": films, "answers": numbers} if films >= MIN_SHOWN else {**head, "films": None}


def _comparison_json(comparison: Comparison) -> Json:
    values = dataclasses.asdict(comparison)
    return {name: _rounded(value) for name, value in values.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.3g}")
    return value
