"""Random changes to films: within bounds, seeded, and none outside of training."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from pneumonia.learning.augmentation import RandomFilm
from pneumonia.learning.recipe import Augmentation

EDGE = np.zeros((1, 150, 150, 1), np.uint8)
EDGE[:, :, 75:] = 200


def changed(augmentation: Augmentation, films: Any = EDGE, seed: int = 1) -> Any:
    return np.asarray(RandomFilm(augmentation, seed=seed)(films, training=True))


def test_nothing_changes_outside_of_training() -> None:
    layer = RandomFilm(Augmentation(rotation_degrees=20, noise=0.5, flip=True))
    np.testing.assert_array_equal(np.asarray(layer(EDGE, training=False)), EDGE.astype(np.float32))


def test_nothing_changes_where_everything_is_switched_off() -> None:
    np.testing.assert_allclose(changed(Augmentation()), EDGE, atol=0.01)


@pytest.mark.parametrize(
    "augmentation",
    [
        Augmentation(rotation_degrees=20),
        Augmentation(zoom_in=0.4),
        Augmentation(zoom_out=0.4),
        Augmentation(aspect_log=0.8),
        Augmentation(shift=0.2),
        Augmentation(gamma_log=0.7),
        Augmentation(contrast_log_low=0.7),
        Augmentation(brightness=0.3),
        Augmentation(blur_levels=3.0),
        Augmentation(sharpen=2.0),
        Augmentation(noise=0.2),
    ],
)
def test_each_change_is_seen_seeded_and_within_grey_values(augmentation: Augmentation) -> None:
    films = np.repeat(np.clip(EDGE, 40, 200), 4, axis=0)
    films[:, 30:60, 20:50] = 120
    found = changed(augmentation, films)
    assert np.abs(found - films).max() > 1
    assert found.min() >= 0
    assert found.max() <= 255
    np.testing.assert_array_equal(found, changed(augmentation, films))
    assert np.abs(found - changed(augmentation, films, seed=2)).max() > 0


def test_flip_mirrors_about_half_of_the_films_and_nothing_else() -> None:
    found = changed(Augmentation(flip=True), np.repeat(EDGE, 40, axis=0))
    mirrored = np.abs(found - EDGE[:, :, ::-1]).max(axis=(1, 2, 3)) < 0.01
    kept = np.abs(found - EDGE).max(axis=(1, 2, 3)) < 0.01
    assert (mirrored | kept).all()
    assert 8 < mirrored.sum() < 32


def test_zooming_in_enlarges() -> None:
    """The middle block covers more of the film, never less."""
    film = np.zeros((20, 150, 150, 1), np.uint8)
    film[:, 50:100, 50:100] = 250
    areas = (changed(Augmentation(zoom_in=0.4), film) > 125).sum(axis=(1, 2, 3))
    assert areas.min() >= 50 * 50 * 0.95
    assert areas.max() > 50 * 50 * 1.3


def test_blur_softens_an_edge_and_keeps_the_mean() -> None:
    found = changed(Augmentation(blur_levels=3.0), np.repeat(EDGE, 8, axis=0))
    steepest = np.abs(np.diff(found[..., 0], axis=2)).max(axis=(1, 2))
    assert steepest.min() < 60
    np.testing.assert_allclose(found.mean(), EDGE.mean(), rtol=0.01)


def test_the_layer_survives_saving() -> None:
    layer = RandomFilm(Augmentation(noise=0.1, flip=True), seed=4)
    copy = RandomFilm.from_config(layer.get_config())
    assert (copy.augmentation, copy.seed) == (layer.augmentation, 4)
    assert keras.saving.get_registered_object("pneumonia>RandomFilm") is RandomFilm
