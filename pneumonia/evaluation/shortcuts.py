"""Does the network read the lungs? An audit for shortcuts.

Three questions. What is left when the lungs are hidden: a network that reads only lungs is at chance. What changes when
normal and pneumonia films are saved, sharpened or cropped unlike each other: one that reads only lungs does not notice.
And where the activation lies: one that reads only lungs has all of it inside the boxes, one that looks anywhere has the
boxes' share of the film. The boxes are those of `explain.py`; heart, diaphragm and hila reach into and out of them, so
that no real network meets the ideal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from .. import imaging
from ..inference import explain
from ..inference.decision import CLASSES, DEFAULT_POINT
from ..inference.predictor import Predictor
from . import metrics
from .assess import at_operating_point, score_films
from .borders import replace_border_across_classes
from .dataset import FilmSet
from .metrics import Figure, Floats
from .perturbations import Perturbation, blur, compress_jpeg, crop, sharpen
from .robustness import SIDE

Films = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

BORDER = 0.15
"""The outer share of the film's width and height that is its border: collimator edge, letters, shoulders, no lung."""

ASPECTS = (1.25, 1.51)
"""Mean width over height of the data set's normal and pneumonia films, in their first sizes."""

MEASURES = {name: metrics.NETWORK_METRICS[name] for name in ("auroc", "accuracy")}


def shortcuts(predictor: Predictor, films: FilmSet, *, quiet: bool = False) -> dict[str, Any]:
    """The three questions' answers; AUROC and accuracy at the balanced threshold, the gate left out.

    Films are read again from their files.
    """
    weights = metrics.bootstrap_weights(films.strict_keys)

    def figures(title: str, inputs: Films) -> dict[str, Figure]:
        outcome = score_films(predictor, dataclasses.replace(films, inputs=inputs), title=title, quiet=quiet)
        return metrics.compute_metrics(
            at_operating_point(films, outcome, predictor.operating_points[DEFAULT_POINT], banded=False),
            weights,
            MEASURES,
        )

    swapped = _swapped(films, predictor.threads, quiet=quiet)
    return {
        "baseline": figures("as it is", films.inputs),
        "hidden": {name: figures(name, hide(films.inputs)) for name, hide in HIDDEN.items()},
        "swaps": {
            **{cue: {way: figures(way, swapped[way]) for way in ways} for cue, ways in SWAPS.items()},
            "border": {
                FOREIGN_BORDER: figures(FOREIGN_BORDER, replace_border_across_classes(films.inputs, films.labels))
            },
        },
        "activation": activation(films, _inside(predictor, films, quiet=quiet), weights),
    }


def activation(films: FilmSet, inside: Floats, weights: Floats) -> dict[str, Any]:
    """How the share of the activation inside the lung boxes, one number a film, is spread; NaN is a map without any."""
    groups = {"all": np.ones(len(inside), bool)} | {name: films.labels == label for label, name in enumerate(CLASSES)}
    return {
        "chance": round(float(lung_boxes(imaging.INPUT_SIDE).mean()), 5),
        "without": int(np.isnan(inside).sum()),
        "films": {name: _spread(inside, among & ~np.isnan(inside), weights) for name, among in groups.items()},
    }


def lung_boxes(side: int) -> Mask:
    """`[side, side]`, true inside the two lung boxes."""
    centre = (np.arange(side) + 0.5) / side
    columns = [(low <= centre) & (centre < high) for low, high in (explain.RIGHT_LUNG, explain.LEFT_LUNG)]
    low, high = explain.LUNG_HEIGHT
    return np.outer((low <= centre) & (centre < high), columns[0] | columns[1])


def border(side: int) -> Mask:
    """`[side, side]`, true in the outer 15 %."""
    edge = round(BORDER * side)
    mask = np.ones((side, side), bool)
    mask[edge:-edge, edge:-edge] = False
    return mask


def _spread(inside: Floats, among: Mask, weights: Floats) -> dict[str, Any]:
    if not among.any():
        return {"count": 0}
    lower, median, upper = np.quantile(inside[among], [0.25, 0.5, 0.75])
    once = np.ones((1, len(inside)))
    half, drawn = (metrics.weighted_share(inside >= explain.MIN_NAMED_SHARE, among, rows) for rows in (once, weights))
    quartiles = {"lower": lower, "median": median, "upper": upper}
    return {
        "count": int(among.sum()),
        **{name: round(float(value), 5) for name, value in quartiles.items()},
        "at_least_half": metrics.with_interval(float(half[0]), drawn),
    }


def _inside(predictor: Predictor, films: FilmSet, *, quiet: bool) -> Floats:
    """The share of each film's positive activation that lies inside the lung boxes, `[N]`; NaN where there is none."""

    def one(film: Films) -> float:
        found = predictor.score(np.repeat(film[:, :, None], 3, axis=2))[1]
        return sum(explain.zone_shares(found).values()) if found.max() > 0 else float("nan")

    with ThreadPoolExecutor(predictor.threads) as pool:
        rows = pool.map(one, films.inputs)
        return np.array(list(tqdm(rows, "activation", len(films.films), unit="film", disable=quiet or None)))


def _swapped(films: FilmSet, threads: int, *, quiet: bool) -> dict[str, Films]:
    """For each way of the swaps, the inputs `[N, 150, 150]`: a film is read once and changed as its class is."""
    ways = {way: changes for pair in SWAPS.values() for way, changes in pair.items()}

    def one(path: Path, label: int) -> Films:
        film = Image.fromarray(imaging.to_display(imaging.read(path, full_resolution=True)))
        return np.stack([imaging.to_input(imaging.read(pair[label](film)))[:, :, 0] for pair in ways.values()])

    with ThreadPoolExecutor(threads) as pool:
        rows = pool.map(one, [film.path for film in films.films], films.labels)
        changed = list(tqdm(rows, "changing films", len(films.films), unit="film", disable=quiet or None))
    return dict(zip(ways, np.stack(changed, axis=1), strict=True))


def _hidden(mask: Mask, *, mean: bool) -> Callable[[Films], Films]:
    """Films with all that the mask covers black, or at the film's own mean."""

    def hide(films: Films) -> Films:
        filling = films.mean(axis=(1, 2), keepdims=True).round().astype(np.uint8) if mean else np.uint8(0)
        return np.where(mask, filling, films)

    return hide


def _at_square(change: Perturbation) -> Perturbation:
    """Sharpness in pixels of the 224 px square: at a detector's size a pixel's blur would not reach the input."""
    return lambda film: change(film.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


_TO_OTHER_ASPECT = 1 - ASPECTS[0] / ASPECTS[1]
_wider, _narrower = crop(0.0, _TO_OTHER_ASPECT), crop(_TO_OTHER_ASPECT, 0.0)
"""Cropped in one direction, as far as one class's aspect is from the other's; the square input stretches the rest."""

HIDDEN: dict[str, Callable[[Films], Films]] = {
    "lungs black": _hidden(lung_boxes(imaging.INPUT_SIDE), mean=False),
    "lungs at the film's mean": _hidden(lung_boxes(imaging.INPUT_SIDE), mean=True),
    "border alone, the rest black": _hidden(~border(imaging.INPUT_SIDE), mean=False),
}

FOREIGN_BORDER = "each in the border of the other class"

SWAPS: dict[str, dict[str, tuple[Perturbation, Perturbation]]] = {
    "compression": {
        "normal at quality 95, pneumonia at 75": (compress_jpeg(95), compress_jpeg(75)),
        "normal at quality 75, pneumonia at 95": (compress_jpeg(75), compress_jpeg(95)),
    },
    "sharpness": {
        "normal sharpened, pneumonia blurred": (_at_square(sharpen), _at_square(blur(1.0))),
        "normal blurred, pneumonia sharpened": (_at_square(blur(1.0)), _at_square(sharpen)),
    },
    "aspect": {
        "normal narrower, pneumonia wider": (_narrower, _wider),
        "normal wider, pneumonia narrower": (_wider, _narrower),
    },
}
"""For each cue, what is done to (normal, pneumonia) films; the first way of compression and aspect is the training
set's own."""
