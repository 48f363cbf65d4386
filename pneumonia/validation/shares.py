"""Sensitivity, specificity and predictive values with two intervals: Wilson, and a bootstrap over patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..evaluation import metrics
from ..evaluation.intervals import wilson_interval
from ..evaluation.metrics import Decisions, Floats
from ..inference.answer_shares import answer_shares
from ..inference.decision import CLASSES
from .outcomes import Mask, Outcomes

Share = dict[str, Any]
"""`value`, `low`, `high`: the share with its 95 % Wilson interval; `hits` of `films`; `patient_low`, `patient_high`:
95 % interval of the bootstrap over patients, None without patients."""

Definition = Callable[[Decisions], tuple[Mask, Mask]]
"""Decisions -> (films that count, films among which they are counted)."""


def _among(subset: Callable[[Decisions], Mask], *, all_films: bool = False) -> Definition:
    """Share of correct answers among the films of a subset; of all films, or of those with an answer."""

    def define(films: Decisions) -> tuple[Mask, Mask]:
        return films.correct & films.answered, subset(films) if all_films else subset(films) & films.answered

    return define


ANSWERED: dict[str, Definition] = {
    "sensitivity": _among(lambda films: films.labels == 1),
    "specificity": _among(lambda films: films.labels == 0),
    "ppv": _among(lambda films: films.thresholded == 1),
    "npv": _among(lambda films: films.thresholded == 0),
    "accuracy": _among(lambda films: np.full(len(films.labels), True)),
}
"""Shares among the films with an answer."""

ALL: dict[str, Definition] = {
    "sensitivity": _among(lambda films: films.labels == 1, all_films=True),
    "specificity": _among(lambda films: films.labels == 0, all_films=True),
    "accuracy": _among(lambda films: np.full(len(films.labels), True), all_films=True),
}
"""Shares among all films: a film without an answer counts as wrong."""


def answered_share(films: Decisions) -> tuple[Mask, Mask]:
    """Share of films with an answer."""
    return films.answered, np.full(len(films.labels), True)


def shares(outcomes: Outcomes, weights: Floats | None) -> dict[str, Any]:
    """`answered`, `all` and `coverage` of the films. `weights`: bootstrap weights over patients, None without them."""
    films = outcomes.decisions
    return {
        "coverage": share(films, answered_share, weights),
        "answered": _shares(films, ANSWERED, weights),
        "all": _shares(films, ALL, weights),
    }


def _shares(films: Decisions, definitions: Mapping[str, Definition], weights: Floats | None) -> dict[str, Share]:
    return {name: share(films, definition, weights) for name, definition in definitions.items()}


def share(films: Decisions, definition: Definition, weights: Floats | None = None) -> Share:
    """One share with its intervals."""
    hits, subset = definition(films)
    counted, total = int((hits & subset).sum()), int(subset.sum())
    low = high = None
    if weights is not None and total:
        bounds = metrics.with_interval(counted / total, metrics.weighted_share(hits, subset, weights))
        low, high = bounds["low"], bounds["high"]
    return {
        **wilson_interval(counted, total),
        "hits": counted,
        "films": total,
        "patient_low": low,
        "patient_high": high,
    }


def lower_bound(figure: Mapping[str, Any]) -> float:
    """The lower of the two lower bounds; 0 without films."""
    return float(min(bound for bound in (figure["low"] or 0.0, figure["patient_low"]) if bound is not None))


def upper_bound(figure: Mapping[str, Any]) -> float:
    """The higher of the two upper bounds; 1 without films."""
    bounds = (1.0 if figure["high"] is None else figure["high"], figure["patient_high"])
    return float(max(bound for bound in bounds if bound is not None))


def answer_counts(outcomes: Outcomes, weights: Floats | None) -> dict[str, Any]:
    """For each class the number of `films` and the share of the answers Normal and Pneumonia among them.

    The form of `inference.answer_shares`; the interval of a share is that of the bootstrap, None without patients.
    """
    films = outcomes.decisions
    rows: dict[str, Any] = {}
    for label, name in enumerate(CLASSES):
        rows[name] = {"films": int((films.labels == label).sum())}
        for answer, answer_name in enumerate(CLASSES):
            figure = share(films, _answered_as(answer, label), weights)
            rows[name][answer_name] = {
                "value": figure["value"],
                "low": figure["patient_low"],
                "high": figure["patient_high"],
            }
    return rows


def predictive_values(answers: Mapping[str, Any], prevalence: float) -> dict[str, Any]:
    """PPV and NPV of the answers at a stated prevalence, `{"value", "low", "high"}`, from `answer_counts`.

    As the page computes them from the model's test, see `inference.predictive_value`.
    """
    return {
        "ppv": _predictive_value(answers, CLASSES[1], prevalence),
        "npv": _predictive_value(answers, CLASSES[0], prevalence),
    }


def _answered_as(answer: int, label: int) -> Definition:
    return lambda films: (films.answered & (films.thresholded == answer), films.labels == label)


def _predictive_value(answers: Mapping[str, Any], answer: str, prevalence: float) -> dict[str, float | None]:
    shares_of_answer = answer_shares({"answers": {"": answers}}, "", answer) if 0 < prevalence < 1 else None
    if shares_of_answer is None:
        return {"value": None, "low": None, "high": None}
    value = shares_of_answer.predictive_value(is_positive=answer == CLASSES[1], prevalence=prevalence)
    return dict(value.as_dict())
