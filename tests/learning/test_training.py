"""The training loop: it learns, it is reproducible, and after a kill it loses at most one epoch."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia.errors import DiskFull, UsageError
from pneumonia.learning import recipe, training
from pneumonia.learning.checkpoint import CHECKPOINT
from pneumonia.learning.recipe import Convolution, Recipe
from pneumonia.learning.training_films import TrainingFilms


@pytest.fixture(scope="module")
def small() -> Recipe:
    """The recipe `flat` with fewer filters."""
    convolutions = (Convolution(4, 5), Convolution(6, 3), Convolution(8, 3))
    return dataclasses.replace(recipe.get("flat"), convolutions=convolutions, dense=8, epochs=3, batch=8)


@pytest.fixture(scope="module")
def films() -> tuple[Any, Any]:
    """40 films, uint8 `[N, 150, 150]`; those with pneumonia have a bright area on the left."""
    random = np.random.default_rng(0)
    labels = np.arange(40) % 2
    inputs = random.integers(80, 120, (40, 150, 150)).astype(np.uint8)
    inputs[labels == 1, 60:110, 20:70] += 100
    return inputs, labels


def weights(network: Any) -> list[Any]:
    return [np.asarray(weight) for weight in network.weights]


def run(spec: Recipe, films: tuple[Any, Any], folder: Path, **options: Any) -> Any:
    training_films = TrainingFilms.without_masks(*films)
    return training.train(spec, training_films, films, folder, seed=7, quiet=True, **options)


class Kill(BaseException):
    """Simulates the kill of the process."""


@pytest.fixture(scope="module")
def uninterrupted(small: Recipe, films: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(network, history, folder) of a training of three epochs."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    return *run(small, films, folder), folder


@pytest.fixture(scope="module")
def checkpoint(small: Recipe, films: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a training that was killed in its second epoch."""
    folder = tmp_path_factory.mktemp("killed")
    original = training._validate
    calls = []

    def validate(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise Kill
        return original(*arguments)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Kill):
        patch.setattr(training, "_validate", validate)
        run(small, films, folder)
    return folder / CHECKPOINT


@pytest.fixture
def killed(checkpoint: Path, tmp_path: Path) -> Path:
    """A folder with the checkpoint of the killed training."""
    shutil.copy(checkpoint, tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_resumed_training_ends_with_the_same_weights_as_an_uninterrupted_one(
    small: Recipe, films: tuple[Any, Any], uninterrupted: Any, killed: Path
) -> None:
    """The checkpoint contains all state: films, their order, augmentation and learning rates are the same."""
    network, history, _ = uninterrupted
    resumed, resumed_history = run(small, films, killed, resume=True)
    assert [row["epoch"] for row in resumed_history] == [1, 2, 3]
    for expected, actual in zip(weights(network), weights(resumed), strict=True):
        np.testing.assert_allclose(actual, expected, atol=2e-4)
    np.testing.assert_allclose(resumed_history[-1]["loss"], history[-1]["loss"], rtol=1e-3)


@pytest.mark.slow  # thirty epochs
def test_it_learns_an_obvious_difference(small: Recipe, films: tuple[Any, Any], tmp_path: Path) -> None:
    # With so few filters, dropout removes too much of the signal.
    spec = dataclasses.replace(small, epochs=30, weight_averaging=0.5, dropout_features=0.0, dropout_dense=0.0)
    _, history = run(spec, films, tmp_path)
    assert history[-1]["validation_loss"] < history[0]["validation_loss"]
    assert history[-1]["validation_accuracy"] > 0.9


def test_a_finished_training_is_not_trained_again(small: Recipe, films: tuple[Any, Any], uninterrupted: Any) -> None:
    network, history, folder = uninterrupted
    resumed, resumed_history = run(small, films, folder, resume=True)
    assert resumed_history == history
    for expected, actual in zip(weights(network), weights(resumed), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_a_checkpoint_of_another_recipe_is_refused(small: Recipe, films: tuple[Any, Any], killed: Path) -> None:
    with pytest.raises(UsageError, match="another recipe"):
        run(dataclasses.replace(small, epochs=4), films, killed, resume=True)


@pytest.mark.slow
def test_a_full_disk_leaves_the_previous_checkpoint_unchanged(
    small: Recipe, films: tuple[Any, Any], killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (killed / CHECKPOINT).read_bytes()

    def raise_disk_full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", raise_disk_full)
    with pytest.raises(DiskFull, match="is unchanged"):
        run(small, films, killed, resume=True)
    assert (killed / CHECKPOINT).read_bytes() == before
    assert [path.name for path in killed.iterdir()] == [CHECKPOINT]
