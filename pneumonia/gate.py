"""Is this a film like those that the model has learnt from?

The gate sees what the network sees. It reduces the input to a 30 x 30 standardised thumbnail and asks two questions of
the training films' principal components: how much of the thumbnail do they leave unexplained (`residual`), and how far
from the middle of the training films does the explained part lie (`distance`)? The limits come from films on which the
components were not fitted.

This much is cheap (0.1 ms) and says nothing about disease. What it refuses, and how often it refuses the sick, stands
in `evaluation.json`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .imaging import INPUT_SIDE

THUMBNAIL_SIDE = 30
"""Whole 5 x 5 blocks of the input. Finer thumbnails refuse fewer lateral films, coarser ones fewer hands."""

MIN_CONTRAST = 4.0
"""Standard deviation of the input in 8-bit levels below which there is nothing to see: half of the films' 8 bits are
gone at 4, where the palest training film has 21."""

Floats: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Limits:
    """Above `near` an image is unlike the training films, above `far` it is no frontal chest film at all."""

    near: float
    far: float


@dataclass(frozen=True)
class Gate:
    """`mean` `[900]`, `components` `[k, 900]` orthonormal rows, `variances` `[k]` of training thumbnails along them."""

    mean: Floats
    components: Floats
    variances: Floats
    residual: Limits
    distance: Limits

    def check(self, film: npt.NDArray[np.uint8]) -> str | None:
        """The code of the reason to refuse a `[150, 150, 3]` input, or None."""
        if film[:, :, 0].std() < MIN_CONTRAST:
            return "unreadable_contrast"
        residual, distance = (float(value[0]) for value in self.measure(film[None, :, :, 0]))
        if residual > self.residual.far or distance > self.distance.far:
            return "not_a_chest_film"
        if residual > self.residual.near or distance > self.distance.near:
            return "unlike_training_films"
        return None

    def measure(self, films: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """(residual share of the thumbnail's variance, Mahalanobis distance a component) of `[N, 150, 150]` films."""
        centred = thumbnails(films) - self.mean
        along = centred @ self.components.T
        residual = (np.square(centred).sum(axis=1) - np.square(along).sum(axis=1)) / centred.shape[1]
        distance = np.sqrt((np.square(along) / self.variances).mean(axis=1))
        return residual, distance

    def to_bytes(self) -> bytes:
        """The arrays as an `.npz`; the limits stand in the bundle's config, where a person can read them."""
        buffer = io.BytesIO()
        np.savez(buffer, mean=self.mean, components=self.components, variances=self.variances)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, residual: Limits, distance: Limits) -> Gate:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(arrays["mean"], arrays["components"], arrays["variances"], residual, distance)


def thumbnails(films: npt.NDArray[np.uint8]) -> Floats:
    """`[N, 150, 150]` -> `[N, 900]`: block means with mean 0 and deviation 1 a film, so that exposure falls out."""
    block = INPUT_SIDE // THUMBNAIL_SIDE
    # uint32 sums are exact and need no float copy of the film.
    blocks = films.reshape(-1, THUMBNAIL_SIDE, block, THUMBNAIL_SIDE, block).sum(axis=(2, 4), dtype=np.uint32)
    flat = blocks.reshape(len(films), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    standardised: Floats = flat / np.maximum(flat.std(axis=1, keepdims=True), 1e-6)
    return standardised
