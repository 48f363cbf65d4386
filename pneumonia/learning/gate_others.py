"""What a gate has to tell from the films of its population: films of the other population and other kinds of images."""

from __future__ import annotations

from ..evaluation.dataset import FilmSet
from .gate_classifier_fit import Others
from .gate_kinds import IMAGES_OF_KIND, make_kinds

MIN_FILMS_PER_MADE_IMAGE = 20
"""Training films for each image that is made of a kind: few films need few images."""


def gate_others(train: FilmSet, other: FilmSet | None) -> Others:
    """The negatives of the gate's classifier: films of the other population, and images of other kinds that are made.

    `train` are the training films of the gate's population, from which some images are made, `other` those of the other
    population; None if there are none, then the gate accepts chest films of any population that its PCA accepts.
    """
    count = min(IMAGES_OF_KIND, len(train.films) // MIN_FILMS_PER_MADE_IMAGE + 1)
    population = {}
    if other is not None:
        population = {source: other.inputs[other.sources == source] for source in other.counts_by_source()}
    return Others(population, make_kinds(train.inputs, count))
