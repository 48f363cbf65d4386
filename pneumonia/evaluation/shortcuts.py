"""Shortcut audit: tests whether the network reads the lungs or acquisition cues of the data set.

Three experiments. (1) The lungs are hidden: a network that reads only the lungs has an AUROC of .5. (2) Normal and
pneumonia films are compressed, sharpened or cropped differently: a network that reads only the lungs is not affected.
(3) Location of the activation: if the network reads only the lungs, all activation is inside them; if it is uniform,
the lungs contain activation in proportion to their area.

The lungs are the film's own lung field, dilated, if the graph predicts one, else the fixed boxes of `explain.py`,
across whose edges heart, diaphragm and hila extend. A predicted field is the network's own: the location of the
evidence in masks that people drew is the audit `evidence_location`.
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
from ..inference.model import Model
from . import metrics
from .assess import at_operating_point, score_films
from .audit_films import NetworkOutputs, run_network, without_masks
from .borders import replace_border_across_classes
from .dataset import FilmSet
from .evidence_location import shares_inside
from .hidden_lungs import black, erase, mean
from .lung_regions import BOXES, PREDICTED, dilate, lung_regions
from .metrics import Figure, Floats
from .perturbations import UNCHANGED, Perturbation, blur, compress_jpeg, crop, sharpen
from .robustness import SIDE

Films = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

BORDER = 0.15
"""Width of the border as a share of the film's side. It contains collimator edge, letters and shoulders, no lung."""

ASPECTS = (1.25, 1.51)
"""Mean aspect ratio (width / height) of the data set's normal and pneumonia films in their original sizes."""

MEASURES = {name: metrics.NETWORK_METRICS[name] for name in ("auroc", "accuracy")}


def shortcuts(model: Model, films: FilmSet, *, quiet: bool = False) -> dict[str, Any]:
    """Results of the three experiments: the entry `shortcuts` of a run.

    AUROC, and accuracy at the balanced threshold, of the network without the gate. Films are read from their files
    again, in full resolution. Raises `FilmError`.
    """
    weights = metrics.bootstrap_weights(films.strict_keys)
    point = model.operating_points[DEFAULT_POINT]

    def figures(title: str, inputs: Films) -> dict[str, Figure]:
        scores = score_films(model, dataclasses.replace(films, inputs=inputs), title=title, quiet=quiet)
        return metrics.compute_metrics(at_operating_point(films, scores, point, with_band=False), weights, MEASURES)

    outputs = run_network(model, films.inputs, title="activation", quiet=quiet)
    lungs = lung_regions(without_masks(films), outputs)
    masks = dilate(lungs.regions) if lungs.kind == PREDICTED else lungs.regions
    swapped = _swapped_inputs(films, model.threads, quiet=quiet)
    across_classes = replace_border_across_classes(films.inputs, films.labels)
    return {
        "baseline": figures(UNCHANGED, films.inputs),
        "hidden": {name: figures(name, hide(films.inputs, masks)) for name, hide in HIDDEN.items()},
        "swaps": {
            **{cue: {name: figures(name, swapped[name]) for name in swap} for cue, swap in SWAPS.items()},
            "border": {FOREIGN_BORDER: figures(FOREIGN_BORDER, across_classes)},
        },
        "activation": {
            "region": lungs.kind,
            **activation(films, _shares_inside(outputs, lungs.kind, masks), float(masks.mean()), weights),
        },
    }


def activation(films: FilmSet, inside: Floats, chance: float, weights: Floats) -> dict[str, Any]:
    """Distribution, by class, of the share of a film's activation that is inside the lungs.

    `inside` `[N]` is this share for each film; NaN for a film without activation. `chance` is the mean area of the
    lungs as a share of the film.
    """
    groups = {"all": np.ones(len(inside), bool)} | {name: films.labels == label for label, name in enumerate(CLASSES)}
    return {
        "chance": round(chance, 5),
        "without": int(np.isnan(inside).sum()),
        "films": {name: _distribution(inside, group & ~np.isnan(inside), weights) for name, group in groups.items()},
    }


def border(side: int) -> Mask:
    """Mask `[side, side]`: True in the outer 15 % of the side at each edge."""
    edge = round(BORDER * side)
    mask = np.ones((side, side), bool)
    mask[edge:-edge, edge:-edge] = False
    return mask


def _distribution(inside: Floats, group: Mask, weights: Floats) -> dict[str, Any]:
    if not group.any():
        return {"count": 0}
    lower, median, upper = np.quantile(inside[group], [0.25, 0.5, 0.75])
    quartiles = {"lower": lower, "median": median, "upper": upper}
    at_least_half = inside >= explain.MIN_LUNG_SHARE
    value = metrics.weighted_share(at_least_half, group, metrics.unit_weights(len(inside)))
    replicates = metrics.weighted_share(at_least_half, group, weights)
    return {
        "count": int(group.sum()),
        **{name: round(float(quantile), 5) for name, quantile in quartiles.items()},
        "at_least_half": metrics.with_interval(float(value[0]), replicates),
    }


def _shares_inside(outputs: NetworkOutputs, kind: str, masks: Mask) -> Floats:
    """Share `[N]` of each film's positive activation inside the lungs; NaN for a map without activation."""
    if kind != BOXES:
        return shares_inside(outputs.activation, masks)
    # Zones measure the boxes exactly, not on the grid of the film.
    shares = [sum(explain.zone_shares(activation).values()) for activation in outputs.activation]
    return np.where((outputs.activation > 0).any(axis=(1, 2)), shares, np.nan)


def _swapped_inputs(films: FilmSet, threads: int, *, quiet: bool) -> dict[str, Films]:
    """Model inputs `[N, 150, 150]` by variant of the swaps. Each file is read once."""
    variants = {name: pair for swap in SWAPS.values() for name, pair in swap.items()}

    def inputs(path: Path, label: int) -> Films:
        film = Image.fromarray(imaging.to_display(imaging.read(path, full_resolution=True)))
        return np.stack([imaging.to_input(imaging.read(pair[label](film)))[:, :, 0] for pair in variants.values()])

    with ThreadPoolExecutor(threads) as pool:
        rows = pool.map(inputs, [film.path for film in films.films], films.labels)
        stacks = list(tqdm(rows, "swapping cues", len(films.films), unit="film", disable=quiet or None))
    return dict(zip(variants, np.stack(stacks, axis=1), strict=True))


def _black(films: Films, masks: Mask) -> Films:
    return erase(films, masks, black)


def _mean(films: Films, masks: Mask) -> Films:
    return erase(films, masks, mean)


def _border_alone(films: Films, masks: Mask) -> Films:
    return erase(films, ~border(imaging.INPUT_SIDE), black)


def _at_square(perturbation: Perturbation) -> Perturbation:
    """Apply a perturbation to the 224 px square: a 1 px blur at detector resolution would not affect the input."""
    return lambda film: perturbation(film.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


_TO_OTHER_ASPECT = 1 - ASPECTS[0] / ASPECTS[1]
_widen, _narrow = crop(0.0, _TO_OTHER_ASPECT), crop(_TO_OTHER_ASPECT, 0.0)
"""Crops in one direction that change the mean aspect ratio of one class to that of the other. The input stretches the
cropped film to a square."""

HIDDEN: dict[str, Callable[[Films, Mask], Films]] = {
    "lungs black": _black,
    "lungs at the film's mean": _mean,
    "border alone, the rest black": _border_alone,
}
"""Name in `evaluation.json` -> function that hides a part of films, which has the masks of their lungs."""

FOREIGN_BORDER = "each in the border of the other class"
"""Name in `evaluation.json` of the films with a border of the other class."""

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
        "normal narrower, pneumonia wider": (_narrow, _widen),
        "normal wider, pneumonia narrower": (_widen, _narrow),
    },
}
"""Cue -> variant -> perturbations of the (normal, pneumonia) films. The first variant of compression and of aspect is
that of the training set."""
