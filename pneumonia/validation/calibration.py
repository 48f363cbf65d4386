"""Calibration of one model on a site's films: slope, intercept, ECE, Brier score, reliability, ROC."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..evaluation import curves, metrics, recalibration
from ..evaluation.metrics import Decisions, Floats
from ..inference.bundle import Bundle
from ..inference.decision import Calibration
from .outcomes import Outcomes

DISCRIMINATION = {"auroc": metrics.auroc}

CALIBRATION = {
    "slope": recalibration.slope_metric,
    "intercept": recalibration.intercept_metric,
    "brier": metrics.brier,
    "ece": metrics.ece,
}


def discrimination(scored: Outcomes, weights: Floats) -> dict[str, Any]:
    """`auroc` with its interval and the curve `roc` of films that were scored; empty if a class is missing."""
    if not scored.has_both_classes:
        return {}
    figures = metrics.compute_metrics(scored.decisions, weights, DISCRIMINATION)
    return {**figures, "roc": curves.roc(scored.labels, scored.probability)}


def calibration(scored: Outcomes, model: Calibration, weights: Floats) -> dict[str, Any]:
    """Figures and reliability curve at the prevalence of the films, to which the probabilities are converted first.

    Without the conversion the intercept would mostly tell how many films with pneumonia the site collected. Empty if a
    class is missing.
    """
    if not scored.has_both_classes:
        return {}
    prevalence = float(scored.labels.mean())
    probability = at_prevalence(scored.probability, model, prevalence)
    decisions = Decisions(scored.labels, probability, (probability >= 0.5).astype(np.int64), scored.is_scored)
    return {
        "prevalence": round(prevalence, 5),
        **metrics.compute_metrics(decisions, weights, CALIBRATION),
        "reliability": curves.reliability(scored.labels, probability),
    }


def at_prevalence(probability: Floats, model: Calibration, prevalence: float) -> Floats:
    """Calibrated probabilities at another prevalence, see `Calibration.at_prevalence`."""
    return np.array([model.at_prevalence(prevalence, float(value)) for value in probability])


def card_curves(bundle: Bundle) -> dict[str, Any]:
    """ROC with its area, and reliability of the card's films at their prevalence; empty if the card has none."""
    run = bundle.served_run
    if not run or "curves" not in run:
        return {}
    reliability = dict(run["curves"]["reliability"])
    prevalence = (run.get("known_prevalence") or {}).get("prevalence")
    if prevalence:
        converted = at_prevalence(np.array(reliability["probability"]), bundle.calibration_of_config, prevalence)
        reliability["probability"] = [round(float(value), 5) for value in converted]
    films = run.get("films", {}).get("total")
    return {"auroc": run["figures"]["auroc"], "roc": run["curves"]["roc"], "reliability": reliability, "films": films}
