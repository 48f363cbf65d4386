"""Fitting the gate: principal components of training films, limits from films on which they were not fitted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..gate import THUMBNAIL_SIDE, Gate, Limits, thumbnails

COMPONENTS = 64
KEPT = 0.995
"""Share of the validation films that each of the two measures lets through; in-sample percentiles would mislead."""

FAR = 1.4
"""`far` in multiples of `near`: beyond it an image is called no chest film at all, not merely unlike."""


def fit_gate(train: npt.NDArray[np.uint8], validation: npt.NDArray[np.uint8]) -> Gate:
    """A gate for `[N, 150, 150]` films; mirrored training films count too, as in augmentation."""
    upright = thumbnails(train)
    mirrored = upright.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)[:, :, ::-1].reshape(len(upright), -1)
    both = np.concatenate([upright, mirrored])
    mean = both.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(both - mean, rowvar=False))
    kept = min(COMPONENTS, len(train) - 1)
    open_limits = Limits(np.inf, np.inf)
    gate = Gate(
        mean.astype(np.float32),
        directions[:, ::-1][:, :kept].T.astype(np.float32),
        variances[::-1][:kept].astype(np.float32),
        open_limits,
        open_limits,
    )
    residual, distance = (_limits(values) for values in gate.measure(validation))
    return Gate(gate.mean, gate.components, gate.variances, residual, distance)


def _limits(values: npt.NDArray[np.float32]) -> Limits:
    near = round(float(np.quantile(values, KEPT)), 5)
    return Limits(near, round(FAR * near, 5))
