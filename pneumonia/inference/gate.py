"""Is this a film like those that the model has learnt from?

The gate sees what the network sees. It looks at the input twice, as a 30 x 30 thumbnail of its brightness and as a map
of where its edges run, each standardised so that exposure falls out. Of each view it asks two questions of the training
films' principal components: how much of it do they leave unexplained (`residual`), and how far from the middle of the
training films does the explained part lie (`distance`)? Of the brightness it asks a third: does the picture fit better
when it is turned upside down? The limits come from films on which nothing was fitted.

This is cheap (a tenth of the graph) and says nothing about disease. What it refuses, and how often it refuses the sick,
stands in `evaluation.json`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .gate_views import VIEWS, Films, Floats, flip_thumbnails, sum_of_squares

MIN_CONTRAST = 4.0
"""Standard deviation of the input in 8-bit levels below which there is nothing to see: half of the films' 8 bits are
gone at 4, where the palest training film has 19."""

_ARRAYS = ("mean", "components", "variances")


@dataclass(frozen=True)
class Limits:
    """Above `near` an image is unlike the training films, above `far` it is no frontal chest film at all."""

    near: float
    far: float

    def exceeded_limit(self, value: float) -> str | None:
        """`far`, `near` or None."""
        return "far" if value > self.far else "near" if value > self.near else None


@dataclass(frozen=True)
class Subspace:
    """Where the training films lie in one view.

    `mean` `[d]`, `components` `[k, d]` orthonormal rows, `variances` `[k]` of the training films along them.
    `upside_down` limits how much less a film may leave unexplained when it is turned upside down, and is asked of
    thumbnails only; None: not asked.
    """

    mean: Floats
    components: Floats
    variances: Floats
    residual: Limits
    distance: Limits
    upside_down: Limits | None = None

    @cached_property
    def deviations(self) -> Floats:
        """`[k]`: the square roots of the variances."""
        deviations: Floats = np.sqrt(self.variances)
        return deviations

    def measure(self, features: Floats) -> tuple[Floats, Floats]:
        """(mean square left unexplained, root mean square of the standardised coordinates) of `[N, d]` features."""
        centred = features - self.mean
        coordinates = centred @ self.components.T
        residual = (sum_of_squares(centred) - sum_of_squares(coordinates)) / centred.shape[1]
        distance = np.sqrt(sum_of_squares(coordinates / self.deviations) / coordinates.shape[1])
        return residual, distance

    def residual_drop_when_flipped(self, features: Floats, flipped: Floats) -> Floats:
        """How much less of films is left unexplained when they are turned upside down, from both features `[N, d]`."""
        drop: Floats = self.measure(features)[0] - self.measure(flipped)[0]
        return drop

    @property
    def limits(self) -> dict[str, Limits]:
        """The limits that are set, by the name of what they limit: as they stand in the bundle's config."""
        limits = {"residual": self.residual, "distance": self.distance, "upside_down": self.upside_down}
        return {name: limit for name, limit in limits.items() if limit is not None}

    def exceeded_limit(self, features: Floats) -> str | None:
        """`far`, `near` or None, for one film's features `[1, d]`."""
        if self.upside_down is not None:
            features = np.concatenate([features, flip_thumbnails(features)])
        residual, distance = self.measure(features)  # once: the components are read from memory, which takes longest
        exceeded = {self.residual.exceeded_limit(float(residual[0])), self.distance.exceeded_limit(float(distance[0]))}
        if self.upside_down is not None:
            exceeded.add(self.upside_down.exceeded_limit(float(residual[0] - residual[1])))
        return "far" if "far" in exceeded else "near" if "near" in exceeded else None


@dataclass(frozen=True)
class Gate:
    """One subspace a view; `VIEWS` names them."""

    subspaces: Mapping[str, Subspace]

    def check(self, film: Films) -> str | None:
        """The code of the reason to refuse a `[150, 150, 3]` input, or None."""
        films = film[None, :, :, 0].astype(np.uint16)
        standardised = {name: view.standardise(films) for name, view in VIEWS.items()}
        # Means vary less than their pixels: where they vary enough, all pixels need not be gone through.
        if (
            max(float(deviation[0]) for _, deviation in standardised.values()) < MIN_CONTRAST
            and films.std() < MIN_CONTRAST
        ):
            return "unreadable_contrast"
        exceeded = {
            self.subspaces[name].exceeded_limit(view.describe(standardised[name][0])) for name, view in VIEWS.items()
        }
        if "far" in exceeded:
            return "not_a_chest_film"
        return "unlike_training_films" if "near" in exceeded else None

    def to_bytes(self) -> bytes:
        """The arrays as an `.npz`; the limits stand in the bundle's config, where a person can read them."""
        arrays = {
            f"{name}_{part}": getattr(subspace, part) for name, subspace in self.subspaces.items() for part in _ARRAYS
        }
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, limits: Mapping[str, Mapping[str, Limits]]) -> Gate:
        """The gate from its arrays and, for each view, its limits by the names of `Subspace.limits`."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            subspaces = {}
            for name in VIEWS:
                mean, components, variances = (arrays[f"{name}_{part}"] for part in _ARRAYS)
                subspaces[name] = Subspace(mean, components, variances, **limits[name])
        return cls(subspaces)
