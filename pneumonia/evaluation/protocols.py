"""The three protocols: which films a model learns from, which choose its thresholds, which test it.

All splits of ours keep a patient's films together (loose key, copies merged) and keep the classes' shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from .films import FilmSet

PROTOCOLS = ("official", "grouped80", "folds5")

SPLIT_SEED = 2018
"""Fixed for all runs, whatever `--seed` says: two recipes are only comparable on the same films."""

VALIDATION_PARTS = 7
"""One part in seven of what is not test is held out: it chooses calibration, operating points and the gate's limits."""

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Indices into a `FilmSet`. `fold` is None but for `folds5`."""

    protocol: str
    train: Indices
    validation: Indices
    test: Indices
    fold: int | None = None


def splits(films: FilmSet, protocol: str) -> list[Split]:
    """One split for `official` and `grouped80`, five for `folds5`."""
    if protocol == "official":
        official_test = np.array([film.split == "test" for film in films.films])
        return [_split(films, protocol, np.flatnonzero(~official_test), np.flatnonzero(official_test))]
    folds = list(_grouped(films, np.arange(len(films.films)), 5))
    if protocol == "grouped80":
        return [_split(films, protocol, *folds[0])]
    return [_split(films, protocol, rest, test, fold) for fold, (rest, test) in enumerate(folds)]


def _split(films: FilmSet, protocol: str, rest: Indices, test: Indices, fold: int | None = None) -> Split:
    train, validation = _grouped(films, rest, VALIDATION_PARTS)[0]
    return Split(protocol, train, validation, test, fold)


def _grouped(films: FilmSet, where: Indices, parts: int) -> list[tuple[Indices, Indices]]:
    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=SPLIT_SEED)
    patients, labels = films.patients[where], films.labels[where]
    return [(where[rest], where[part]) for rest, part in splitter.split(where, labels, patients)]
