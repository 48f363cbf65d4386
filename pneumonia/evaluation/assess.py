"""Evaluation of a model on labelled films, through the code that serves it: one run of `evaluation.json`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ..inference.decision import DEFAULT_POINT, UNKNOWN, Calibration, OperatingPoint
from ..inference.model import Model
from . import metrics
from .answers import answers_at, by_class
from .curves import all_curves, at_thresholds, reliability
from .dataset import FilmSet
from .metrics import Decisions, Figure, Floats, Labels


@dataclass(frozen=True)
class FilmScores:
    """Scores of `N` films.

    `probability` `[N]`: calibrated P(pneumonia). `refused` `[N]`: True if the gate refuses the film, or its lungs are
    cut off. `reasons`: code of the reason for each film, or None.
    """

    probability: Floats
    refused: npt.NDArray[np.bool_]
    reasons: tuple[str | None, ...]


def score_films(model: Model, films: FilmSet, *, title: str = "scoring", quiet: bool = False) -> FilmScores:
    """Runs the gate and the network on every film, using all threads of the model.

    Refused films are scored as well, so that the cost of the gate can be measured. `title` labels the progress bar;
    `quiet` hides it.
    """

    def score(film: npt.NDArray[np.uint8]) -> tuple[float, str | None]:
        model_input = np.repeat(film[:, :, None], 3, axis=2)
        scored = model.score(model_input)
        return scored.probability, model.refusal(model_input, scored)

    with ThreadPoolExecutor(model.threads) as pool:
        rows = list(tqdm(pool.map(score, films.inputs), title, len(films.films), unit="film", disable=quiet or None))
    probability = np.array([row[0] for row in rows])
    reasons = tuple(row[1] for row in rows)
    return FilmScores(probability, np.array([reason is not None for reason in reasons]), reasons)


def evaluate(films: FilmSet, scores: FilmScores, model: Model) -> dict[str, Any]:
    """All metrics and curves of one model on one set of films: the entry of `runs` in `evaluation.json`.

    Metrics have 95 % intervals from a bootstrap over patients.
    """
    weights = metrics.bootstrap_weights(films.strict_keys)
    points = model.operating_points
    balanced = points[DEFAULT_POINT]
    network = at_operating_point(films, scores, balanced, with_band=False)
    return {
        "films": {"total": len(films.films), **_counts(films.kinds)},
        "fingerprint": films.fingerprint,
        "patients": len(set(films.strict_keys.tolist())),
        "bootstrap": {"unit": "patient", "replicates": metrics.REPLICATES, "seed": metrics.BOOTSTRAP_SEED},
        "threshold": balanced.threshold,
        "figures": metrics.compute_metrics(network, weights, metrics.NETWORK_METRICS | metrics.GATED_METRICS),
        "known_prevalence": _known_prevalence(
            films.labels,
            scores.probability,
            np.full(len(films.films), model.bundle.calibration.prevalence),
            weights,
        ),
        "confusion": _confusion(network),
        "classes": by_class(answers_at(scores.probability, scores.refused, balanced), films.labels, weights),
        "answers": {
            name: by_class(answers_at(scores.probability, scores.refused, point), films.labels, weights)
            for name, point in points.items()
        },
        "operating_points": {
            name: metrics.compute_metrics(
                at_operating_point(films, scores, point, with_band=True), weights, metrics.SERVICE_METRICS
            )
            for name, point in points.items()
        },
        "kinds": {kind: _subgroup(films, network, scores, weights, kind) for kind in sorted(set(films.kinds.tolist()))},
        "curves": {
            **all_curves(films.labels, scores.probability, balanced.threshold),
            "operating_points": at_thresholds(
                films.labels, scores.probability, {name: point.threshold for name, point in points.items()}
            ),
        },
    }


def out_of_fold(films: FilmSet, probability: Floats, prevalence: Floats) -> dict[str, Any]:
    """Calibration error of the official train and val films, each scored by the model that was not trained on it.

    `probability` `[N]`: for each of the `N` films, P(pneumonia) by the model of the fold in which it is a test film;
    `prevalence` `[N]`: the calibration prevalence of that model. The calibration of each fold is fitted on films of
    other patients, so the estimate is cross-fitted.
    """
    indices = np.flatnonzero([film.split != "test" for film in films.films])
    subset, predicted = films.subset(indices), probability[indices]
    all_answered = np.ones(len(indices), bool)
    decisions = Decisions(subset.labels, predicted, (predicted >= 0.5).astype(np.int64), all_answered)
    measures = {"ece": metrics.ece, "brier": metrics.brier, "auroc": metrics.auroc}
    weights = metrics.bootstrap_weights(subset.strict_keys)
    return {
        "films": len(indices),
        "figures": metrics.compute_metrics(decisions, weights, measures),
        "known_prevalence": _known_prevalence(subset.labels, predicted, prevalence[indices], weights),
        "reliability": reliability(subset.labels, predicted),
    }


def at_operating_point(films: FilmSet, scores: FilmScores, point: OperatingPoint, *, with_band: bool) -> Decisions:
    """Decisions at the threshold of an operating point.

    A film counts as answered if the gate accepts it. With `with_band` it must also be outside the undecided band.
    """
    thresholded = (scores.probability >= point.threshold).astype(np.int64)
    is_decided = np.array([point.label(float(probability)) != UNKNOWN for probability in scores.probability])
    answered = ~scores.refused & is_decided if with_band else ~scores.refused
    return Decisions(films.labels, scores.probability, thresholded, answered)


def _known_prevalence(
    labels: Labels, probability: Floats, calibrated_to: Floats, weights: Floats
) -> dict[str, Any] | None:
    """Calibration error if the probabilities are converted to the prevalence of these films; None if a class is
    missing.

    `calibrated_to` `[N]`: the calibration prevalence of the model that scored each film.
    """
    prevalence = float(labels.mean())
    if not 0 < prevalence < 1:
        return None
    recalibrated = np.array(
        [
            Calibration(1.0, 0.0, float(own)).at_prevalence(prevalence, float(value))
            for own, value in zip(calibrated_to, probability, strict=True)
        ]
    )
    all_answered = np.ones(len(recalibrated), bool)
    decisions = Decisions(labels, recalibrated, (recalibrated >= 0.5).astype(np.int64), all_answered)
    figures = metrics.compute_metrics(decisions, weights, {"ece": metrics.ece, "brier": metrics.brier})
    return {"prevalence": round(prevalence, 5), "figures": figures}


def _subgroup(films: FilmSet, network: Decisions, scores: FilmScores, weights: Floats, kind: str) -> dict[str, Any]:
    """Number of films of one kind, share that the network answers correctly, and share that the gate refuses."""
    in_subgroup = films.kinds == kind

    def figure(hits: npt.NDArray[np.bool_]) -> Figure:
        value = metrics.weighted_share(hits, in_subgroup, metrics.unit_weights(len(in_subgroup)))
        return metrics.with_interval(float(value[0]), metrics.weighted_share(hits, in_subgroup, weights))

    return {"films": int(in_subgroup.sum()), "right": figure(network.correct), "refused": figure(scores.refused)}


def _counts(kinds: npt.NDArray[np.str_]) -> dict[str, int]:
    names, counts = np.unique(kinds, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _confusion(decisions: Decisions) -> dict[str, int]:
    """The four counts of the confusion matrix. `cells` maps each name to (label, thresholded decision)."""
    cells = {"true_negative": (0, 0), "false_positive": (0, 1), "false_negative": (1, 0), "true_positive": (1, 1)}
    return {
        name: int(((decisions.labels == label) & (decisions.thresholded == predicted)).sum())
        for name, (label, predicted) in cells.items()
    }
