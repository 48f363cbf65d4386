"""How many right answers are lost when a film is exposed, saved, turned or cropped in another way.

The network alone, every film answered at the balanced threshold: what the gate refuses stands beside, since refusing a
film that one cannot read is right. A loss is paired: the same films before and after, the same patients drawn for its
interval.
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
from ..inference.predictor import Predictor
from . import metrics
from .assess import at_operating_point, score_films
from .dataset import FilmSet
from .metrics import Decisions, Figure, Floats
from .perturbations import PERTURBATIONS, ROBUSTNESS_PERTURBATIONS, UNCHANGED

SIDE = 224
"""Films are changed as squares of this side in pixels, the size at which copies of these films are passed around, and
then brought to the input's 150: a blur of 1 px means the same for a film of any size."""

MEASURES = {name: metrics.NETWORK_METRICS[name] for name in ("accuracy", "sensitivity", "specificity")}


def robustness(predictor: Predictor, films: FilmSet, *, quiet: bool = False) -> dict[str, Any]:
    """Figures on the films as they are and after each change, with the accuracy lost and the share refused.

    `loss` is a difference of accuracies: .02 are two points lost, below 0 the change did good. Films are read again
    from their files.
    """
    squares = [square(film.path) for film in tqdm(films.films, "reading films", unit="film", disable=quiet or None)]
    weights = metrics.bootstrap_weights(films.strict_keys)
    point = predictor.operating_points[DEFAULT_POINT]

    def after(name: str) -> Decisions:
        inputs = np.stack([_seen(PERTURBATIONS[name](film)) for film in squares])
        changed = dataclasses.replace(films, inputs=inputs)
        return at_operating_point(films, score_films(predictor, changed, title=name, quiet=quiet), point, banded=False)

    before = after(UNCHANGED)
    found = {}
    for name in ROBUSTNESS_PERTURBATIONS:
        now = after(name)
        found[name] = {**_figures(now, weights), "loss": loss(before, now, weights)}
    return {"side": SIDE, "threshold": point.threshold, "baseline": _figures(before, weights), "changes": found}


def square(path: Path) -> Image.Image:
    """The film of a file at 224 x 224 and 8 bits, by one bilinear resize. Raises `FilmError`."""
    film = Image.fromarray(imaging.to_display(imaging.read(path)))
    return film.resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def loss(before: Decisions, after: Decisions, weights: Floats) -> Figure:
    """Accuracy before less accuracy after, with the interval of the paired difference."""
    once = np.ones((1, len(before.labels)))
    value, replicates = (metrics.accuracy(before, drawn) - metrics.accuracy(after, drawn) for drawn in (once, weights))
    return metrics.with_interval(float(value[0]), replicates)


def _seen(film: Image.Image) -> npt.NDArray[np.uint8]:
    return imaging.to_input(imaging.read(film))[:, :, 0]


def _figures(found: Decisions, weights: Floats) -> dict[str, Figure]:
    refused = metrics.compute_metrics(found, weights, {"refused": lambda a, w: 1 - metrics.coverage(a, w)})
    return {**metrics.compute_metrics(found, weights, MEASURES), **refused}
