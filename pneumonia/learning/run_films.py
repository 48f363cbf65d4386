"""The films of a training run: those of the recipe's population, and those of the other one that join the training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import DatasetError
from ..evaluation.adults import load_adults
from ..evaluation.dataset import KERMANY, FilmSet, load_films
from ..evaluation.licences import LICENCES
from ..evaluation.protocols import ADULTS as ADULTS_PROTOCOL
from ..evaluation.protocols import Split, splits
from ..inference.populations import ADULTS
from .data_folders import LEARNING_SPLITS, DataFolders
from .recipe import Recipe


@dataclass(frozen=True)
class SplitFilms:
    """The films of one split.

    `train`, `validation` and `test` are of the recipe's population. Of the other one, `joined` are trained on, and the
    gate learns from `gate_others`; None if there are none.
    """

    train: FilmSet
    validation: FilmSet
    test: FilmSet
    joined: FilmSet | None
    gate_others: FilmSet | None

    @property
    def all_train(self) -> FilmSet:
        """All films of the training part."""
        return self.train if self.joined is None else self.train.join(self.joined)

    @property
    def train_counts(self) -> dict[str, int]:
        """Number of films of the training part by source."""
        return self.train.counts_by_source() | ({} if self.joined is None else self.joined.counts_by_source())


@dataclass(frozen=True)
class RunFilms:
    """All films of a run. `films` are of the recipe's population; a protocol splits them.

    `other` is the training part of the other population: its validation and test films stay unseen by every model. None
    if there is none.
    """

    films: FilmSet
    other: FilmSet | None
    sources: tuple[str, ...]
    """Sources of the training films."""

    def of_split(self, split: Split) -> SplitFilms:
        """The films of a split of `films`. Validation and test part do not depend on the training sources."""
        return SplitFilms(
            train=_of_sources(self.films.subset(split.train), self.sources),
            validation=self.films.subset(split.validation),
            test=self.films.subset(split.test),
            joined=self._joined,
            gate_others=self._gate_others,
        )

    @property
    def fingerprint(self) -> str:
        """sha256 over the digests of the population's films and of those that join their training."""
        joined = () if self._joined is None else self._joined.digests
        return replace(self.films, digests=(*self.films.digests, *joined)).fingerprint

    def report(self) -> str:
        """Counts of films, copies and damaged files, as text."""
        if self.other is None:
            return self.films.report()
        return f"{self.films.report()}\ntraining part of the other population: {self.other.report()}"

    @property
    def _joined(self) -> FilmSet | None:
        return None if self.other is None else _non_empty(_of_sources(self.other, self.sources))

    @property
    def _gate_others(self) -> FilmSet | None:
        """The gate may learn from sources that do not restrict the use of the model more than its training sources."""
        if self.other is None:
            return None
        free = (name for name, licence in LICENCES.items() if not licence.non_commercial)
        allowed = LICENCES if any(LICENCES[name].non_commercial for name in self.sources) else free
        return _non_empty(_of_sources(self.other, tuple(allowed)))


def load_run_films(folders: DataFolders, recipe: Recipe, *, for_gate: bool = False) -> RunFilms:
    """Read the films of the recipe's population, and of the other one the part for training, if it is needed.

    `for_gate`: a gate is fitted, which learns from the films of the other population if there are any. Films of the
    official test are read only for the population `children`. Raises `DatasetError`.
    """
    if recipe.population == ADULTS.name:
        assert folders.adults is not None
        wants_other = folders.kermany is not None and (for_gate or KERMANY in recipe.training_sources)
        films = load_adults(folders.adults)
        return RunFilms(films, _kermany_training_part(folders) if wants_other else None, recipe.training_sources)
    assert folders.kermany is not None
    wants_other = folders.adults is not None and (for_gate or set(recipe.training_sources) != {KERMANY})
    films = load_films(folders.kermany).with_source(KERMANY)
    return RunFilms(films, _adult_training_part(folders) if wants_other else None, recipe.training_sources)


def _kermany_training_part(folders: DataFolders) -> FilmSet:
    """The training part of protocol `official`; the test folder is not read."""
    assert folders.kermany is not None
    films = load_films(folders.kermany, LEARNING_SPLITS).with_source(KERMANY)
    return films.subset(splits(films, "official")[0].train)


def _adult_training_part(folders: DataFolders) -> FilmSet | None:
    """The training part of protocol `adults`; None if no film can be read."""
    assert folders.adults is not None
    try:
        films = load_adults(folders.adults, both_classes=False)
    except DatasetError:
        return None
    return films.subset(splits(films, ADULTS_PROTOCOL)[0].train)


def _of_sources(films: FilmSet, sources: tuple[str, ...]) -> FilmSet:
    return films.subset(np.flatnonzero(np.isin(films.sources, sources)))


def _non_empty(films: FilmSet) -> FilmSet | None:
    return films if films.films else None
