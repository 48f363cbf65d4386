"""Augmentation: each operation changes the film, is reproducible by its seed and keeps grey values in 0..255."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from pneumonia.learning.augmentation import augment_films
from pneumonia.learning.recipe import Augmentation

EDGE = np.zeros((1, 150, 150), np.uint8)
EDGE[:, :, 75:] = 200


def augment(augmentation: Augmentation, films: Any = EDGE, seed: int = 1) -> Any:
    return augment_films(films, 255 - films, films, augmentation, np.random.default_rng(seed))[0]


def test_nothing_changes_where_everything_is_switched_off() -> None:
    np.testing.assert_allclose(augment(Augmentation()), EDGE, atol=0.01)


@pytest.mark.parametrize(
    "augmentation",
    [
        Augmentation(foreign_border=1.0),
        Augmentation(rotation_degrees=20),
        Augmentation(zoom_in=0.4),
        Augmentation(zoom_out=0.4),
        Augmentation(aspect_log=0.8),
        Augmentation(shift=0.2),
        Augmentation(gamma_log=0.7),
        Augmentation(contrast_log_low=0.7),
        Augmentation(brightness=0.3),
        Augmentation(blur_pixels=3.0),
        Augmentation(sharpen=2.0),
        Augmentation(noise=0.2),
        Augmentation(frame=1.0, frame_width=0.2),
    ],
)
def test_each_operation_changes_the_film_reproducibly_within_0_to_255(
    augmentation: Augmentation,
) -> None:
    films = np.repeat(np.clip(EDGE, 40, 200), 4, axis=0)
    films[:, 30:60, 20:50] = 120
    outputs = augment(augmentation, films)
    assert np.abs(outputs - films).max() > 1
    assert outputs.min() >= 0
    assert outputs.max() <= 255
    np.testing.assert_array_equal(outputs, augment(augmentation, films))
    assert np.abs(outputs - augment(augmentation, films, seed=2)).max() > 0


def test_flip_mirrors_about_half_of_the_films_and_nothing_else() -> None:
    outputs = augment(Augmentation(flip=True), np.repeat(EDGE, 40, axis=0))
    is_mirrored = np.abs(outputs - EDGE[:, :, ::-1]).max(axis=(1, 2)) < 0.01
    is_unchanged = np.abs(outputs - EDGE).max(axis=(1, 2)) < 0.01
    assert (is_mirrored | is_unchanged).all()
    assert 8 < is_mirrored.sum() < 32


def test_zooming_in_enlarges() -> None:
    """The central square covers more of the film, never less."""
    film = np.zeros((20, 150, 150), np.uint8)
    film[:, 50:100, 50:100] = 250
    areas = (augment(Augmentation(zoom_in=0.4), film) > 125).sum(axis=(1, 2))
    assert areas.min() >= 50 * 50 * 0.95
    assert areas.max() > 50 * 50 * 1.3


def test_blur_softens_an_edge_and_keeps_the_mean() -> None:
    outputs = augment(Augmentation(blur_pixels=3.0), np.repeat(EDGE, 8, axis=0))
    steepest = np.abs(np.diff(outputs, axis=2)).max(axis=(1, 2))
    assert steepest.min() < 60
    np.testing.assert_allclose(outputs.mean(), EDGE.mean(), rtol=0.01)


def test_a_replaced_border_leaves_the_chest_unchanged_and_has_no_fixed_position() -> None:
    film = np.tile(np.linspace(50, 200, 150).astype(np.uint8), (150, 1))[None].repeat(20, axis=0)
    changes = np.abs(augment(Augmentation(foreign_border=1.0), film) - film) > 2
    assert not changes[:, 45:105, 40:110].any()
    assert changes[:, :5].any(axis=(1, 2)).all()
    widths = changes[:, 75].sum(axis=1)
    assert len(set(widths.tolist())) > 5


def test_the_chosen_share_of_films_gets_the_border_of_another_film() -> None:
    film = np.tile(np.linspace(50, 200, 150).astype(np.uint8), (150, 1))[None].repeat(200, axis=0)
    has_changed = (np.abs(augment(Augmentation(foreign_border=0.4), film) - film) > 2).any(axis=(1, 2))
    assert 0.25 < has_changed.mean() < 0.55


def test_a_mask_is_moved_like_its_film_and_keeps_its_values() -> None:
    """The film is its own mask here, so that both must stay equal under the geometric operations."""
    augmentation = Augmentation(
        rotation_degrees=20, zoom_in=0.3, zoom_out=0.2, aspect_log=0.5, shift=0.1, flip=True, frame=0.5, frame_width=0.2
    )
    film = np.zeros((16, 150, 150), np.uint8)
    film[:, 40:110, 30:70] = 255
    films, masks, _ = augment_films(film, film, film, augmentation, np.random.default_rng(3))
    assert masks.dtype == np.uint8
    inside = masks > 250
    assert inside.any(axis=(1, 2)).all()
    np.testing.assert_allclose(films[inside], 255, atol=6)
    brighter = augment_films(film, film, film, Augmentation(gamma_log=0.5, brightness=0.4), np.random.default_rng(3))
    np.testing.assert_array_equal(brighter[1], film)


def test_a_frame_is_uniform_and_shrinks_the_film_into_it() -> None:
    film = np.tile(np.linspace(50, 200, 150).astype(np.uint8), (150, 1))[None].repeat(10, axis=0)
    for framed in augment(Augmentation(frame=1.0, frame_width=0.2), film):
        rows, columns = np.nonzero(np.abs(framed - framed[0, 0]) > 1)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert 150 * 0.6 - 2 <= height <= 150
        assert 150 * 0.6 - 2 <= width <= 150
        inner = framed[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert inner.min() == pytest.approx(50, abs=3)
        assert inner.max() == pytest.approx(200, abs=3)


def _film_and_mask() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    film = np.random.default_rng(1).integers(60, 200, (1, 150, 150)).astype(np.uint8)
    mask = np.zeros((1, 150, 150), np.uint8)
    mask[0, 40:110, 30:60] = mask[0, 40:110, 90:120] = 255
    return film, mask


def test_foreign_surroundings_keep_the_lungs_and_replace_the_rest() -> None:
    film, mask = _film_and_mask()
    augmentation = Augmentation(foreign_surroundings=1.0)
    augmented, _, erased = augment_films(film, 255 - film, mask, augmentation, np.random.default_rng(2))
    assert not erased[0]
    inner = cv2.erode(mask[0], np.ones((9, 9), np.uint8)) > 0
    np.testing.assert_allclose(augmented[0][inner], film[0][inner], atol=2)
    assert np.corrcoef(augmented[0][:20].ravel(), film[0][:20].ravel())[0, 1] < -0.9


@pytest.mark.parametrize("seed", range(6))
def test_erased_lungs_contain_nothing_of_the_film(seed: int) -> None:
    film, mask = _film_and_mask()
    augmentation = Augmentation(erased_lungs=1.0)
    augmented, _, erased = augment_films(film, film, mask, augmentation, np.random.default_rng(seed))
    inner = cv2.erode(mask[0], np.ones((9, 9), np.uint8)) > 0
    assert erased[0]
    correlation = np.corrcoef(
        augmented[0][inner] + np.random.default_rng(0).normal(0, 1e-3, inner.sum()), film[0][inner]
    )
    assert abs(correlation[0, 1]) < 0.2
    np.testing.assert_allclose(augmented[0][:20], film[0][:20], atol=1)


def test_films_without_a_mask_keep_their_lungs_and_surroundings() -> None:
    film, mask = _film_and_mask()
    augmentation = Augmentation(foreign_surroundings=0.5, erased_lungs=0.5)
    augmented, _, erased = augment_films(film, 255 - film, np.zeros_like(mask), augmentation, np.random.default_rng(4))
    assert not erased[0]
    np.testing.assert_allclose(augmented[0], film[0], atol=1)
