"""Drift against the card: are scores and gate measures of the site's films distributed as those of the card's films?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..evaluation import kolmogorov_smirnov
from ..evaluation.kolmogorov_smirnov import TwoSampleTest
from ..evaluation.metrics import Floats
from ..evaluation.reference_measures import DISTANCE, RESEMBLANCE, reference_of
from ..inference.bundle import Bundle
from ..inference.decision import CLASSES
from .film_results import FilmResult

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def drift(results: Sequence[FilmResult], bundle: Bundle) -> dict[str, Any]:
    """A row for the scores of each class and for each gate measure: `statistic`, `p_value`, `films`, `card_films`.

    Scores are compared within a class, since a site with more pneumonia has other scores without any drift. `source`:
    `values` of the card's films, or its `thresholds` table, whose steps of .01 make the statistic a lower bound, or
    None if the bundle has no distribution. `is_exact`: False for the limit distribution of very many films.
    """
    reference = reference_of(bundle.evaluation)
    rows: dict[str, Any] = {}
    for label, name in enumerate(CLASSES):
        site = np.array([r.probability for r in results if r.film.label == label and r.probability is not None], float)
        rows[f"score: {name}"] = _score_row(site, name, reference, bundle)
    for name in (RESEMBLANCE, DISTANCE):
        site = np.array([result.measures[name] for result in results if name in result.measures])
        rows[name] = _row(site, None if reference is None else np.array(reference[name]))
    return rows


def _score_row(site: Floats, name: str, reference: Mapping[str, Any] | None, bundle: Bundle) -> dict[str, Any]:
    if reference is not None:
        return _row(site, np.array(reference["probability"][name]))
    run = bundle.served_run
    table = (run or {}).get("curves", {}).get("thresholds")
    if not table or not len(site):
        return _row(site, None)
    at_least = np.array(table["true_positive" if name == CLASSES[1] else "false_positive"])
    if not at_least[0]:
        return _row(site, None)
    cuts = np.array(table["threshold"])
    site_share = np.searchsorted(np.sort(site), cuts, side="left") / len(site)
    distance = float(np.abs(site_share - (1 - at_least / at_least[0])).max())
    test = kolmogorov_smirnov.from_distance(distance, len(site), int(at_least[0]))
    return _as_row(test, site, None, "thresholds")


def _row(site: Floats, reference: Floats | None) -> dict[str, Any]:
    if reference is None or not len(site) or not len(reference):
        return _as_row(None, site, None, None)
    return _as_row(kolmogorov_smirnov.two_sample_test(site, reference), site, reference, "values")


def _as_row(test: TwoSampleTest | None, site: Floats, card: Floats | None, source: str | None) -> dict[str, Any]:
    return {
        "source": source,
        "films": len(site),
        "card_films": None if test is None else test.second,
        "statistic": None if test is None else round(test.statistic, 5),
        "p_value": None if test is None else float(f"{test.p_value:.3g}"),
        "is_exact": None if test is None else test.is_exact,
        "quantiles": _quantiles(site),
        "card_quantiles": None if card is None else _quantiles(card),
    }


def _quantiles(values: Floats) -> list[float] | None:
    return [round(float(value), 4) for value in np.quantile(values, QUANTILES)] if len(values) else None
