"""Perturbations of films, and the pairwise AUROC of a score that depends on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pneumonia.evaluation.perturbations import (
    PERTURBATIONS,
    ROBUSTNESS_PERTURBATIONS,
    UNCHANGED,
    VALIDATION_PERTURBATIONS,
    pairwise_auroc,
    perturb,
)


@pytest.fixture(scope="module")
def films(normal_film: Any) -> Any:
    grain = np.random.default_rng(0).normal(0, 12, (3, 150, 150))
    return np.clip(normal_film + grain, 0, 255).astype(np.uint8)


def sharpness(films: Any) -> float:
    return float(np.abs(np.diff(films.astype(np.float64), axis=2)).mean())


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_each_perturbation_preserves_size_and_depth_and_is_reproducible(name: str, films: Any) -> None:
    perturbed = perturb(films, name)
    assert perturbed.shape == films.shape
    assert perturbed.dtype == np.uint8
    np.testing.assert_array_equal(perturbed, perturb(films, name))
    assert (name == UNCHANGED) == bool((perturbed == films).all())


def test_a_film_is_perturbed_independently_of_the_others(films: Any) -> None:
    for name in PERTURBATIONS:
        np.testing.assert_array_equal(perturb(films, name)[1:2], perturb(films[1:2], name))


def test_both_sets_are_in_the_registry_and_validation_starts_with_unchanged() -> None:
    assert {*VALIDATION_PERTURBATIONS, *ROBUSTNESS_PERTURBATIONS} == set(PERTURBATIONS)
    assert VALIDATION_PERTURBATIONS[0] == UNCHANGED
    assert UNCHANGED not in ROBUSTNESS_PERTURBATIONS


def test_the_perturbations_have_the_named_effect(films: Any) -> None:
    assert sharpness(perturb(films, "blur 2 px")) < sharpness(perturb(films, "blur 1 px")) < sharpness(films)
    assert sharpness(perturb(films, "sharpening")) > sharpness(films)
    assert perturb(films, "gamma 0.6").mean() > films.mean() > perturb(films, "gamma 1.6").mean()
    noise = perturb(films, "noise 3 %").astype(np.float64) - films
    assert noise.std() == pytest.approx(0.03 * 255, rel=0.1)


def test_a_score_by_sharpness_fails_on_perturbed_pairs_only() -> None:
    """If only pneumonia films are blurred, a score by sharpness is perfect until normal films are blurred too."""
    random = np.random.default_rng(1)
    labels = np.arange(60) % 2
    films = random.integers(60, 200, (60, 150, 150)).astype(np.uint8)
    films[labels == 1] = perturb(films[labels == 1], "blur 1 px")
    scores = {
        name: np.array([-sharpness(film[None]) for film in perturb(films, name)]) for name in VALIDATION_PERTURBATIONS
    }
    pairs = pairwise_auroc(labels, scores)
    assert pairs[UNCHANGED, UNCHANGED] == 1.0
    assert min(pairs.values()) < 0.1
    assert len(pairs) == len(VALIDATION_PERTURBATIONS) ** 2
