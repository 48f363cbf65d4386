"""Rules by which the measures of a gate refuse a film: the rule of the gate, and rules that were compared with it.

A rule sees all measures of films as an array, beside those of the validation films on which its limits are chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..inference.gate import Gate
from ..inference.gate_classifier import PREFIX
from ..inference.gate_views import VIEWS, Floats, flip_thumbnails
from .gate_fit import FAR_FACTOR, UPSIDE_DOWN_VIEW

Mask = npt.NDArray[np.bool_]

CHECKS = (
    ("brightness", "residual"),
    ("brightness", "distance"),
    ("brightness", "upside_down"),
    ("edges", "residual"),
    ("edges", "distance"),
    (PREFIX, "other_population"),
    (PREFIX, "other_kind"),
)
"""View (or classifier) and name of each measure; the columns of the arrays of measures `[N, 7]`."""

UPSIDE_DOWN, POPULATION, KIND = (
    CHECKS.index(check)
    for check in ((UPSIDE_DOWN_VIEW, "upside_down"), (PREFIX, "other_population"), (PREFIX, "other_kind"))
)
_IS_PCA = np.array([view != PREFIX and name != "upside_down" for view, name in CHECKS])
_IS_OF_KIND = _IS_PCA | (np.arange(len(CHECKS)) == KIND)


@dataclass(frozen=True)
class Measured:
    """What a rule may use: measures `[N, 7]` of films and `[M, 7]` of validation films, `near` limits `[7]`."""

    films: Floats
    validation: Floats
    near: Floats


def measure(gate: Gate, features: Floats) -> Floats:
    """Measures `[N, 7]` of joined features `[N, d]` of films; the gate has a classifier."""
    assert gate.classifier is not None
    columns: dict[tuple[str, str], Floats] = {}
    start = 0
    for view in VIEWS:
        subspace = gate.subspaces[view]
        own = features[:, start : start + subspace.mean.shape[0]]
        start += own.shape[1]
        columns[view, "residual"], columns[view, "distance"] = subspace.measure(own)
        if view == UPSIDE_DOWN_VIEW:
            columns[view, "upside_down"] = subspace.residual_drop_when_flipped(own, flip_thumbnails(own))
    columns[PREFIX, "other_population"], columns[PREFIX, "other_kind"] = gate.classifier.measure(features)
    return np.stack([columns[check] for check in CHECKS], axis=1)


def near_limits(gate: Gate) -> Floats:
    """`[7]`: the near limit of each measure."""
    return np.array([gate.limits[view][name].near for view, name in CHECKS], np.float32)


def exceeds_limit(measured: Measured) -> Mask:
    """`[N, 7]`: whether a measure of a film is above its near limit."""
    is_exceeded: Mask = measured.films > measured.near
    return is_exceeded


def fitted_rule(measured: Measured) -> Mask:
    """The rule of the gate with the limits as fitted: a film is refused if any measure is above its near limit."""
    return _any_above(measured.films, measured.near)


Rule = Callable[[Measured], Mask]
"""Which of the N films are refused."""


def raise_limits(factor: float = 1.0, population: float = -np.inf, kind: float = -np.inf) -> Rule:
    """A rule: limits of both views times `factor`, and those of the classifier at least `population` and `kind`."""
    least = np.full(len(CHECKS), -np.inf)
    least[POPULATION], least[KIND] = population, kind

    def rule(measured: Measured) -> Mask:
        near = np.maximum(np.where(_IS_PCA, factor, 1.0) * measured.near, least)
        return _any_above(measured.films, near)

    return rule


def accepting(share: float) -> Rule:
    """Each measure but the upside-down check accepts this share of the validation films, or more."""

    def rule(measured: Measured) -> Mask:
        near = np.maximum(measured.near, np.quantile(measured.validation, share, axis=0))
        near[UPSIDE_DOWN] = measured.near[UPSIDE_DOWN]
        return _any_above(measured.films, near)

    return rule


def joint(accepted: float, accepted_by_population: float) -> Rule:
    """The measures of both views and the odds of another kind together, instead of a limit for each.

    A measure is scaled to 0 at the median of the validation films and 1 at its near limit. The limit of the sum of
    the third powers of the positive ones accepts the share `accepted` of the validation films. A film with one measure
    at its limit and ordinary others is then accepted. Each is limited at the far factor all the same.
    """

    def rule(measured: Measured) -> Mask:
        median = np.median(measured.validation, axis=0)
        films, validation = (
            (each - median) / (measured.near - median) for each in (measured.films, measured.validation)
        )
        limit = np.quantile(_third_powers(validation), accepted)
        population = np.quantile(validation[:, POPULATION], accepted_by_population)
        refused: Mask = (
            (_third_powers(films) > limit)
            | (films[:, _IS_OF_KIND].max(axis=1) > FAR_FACTOR)
            | (films[:, POPULATION] > population)
            | (films[:, UPSIDE_DOWN] > 1)
        )
        return refused

    return rule


def _any_above(films: Floats, near: npt.NDArray[np.floating]) -> Mask:
    above: Mask = np.any(films > near, axis=1)
    return above


def _third_powers(scaled: Floats) -> Floats:
    sums: Floats = (np.maximum(scaled[:, _IS_OF_KIND], 0) ** 3).sum(axis=1)
    return sums


RULES: Mapping[str, Rule] = {
    "as fitted": fitted_rule,
    "limits of both views x 1.05": raise_limits(1.05),
    "limits of both views x 1.1": raise_limits(1.1),
    "limits of both views x 1.2": raise_limits(1.2),
    "another population at least 3, another kind at least -1": raise_limits(1.0, 3, -1),
    "these, and limits of both views x 1.1": raise_limits(1.1, 3, -1),
    "each measure accepts 99.9 %": accepting(0.999),
    "joint limit at 99.5 %, another population at 99.8 %": joint(0.995, 0.998),
    "joint limit at 99.5 %, another population at 99.9 %": joint(0.995, 0.999),
}
"""Name -> rule, in the order of the table. All but the first are alternatives that were not adopted."""
