"""Populations: the age ranges for which models are trained. One bundle serves one population."""

from __future__ import annotations

from dataclasses import dataclass

from ..messages import message


@dataclass(frozen=True)
class Population:
    """Patients of one age range: `min_age` <= age in years < `end_age`; None: no upper limit.

    `name` is the value of `population` in a bundle's config and in predictions; `description` is for sentences.
    """

    name: str
    min_age: float
    end_age: float | None
    description: str

    def includes(self, years: float) -> bool:
        """Whether a patient of this age belongs to the population."""
        return self.min_age <= years and (self.end_age is None or years < self.end_age)


CHILDREN = Population(message("children"), 1, 6, message("children of 1-5 years"))
ADULTS = Population(message("adults"), 18, None, message("adults of 18 years and over"))

POPULATIONS = {population.name: population for population in (CHILDREN, ADULTS)}
"""All populations by name, in the order in which models are listed."""


def of_age(years: float) -> Population | None:
    """The population of a patient of this age in years; None if no population covers the age."""
    return next((population for population in POPULATIONS.values() if population.includes(years)), None)
