"""Out-of-distribution gate: refuses input images that do not resemble the frontal films of the training set.

Method: principal component analysis (PCA) of the training films, in two views of the input image: block brightness
(30 x 30, `[900]`) and edge strength (`[1152]`), see `gate_views`. For a feature vector x with mean m, components V
(`[k, d]`) and variances v (`[k]`) of the training films, c = V (x - m), and each view has two measures:

    residual   (|x - m|^2 - |c|^2) / d     mean squared reconstruction error, outside the subspace
    distance   sqrt(mean(c^2 / v))         Mahalanobis distance within the subspace, divided by sqrt(k)

Brightness has a third measure: how much smaller the residual becomes when the film is turned upside down.

Each measure has a near and a far limit. `learning.gate_fit` sets them by quantiles of the measure on validation films,
on which the PCA was not fitted. The bundle stores the limits in `config.json` and the arrays in `gate.npz`.

The gate takes a tenth of the time of the graph and does not judge disease. `evaluation.json` contains its refusal
rates, including that for films with pneumonia.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .gate_views import VIEWS, Films, Floats, flip_thumbnails, sum_of_squares

MIN_CONTRAST = 4.0
"""Minimum standard deviation of an input image, in 8-bit grey levels. At 4, an image effectively has 4 of
its 8 bits; the training film with the lowest contrast has 19."""

_ARRAYS = ("mean", "components", "variances")


@dataclass(frozen=True)
class Limits:
    """Limits of a measure: an image above `near` is unlike the training films, above `far` not a frontal chest film."""

    near: float
    far: float

    def exceeded_limit(self, value: float) -> str | None:
        """The limit that `value` exceeds: "far", "near" or None."""
        return "far" if value > self.far else "near" if value > self.near else None


@dataclass(frozen=True)
class Subspace:
    """PCA subspace of the training films in one view, with the limits of its measures.

    `mean` `[d]`, `components` `[k, d]` with orthonormal rows, `variances` `[k]` of the training films along them.
    `upside_down` limits how much smaller the residual may become when the film is turned upside down; it applies to
    thumbnails only, and None disables it.
    """

    mean: Floats
    components: Floats
    variances: Floats
    residual: Limits
    distance: Limits
    upside_down: Limits | None = None

    @cached_property
    def deviations(self) -> Floats:
        """`[k]`: standard deviations of the training films along the components."""
        deviations: Floats = np.sqrt(self.variances)
        return deviations

    def measure(self, features: Floats) -> tuple[Floats, Floats]:
        """(residual `[N]`, distance `[N]`) of features `[N, d]`, as defined in the docstring of the module."""
        centred = features - self.mean
        coordinates = centred @ self.components.T
        residual = (sum_of_squares(centred) - sum_of_squares(coordinates)) / centred.shape[1]
        distance = np.sqrt(sum_of_squares(coordinates / self.deviations) / coordinates.shape[1])
        return residual, distance

    def residual_drop_when_flipped(self, features: Floats, flipped: Floats) -> Floats:
        """`[N]`: residual of `features` minus residual of `flipped`, the features `[N, d]` of the flipped films."""
        drop: Floats = self.measure(features)[0] - self.measure(flipped)[0]
        return drop

    @property
    def limits(self) -> dict[str, Limits]:
        """The limits by the name of their measure, without those that are None; the form of the bundle's config."""
        limits = {"residual": self.residual, "distance": self.distance, "upside_down": self.upside_down}
        return {name: limit for name, limit in limits.items() if limit is not None}

    def exceeded_limit(self, features: Floats) -> str | None:
        """For one film's features `[1, d]`: "far" if any measure exceeds `far`, else "near" if any exceeds `near`."""
        if self.upside_down is not None:
            features = np.concatenate([features, flip_thumbnails(features)])
        residual, distance = self.measure(features)  # one call: reading the matrix from memory takes longest
        exceeded = {self.residual.exceeded_limit(float(residual[0])), self.distance.exceeded_limit(float(distance[0]))}
        if self.upside_down is not None:
            exceeded.add(self.upside_down.exceeded_limit(float(residual[0] - residual[1])))
        return "far" if "far" in exceeded else "near" if "near" in exceeded else None


@dataclass(frozen=True)
class Gate:
    """The gate: one `Subspace` for each view, with the keys of `VIEWS`."""

    subspaces: Mapping[str, Subspace]

    def check(self, input_image: Films) -> str | None:
        """Reason code for refusing an input image `[150, 150, 3]` uint8, or None if it is accepted."""
        films = input_image[None, :, :, 0].astype(np.uint16)
        standardised = {name: view.standardise(films) for name, view in VIEWS.items()}
        # Block means vary less than pixels. If they vary enough, the slower pass over all pixels is not needed.
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
        """The arrays as an `.npz` file. The limits are in the bundle's config, where they are readable."""
        arrays = {
            f"{view}_{array}": getattr(subspace, array)
            for view, subspace in self.subspaces.items()
            for array in _ARRAYS
        }
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, limits: Mapping[str, Mapping[str, Limits]]) -> Gate:
        """The gate from its `.npz` file and, for each view, the limits in the form of `Subspace.limits`.

        Raises an exception of numpy or zipfile for an invalid file; pickled objects are never loaded.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            subspaces = {}
            for view in VIEWS:
                mean, components, variances = (arrays[f"{view}_{array}"] for array in _ARRAYS)
                subspaces[view] = Subspace(mean, components, variances, **limits[view])
        return cls(subspaces)
