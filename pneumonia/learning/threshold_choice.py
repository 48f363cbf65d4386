"""Choice of calibration and operating points on the validation films, and what they give there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..evaluation.dataset import FilmSet
from ..evaluation.metrics import Floats, Labels
from ..evaluation.operating_points import calibrate, class_weights, operating_points
from ..evaluation.perturbations import UNCHANGED
from ..inference.decision import CLASSES, UNKNOWN, Calibration, OperatingPoint
from .held_out_scores import HeldOutScores
from .validation_scores import Scores


@dataclass(frozen=True)
class Thresholds:
    """Calibration and operating points of a model, and their results on the validation films."""

    calibration: Calibration
    points: dict[str, OperatingPoint]
    summary: dict[str, Any]
    """By operating point and class: shares of the unchanged validation films with each label. `forced`: share of these
    films between the threshold and one half, where no class may be answered (`operating_points`)."""


def choose_thresholds(
    validation: FilmSet,
    scores: Mapping[str, Scores],
    *,
    balanced: bool,
    max_undecided: float,
    held_out: HeldOutScores | None = None,
) -> Thresholds:
    """Platt scaling fitted on the unperturbed films, operating points chosen on the films under all perturbations.

    `scores`: uncalibrated scores by perturbation. `balanced`: weight both classes equally. `max_undecided`: see
    `Recipe`. `held_out`: fit the calibration on these scores instead of those of the validation films. A calibration
    that is also fitted on perturbed films has a larger calibration error: see `docs/experiments.md`. Prints the
    results.
    """
    labels = validation.labels
    if held_out is None:
        calibration = calibrate(labels, scores[UNCHANGED], balanced=balanced)
    else:
        calibration = calibrate(held_out.labels, held_out.scores, balanced=balanced)
    all_labels = np.tile(labels, len(scores))
    probability = _probabilities(calibration, np.concatenate([*scores.values()]))
    weights = class_weights(all_labels) if balanced else None
    points = operating_points(all_labels, probability, calibration.prevalence, weights, max_undecided)
    summary = _summary(labels, _probabilities(calibration, scores[UNCHANGED]), points)
    for name, row in summary.items():
        shares = (f"{class_name}: {_percents(row[class_name])}" for class_name in CLASSES)
        print(f"validation, {name}: " + "; ".join(shares) + f"; undecided by the rule of one half {row['forced']:.1%}")
    return Thresholds(calibration, points, summary)


def _probabilities(calibration: Calibration, scores: Scores) -> Floats:
    return np.array([calibration.probability(float(score)) for score in scores])


def _summary(labels: Labels, probability: Floats, points: Mapping[str, OperatingPoint]) -> dict[str, Any]:
    return {name: _point_summary(labels, probability, point) for name, point in points.items()}


def _point_summary(labels: Labels, probability: Floats, point: OperatingPoint) -> dict[str, Any]:
    answers = np.array([point.label(float(value)) for value in probability])
    by_class = {
        class_name: {
            answer: round(float(np.mean(answers[labels == label] == answer)), 5) for answer in (*CLASSES, UNKNOWN)
        }
        for label, class_name in enumerate(CLASSES)
    }
    low, high = min(point.threshold, 0.5), max(point.threshold, 0.5)
    return {**by_class, "forced": round(float(np.mean((probability >= low) & (probability < high))), 5)}


def _percents(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{100 * share:.1f} % {answer}" for answer, share in shares.items())
