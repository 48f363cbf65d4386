"""Fit of the gate: it accepts new films like the training films under any perturbation, and refuses other images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pneumonia.evaluation.perturbations import VALIDATION_PERTURBATIONS, perturb
from pneumonia.inference.gate import Gate
from pneumonia.inference.gate_views import VIEWS, Features, join_views, thumbnails
from pneumonia.learning import gate_classifier_fit, gate_fit
from pneumonia.learning.gate_classifier_fit import Others, fit_classifier
from pneumonia.learning.gate_fit import ACCEPTED_BY_DISTANCE, ACCEPTED_BY_RESIDUAL, FAR_FACTOR, fit_gate
from tests.learning.synthetic_films import narrow_films, synthetic_films


@pytest.fixture(scope="module")
def gate() -> Gate:
    return fit_gate(synthetic_films(160, 1), synthetic_films(80, 2))


def refused_share(gate: Gate, films: Any) -> float:
    return float(np.mean([gate.check(np.repeat(film[:, :, None], 3, axis=2)) is not None for film in films]))


@pytest.mark.parametrize("name", VALIDATION_PERTURBATIONS)
def test_new_films_like_the_training_films_are_accepted_under_each_perturbation(gate: Gate, name: str) -> None:
    # 160 films give a rough subspace. A gate fitted on unperturbed films only would refuse every perturbed one.
    assert refused_share(gate, perturb(synthetic_films(60, 3), name)) <= 0.25


def test_other_images_are_refused(gate: Gate) -> None:
    films = synthetic_films(20, 4)
    noise = np.random.default_rng(0).integers(0, 256, (20, 150, 150)).astype(np.uint8)
    for images in (np.rot90(films, axes=(1, 2)), films[:, ::-1], 255 - films, noise):
        assert refused_share(gate, images) == 1.0


def test_upside_down_films_are_unlike_and_still_chest_films(gate: Gate) -> None:
    subspace = gate.subspaces["brightness"]
    films = synthetic_films(40, 7)
    drops = subspace.residual_drop_when_flipped(thumbnails(films[:, ::-1]), thumbnails(films))
    assert subspace.upside_down is not None
    assert 0 <= subspace.upside_down.near < drops.min()
    assert drops.max() < subspace.upside_down.far


@pytest.mark.slow  # a fit of its own: 3 s of eigenvectors
def test_films_that_are_symmetric_top_to_bottom_set_a_limit_that_accepts_them() -> None:
    films = synthetic_films(60, 8)
    films = np.concatenate([films[:, :75], films[:, 74::-1]], axis=1)
    both_orientations = np.concatenate([films[:30], films[30:, ::-1]])
    gate = fit_gate(both_orientations[::2], both_orientations[1::2])
    assert refused_share(gate, both_orientations[1::2]) <= 0.1


def test_each_limit_accepts_its_share_of_the_validation_films(gate: Gate) -> None:
    validation_films = np.concatenate([perturb(synthetic_films(80, 2), name) for name in VALIDATION_PERTURBATIONS])
    for name, view in VIEWS.items():
        subspace = gate.subspaces[name]
        residual, distance = subspace.measure(view(validation_films))
        assert np.mean(residual <= subspace.residual.near) == pytest.approx(ACCEPTED_BY_RESIDUAL, abs=0.002)
        assert np.mean(distance <= subspace.distance.near) == pytest.approx(ACCEPTED_BY_DISTANCE, abs=0.002)


def test_far_is_a_multiple_of_near(gate: Gate) -> None:
    for subspace in gate.subspaces.values():
        for limit in (subspace.residual, subspace.distance):
            assert limit.far == pytest.approx(FAR_FACTOR * limit.near, abs=1e-4)


@pytest.mark.slow  # a fit of its own: 3 s of eigenvectors
def test_few_films_give_few_components() -> None:
    gate = fit_gate(synthetic_films(6, 5), synthetic_films(6, 6))
    assert all(len(subspace.components) <= 64 for subspace in gate.subspaces.values())
    assert refused_share(gate, synthetic_films(6, 6)) < 1.0


@pytest.mark.slow  # two fits with eigenvectors
def test_gates_of_two_populations_tell_them_apart_and_refuse_other_kinds() -> None:
    wide, narrow = synthetic_films(160, 1), narrow_films(160, 1)
    noise = np.random.default_rng(0).integers(0, 256, (40, 150, 150)).astype(np.uint8)
    gates = [
        fit_gate(wide, synthetic_films(80, 2), Others({"narrow": narrow}, {"noise": noise})),
        fit_gate(narrow, narrow_films(80, 2), Others({"wide": wide}, {"noise": noise})),
    ]
    for own, other, films in ((*gates, synthetic_films(40, 3)), (*gates[::-1], narrow_films(40, 3))):
        features = [Features.of(np.repeat(film[:, :, None], 3, axis=2)) for film in films]
        differences = [own.assess(each).resemblance - other.assess(each).resemblance for each in features]
        assert min(differences) > 0
        assert np.mean([own.assess(each).reason is None for each in features]) >= 0.75
        assert np.mean([other.assess(each).reason is None for each in features]) <= 0.05


@pytest.fixture
def few_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_classifier_fit, "VARIANTS", 2)
    monkeypatch.setattr(gate_classifier_fit, "MIN_FILMS_OF_SOURCE", 100)


@pytest.mark.usefixtures("few_copies")
def test_a_classifier_fitted_without_other_kinds_never_sees_one() -> None:
    classifier = fit_classifier(synthetic_films(40, 1), Others({"narrow": narrow_films(40, 1)}))
    population, kind = classifier.measure(join_views(np.concatenate([synthetic_films(20, 2), narrow_films(20, 2)])))
    assert population[:20].max() < 0 < population[20:].min()
    assert kind.max() < -10


@pytest.mark.usefixtures("few_copies")
def test_a_classifier_fitted_without_another_population_never_sees_one() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 150, 150)).astype(np.uint8)
    classifier = fit_classifier(synthetic_films(40, 1), Others({}, {"noise": noise}))
    population, kind = classifier.measure(join_views(np.concatenate([synthetic_films(20, 2), noise[:20]])))
    assert population[:20].max() < -10
    assert kind[:20].max() < 0 < kind[20:].min()


def test_a_classifier_needs_others() -> None:
    with pytest.raises(ValueError, match="another population or of other kinds"):
        fit_classifier(synthetic_films(4, 1), Others())


@pytest.mark.usefixtures("few_copies")
def test_the_fit_of_a_classifier_is_reproducible() -> None:
    others = Others({"narrow": narrow_films(30, 1)})
    first, second = (fit_classifier(synthetic_films(30, 1), others).arrays() for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


@pytest.mark.parametrize(("outliers", "near"), [(0, -5.0), (3, -5.0), (8, 2.0)])
def test_a_few_outliers_among_the_validation_films_do_not_open_the_gate_to_other_kinds(
    outliers: int, near: float
) -> None:
    kind = np.full(1000, -5.0, np.float32)
    kind[:outliers] = 2.0
    assert gate_fit._limits_of_classifier(kind, kind)["other_kind"].near == near
