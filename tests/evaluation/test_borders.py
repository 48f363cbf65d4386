"""Border replacement: the chest is retained, the border is that of the other film, exposure is matched."""

from __future__ import annotations

import numpy as np

from pneumonia.evaluation.borders import CHEST_FRAME, replace_border, replace_border_across_classes
from pneumonia.inference.explain import LEFT_LUNG, LUNG_HEIGHT, RIGHT_LUNG

RANDOM = np.random.default_rng(2)
FILM = RANDOM.normal(120, 30, (150, 150)).clip(0, 255).astype(np.uint8)
OTHER = RANDOM.normal(60, 10, (150, 150)).clip(0, 255).astype(np.uint8)


def test_the_frame_contains_both_lung_boxes() -> None:
    inside = CHEST_FRAME.weights()
    rows = slice(int(LUNG_HEIGHT[0] * 150), int(LUNG_HEIGHT[1] * 150))
    columns = slice(int(RIGHT_LUNG[0] * 150) + 2, int(LEFT_LUNG[1] * 150) - 2)
    assert inside[rows, columns].min() > 0.9


def test_the_chest_is_unchanged_and_the_border_is_replaced() -> None:
    result = replace_border(FILM, OTHER)
    np.testing.assert_array_equal(result[40:110, 40:110], FILM[40:110, 40:110])
    assert np.corrcoef(result[:10].ravel(), OTHER[:10].ravel())[0, 1] > 0.99


def test_the_border_is_matched_to_the_exposure_of_the_film() -> None:
    result = replace_border(FILM, OTHER)
    np.testing.assert_allclose(result[:10].mean(), FILM.mean(), atol=6)
    np.testing.assert_allclose(result[:10].std(), FILM.std(), rtol=0.2)


def test_each_film_gets_a_border_of_the_other_class() -> None:
    """The films differ only in their border, which depends on the class, so each film looks like the other class."""
    labels = np.array([0, 1] * 5)
    films = np.full((10, 150, 150), 100, np.uint8)
    films[:, ::2] = 140
    films[labels == 1, :, :8] = 255
    result = replace_border_across_classes(films, labels)
    bright = result[:, :, :8].mean(axis=(1, 2)) > result[:, :, 60:90].mean(axis=(1, 2)) + 40
    np.testing.assert_array_equal(bright, labels == 0)
