"""Fit of the out-of-distribution gate: PCA of the training films, with limits chosen on validation films."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..evaluation.perturbations import VALIDATION_PERTURBATIONS, perturb
from ..inference.gate import Gate, Limits, Subspace
from ..inference.gate_classifier import Classifier
from ..inference.gate_views import VIEWS, Films, Floats, flip_vertically, join_views
from .gate_classifier_fit import Others, fit_classifier

COMPONENTS = 64
"""Maximum number of principal components per view."""

ACCEPTED_BY_RESIDUAL, ACCEPTED_BY_DISTANCE = 0.995, 0.998
"""Shares of the validation films, under all perturbations, that each measure of each view accepts. Limits chosen on
training films would be too tight. The distance has the looser limit: an opaque (white) lung is far from the mean within
the subspace, whereas other kinds of images are outside the subspace."""

FAR_FACTOR = 1.4
"""`far` limit in multiples of the `near` limit. Above `near` an image is reported as unlike the training films, above
`far` as no chest film."""

UPSIDE_DOWN_REFUSED_SHARE = 0.999
"""Share of the validation films that the upside-down check must refuse if they are flipped vertically."""

UPSIDE_DOWN_VIEW = "brightness"
"""View for the upside-down check. It separates all upright from all flipped films; edges would add nothing."""

_UNLIMITED = Limits(np.inf, np.inf)


ACCEPTED_BY_CLASSIFIER = 0.998
"""Share of the validation films, under all perturbations, that each measure of the classifier accepts."""

ACCEPTED_WITH_OUTLIERS = 0.995
"""The same for the odds of another kind, if the validation films contain so many odd ones that the limit would lie
above even odds. With such a limit, spines and lateral chests pass the adults' gate."""

KIND_FAR_MARGIN = 2.0
"""Least distance from `near` to `far` for the odds of another kind of image, as a natural logarithm. `far` is at least
0, where another kind is as likely as a chest film."""


def fit_gate(train: Films, validation: Films, others: Others | None = None) -> Gate:
    """Fit a gate on `[N, 150, 150]` training films and choose its limits on `[M, 150, 150]` validation films.

    With `others`, films of another population and images of other kinds, the gate also gets a classifier.
    """
    gate = fit_subspaces(train, validation)
    return with_classifier(gate, fit_classifier(train, others), validation) if others else gate


def fit_subspaces(train: Films, validation: Films) -> Gate:
    """Fit a gate without a classifier.

    The training films are augmented by mirror images and by the validation perturbations. A gate that is fitted only on
    unperturbed films would refuse films of another clinic because of their different sharpness.
    """
    films = np.concatenate([train, *_perturb_in_turn(train)])
    films = np.concatenate([films, films[:, :, ::-1]])
    validation_films = _perturb_all(validation)
    subspaces = {name: fit_subspace(view(films), view(validation_films)) for name, view in VIEWS.items()}
    view, subspace = VIEWS[UPSIDE_DOWN_VIEW], subspaces[UPSIDE_DOWN_VIEW]
    drops = subspace.residual_drop_when_flipped(view(validation_films), view(flip_vertically(validation_films)))
    subspaces[UPSIDE_DOWN_VIEW] = replace(subspace, upside_down=_limits_upside_down(drops))
    return Gate(subspaces)


def with_classifier(gate: Gate, classifier: Classifier, validation: Films) -> Gate:
    """The gate with a classifier whose limits are chosen on `[M, 150, 150]` validation films."""
    return with_limited_classifier(gate, classifier, perturbed_features(validation))


def with_limited_classifier(gate: Gate, classifier: Classifier, features: Floats) -> Gate:
    """The gate with a classifier whose limits are chosen on the `perturbed_features` of validation films."""
    measures = classifier.measure(features)
    return replace(gate, classifier=classifier, classifier_limits=_limits_of_classifier(*measures))


def perturbed_features(films: Films) -> Floats:
    """`[P N, d]`: features of `[N, 150, 150]` films under each of the P validation perturbations."""
    return join_views(_perturb_all(films))


def _perturb_all(films: Films) -> Films:
    return np.concatenate([perturb(films, name) for name in VALIDATION_PERTURBATIONS])


def _limits_of_classifier(other_population: Floats, other_kind: Floats) -> dict[str, Limits]:
    """Limits of the classifier's measures `[N]` of validation films.

    No `far` limit for another population: its films are chest films.
    """
    population = _near(other_population, ACCEPTED_BY_CLASSIFIER)
    kind = _near(other_kind, ACCEPTED_BY_CLASSIFIER)
    if kind > 0:
        kind = _near(other_kind, ACCEPTED_WITH_OUTLIERS)
    return {"other_population": Limits(population), "other_kind": Limits(kind, max(0.0, kind + KIND_FAR_MARGIN))}


def _near(values: Floats, accepted_share: float) -> float:
    return round(float(np.quantile(values, accepted_share)), 3)


def _perturb_in_turn(films: Films) -> list[Films]:
    """Perturb each film once; the perturbations are assigned to the films in rotation."""
    names = VALIDATION_PERTURBATIONS[1:]
    groups = ((films[start :: len(names)], name) for start, name in enumerate(names))
    return [perturb(group, name) for group, name in groups if len(group)]


def fit_subspace(
    features: Floats,
    validation_features: Floats,
    accepted: tuple[float, float] = (ACCEPTED_BY_RESIDUAL, ACCEPTED_BY_DISTANCE),
    *,
    components: int = COMPONENTS,
) -> Subspace:
    """PCA of training features `[N, d]`, with limits from validation features `[M, d]`.

    `accepted` are the shares of the validation features that the limits of residual and distance accept.
    """
    mean = features.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(features - mean, rowvar=False))
    count = min(components, len(features) - 1)
    arrays = (_float32(mean), _float16(directions[:, ::-1][:, :count].T), _float32(variances[::-1][:count]))
    measures = Subspace(*arrays, _UNLIMITED, _UNLIMITED).measure(validation_features)
    residual, distance = (_limits(values, share) for values, share in zip(measures, accepted, strict=True))
    return Subspace(*arrays, residual, distance)


def _limits_upside_down(drops: Floats) -> Limits:
    """Limits of the upside-down check, from the residual drops `[N]` of upright films when they are flipped.

    The drop of an upside-down film has the opposite sign. If the two distributions are separate, the limit is the
    largest one that still refuses `UPSIDE_DOWN_REFUSED_SHARE` of the upside-down films, because an upright film with an
    opaque (white) lung may have a small positive drop. If they overlap, the limit accepts that share of the upright
    films.
    """
    near = abs(float(np.quantile(drops, UPSIDE_DOWN_REFUSED_SHARE)))
    far = FAR_FACTOR * max(float(-drops.min()), near)
    return Limits(round(near, 5), round(far, 5))


def _float16(values: npt.NDArray[np.generic]) -> Floats:
    """Float32 with values that 16 bits hold exactly, as `gate.npz` stores them."""
    return _float32(values.astype(np.float16))


def _float32(values: npt.NDArray[np.generic]) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float32)


def _limits(values: Floats, accepted_share: float) -> Limits:
    near = round(float(np.quantile(values, accepted_share)), 5)
    return Limits(near, round(FAR_FACTOR * near, 5))
