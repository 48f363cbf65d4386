"""The evaluation protocols: assignment of the films to training, validation and test.

All random splits keep the films of a patient together (`FilmSet.patients`) and preserve the class proportions. The
protocol `order5` has no test part; it is for recipe searches, which compare recipes on its validation parts. The
protocol `adults` is for the adult films, the others are for the children's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .dataset import FilmSet

PROTOCOLS = ("official", "grouped80", "folds5")
ADULTS = "adults"
"""The adult films: a fifth of the patients is held out for the test."""

ORDER = "order5"
"""Five blocks of the official train and val films in order of collection, by the numbers in their file names. Films of
one block are framed and exposed similarly, so a held-out block resembles data of another hospital, as the official test
does. For a film that is held out at random, the training part contains similar films."""

PROTOCOLS_OF = {"children": (*PROTOCOLS, ORDER), "adults": (ADULTS,)}
"""Protocols of the films of each population; the first is the one whose model is served."""

BLOCKS = 5
"""Number of blocks of `order5`."""

SPLIT_SEED = 2018
"""Seed of the splits. It does not depend on `--seed`, because recipes can be compared only on the same films."""

VALIDATION_PARTS = 7
"""The films that are not for testing are split into seven parts. One is held out to choose calibration, operating
points and gate limits."""

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """One split of a `FilmSet`, as indices of its films. `fold` is None except for `folds5` and `order5`.

    `test` is empty for `order5`.
    """

    protocol: str
    train: Indices
    validation: Indices
    test: Indices
    fold: int | None = None


def splits(films: FilmSet, protocol: str) -> list[Split]:
    """The splits of a protocol: one for `official`, `grouped80` and `adults`, five for `folds5` and `order5`."""
    if protocol == ORDER:
        return _blocks(films)
    if protocol == "official":
        official_test = np.array([film.split == "test" for film in films.films])
        return [_split(films, protocol, np.flatnonzero(~official_test), np.flatnonzero(official_test))]
    folds = list(_grouped(films, np.arange(len(films.films)), 5))
    if protocol in {"grouped80", ADULTS}:
        return [_split(films, protocol, *folds[0])]
    return [_split(films, protocol, rest, test, fold) for fold, (rest, test) in enumerate(folds)]


def _split(films: FilmSet, protocol: str, rest: Indices, test: Indices, fold: int | None = None) -> Split:
    train, validation = _grouped(films, rest, VALIDATION_PARTS)[0]
    return Split(protocol, train, validation, test, fold)


def _grouped(films: FilmSet, indices: Indices, parts: int) -> list[tuple[Indices, Indices]]:
    """Split the films at `indices` into `parts` by patient; returns (other parts, part) for each part."""
    from sklearn.model_selection import (
        StratifiedGroupKFold,
    )  # imported late, because it takes 2 s and --help must be fast

    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=SPLIT_SEED)
    patients, strata = films.patients[indices], _strata(films)[indices]
    return [(indices[rest], indices[part]) for rest, part in splitter.split(indices, strata, patients)]


def _strata(films: FilmSet) -> npt.NDArray[np.str_]:
    """`[N]`: class and source of each film; each part of a split contains the same share of each."""
    return np.array([f"{label} {film.source}" for label, film in zip(films.labels, films.films, strict=True)])


def _blocks(films: FilmSet) -> list[Split]:
    """Five splits, each with one block as validation part and the others as training part.

    All films of a patient are assigned to the block of the patient's first film.
    """
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
    for index in np.argsort(numbers, kind="stable"):
        first_block.setdefault(patients[index], int(block[index]))
    assigned = np.array([first_block[patient] for patient in patients])
    empty = np.array([], np.intp)
    return [Split(ORDER, indices[assigned != fold], indices[assigned == fold], empty, fold) for fold in range(BLOCKS)]
