"""Thumbnails and edge maps, on which the gate measures a film: what they show, and what they do not depend on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia.inference.gate_views import (
    THUMBNAIL_BLOCK,
    edge_maps,
    flip_thumbnails,
    flip_vertically,
    thumbnails,
)

Grey = npt.NDArray[np.uint8]

THUMBNAIL_SIDE = 150 // THUMBNAIL_BLOCK
CELLS = THUMBNAIL_SIDE**2


def test_an_edge_map_does_not_depend_on_the_exposure(normal_film: Grey) -> None:
    dim = (normal_film // 4).astype(np.uint8)
    np.testing.assert_allclose(edge_maps(dim[None] * 3 + 7), edge_maps(dim[None]), atol=1e-3)


def test_an_edge_shows_where_it_is_and_in_its_direction_only() -> None:
    film = np.zeros((150, 150), np.uint8)
    film[:, 75:] = 200
    across, along = edge_maps(film[None]).reshape(2, 24, 24)
    assert np.ptp(along) == 0
    assert set(np.argwhere(across > across.min())[:, 1]) == {12}


@pytest.mark.parametrize(("gain", "offset"), [(1, 0), (1, 60), (2, 0), (2, 100), (3, 7)])
def test_a_thumbnail_does_not_depend_on_the_exposure(gain: int, offset: int, normal_film: Grey) -> None:
    # Darkened first, so that no gain here clips; clipping loses information.
    dim = (normal_film // 4).astype(np.uint8)
    exposed = (dim * gain + offset).astype(np.uint8)
    assert int(dim.max()) * gain + offset <= 255
    np.testing.assert_allclose(thumbnails(exposed[None]), thumbnails(dim[None]), atol=1e-4)


def test_a_thumbnail_has_mean_0_and_deviation_1(normal_film: Grey) -> None:
    thumbnail = thumbnails(normal_film[None])
    assert thumbnail.shape == (1, CELLS)
    assert thumbnail.mean() == pytest.approx(0, abs=1e-5)
    assert thumbnail.std() == pytest.approx(1, abs=1e-5)


def test_the_thumbnail_of_a_blank_film_is_zero_and_not_a_division_by_zero() -> None:
    assert not thumbnails(np.full((1, 150, 150), 77, np.uint8)).any()


def test_a_thumbnail_is_made_of_block_means() -> None:
    film = np.zeros((150, 150), np.uint8)
    film[5:10, 10:15] = 200
    bright = thumbnails(film[None]).reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    assert np.argwhere(bright > 0).tolist() == [[1, 2]]


def test_turned_thumbnails_are_those_of_the_turned_films() -> None:
    films = np.random.default_rng(0).integers(0, 256, (3, 150, 150)).astype(np.uint8)
    np.testing.assert_allclose(flip_thumbnails(thumbnails(films)), thumbnails(flip_vertically(films)), atol=1e-6)
