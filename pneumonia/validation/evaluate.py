"""The validation of the served models on a site's labelled films, as one object with all figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from ..evaluation import metrics
from ..inference.decision import CLASSES, DEFAULT_POINT
from ..inference.model import Model
from ..inference.predictor import Predictor
from .calibration import calibration, card_curves, discrimination
from .drift import drift
from .film_results import FilmResult, without_repeats
from .goal import DEFAULT_SENSITIVITY, Goal
from .local_point import MIN_FILMS, LocalPoint, choose, cross_fitted, has_patients, threshold_rows
from .outcomes import Outcomes, outcomes_of
from .sample_size import sample_size
from .shares import answer_counts, predictive_values, shares
from .site_films import Problem, Selection
from .subgroups import subgroups
from .verdict import verdict

FORMAT = 1
"""Version of the JSON."""

WORST_FILMS = 20
"""Number of films in the list of the most wrong ones."""


@dataclass(frozen=True)
class Question:
    """What the site wants to know. `prevalence`: share of pneumonia among its patients, None: as among the films."""

    operating_point: str = DEFAULT_POINT
    goal: Goal = field(default_factory=lambda: Goal(sensitivity=DEFAULT_SENSITIVITY))
    prevalence: float | None = None
    site_name: str = ""


@dataclass(frozen=True)
class Validation:
    """`figures`: the JSON of docs/validation.md. `results`: those of the films that count.

    `worst`: the most wrong films. `local`: the local point of each population that has enough films.
    """

    figures: dict[str, Any]
    results: tuple[FilmResult, ...]
    problems: tuple[Problem, ...]
    worst: tuple[FilmResult, ...]
    local: dict[str, LocalPoint]


def validate(
    predictor: Predictor, selection: Selection, scored: Sequence[FilmResult], question: Question
) -> Validation:
    """All figures of scored films; see docs/validation.md for their meaning.

    `scored`: results of the films of `selection`; fewer if the run was stopped.
    """
    results, repeats = without_repeats(scored)
    problems = (*selection.problems, *repeats)
    outcomes = outcomes_of(results)
    patients = has_patients(outcomes) if results else False
    weights = outcomes.weights if patients else None
    models, local = _figures_of_models(predictor, results, question)
    figures = {
        "format": FORMAT,
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "site": question.site_name,
        "question": {
            "operating_point": question.operating_point,
            "goal": question.goal.as_dict(),
            "prevalence": question.prevalence,
        },
        "films": _film_counts(selection, scored, results, problems),
        "independence": "patients" if patients else "films",
        "service": _service(outcomes, results, question, weights) if results else {},
        "models": models,
        "subgroups": subgroups(results, outcomes, weights) if results else [],
        "problems": [problem.as_dict() for problem in problems],
    }
    return Validation(figures, tuple(results), problems, tuple(_worst(results)), local)


def _figures_of_models(
    predictor: Predictor, results: Sequence[FilmResult], question: Question
) -> tuple[dict[str, Any], dict[str, LocalPoint]]:
    """(population -> entry of its model, population -> local point), for the models that have films."""
    models, local = {}, {}
    for model in predictor.models:
        name = model.population.name
        own = [result for result in results if result.population == name]
        if own:
            models[name], point = _model_figures(model, own, question)
            if point is not None:
                local[name] = point
    return models, local


def _film_counts(
    selection: Selection, scored: Sequence[FilmResult], results: Sequence[FilmResult], problems: Sequence[Problem]
) -> dict[str, Any]:
    classes = Counter(CLASSES[result.film.label] for result in results)
    return {
        "received": selection.received,
        "labelled": len(selection.films),
        "not_reached": len(selection.films) - len(scored),
        "used": len(results),
        "classes": {name: classes[name] for name in CLASSES},
        "unreadable": sum(result.error is not None for result in results),
        "patients": len({result.film.group for result in results if result.film.group}) or None,
        "problems": dict(Counter(problem.code for problem in problems)),
    }


def _service(
    outcomes: Outcomes, results: Sequence[FilmResult], question: Question, weights: metrics.Floats | None
) -> dict[str, Any]:
    """Answers of the whole service: every film is routed to the model that answers it."""
    prevalence = question.prevalence or float(outcomes.labels.mean())
    answers = answer_counts(outcomes, weights)
    return {
        "answers": _answers(results),
        "reasons": _reasons(results),
        "shares": shares(outcomes, weights),
        "at_prevalence": {
            "prevalence": round(prevalence, 5),
            **predictive_values(answers, prevalence),
        },
    }


def _answers(results: Sequence[FilmResult]) -> dict[str, dict[str, int]]:
    """Number of films by label and answer."""
    return {
        name: dict(Counter(result.answer for result in results if result.film.label == label))
        for label, name in enumerate(CLASSES)
    }


def _reasons(results: Sequence[FilmResult]) -> dict[str, dict[str, int]]:
    """Number of films without an answer, by code of the reason and by label."""
    counts: dict[str, Counter[str]] = {}
    for result in results:
        if result.reason_code:
            counts.setdefault(result.reason_code, Counter())[CLASSES[result.film.label]] += 1
    return {code: dict(counts[code]) for code in sorted(counts, key=lambda code: -counts[code].total())}


def _model_figures(
    model: Model, results: Sequence[FilmResult], question: Question
) -> tuple[dict[str, Any], LocalPoint | None]:
    """The entry of one model, and its local point if there are enough films."""
    outcomes = outcomes_of(results)
    scored = outcomes.subset(outcomes.is_scored)
    weights = outcomes.weights if has_patients(outcomes) else None
    own_shares = shares(outcomes, weights)
    point, local = _local(model, scored, question)
    entry = {
        "population": model.population.description,
        "model": model.identity.as_dict(),
        "operating_point": question.operating_point,
        "limits": vars(model.operating_points[question.operating_point]),
        "films": len(outcomes),
        "scored": len(scored),
        "classes": dict(zip(CLASSES, np.bincount(outcomes.labels, minlength=2).tolist(), strict=True)),
        "answers": _answers(results),
        "reasons": _reasons(results),
        "shares": own_shares,
        "sample_size": sample_size(own_shares),
        "discrimination": discrimination(scored, scored.weights) if len(scored) else {},
        "calibration": calibration(scored, model.bundle.calibration, scored.weights) if len(scored) else {},
        "thresholds": threshold_rows(scored) if len(scored) else {},
        "local": local,
        "drift": drift(results, model.bundle),
        "card": _card(model, question.operating_point),
    }
    return {**entry, "verdict": verdict(entry)}, point


def _local(model: Model, scored: Outcomes, question: Question) -> tuple[LocalPoint | None, dict[str, Any] | None]:
    """The local point and its entry; None if a class has fewer than `MIN_FILMS` scored films."""
    counts = np.bincount(scored.labels, minlength=2)
    if counts.min() < MIN_FILMS:
        return None, None
    prevalence = question.prevalence or float(scored.labels.mean())
    base = model.bundle.calibration.prevalence
    point = choose(scored.labels, scored.probability, question.goal, prevalence, base)
    if point is None:
        return None, None
    fitted = cross_fitted(scored, question.goal, prevalence, base)
    return point, {**point.as_dict(), "prevalence": round(prevalence, 5), "cross_fitted": fitted}


def _card(model: Model, operating_point: str) -> dict[str, Any]:
    """Figures and curves of the card, to be shown beside the site's."""
    run = model.bundle.served_run or {}
    return {**card_curves(model.bundle), "operating_point": run.get("operating_points", {}).get(operating_point)}


def _worst(results: Sequence[FilmResult]) -> list[FilmResult]:
    """Films on the wrong side of one half, answers before films without one, the most confident first."""
    wrong = [result for result in results if result.thumbnail]
    return sorted(wrong, key=lambda result: (not _is_answered(result), -_error(result)))[:WORST_FILMS]


def _is_answered(result: FilmResult) -> bool:
    return result.answer in CLASSES


def _error(result: FilmResult) -> float:
    return abs((result.probability or 0.0) - result.film.label)
