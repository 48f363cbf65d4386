"""Deletion and insertion audit of the evidence map (Petsiuk, Das and Saenko, *RISE*, BMVC 2018).

Deletion: pixels are replaced by the mean of the film, in descending order of evidence, and P(pneumonia) is measured at
each step; if the map shows what the score rests on, the probability drops early and the area under the curve is small.
Insertion: pixels of the film are put into its blurred copy in the same order; the area should be large. References: a
random map of the same resolution, a Gaussian at the centre, and, where masks exist, a random map inside the lungs,
which tells whether the map knows more than where the lungs are.

A film without content is no normal film, and its probability need not be low. Both curves are therefore also measured
with the average normal film in place of the mean and of the blurred copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..imaging import INPUT_SIDE
from ..inference.decision import CLASSES
from ..inference.model import Model
from .answer_changes import mean_figure
from .audit_films import AuditFilms, Films, run_network
from .hidden_lungs import blurred, mean
from .lung_regions import MASK_LEVEL, cover, enlarge
from .metrics import Floats

FILMS = 100
"""Number of films with pneumonia, drawn with a fixed seed."""

SEED = 2018
STEPS = 20
"""Number of steps of a curve: 5 % of the pixels each."""

CENTRE_SIGMA = 0.25
"""Standard deviation of the central Gaussian as a share of the film's side."""

MEASURES = {
    "deletion": False,
    "insertion": True,
    "deletion_to_normal": False,
    "insertion_from_normal": True,
}
"""Name of a curve in `evaluation.json` -> whether a larger area is better."""

EVIDENCE, RANDOM, CENTRE, LUNGS = "evidence", "random", "centre", "random inside the lungs"
Maps = npt.NDArray[np.float64]


def deletion_insertion(model: Model, films: AuditFilms, *, quiet: bool = False) -> dict[str, Any]:
    """The entry `deletion` of the audits: area under each curve (`MEASURES`) for each map, 0 to 1, and `curves`.

    `better`: share of films for which the evidence map is better than the random map. {} without films with pneumonia.
    """
    chosen = _sample(films)
    if not len(chosen.labels):
        return {}
    evidence = run_network(model, chosen.inputs, title="evidence", quiet=quiet).activation.astype(np.float64)
    maps = {EVIDENCE: evidence, **reference_maps(evidence.shape, chosen)}
    normal = average_normal(films, chosen)
    sources = {
        "deletion": (chosen.inputs, mean(chosen.inputs)),
        "insertion": (blurred(chosen.inputs), chosen.inputs),
        "deletion_to_normal": (chosen.inputs, normal),
        "insertion_from_normal": (normal, chosen.inputs),
    }
    curves = {
        measure: {
            name: _curve(model, *pair, removal_order(values), f"{measure}, {name}", quiet=quiet)
            for name, values in maps.items()
        }
        for measure, pair in sources.items()
    }
    return {
        "films": len(chosen.labels),
        "steps": STEPS,
        **{measure: _figures(of_maps, measure, chosen.weights) for measure, of_maps in curves.items()},
    }


def _sample(films: AuditFilms) -> AuditFilms:
    candidates = np.flatnonzero(films.labels == CLASSES.index("Pneumonia"))
    if films.masks.has_mask.any():
        candidates = candidates[films.masks.has_mask[candidates]]
    count = min(FILMS, len(candidates))
    return films.subset(np.sort(np.random.default_rng(SEED).permutation(candidates)[:count]))


def average_normal(films: AuditFilms, chosen: AuditFilms) -> Films:
    """The average of the normal films of `films`, with the mean and the deviation of each of the `chosen` films."""
    normal = films.inputs[films.labels == 0]
    average = normal.mean(axis=0) if len(normal) else np.full(films.inputs.shape[1:], films.inputs.mean())
    relative = (average - average.mean()) / (average.std() + 1)
    means, deviations = (measure(chosen.inputs, axis=(1, 2))[:, None, None] for measure in (np.mean, np.std))
    return np.asarray(np.clip(np.rint(means + deviations * relative), 0, 255), np.uint8)


def reference_maps(shape: tuple[int, ...], films: AuditFilms) -> dict[str, Maps]:
    """Maps `[N, h, w]` that do not depend on the network."""
    count, height, width = shape
    random = np.random.default_rng(SEED).random(shape)
    rows, columns = ((np.arange(cells) + 0.5) / cells - 0.5 for cells in (height, width))
    distance = rows[:, None] ** 2 + columns[None, :] ** 2
    gaussian = np.exp(-distance / (2 * CENTRE_SIGMA**2))
    maps = {RANDOM: random, CENTRE: np.broadcast_to(gaussian, (count, height, width))}
    if films.masks.has_mask.all():
        maps[LUNGS] = random + cover(films.masks.masks >= MASK_LEVEL, (height, width))
    return maps


def removal_order(maps: Maps) -> npt.NDArray[np.int64]:
    """Rank `[N, 150, 150]` of each pixel: 0 for the one with most evidence. Equal values are ranked at random."""
    side = (INPUT_SIDE, INPUT_SIDE)
    random = np.random.default_rng(SEED)
    ranks = np.empty((len(maps), *side), np.int64)
    for index, values in enumerate(maps):
        enlarged = enlarge(values.astype(np.float32))
        order = np.lexsort((random.random(enlarged.size), -enlarged.ravel()))
        ranks[index].ravel()[order] = np.arange(enlarged.size)
    return ranks


def _curve(model: Model, start: Films, end: Films, ranks: npt.NDArray[np.int64], title: str, *, quiet: bool) -> Floats:
    """P(pneumonia) `[STEPS + 1, N]` while the first pixels of `start` are replaced by those of `end`."""
    pixels = INPUT_SIDE**2
    steps = [np.where(ranks < pixels * step // STEPS, end, start) for step in range(STEPS + 1)]
    probability = run_network(model, np.concatenate(steps), title=title, quiet=quiet).probability
    return probability.reshape(STEPS + 1, len(start))


def area(curve: Floats) -> Floats:
    """Area `[N]` under curves `[STEPS + 1, N]` over the share of pixels 0..1, by the trapezoidal rule."""
    return np.asarray((curve[1:] + curve[:-1]).mean(axis=0) / 2)


def _figures(curves: dict[str, Floats], measure: str, weights: Floats) -> dict[str, Any]:
    areas = {name: area(curve) for name, curve in curves.items()}
    gain = areas[EVIDENCE] - areas[RANDOM]
    better = ((gain > 0) if MEASURES[measure] else (gain < 0)).astype(np.float64)
    return {
        "area": {name: mean_figure(values, weights) for name, values in areas.items()},
        "better": mean_figure(better, weights),
        "curves": {name: [round(float(value), 4) for value in curve.mean(axis=1)] for name, curve in curves.items()},
    }
