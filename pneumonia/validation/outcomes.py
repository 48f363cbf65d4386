"""The answers of a validation as arrays, for figures of all films or of a group of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..evaluation import metrics
from ..evaluation.metrics import Decisions, Floats, Labels
from ..inference.decision import CLASSES, UNKNOWN
from .film_results import FilmResult

MAX_WEIGHTS = 20_000_000
"""Maximum number of bootstrap weights, 160 MB: with more than 10,000 films there are fewer replicates."""

MIN_REPLICATES = 200

Mask = npt.NDArray[np.bool_]
"""`[N]`: True for the films of a group."""


@dataclass(frozen=True)
class Outcomes:
    """`N` films. `labels`: 0 Normal, 1 Pneumonia. `answers`: Normal, Pneumonia or Unknown. `probability`: P(pneumonia);
    one half where `is_scored` is False. `groups`: patient of each film; each film is a group of its own if the table
    has no patients.
    """

    labels: Labels
    answers: npt.NDArray[np.str_]
    probability: Floats
    is_scored: Mask
    groups: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_answered(self) -> Mask:
        return np.asarray(self.answers != UNKNOWN)

    @property
    def decisions(self) -> Decisions:
        """The answers as `Decisions`; a film without an answer counts as the class that it is not."""
        answered = self.is_answered
        positive = np.where(answered, self.answers == CLASSES[1], self.labels == 0)
        return Decisions(self.labels, self.probability, positive.astype(np.int64), answered)

    @property
    def has_both_classes(self) -> bool:
        return len(np.unique(self.labels)) == 2

    def subset(self, members: Mask) -> Outcomes:
        """The films where `members` `[N]` is True."""
        return Outcomes(*(values[members] for values in vars(self).values()))

    @property
    def weights(self) -> Floats:
        """Bootstrap weights `[R, N]` over the groups."""
        replicates = min(metrics.REPLICATES, max(MIN_REPLICATES, MAX_WEIGHTS // max(len(self), 1)))
        return metrics.bootstrap_weights(self.groups, replicates)


def outcomes_of(results: Sequence[FilmResult]) -> Outcomes:
    """The outcomes of results. A film without a patient in the table is a group of its own."""
    scored = [result.probability is not None for result in results]
    return Outcomes(
        labels=np.array([result.film.label for result in results], np.int64),
        answers=np.array([result.answer for result in results], np.str_),
        probability=np.array([0.5 if p is None else p for p in (result.probability for result in results)], np.float64),
        is_scored=np.array(scored, bool),
        groups=np.array([result.film.group or f"film {index}" for index, result in enumerate(results)], np.str_),
    )
