"""Routing: which population's model applies to a film. A known age decides, otherwise the gates do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import populations
from .gate import Assessment
from .gate_views import Features
from .model import Model

DEFAULT_MARGIN = 2.0
"""Minimum difference of two gates' resemblances for a film that both accept, in natural logarithms of odds, if the
bundles state none: the odds are 7 to 1."""


GATE_REFUSALS = frozenset({"not_a_chest_film", "unlike_training_films", "unreadable_contrast"})
"""Codes with which a gate refuses a film."""


@dataclass(frozen=True)
class Route:
    """`model` scores the film, or is the one that refuses it: then `refusal` is a code of `decision.REASONS`.

    `assessment` is the judgement of the gate of `model`.
    """

    model: Model
    assessment: Assessment
    refusal: str | None = None


def models_for_age(models: Sequence[Model], years: float | None) -> tuple[Model, ...]:
    """The models for a patient of this age; all of them if the age is not known, none if no model covers it."""
    if years is None:
        return tuple(models)
    population = populations.of_age(years)
    return tuple(model for model in models if model.population is population)


def route(models: Sequence[Model], input_image: npt.NDArray[np.uint8]) -> Route:
    """The route of a `[150, 150, 3]` input image among the candidate models.

    If one gate accepts it, its model applies; if several do, the one that it resembles most, provided that the
    difference is at least the margin of the bundles' config (`routing`). If none does, the reason is that of the gate
    that it resembles most. The features that the gates measure are computed once.
    """
    features = Features.of(input_image)
    assessed = [(model, model.gate.assess(features)) for model in models]
    accepted = [(model, assessment) for model, assessment in assessed if assessment.reason is None]
    first, *others = sorted(accepted or assessed, key=_resemblance, reverse=True)
    if accepted and others and _resemblance(first) - _resemblance(others[0]) < _margin(first[0], others[0][0]):
        return Route(*first, "population_unclear")
    return Route(*first, first[1].reason)


def _resemblance(assessed: tuple[Model, Assessment]) -> float:
    return assessed[1].resemblance


def _margin(*models: Model) -> float:
    """The largest margin of the models: each was chosen on validation films of both populations."""
    return max(float(model.bundle.config.get("routing", {}).get("margin", DEFAULT_MARGIN)) for model in models)
