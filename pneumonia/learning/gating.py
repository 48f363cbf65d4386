"""Fitting the gate: principal components of training films, limits from films on which they were not fitted."""

from __future__ import annotations

from itertools import islice

import numpy as np
import numpy.typing as npt

from ..evaluation.perturbations import CHANGES, changed
from ..gate import VIEWS, Films, Floats, Gate, Limits, Subspace

COMPONENTS = 64
KEPT = 0.995
"""Share of the validation films, in all the ways they might have been saved, that each measure of each view lets
through; in-sample percentiles would mislead."""

FAR = 1.4
"""`far` in multiples of `near`: beyond it an image is called no chest film at all, not merely unlike."""

_OPEN = Limits(np.inf, np.inf)


def fit_gate(train: Films, validation: Films) -> Gate:
    """A gate for `[N, 150, 150]` films.

    It is fitted on the training films, mirrored, and in the ways they might have been saved: a gate that knows films as
    they are in the data set only would refuse a clinic's for their sharpness.
    """
    learnt = np.concatenate([train, *_in_other_ways(train)])
    learnt = np.concatenate([learnt, learnt[:, :, ::-1]])
    held_out = np.concatenate([changed(validation, name) for name in CHANGES])
    return Gate({name: _fit(view(learnt), view(held_out)) for name, view in VIEWS.items()})


def _in_other_ways(films: Films) -> list[Films]:
    """Every film once more, each changed in one of the ways in turn."""
    names = list(islice(CHANGES, 1, None))
    parts = ((films[start :: len(names)], name) for start, name in enumerate(names))
    return [changed(part, name) for part, name in parts if len(part)]


def _fit(learnt: Floats, held_out: Floats) -> Subspace:
    mean = learnt.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(learnt - mean, rowvar=False))
    kept = min(COMPONENTS, len(learnt) - 1)
    arrays = (_float32(mean), _float32(directions[:, ::-1][:, :kept].T), _float32(variances[::-1][:kept]))
    residual, distance = (_limits(values) for values in Subspace(*arrays, _OPEN, _OPEN).measure(held_out))
    return Subspace(*arrays, residual, distance)


def _float32(values: npt.NDArray[np.generic]) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float32)


def _limits(values: Floats) -> Limits:
    near = round(float(np.quantile(values, KEPT)), 5)
    return Limits(near, round(FAR * near, 5))
