"""The three protocols: which films a model learns from, which choose its thresholds, which test it.

All splits of ours keep a patient's films together (loose key, copies merged) and keep the classes' shares. A fourth
split, `order5`, tests nothing: it is what a search validates by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .dataset import FilmSet

PROTOCOLS = ("official", "grouped80", "folds5")
ORDER = "order5"
"""Five blocks of the official train and val films in the order in which they were collected, by the numbers in their
names. The films of a block were framed and exposed alike, so that a block held out is a little of another hospital; the
official border is one of this kind. A random validation film has its like in training."""

BLOCKS = 5

SPLIT_SEED = 2018
"""Fixed for all runs, whatever `--seed` says: two recipes are only comparable on the same films."""

VALIDATION_PARTS = 7
"""One part in seven of what is not test is held out: it chooses calibration, operating points and the gate's limits."""

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Indices into a `FilmSet`. `fold` is None but for `folds5` and `order5`, whose `test` is empty."""

    protocol: str
    train: Indices
    validation: Indices
    test: Indices
    fold: int | None = None


def splits(films: FilmSet, protocol: str) -> list[Split]:
    """One split for `official` and `grouped80`, five for `folds5` and `order5`."""
    if protocol == ORDER:
        return _blocks(films)
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
    from sklearn.model_selection import StratifiedGroupKFold  # two seconds, which a command's help need not wait for

    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=SPLIT_SEED)
    patients, labels = films.patients[where], films.labels[where]
    return [(where[rest], where[part]) for rest, part in splitter.split(where, labels, patients)]


def _blocks(films: FilmSet) -> list[Split]:
    """Each block as the validation part of the other four; a patient belongs where the first of their films does."""
    known = np.flatnonzero([film.split != "test" for film in films.films])
    series, numbers = (np.array(column) for column in zip(*(films.films[index].place for index in known), strict=True))
    block = np.empty(len(known), np.intp)
    for name in np.unique(series):
        members = np.flatnonzero(series == name)
        members = members[np.argsort(numbers[members], kind="stable")]
        block[members] = np.arange(len(members)) * BLOCKS // len(members)
    first: dict[str, int] = {}
    patients = films.patients[known]
    for place in np.argsort(numbers, kind="stable"):
        first.setdefault(patients[place], int(block[place]))
    home = np.array([first[patient] for patient in patients])
    nothing = np.array([], np.intp)
    return [Split(ORDER, known[home != fold], known[home == fold], nothing, fold) for fold in range(BLOCKS)]
