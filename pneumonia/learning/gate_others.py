"""What a gate has to tell from the films of its population: films of the other population and other kinds of images."""

from __future__ import annotations

from ..evaluation.dataset import FilmSet
from .gate_classifier_fit import Others


def gate_others(other: FilmSet | None) -> Others:
    """The negatives of the gate's classifier, from the training films `other` of the other population.

    Without them the gate has no classifier.
    """
    population = {}
    if other is not None:
        population = {source: other.inputs[other.sources == source] for source in other.counts_by_source()}
    return Others(population=population)
