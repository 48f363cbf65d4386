"""Projection audit: does the score tell portable AP films from PA films of the same class?

A bedridden patient is filmed AP, with a portable device, and is more often ill; a network that reads the projection
seems to read disease. Here films of one class are compared: adults of NIH ChestX-ray14, whose view is known. Within a
class the AUROC of the score for AP against PA is .5 if the score does not depend on the projection. Real disease can
also raise it: the labels are text-mined, and an AP film "without finding" is less often free of any.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..inference.decision import CLASSES
from ..inference.model import Model
from ..inference.populations import ADULTS
from . import metrics
from .assess import score_films
from .dataset import read_films
from .metrics import Decisions, Figure, Floats
from .nih_films import find_folder, list_nih

VIEWS = ("AP", "PA")


def projection_audit(model: Model, data: Path, *, quiet: bool = False) -> dict[str, Any]:
    """The entry `projection` of the audits; {} if `data` has no films with a known view.

    `reads_view`: by class, AUROC of the score for AP against PA. `by_view`: AUROC for pneumonia and median score of
    each class among the films of one view. The gate is not applied.
    """
    if find_folder(data) is None:
        return {}
    listed = [
        film for film in list_nih(data) if film.view in VIEWS and film.age is not None and ADULTS.includes(film.age)
    ]
    films = read_films([film.film for film in listed], data, quiet=quiet)
    probability = score_films(model, films, title="AP and PA", quiet=quiet).probability
    views = {film.film.path: film.view for film in listed}
    view = np.array([views[film.path] for film in films.films])
    return {
        "of": "adults of NIH ChestX-ray14",
        **projection_figures(probability, films.labels, view, films.strict_keys),
    }


def projection_figures(
    probability: Floats,
    labels: npt.NDArray[np.int64],
    view: npt.NDArray[np.str_],
    patients: npt.NDArray[np.str_],
) -> dict[str, Any]:
    """Figures from scores, labels, views and patients of `N` films, `[N]` each."""
    is_ap = (view == VIEWS[0]).astype(np.int64)
    return {
        "films": {
            f"{name} {side}": int(((labels == label) & (view == side)).sum())
            for label, name in enumerate(CLASSES)
            for side in VIEWS
        },
        "reads_view": {
            name: _auroc(probability, is_ap, labels == label, patients) for label, name in enumerate(CLASSES)
        },
        "by_view": {side: _auroc(probability, labels, view == side, patients) for side in VIEWS},
        "all": _auroc(probability, labels, np.ones(len(labels), bool), patients),
    }


def _auroc(
    probability: Floats, positive: npt.NDArray[np.int64], group: npt.NDArray[np.bool_], patients: npt.NDArray[np.str_]
) -> Figure:
    """AUROC for `positive` among the films of a group; no value if one side is missing."""
    if not group.any():
        return {"value": None, "low": None, "high": None}
    decisions = Decisions(positive[group], probability[group], positive[group], np.ones(int(group.sum()), bool))
    weights = metrics.bootstrap_weights(patients[group])
    return metrics.compute_metrics(decisions, weights, {"auroc": metrics.auroc})["auroc"]
