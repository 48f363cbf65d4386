"""Hidden-lungs audit: AUROC of the network with the lungs erased, and with everything but the lungs erased.

A network that reads only the lungs has an AUROC of .5 with the lungs erased, and loses nothing with the rest erased.
The erased lungs are the masks dilated by `DILATION` (8 % of the side). Two fills keep part of what they hide: the
blurred film keeps the mean density of the lungs, which shows a white lung, and any fill keeps the outline of the mask,
which an opaque lung changes. The fill `black, with the mask of another film` hides the outline: the same area is also
erased that is the mask of a film of the other class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from ..inference.decision import DEFAULT_POINT
from ..inference.model import Model
from . import metrics
from .answer_changes import decisions_at_threshold, loss
from .audit_films import AuditFilms, Films, Masks, run_network
from .lung_regions import DILATION, dilate, lung_regions, masked_or_all

BLUR = 0.1
"""Standard deviation of the blur as a share of the film's side."""

SEED = 15
"""Seed of the noise and of the choice of other films."""


def hidden_lungs(model: Model, films: AuditFilms, *, quiet: bool = False) -> dict[str, Any]:
    """The entry `hidden` of the audits: AUROC by fill, `lungs` erased and everything `outside` the lungs erased.

    `region` is the kind of the lung regions. `lost` is the AUROC lost, paired.
    """
    audited = masked_or_all(films)
    outputs = run_network(model, audited.inputs, title="unchanged", quiet=quiet)
    lungs = lung_regions(audited, outputs)
    dilated = dilate(lungs.regions)
    other = dilated[other_class(audited)]
    point = model.operating_points[DEFAULT_POINT]
    before = decisions_at_threshold(audited.labels, outputs.probability, point)

    def figures(name: str, inputs: Films) -> dict[str, Any]:
        after = decisions_at_threshold(
            audited.labels, run_network(model, inputs, title=name, quiet=quiet).probability, point
        )
        measured = metrics.compute_metrics(after, audited.weights, {"auroc": metrics.auroc})
        return {**measured, "lost": loss(metrics.auroc, before, after, audited.weights)}

    def erased(masks: Masks) -> dict[str, Any]:
        return {name: figures(name, erase(audited.inputs, masks, fill)) for name, fill in FILLS.items()}

    return {
        "films": len(audited.labels),
        "region": lungs.kind,
        "dilation": DILATION,
        "baseline": metrics.compute_metrics(before, audited.weights, {"auroc": metrics.auroc}),
        "lungs": {
            **erased(dilated),
            WITH_OTHER_MASK: figures(WITH_OTHER_MASK, erase(audited.inputs, dilated | other, black)),
        },
        "outside": erased(~dilated),
    }


def erase(films: Films, masks: Masks, fill: Callable[[Films], Films]) -> Films:
    """Films `[N, 150, 150]` whose area inside the masks `[N, 150, 150]` is that of the filled films."""
    erased: Films = np.where(masks, fill(films), films)
    return erased


def other_class(films: AuditFilms) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Index `[N]` of a film of the other class for each film, drawn with a fixed seed; the film itself if none is."""
    random = np.random.default_rng(SEED)
    candidates = [np.flatnonzero(films.labels != label) for label in (0, 1)]
    return np.array(
        [
            random.choice(candidates[label]) if len(candidates[label]) else index
            for index, label in enumerate(films.labels)
        ]
    )


def black(films: Films) -> Films:
    """Black."""
    return np.zeros_like(films)


def mean(films: Films) -> Films:
    """The mean of each film."""
    means: Films = films.mean(axis=(1, 2), keepdims=True).round().astype(np.uint8)
    return np.repeat(np.repeat(means, films.shape[1], axis=1), films.shape[2], axis=2)


def blurred(films: Films) -> Films:
    """The film, blurred until no structure of a lung is left."""
    sigma = BLUR * films.shape[-1]
    return np.stack(
        [ndimage.gaussian_filter(film, sigma, output=np.float32).round().astype(np.uint8) for film in films]
    )


def noise(films: Films) -> Films:
    """Gaussian noise with the mean and the standard deviation of each film."""
    random = np.random.default_rng(SEED)
    filled = [random.normal(film.mean(), film.std(), film.shape) for film in films]
    return np.asarray(np.clip(np.rint(np.stack(filled)), 0, 255), np.uint8)


FILLS: dict[str, Callable[[Films], Films]] = {
    "black": black,
    "mean of the film": mean,
    "blurred film": blurred,
    "noise": noise,
}
"""Fill by its name in `evaluation.json`."""

WITH_OTHER_MASK = "black, with the mask of another film"
