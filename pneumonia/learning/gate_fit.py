"""Fitting the gate: principal components of training films, limits from films on which they were not fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..evaluation.perturbations import VALIDATION_PERTURBATIONS, perturb
from ..inference.gate import Gate, Limits, Subspace
from ..inference.gate_views import VIEWS, Films, Floats, flip_vertically

COMPONENTS = 64
KEPT_BY_RESIDUAL, KEPT_BY_DISTANCE = 0.995, 0.998
"""Shares of the validation films, in all the ways they might have been saved, that each measure of each view lets
through; in-sample percentiles would mislead. Far from the middle along what varies among the training films lies a
white lung, beside it lies another kind of picture: so the distance is the laxer one."""

FAR = 1.4
"""`far` in multiples of `near`: beyond it an image is called no chest film at all, not merely unlike."""

TURNED = 0.999
"""Share of the same films, turned upside down, that the check for them is to refuse."""

UPSIDE_DOWN_VIEW = "brightness"
"""The view that is asked whether a film is upside down: it tells all of them; edges would add nothing."""

_OPEN = Limits(np.inf, np.inf)


def fit_gate(train: Films, validation: Films) -> Gate:
    """A gate for `[N, 150, 150]` films.

    It is fitted on the training films, mirrored, and in the ways they might have been saved: a gate that knows films as
    they are in the data set only would refuse a clinic's for their sharpness.
    """
    learnt = np.concatenate([train, *_in_other_ways(train)])
    learnt = np.concatenate([learnt, learnt[:, :, ::-1]])
    held_out = np.concatenate([perturb(validation, name) for name in VALIDATION_PERTURBATIONS])
    spaces = {name: _fit(view(learnt), view(held_out)) for name, view in VIEWS.items()}
    view, space = VIEWS[UPSIDE_DOWN_VIEW], spaces[UPSIDE_DOWN_VIEW]
    gains = space.residual_drop_when_flipped(view(held_out), view(flip_vertically(held_out)))
    return Gate({**spaces, UPSIDE_DOWN_VIEW: replace(space, upside_down=_limits_upside_down(gains))})


def _in_other_ways(films: Films) -> list[Films]:
    """Every film once more, each changed in one of the ways in turn."""
    names = VALIDATION_PERTURBATIONS[1:]
    parts = ((films[start :: len(names)], name) for start, name in enumerate(names))
    return [perturb(part, name) for part, name in parts if len(part)]


def _fit(learnt: Floats, held_out: Floats) -> Subspace:
    mean = learnt.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(learnt - mean, rowvar=False))
    kept = min(COMPONENTS, len(learnt) - 1)
    arrays = (_float32(mean), _float32(directions[:, ::-1][:, :kept].T), _float32(variances[::-1][:kept]))
    residual, distance = Subspace(*arrays, _OPEN, _OPEN).measure(held_out)
    return Subspace(*arrays, _limits(residual, KEPT_BY_RESIDUAL), _limits(distance, KEPT_BY_DISTANCE))


def _limits_upside_down(gains: Floats) -> Limits:
    """From what upright films gain by being turned; an upside-down film gains as much with the other sign.

    Where the two lie apart, the limit is the largest that still refuses the share `TURNED` of upside-down films: an
    upright white lung may gain a little. Where they overlap, it lets that share of upright films through.
    """
    near = abs(float(np.quantile(gains, TURNED)))
    far = FAR * max(float(-gains.min()), near)
    return Limits(round(near, 5), round(far, 5))


def _float32(values: npt.NDArray[np.generic]) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float32)


def _limits(values: Floats, kept: float) -> Limits:
    near = round(float(np.quantile(values, kept)), 5)
    return Limits(near, round(FAR * near, 5))
