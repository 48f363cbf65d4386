"""A film in the colours of a colour scale gets the grey levels that it had before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pneumonia.imaging import colour_scale, read
from pneumonia.imaging.greyscale import COLOUR_WARNING
from tests.support.colour_scales import STOPS, scale

Grey = npt.NDArray[np.uint8]


@pytest.mark.parametrize("name", STOPS)
def test_the_order_of_the_colours_is_the_grey_level(
    name: str, full_range_film: Grey, encode: Callable[..., bytes]
) -> None:
    film = read(encode(scale(STOPS[name])[full_range_film], "PNG"))
    assert film.warnings == (COLOUR_WARNING,)
    assert np.abs(film.pixels.astype(int) - full_range_film).max() <= 4


def test_a_scale_that_does_not_become_brighter_all_along_has_no_order(full_range_film: Grey) -> None:
    rainbow = scale([(0, 0, 128), (0, 0, 255), (0, 255, 255), (255, 255, 0), (255, 0, 0), (128, 0, 0)])
    assert colour_scale.levels(rainbow[full_range_film]) is None


def test_other_colours_have_no_order(full_range_film: Grey) -> None:
    generator = np.random.default_rng(0)
    palette = generator.integers(0, 256, (256, 3), dtype=np.uint8)
    assert colour_scale.levels(palette[full_range_film]) is None
    assert colour_scale.levels(generator.integers(0, 256, (300, 300, 3), dtype=np.uint8)) is None
    few = scale(STOPS["blue to yellow"])[full_range_film // 8 * 8]
    assert colour_scale.levels(few) is None


def test_few_pixels_of_other_colours_leave_the_film_to_its_luma(full_range_film: Grey) -> None:
    pixels = scale(STOPS["blue to yellow"])[full_range_film]
    pixels[5:25, 5:25] = np.random.default_rng(0).integers(0, 256, (20, 20, 3))
    assert colour_scale.levels(pixels) is None


def test_a_tint_keeps_the_grey_levels(full_range_film: Grey, encode: Callable[..., bytes]) -> None:
    tinted = np.rint(full_range_film[..., None] * np.array([1, 0.9, 0.7])).astype(np.uint8)
    film = read(encode(Image.fromarray(tinted), "PNG"))
    assert np.abs(film.pixels.astype(int) - full_range_film).max() <= 1
