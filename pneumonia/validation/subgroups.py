"""Figures by age, sex, site and model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..evaluation import metrics
from ..messages import message
from .film_results import FilmResult
from .outcomes import Outcomes
from .shares import shares

AGE_BANDS = ((0, 1), (1, 6), (6, 18), (18, 40), (40, 60), (60, 80), (80, 131))
"""Years from and below; the second and those from 18 on are the ages of the two models."""

MAX_GROUPS = 30
"""Maximum number of values of sex or site with a row; the rarer ones are joined as "other"."""

MIN_PER_CLASS = 5
"""Minimum number of scored films of each class for an AUROC."""

NOT_STATED = message("not stated")

_MALE, _FEMALE, _OTHER = message("male"), message("female"), message("other")
SEXES = {"m": _MALE, "male": _MALE, "f": _FEMALE, "female": _FEMALE, "o": _OTHER, "other": _OTHER}


def subgroups(
    results: Sequence[FilmResult], outcomes: Outcomes, weights: metrics.Floats | None
) -> list[dict[str, Any]]:
    """A row for each group of films: `by`, `group`, `films`, `normal`, `pneumonia`, `shares` and `auroc`.

    A property with one value only has no rows. `weights`: bootstrap weights over patients, None without them.
    """
    rows = []
    for by, value_of in _PROPERTIES.items():
        values = np.array([value_of(result) for result in results], object)
        names = list(_ordered(by, values.tolist()))
        if len(names) < 2:
            continue
        for name, members in _members(names, values):
            rows.append({"by": by, "group": name, **_figures(outcomes, members, weights)})
    return rows


def _figures(outcomes: Outcomes, members: Any, weights: metrics.Floats | None) -> dict[str, Any]:
    group = outcomes.subset(members)
    scored = group.subset(group.is_scored)
    counts = np.bincount(group.labels, minlength=2).tolist()
    has_area = len(scored) and min(np.bincount(scored.labels, minlength=2)) >= MIN_PER_CLASS
    area = (
        metrics.compute_metrics(scored.decisions, scored.weights, {"auroc": metrics.auroc})["auroc"]
        if has_area
        else None
    )
    group_weights = None if weights is None else weights[:, members]
    return {
        "films": len(group),
        "normal": counts[0],
        "pneumonia": counts[1],
        "shares": shares(group, group_weights),
        "auroc": area,
    }


def _members(names: Sequence[str], values: Any) -> Iterator[tuple[str, Any]]:
    for name in names[:MAX_GROUPS]:
        yield name, values == name
    if len(names) > MAX_GROUPS:
        yield "other", np.isin(values.astype(str), names[MAX_GROUPS:])


def _ordered(by: str, values: Sequence[str]) -> list[str]:
    """The values: ages in their order, others by the number of films."""
    if by == "age":
        return [name for name in (*map(_band_name, AGE_BANDS), NOT_STATED) if name in values]
    return sorted(set(values), key=lambda name: (-values.count(name), name))


def age_band(years: float | None) -> str:
    """The band of an age, such as "18-39"."""
    band = next((band for band in AGE_BANDS if years is not None and band[0] <= years < band[1]), None)
    return NOT_STATED if band is None else _band_name(band)


def _band_name(band: tuple[int, int]) -> str:
    first, end = band
    if first == 0:
        return message("under 1")
    return message("{age} and over", age=first) if end > 130 else f"{first}-{end - 1}"


def _sex(result: FilmResult) -> str:
    text = result.film.sex.casefold()
    return SEXES.get(text, text) or NOT_STATED


_PROPERTIES: dict[str, Callable[[FilmResult], str]] = {
    "model": lambda result: result.population or "none",
    "age": lambda result: age_band(result.age),
    "sex": _sex,
    "site": lambda result: result.film.site or NOT_STATED,
}
"""Property -> its value for a film."""
