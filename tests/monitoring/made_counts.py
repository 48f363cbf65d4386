"""Counts of made weeks: films drawn from the card of a model, of two sources, one of which has drifted."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from pneumonia.inference.model import Model
from pneumonia.monitoring import store
from pneumonia.monitoring.counts import Item, Series
from pneumonia.monitoring.histograms import bin_of
from pneumonia.monitoring.reference import Reference

STABLE, DRIFTED = "CR_ROOM1", "DX_PORTABLE"


def series_of_model(model: Model, source: str) -> Series:
    identity = model.identity
    return Series(
        *(source, identity.name, identity.revision, identity.sha256, identity.site or ""),
        population=str(model.population.name),
        operating_point="balanced",
    )


def write(folder: Path, model: Model, today: date, *, films: int = 150, weeks: int = 4) -> None:
    """Counts of `films` films of each source on one day of each of the last weeks."""
    random = np.random.default_rng(1)
    for source in (STABLE, DRIFTED):
        for week in range(weeks):
            day = (today - timedelta(days=7 * week)).isoformat()
            items = _items(model, random, films, has_drifted=source == DRIFTED)
            store.add(folder, {(day, series_of_model(model, source)): items})


def _items(model: Model, random: np.random.Generator, films: int, *, has_drifted: bool) -> Counter[Item]:
    reference = Reference.of(model.bundle)
    assert reference is not None
    items: Counter[Item] = Counter()
    for _ in range(films):
        if random.random() < 0.01:
            items.update([("answer", "Unknown"), ("reason", "not_a_chest_film"), ("refused distance", "30")])
            continue
        probability = float(random.choice(reference.probabilities[int(random.random() < 0.2)]))
        label = model.operating_points["balanced"].label(probability)
        items["answer", label] += 1
        if label == "Unknown":
            items["reason", "inconclusive"] += 1
        items["score", str(bin_of("score", probability))] += 1
        for name, card in reference.measures.items():
            value = random.choice(len(card), p=card / card.sum()) + 4 * (has_drifted and name == "distance")
            items[name, str(value)] += 1
        items["opinion", f"{label}/Normal"] += 1
    return items
