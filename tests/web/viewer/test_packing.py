"""Compression of a film's values: the bytes decode to the same values, by the rules that `decode.js` implements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia.web.viewer import packing

from .unpack import unpack

FILMS: dict[str, Callable[[np.random.Generator, Any], npt.NDArray[Any]]] = {
    "noise of all values": lambda random, kind: random.integers(0, np.iinfo(kind).max + 1, (23, 31)),
    "extreme neighbours": lambda random, kind: np.indices((16, 17)).sum(axis=0) % 2 * np.iinfo(kind).max,
    "constant": lambda random, kind: np.full((8, 9), 77),
    "one row": lambda random, kind: random.integers(0, 200, (1, 40)),
    "one column": lambda random, kind: random.integers(0, 200, (40, 1)),
    "ramp": lambda random, kind: np.linspace(0, np.iinfo(kind).max, 30 * 40).reshape(30, 40),
}


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("film", FILMS)
def test_the_values_come_back_exactly(film: str, kind: type) -> None:
    values: npt.NDArray[Any] = FILMS[film](np.random.default_rng(3), kind).astype(kind)
    assert np.array_equal(unpack(packing.pack(values), values.shape, kind), values)


def test_a_film_is_smaller_than_as_png(large_film: Any, encode: Any) -> None:
    noise = np.random.default_rng(5).normal(0, 8, large_film.shape)
    film = np.clip(large_film * 16.0 + noise, 0, 4095).astype(np.uint16)
    assert len(packing.pack(film)) < len(encode(film, "PNG"))
