"""Fitting the gate: principal components of training films, limits from films on which they were not fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..evaluation.perturbations import VALIDATION_PERTURBATIONS, perturb
from ..inference.gate import Gate, Limits, Subspace
from ..inference.gate_views import VIEWS, Films, Floats, flip_vertically

COMPONENTS = 64
ACCEPTED_BY_RESIDUAL, ACCEPTED_BY_DISTANCE = 0.995, 0.998
"""Shares of the validation films, in all the ways they might have been saved, that each measure of each view lets
through; in-sample percentiles would mislead. Far from the middle along what varies among the training films lies a
white lung, beside it lies another kind of picture: so the distance is the laxer one."""

FAR = 1.4
"""`far` in multiples of `near`: beyond it an image is called no chest film at all, not merely unlike."""

UPSIDE_DOWN_REFUSED_SHARE = 0.999
"""Share of the same films, turned upside down, that the check for them is to refuse."""

UPSIDE_DOWN_VIEW = "brightness"
"""The view that is asked whether a film is upside down: it tells all of them; edges would add nothing."""

_UNLIMITED = Limits(np.inf, np.inf)


def fit_gate(train: Films, validation: Films) -> Gate:
    """A gate for `[N, 150, 150]` films.

    It is fitted on the training films, mirrored, and in the ways they might have been saved: a gate that knows films as
    they are in the data set only would refuse a clinic's for their sharpness.
    """
    films = np.concatenate([train, *_perturb_in_turn(train)])
    films = np.concatenate([films, films[:, :, ::-1]])
    validation_films = np.concatenate([perturb(validation, name) for name in VALIDATION_PERTURBATIONS])
    subspaces = {name: _fit_subspace(view(films), view(validation_films)) for name, view in VIEWS.items()}
    view, subspace = VIEWS[UPSIDE_DOWN_VIEW], subspaces[UPSIDE_DOWN_VIEW]
    drops = subspace.residual_drop_when_flipped(view(validation_films), view(flip_vertically(validation_films)))
    return Gate({**subspaces, UPSIDE_DOWN_VIEW: replace(subspace, upside_down=_limits_upside_down(drops))})


def _perturb_in_turn(films: Films) -> list[Films]:
    """Every film once more, each changed in one of the ways in turn."""
    names = VALIDATION_PERTURBATIONS[1:]
    parts = ((films[start :: len(names)], name) for start, name in enumerate(names))
    return [perturb(part, name) for part, name in parts if len(part)]


def _fit_subspace(features: Floats, validation_features: Floats) -> Subspace:
    mean = features.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(features - mean, rowvar=False))
    count = min(COMPONENTS, len(features) - 1)
    arrays = (_float32(mean), _float32(directions[:, ::-1][:, :count].T), _float32(variances[::-1][:count]))
    residual, distance = Subspace(*arrays, _UNLIMITED, _UNLIMITED).measure(validation_features)
    return Subspace(*arrays, _limits(residual, ACCEPTED_BY_RESIDUAL), _limits(distance, ACCEPTED_BY_DISTANCE))


def _limits_upside_down(drops: Floats) -> Limits:
    """From what upright films gain by being turned; an upside-down film gains as much with the other sign.

    Where the two lie apart, the limit is the largest that still refuses `UPSIDE_DOWN_REFUSED_SHARE` of upside-down
    films: an upright white lung may gain a little. Where they overlap, it lets that share of upright films through.
    """
    near = abs(float(np.quantile(drops, UPSIDE_DOWN_REFUSED_SHARE)))
    far = FAR * max(float(-drops.min()), near)
    return Limits(round(near, 5), round(far, 5))


def _float32(values: npt.NDArray[np.generic]) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float32)


def _limits(values: Floats, accepted_share: float) -> Limits:
    near = round(float(np.quantile(values, accepted_share)), 5)
    return Limits(near, round(FAR * near, 5))
