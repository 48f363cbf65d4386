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
from .assess import answers, examine
from .changes import Change, blurred, contrast, cropped, gamma, noisy, recompressed, shrunk, turned, unchanged
from .dataset import FilmSet
from .metrics import Answers, Figure, Floats

SIDE = 224
"""Films are changed as squares of this side in pixels, the size at which copies of these films are passed around, and
then brought to the input's 150: a blur of 1 px means the same for a film of any size."""

MEASURES = {name: metrics.NETWORK[name] for name in ("accuracy", "sensitivity", "specificity")}


def robustness(predictor: Predictor, films: FilmSet, *, quiet: bool = False) -> dict[str, Any]:
    """Figures on the films as they are and after each change, with the accuracy lost and the share refused.

    `loss` is a difference of accuracies: .02 are two points lost, below 0 the change did good. Films are read again
    from their files.
    """
    squares = [square(film.path) for film in tqdm(films.films, "reading films", unit="film", disable=quiet or None)]
    weights = metrics.draws(films.strict_keys)
    point = predictor.operating_points[DEFAULT_POINT]

    def after(name: str, change: Change) -> Answers:
        inputs = np.stack([_seen(change(film)) for film in squares])
        changed = dataclasses.replace(films, inputs=inputs)
        return answers(films, examine(predictor, changed, title=name, quiet=quiet), point, banded=False)

    before = after("as it is", unchanged)
    found = {}
    for name, change in CHANGES.items():
        now = after(name, change)
        found[name] = {**_figures(now, weights), "loss": loss(before, now, weights)}
    return {"side": SIDE, "threshold": point.threshold, "baseline": _figures(before, weights), "changes": found}


def square(path: Path) -> Image.Image:
    """The film of a file at 224 x 224 and 8 bits, by one bilinear resize. Raises `FilmError`."""
    film = Image.fromarray(imaging.to_display(imaging.read(path)))
    return film.resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def loss(before: Answers, after: Answers, weights: Floats) -> Figure:
    """Accuracy before less accuracy after, with the interval of the paired difference."""
    once = np.ones((1, len(before.labels)))
    value, replicates = (metrics.accuracy(before, drawn) - metrics.accuracy(after, drawn) for drawn in (once, weights))
    return metrics.figure(float(value[0]), replicates)


def _seen(film: Image.Image) -> npt.NDArray[np.uint8]:
    return imaging.to_input(imaging.read(film))[:, :, 0]


def _figures(found: Answers, weights: Floats) -> dict[str, Figure]:
    refused = metrics.measure(found, weights, {"refused": lambda a, w: 1 - metrics.coverage(a, w)})
    return {**metrics.measure(found, weights, MEASURES), **refused}


CHANGES: dict[str, Change] = {
    "JPEG, quality 30": recompressed(30),
    "blurred, 1 px": blurred(1.0),
    "noise, 2 %": noisy(0.02),
    "gamma 0.6": gamma(0.6),
    "gamma 1.6": gamma(1.6),
    "half the contrast": contrast(0.5),
    "turned by 5 degrees": turned(5.0),
    "cropped by a tenth": cropped(0.1, 0.1),
    "shrunk to 90 px": shrunk(90),
}
"""Noise is a deviation in percent of the 8 bits, half the crop is on each side, a turned film has black corners."""
