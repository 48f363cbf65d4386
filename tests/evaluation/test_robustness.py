"""Accuracy lost on perturbed films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.evaluation import metrics, robustness
from pneumonia.evaluation.dataset import FilmSet, load_films
from pneumonia.evaluation.metrics import Decisions
from pneumonia.evaluation.perturbations import PERTURBATIONS, ROBUSTNESS_PERTURBATIONS


@pytest.fixture(scope="module")
def films(four_films: Path) -> FilmSet:
    return load_films(four_films, ("test",), quiet=True)


def answers(thresholded: list[int]) -> Decisions:
    decisions = np.array(thresholded)
    return Decisions(np.array([0, 0, 1, 1]), decisions.astype(np.float64), decisions, np.ones(4, bool))


def test_a_loss_is_the_difference_of_the_accuracies_and_has_a_sign() -> None:
    weights = np.ones((1, 4))
    right, half_correct = answers([0, 0, 1, 1]), answers([1, 0, 1, 0])
    assert robustness.loss(right, half_correct, weights)["value"] == 0.5
    assert robustness.loss(half_correct, right, weights)["value"] == -0.5


def test_a_loss_is_paired_so_equal_decisions_have_no_loss_in_any_replicate() -> None:
    weights = metrics.bootstrap_weights(np.array(["a", "b", "c", "d"]))
    half_correct = answers([1, 0, 1, 0])
    assert robustness.loss(half_correct, half_correct, weights) == {"value": 0.0, "low": 0.0, "high": 0.0}


@pytest.mark.parametrize("name", ROBUSTNESS_PERTURBATIONS)
def test_a_perturbation_preserves_the_size_and_is_reproducible(name: str, large_film: Any) -> None:
    film = Image.fromarray(large_film).resize((robustness.SIDE, robustness.SIDE))
    first, second = (np.asarray(PERTURBATIONS[name](film)) for _ in range(2))
    assert first.shape == (robustness.SIDE, robustness.SIDE)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, np.asarray(film))


def test_a_film_of_any_size_becomes_the_same_square(tmp_path: Path, large_film: Any) -> None:
    Image.fromarray(large_film).save(tmp_path / "film.png")
    film = robustness.square(tmp_path / "film.png")
    assert (film.size, film.mode) == ((robustness.SIDE, robustness.SIDE), "L")


def test_every_perturbation_and_the_unchanged_films_have_figures(predictor: Predictor, films: FilmSet) -> None:
    audit = robustness.robustness(predictor.models[0], films, quiet=True)
    assert list(audit["changes"]) == list(ROBUSTNESS_PERTURBATIONS)
    for row in audit["changes"].values():
        assert set(row) == {"accuracy", "sensitivity", "specificity", "refused", "loss"}
        lost = audit["baseline"]["accuracy"]["value"] - row["accuracy"]["value"]
        assert row["loss"]["value"] == pytest.approx(lost, abs=1e-5)
    # Four copies of an average normal film with a little noise: half the labels are correct, and the gate accepts all.
    assert audit["baseline"]["accuracy"]["value"] == 0.5
    assert audit["baseline"]["refused"]["value"] == 0.0
    assert audit["threshold"] == predictor.models[0].operating_points["balanced"].threshold


def test_refused_films_are_still_answered_by_the_network(
    predictor: Predictor, films: FilmSet, monkeypatch: Any
) -> None:
    monkeypatch.setitem(PERTURBATIONS, "on its side", lambda film: film.rotate(90))
    monkeypatch.setattr(robustness, "ROBUSTNESS_PERTURBATIONS", ("on its side",))
    audit = robustness.robustness(predictor.models[0], films, quiet=True)["changes"]["on its side"]
    assert audit["refused"]["value"] == 1.0
    assert audit["sensitivity"]["value"] is not None
