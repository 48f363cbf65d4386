"""The gate's fit: what it has seen it lets through, however it was saved; other things not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pneumonia.evaluation.perturbations import VALIDATION_PERTURBATIONS, perturb
from pneumonia.inference.gate import Gate
from pneumonia.inference.gate_views import VIEWS, thumbnails
from pneumonia.learning.gate_fit import FAR, KEPT_BY_DISTANCE, KEPT_BY_RESIDUAL, fit_gate


def pictures(count: int, seed: int) -> Any:
    """Films of a kind: two dark fields at varying places, brighter below than above, grain."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:150, 0:150]
    found = []
    for _ in range(count):
        left, right, top = random.normal(45, 4), random.normal(105, 4), random.normal(75, 6)
        fields = sum(np.exp(-((columns - x) ** 2 / 400 + (rows - top) ** 2 / 1500)) for x in (left, right))
        found.append(np.clip(150 + 0.4 * rows - 110 * fields + random.normal(0, 4, rows.shape), 0, 255))
    return np.array(found).astype(np.uint8)


@pytest.fixture(scope="module")
def gate() -> Gate:
    return fit_gate(pictures(160, 1), pictures(80, 2))


def refused(gate: Gate, films: Any) -> float:
    return float(np.mean([gate.check(np.repeat(film[:, :, None], 3, axis=2)) is not None for film in films]))


@pytest.mark.parametrize("name", VALIDATION_PERTURBATIONS)
def test_new_films_of_the_kind_pass_however_they_were_saved(gate: Gate, name: str) -> None:
    # A gate of 160 films knows its kind roughly; one that knew films as they are only would refuse every changed one.
    assert refused(gate, perturb(pictures(60, 3), name)) <= 0.25


def test_other_pictures_are_refused(gate: Gate) -> None:
    films = pictures(20, 4)
    noise = np.random.default_rng(0).integers(0, 256, (20, 150, 150)).astype(np.uint8)
    for other in (np.rot90(films, axes=(1, 2)), films[:, ::-1], 255 - films, noise):
        assert refused(gate, other) == 1.0


def test_upside_down_films_are_unlike_and_still_chest_films(gate: Gate) -> None:
    space = gate.subspaces["brightness"]
    films = pictures(40, 7)
    gains = space.residual_drop_when_flipped(thumbnails(films[:, ::-1]), thumbnails(films))
    assert space.upside_down is not None
    assert 0 <= space.upside_down.near < gains.min()
    assert gains.max() < space.upside_down.far


def test_films_that_are_the_same_upside_down_set_a_limit_that_lets_them_through() -> None:
    films = pictures(60, 8)
    films = np.concatenate([films[:, :75], films[:, 74::-1]], axis=1)
    either_way = np.concatenate([films[:30], films[30:, ::-1]])
    gate = fit_gate(either_way[::2], either_way[1::2])
    assert refused(gate, either_way[1::2]) <= 0.1


def test_each_limit_lets_its_share_of_the_held_out_films_through(gate: Gate) -> None:
    held_out = np.concatenate([perturb(pictures(80, 2), name) for name in VALIDATION_PERTURBATIONS])
    for name, view in VIEWS.items():
        space = gate.subspaces[name]
        residual, distance = space.measure(view(held_out))
        assert np.mean(residual <= space.residual.near) == pytest.approx(KEPT_BY_RESIDUAL, abs=0.002)
        assert np.mean(distance <= space.distance.near) == pytest.approx(KEPT_BY_DISTANCE, abs=0.002)


def test_far_lies_beyond_near(gate: Gate) -> None:
    for space in gate.subspaces.values():
        for limit in (space.residual, space.distance):
            assert limit.far == pytest.approx(FAR * limit.near, abs=1e-4)


def test_few_films_give_few_components() -> None:
    gate = fit_gate(pictures(6, 5), pictures(6, 6))
    assert all(len(space.components) <= 64 for space in gate.subspaces.values())
    assert refused(gate, pictures(6, 6)) < 1.0
