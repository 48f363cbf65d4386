"""The counts of a period as the JSON of `monitor --json`."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from .counts import ANSWER, INVERTED, REASON
from .drift import Comparison
from .summary import LABELS, MIN_SHOWN, GroupSummary, Json, answers, opinions


def as_dict(summaries: Sequence[GroupSummary], failures: Mapping[str, Counter[str]], since: date, until: date) -> Json:
    """The JSON of a period. Groups and weeks of fewer than `MIN_SHOWN` films have the key `films` only, and None."""
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "min_shown": MIN_SHOWN,
        "groups": [_group_json(entry) for entry in summaries],
        "errors": {source: dict(codes) for source, codes in sorted(failures.items())},
    }


def _group_json(entry: GroupSummary) -> Json:
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
        "changes": {name: _comparison_json(comparison) for name, comparison in entry.changes.items()},
        "opinions": opinions(entry.counts),
        "weeks": [_week_json(monday, counts) for monday, counts in entry.weeks.items()],
    }


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
