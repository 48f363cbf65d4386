"""Out-of-distribution gate: refuses input images that do not resemble the frontal films of the training set.

Method: principal component analysis (PCA) of the training films, in two views of the input image: block brightness
(30 x 30, `[900]`) and edge strength (`[1152]`), see `gate_views`. For a feature vector x with mean m, components V
(`[k, d]`) and variances v (`[k]`) of the training films, c = V (x - m), and each view has two measures:

    residual   (|x - m|^2 - |c|^2) / d     mean squared reconstruction error, outside the subspace
    distance   sqrt(mean(c^2 / v))         Mahalanobis distance within the subspace, divided by sqrt(k)

Brightness has a third measure: how much smaller the residual becomes when the film is turned upside down.

Each measure has a near and a far limit. `learning.gate_fit` sets them by quantiles of the measure on validation films,
on which the PCA was not fitted. The bundle stores the limits in `config.json` and the arrays in `gate.npz`.

A classifier (see `gate_classifier`) then separates the films of the gate's population from those of another one and
from other kinds of images; its two measures have limits too. A gate that was fitted without such films has none.

The gate takes a tenth of the time of the graph and does not judge disease. `evaluation.json` contains its refusal
rates, including that for films with pneumonia.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .gate_classifier import PREFIX, Classifier
from .gate_views import VIEWS, Features, Films, Floats, flip_thumbnails, sum_of_squares

_ARRAYS = ("mean", "components", "variances")


@dataclass(frozen=True)
class Limits:
    """Limits of a measure: an image above `near` is unlike the training films, above `far` not a frontal chest film.

    `far` None: the measure does not tell whether the image is a chest film.
    """

    near: float
    far: float | None = None

    def exceeded_limit(self, value: float) -> str | None:
        """The limit that `value` exceeds: "far", "near" or None."""
        if self.far is not None and value > self.far:
            return "far"
        return "near" if value > self.near else None


@dataclass(frozen=True)
class Assessment:
    """The judgement of a gate on one film.

    `reason` is the code of the refusal, or None if the film is accepted. `resemblance` is the natural logarithm of the
    odds that a chest film belongs to the gate's population and not to another one; for a gate without a classifier it
    only tells how far below (positive) or above (negative) its limits the film is, on the same scale. `distance` is the
    largest measure as a share of its near limit: above 1 the film is refused.
    """

    reason: str | None
    resemblance: float
    distance: float


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

    def measures(self, features: Floats) -> dict[str, float]:
        """The measures of one film's features `[1, d]`, by the names of `limits`."""
        if self.upside_down is not None:
            features = np.concatenate([features, flip_thumbnails(features)])
        residual, distance = self.measure(features)  # one call: reading the matrix from memory takes longest
        measures = {"residual": float(residual[0]), "distance": float(distance[0])}
        if self.upside_down is not None:
            measures["upside_down"] = float(residual[0] - residual[1])
        return measures


@dataclass(frozen=True)
class Gate:
    """The gate of one population: a `Subspace` for each view, with the keys of `VIEWS`, and a classifier.

    `classifier_limits` has the limits of the classifier's measures, `other_population` and `other_kind`.
    """

    subspaces: Mapping[str, Subspace]
    classifier: Classifier | None = None
    classifier_limits: Mapping[str, Limits] = field(default_factory=dict)

    @cached_property
    def limits(self) -> dict[str, dict[str, Limits]]:
        """The limits by view (or `classifier`) and measure; the form of the bundle's config."""
        limits = {view: subspace.limits for view, subspace in self.subspaces.items()}
        return limits if self.classifier is None else {**limits, PREFIX: dict(self.classifier_limits)}

    def assess(self, features: Features) -> Assessment:
        """The reason for refusing a film with these features, if any, and its resemblance to the population."""
        measures = self.measures(features)
        judged = self._resemblance(measures), self._distance(measures)
        if not features.has_contrast:
            return Assessment("unreadable_contrast", *judged)
        exceeded = {
            limit.exceeded_limit(measures[view][name])
            for view, limits in self.limits.items()
            for name, limit in limits.items()
        }
        if "far" in exceeded:
            return Assessment("not_a_chest_film", *judged)
        return Assessment("unlike_training_films" if "near" in exceeded else None, *judged)

    def check(self, input_image: Films) -> str | None:
        """Reason code for refusing an input image `[150, 150, 3]` uint8, or None if it is accepted."""
        return self.assess(Features.of(input_image)).reason

    def measures(self, features: Features) -> dict[str, dict[str, float]]:
        """All measures of a film, in the form of `limits`."""
        measures = {view: subspace.measures(features.views[view]) for view, subspace in self.subspaces.items()}
        if self.classifier is not None:
            population, kind = self.classifier.measure(features.joined)
            measures[PREFIX] = {"other_population": float(population[0]), "other_kind": float(kind[0])}
        return measures

    def _resemblance(self, measures: Mapping[str, Mapping[str, float]]) -> float:
        if self.classifier is not None:
            return -measures[PREFIX]["other_population"]
        shares = (
            measures[view][name] / max(limits[name].near, 1e-9)
            for view, limits in self.limits.items()
            for name in ("residual", "distance")
        )
        return -math.log(max(*shares, 1e-9))

    def _distance(self, measures: Mapping[str, Mapping[str, float]]) -> float:
        shares = (
            measures[view][name] / limit.near
            for view, limits in self.limits.items()
            for name, limit in limits.items()
            if limit.near > 0
        )
        return max(shares, default=0.0)

    def to_bytes(self) -> bytes:
        """The arrays as an `.npz` file. The limits are in the bundle's config, where they are readable."""
        arrays = {
            f"{view}_{array}": getattr(subspace, array)
            for view, subspace in self.subspaces.items()
            for array in _ARRAYS
        }
        if self.classifier is not None:
            arrays |= self.classifier.arrays()
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **{name: _without_spare_bits(array) for name, array in arrays.items()})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, limits: Mapping[str, Mapping[str, Limits]]) -> Gate:
        """The gate from its `.npz` file and, for each view, the limits in the form of `limits`.

        Raises an exception of numpy or zipfile for an invalid file; pickled objects are never loaded.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            subspaces = {}
            for view in VIEWS:
                mean, components, variances = (
                    np.ascontiguousarray(arrays[f"{view}_{array}"], np.float32) for array in _ARRAYS
                )
                subspaces[view] = Subspace(mean, components, variances, **limits[view])
            if PREFIX not in limits:
                return cls(subspaces)
            return cls(subspaces, Classifier.from_arrays(arrays), limits[PREFIX])


def _without_spare_bits(array: Floats) -> npt.NDArray[np.floating]:
    """The array with 16 bits if they hold it exactly, as `learning.gate_fit` rounds the large ones; else unchanged."""
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half, array) else array
