"""Robustness audit: accuracy that is lost if test films are exposed, compressed, rotated or cropped differently.

The network without the gate answers every film at the balanced threshold. The share that the gate refuses is reported
separately, because refusing an unreadable film is correct. The loss is a paired difference: the same films before and
after, with the same bootstrap draws of patients.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from .. import imaging
from ..inference.decision import DEFAULT_POINT
from ..inference.model import Model
from . import answer_changes, metrics
from .assess import at_operating_point, score_films
from .dataset import FilmSet
from .metrics import Decisions, Figure, Floats
from .perturbations import PERTURBATIONS, ROBUSTNESS_PERTURBATIONS, UNCHANGED

SIDE = 224
"""Side in pixels of the squares to which perturbations are applied, before they are resized to the 150 px input. A blur
of 1 px therefore has the same effect on films of every size. Copies of these films are often published in this size."""

MEASURES = {name: metrics.NETWORK_METRICS[name] for name in ("accuracy", "sensitivity", "specificity")}


def robustness(model: Model, films: FilmSet, *, quiet: bool = False) -> dict[str, Any]:
    """Figures on the unchanged films and under each perturbation: the entry `robustness` of a run.

    `loss` is the accuracy lost: .02 is a loss of two percentage points; a negative value is an increase. `refused` is
    the share that the gate refuses. Films are read from their files again. Raises `FilmError`.
    """
    squares = [square(film.path) for film in tqdm(films.films, "reading films", unit="film", disable=quiet or None)]
    weights = metrics.bootstrap_weights(films.strict_keys)
    point = model.operating_points[DEFAULT_POINT]

    def decide(name: str) -> Decisions:
        inputs = np.stack([_model_input(PERTURBATIONS[name](film)) for film in squares])
        scores = score_films(model, dataclasses.replace(films, inputs=inputs), title=name, quiet=quiet)
        return at_operating_point(films, scores, point, with_band=False)

    before = decide(UNCHANGED)
    rows = {}
    for name in ROBUSTNESS_PERTURBATIONS:
        after = decide(name)
        rows[name] = {**_figures(after, weights), "loss": loss(before, after, weights)}
    return {"side": SIDE, "threshold": point.threshold, "baseline": _figures(before, weights), "changes": rows}


def square(path: Path) -> Image.Image:
    """The film of a file as 8-bit image of 224 x 224 pixels, resized once, bilinearly. Raises `FilmError`."""
    film = Image.fromarray(imaging.to_display(imaging.read(path)))
    return film.resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def loss(before: Decisions, after: Decisions, weights: Floats) -> Figure:
    """Accuracy before minus accuracy after, with the 95 % interval of the paired difference."""
    return answer_changes.loss(metrics.accuracy, before, after, weights)


def _model_input(film: Image.Image) -> npt.NDArray[np.uint8]:
    return imaging.to_input(imaging.read(film))[:, :, 0]


def _figures(decisions: Decisions, weights: Floats) -> dict[str, Figure]:
    refused = {"refused": lambda decisions, rows: 1 - metrics.coverage(decisions, rows)}
    return {
        **metrics.compute_metrics(decisions, weights, MEASURES),
        **metrics.compute_metrics(decisions, weights, refused),
    }
