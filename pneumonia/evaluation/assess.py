"""A model on labelled films, through the serving path: one run's part of `evaluation.json`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ..inference.decision import DEFAULT_POINT, UNKNOWN, Calibration, OperatingPoint
from ..inference.predictor import Predictor
from . import metrics
from .curves import all_curves, at_thresholds, reliability
from .dataset import FilmSet
from .metrics import Decisions, Floats


@dataclass(frozen=True)
class FilmScores:
    """What a predictor said of each film: the network's probability, whether the gate refused, and with what reason."""

    probability: Floats
    refused: npt.NDArray[np.bool_]
    reasons: tuple[str | None, ...]


def score_films(predictor: Predictor, films: FilmSet, *, title: str = "scoring", quiet: bool = False) -> FilmScores:
    """Gate and score every film; the refused are scored too, so that the gate's price can be told.

    `title` stands before the progress bar.
    """

    def one(film: npt.NDArray[np.uint8]) -> tuple[float, str | None]:
        seen = np.repeat(film[:, :, None], 3, axis=2)
        return predictor.score(seen)[0], predictor.bundle.gate.check(seen)

    with ThreadPoolExecutor(predictor.threads) as pool:
        rows = list(tqdm(pool.map(one, films.inputs), title, len(films.films), unit="film", disable=quiet or None))
    probability = np.array([row[0] for row in rows])
    reasons = tuple(row[1] for row in rows)
    return FilmScores(probability, np.array([reason is not None for reason in reasons]), reasons)


def evaluate(films: FilmSet, outcome: FilmScores, predictor: Predictor) -> dict[str, Any]:
    """All figures and curves of one model on one set of films."""
    weights = metrics.bootstrap_weights(films.strict_keys)
    points = predictor.operating_points
    balanced = points[DEFAULT_POINT]
    network = at_operating_point(films, outcome, balanced, banded=False)
    return {
        "films": {"total": len(films.films), **_counts(films.kinds)},
        "fingerprint": films.fingerprint,
        "patients": len(set(films.strict_keys.tolist())),
        "bootstrap": {"unit": "patient", "replicates": metrics.REPLICATES, "seed": metrics.BOOTSTRAP_SEED},
        "threshold": balanced.threshold,
        "figures": metrics.compute_metrics(network, weights, metrics.NETWORK_METRICS | metrics.GATED_METRICS),
        "known_prevalence": _known_prevalence(films, outcome, predictor.bundle.calibration, weights),
        "confusion": _confusion(network),
        "operating_points": {
            name: metrics.compute_metrics(
                at_operating_point(films, outcome, point, banded=True), weights, metrics.SERVICE_METRICS
            )
            for name, point in points.items()
        },
        "kinds": {kind: _kind(films, network, outcome, weights, kind) for kind in sorted(set(films.kinds.tolist()))},
        "curves": {
            **all_curves(films.labels, outcome.probability, balanced.threshold),
            "operating_points": at_thresholds(
                films.labels, outcome.probability, {name: point.threshold for name, point in points.items()}
            ),
        },
    }


def out_of_fold(films: FilmSet, probability: Floats) -> dict[str, Any]:
    """Calibration over the official train and val films, each judged by the fold's model that has not seen it.

    `probability` `[n]` of all films; each fold's calibration was fitted on other patients' films than it is tested on,
    so it is cross-fitted.
    """
    where = np.flatnonzero([film.split != "test" for film in films.films])
    part, said = films.subset(where), probability[where]
    everything = np.ones(len(where), bool)
    judged = Decisions(part.labels, said, (said >= 0.5).astype(np.int64), everything)
    calibration = {"ece": metrics.ece, "brier": metrics.brier, "auroc": metrics.auroc}
    return {
        "films": len(where),
        "figures": metrics.compute_metrics(judged, metrics.bootstrap_weights(part.strict_keys), calibration),
        "reliability": reliability(part.labels, said),
    }


def at_operating_point(films: FilmSet, outcome: FilmScores, point: OperatingPoint, *, banded: bool) -> Decisions:
    """The outcome at an operating point: forced at its threshold; answered if not refused and, if `banded`, decided."""
    thresholded = (outcome.probability >= point.threshold).astype(np.int64)
    decided = np.array([point.label(float(probability)) != UNKNOWN for probability in outcome.probability])
    answered = ~outcome.refused & decided if banded else ~outcome.refused
    return Decisions(films.labels, outcome.probability, thresholded, answered)


def _known_prevalence(
    films: FilmSet, outcome: FilmScores, calibration: Calibration, weights: Floats
) -> dict[str, Any] | None:
    """Calibration as a caller meets it who gives the films' own share of pneumonia; None where a class is missing."""
    prevalence = float(films.labels.mean())
    if not 0 < prevalence < 1:
        return None
    told = np.array([calibration.at_prevalence(prevalence, float(probability)) for probability in outcome.probability])
    judged = Decisions(films.labels, told, (told >= 0.5).astype(np.int64), np.ones(len(told), bool))
    found = metrics.compute_metrics(judged, weights, {"ece": metrics.ece, "brier": metrics.brier})
    return {"prevalence": round(prevalence, 5), "figures": found}


def _kind(films: FilmSet, network: Decisions, outcome: FilmScores, weights: Floats, kind: str) -> dict[str, Any]:
    """How often films of one kind are answered rightly by the network, and how often the gate refuses them."""
    among = films.kinds == kind
    once = np.ones((1, len(among)))
    found = {
        name: metrics.with_interval(
            float(metrics.weighted_share(hit, among, once)[0]), metrics.weighted_share(hit, among, weights)
        )
        for name, hit in (("right", network.correct), ("refused", outcome.refused))
    }
    return {"films": int(among.sum()), **found}


def _counts(kinds: npt.NDArray[np.str_]) -> dict[str, int]:
    names, counts = np.unique(kinds, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _confusion(at_operating_point: Decisions) -> dict[str, int]:
    cells = {"true_negative": (0, 0), "false_positive": (0, 1), "false_negative": (1, 0), "true_positive": (1, 1)}
    return {
        name: int(((at_operating_point.labels == real) & (at_operating_point.thresholded == said)).sum())
        for name, (real, said) in cells.items()
    }
