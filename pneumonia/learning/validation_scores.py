"""Scores of the validation films under each perturbation, and the AUROCs by which recipes are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from ..evaluation.adult_figures import reading_auroc
from ..evaluation.adults import RSNA_NORMAL, SIIM, TYPICAL
from ..evaluation.borders import replace_border_across_classes
from ..evaluation.dataset import FilmSet
from ..evaluation.metrics import unit_weights
from ..evaluation.perturbations import UNCHANGED, VALIDATION_PERTURBATIONS, pairwise_auroc, perturb
from .training import predict_scores

Scores = npt.NDArray[np.float64]


def score_validation(network: keras.Model, validation: FilmSet) -> tuple[dict[str, Scores], dict[str, Any]]:
    """Uncalibrated scores `[N]` of the validation films by perturbation, and metrics for `config.json`; prints them.

    Recipes are compared by the lowest and the mean AUROC over all pairs (perturbation of the normal films, perturbation
    of the pneumonia films; see `pairwise_auroc`), and by the AUROC of films with the border of the other class.
    """
    scores = {name: predict_scores(network, perturb(validation.inputs, name)) for name in VALIDATION_PERTURBATIONS}
    exchanged = replace_border_across_classes(validation.inputs, validation.labels)
    border_auroc = float(roc_auc_score(validation.labels, predict_scores(network, exchanged)))
    metrics = _metrics(pairwise_auroc(validation.labels, scores), len(validation.films), border_auroc)
    return scores, metrics | _adult_metrics(validation, scores[UNCHANGED])


def _metrics(pairs: Mapping[tuple[str, str], float], film_count: int, border_auroc: float) -> dict[str, Any]:
    lowest = min(pairs, key=lambda pair: pairs[pair])
    metrics = {
        "films": film_count,
        "auroc": {name: round(pairs[name, name], 5) for name in VALIDATION_PERTURBATIONS},
        "worst_pair": {"normal": lowest[0], "pneumonia": lowest[1], "auroc": round(pairs[lowest], 5)},
        "mean_of_pairs": round(float(np.mean(list(pairs.values()))), 5),
        "border_of_other_class": round(border_auroc, 5),
    }
    print(
        f"validation AUROC {pairs[UNCHANGED, UNCHANGED]:.4f}, "
        f"worst pair of perturbations {pairs[lowest]:.4f} {lowest}, "
        f"with the border of the other class {metrics['border_of_other_class']:.4f}"
    )
    return metrics


def _adult_metrics(validation: FilmSet, scores: Scores) -> dict[str, Any]:
    """`siim`: AUROC of SIIM's classes, which are from the same hospitals; `siim_typical`: of its typical films.

    `healthy`: AUROC of SIIM's films with pneumonia against healthy films of another source. Empty without adults.
    """
    if SIIM not in validation.sources:
        return {}
    unit = unit_weights(len(scores))
    aurocs = {
        "siim": reading_auroc(validation, scores, unit),
        "siim_typical": reading_auroc(validation, scores, unit, positives=TYPICAL),
        "healthy": reading_auroc(validation, scores, unit, negatives=RSNA_NORMAL),
    }
    values = {name: figure["value"] for name, figure in aurocs.items() if figure["value"] is not None}
    print("validation AUROC of adults: " + ", ".join(f"{name} {value:.4f}" for name, value in values.items()))
    return {"adults": values}
