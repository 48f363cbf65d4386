"""Films of two made-up populations, `[count, 150, 150]` uint8: two dark lung fields, with noise."""

from __future__ import annotations

from typing import Any

import numpy as np


def synthetic_films(count: int, seed: int) -> Any:
    """Films with wide lung fields, as of a child."""
    return _films(count, seed, centres=(45, 105), extent=(400, 1500))


def narrow_films(count: int, seed: int) -> Any:
    """Films with lung fields that are narrower and taller, as in a grown body."""
    return _films(count, seed, centres=(52, 98), extent=(160, 3200))


def _films(count: int, seed: int, centres: tuple[int, int], extent: tuple[int, int]) -> Any:
    """`centres`: mean columns of the fields; `extent`: denominators of the exponent by column and by row."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:150, 0:150]
    images = []
    for _ in range(count):
        left, right, top = (random.normal(mean, spread) for mean, spread in ((centres[0], 4), (centres[1], 4), (75, 6)))
        fields = sum(np.exp(-((columns - x) ** 2 / extent[0] + (rows - top) ** 2 / extent[1])) for x in (left, right))
        images.append(np.clip(150 + 0.4 * rows - 110 * fields + random.normal(0, 4, rows.shape), 0, 255))
    return np.array(images).astype(np.uint8)
