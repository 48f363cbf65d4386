"""The three evaluation protocols: which films are for training, for validation and for testing.

Splits made here keep the films of a patient together (loose key, copies merged) and preserve the class proportions. A
fourth split, `order5`, has no test part: recipe searches validate on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .dataset import FilmSet

PROTOCOLS = ("official", "grouped80", "folds5")
ORDER = "order5"
"""Five blocks of the official train and val films in order of collection, by the numbers in their file names. Films of
one block were framed and exposed alike, so a held-out block resembles data of another hospital, as the official test
does. A random validation film has similar films in training."""

BLOCKS = 5

SPLIT_SEED = 2018
"""Fixed for all runs, independent of `--seed`: two recipes are comparable only on the same films."""

VALIDATION_PARTS = 7
"""One of seven parts of the non-test films is held out to choose calibration, operating points and gate limits."""

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Indices into a `FilmSet`. `fold` is None except for `folds5` and `order5`. `test` is empty for `order5`."""

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


def _grouped(films: FilmSet, indices: Indices, parts: int) -> list[tuple[Indices, Indices]]:
    from sklearn.model_selection import StratifiedGroupKFold  # takes 2 s; imported late so that --help is fast

    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=SPLIT_SEED)
    patients, labels = films.patients[indices], films.labels[indices]
    return [(indices[rest], indices[part]) for rest, part in splitter.split(indices, labels, patients)]


def _blocks(films: FilmSet) -> list[Split]:
    """Each block as validation part of the other four. All films of a patient are in the block of the first of them."""
    indices = np.flatnonzero([film.split != "test" for film in films.films])
    collection = (films.films[index].collection_index for index in indices)
    series, numbers = (np.array(column) for column in zip(*collection, strict=True))
    block = np.empty(len(indices), np.intp)
    for name in np.unique(series):
        members = np.flatnonzero(series == name)
        members = members[np.argsort(numbers[members], kind="stable")]
        block[members] = np.arange(len(members)) * BLOCKS // len(members)
    first_block: dict[str, int] = {}
    patients = films.patients[indices]
    for position in np.argsort(numbers, kind="stable"):
        first_block.setdefault(patients[position], int(block[position]))
    assigned = np.array([first_block[patient] for patient in patients])
    empty = np.array([], np.intp)
    return [Split(ORDER, indices[assigned != fold], indices[assigned == fold], empty, fold) for fold in range(BLOCKS)]
