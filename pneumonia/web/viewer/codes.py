"""The numbers that travel to the browser for the pixels of a film, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...imaging import FilmValues

MAX_PIXELS = 24_000_000
"""A larger film is reduced by a whole factor: 24 million pixels are 48 MB of graphics memory, and more than any flat
detector has (4,300 x 4,300 at 0.1 mm)."""

MAX_SIDE = 8192
"""The largest texture of the graphics chips of phones."""


@dataclass(frozen=True)
class Codes:
    """`codes[y, x] + first` is the value of a pixel, `[H, W]` uint8 or uint16.

    `padding` is the code of the pixels outside the film, None if there are none. `factor`: each code is the mean of
    `factor` x `factor` pixels of the film.
    """

    codes: npt.NDArray[Any]
    first: int
    padding: int | None = None
    factor: int = 1


def to_codes(film: FilmValues) -> Codes:
    """The codes of a film. Padding gets code 0 of its own, so that every window can leave it black."""
    factor = reduction(*film.values.shape)
    values, padding = film.values, film.padding
    if padding is not None:
        inside = values[~padding]
        first = int(inside.min()) - 1
        values = values.astype(_wider(values))
        values[padding] = first
    else:
        first = min(0, int(values.min())) if int(values.max()) < 2**16 else int(values.min())
    if factor > 1:
        values, padding = _reduce(values, factor), None if padding is None else _reduce(padding, factor) > 0
        if padding is not None:
            values[padding] = first
    shifted = values if first == 0 else values.astype(_wider(values)) - first
    kind = np.uint8 if int(shifted.max()) < 256 else np.uint16
    return Codes(shifted.astype(kind, copy=False), first, None if padding is None else 0, factor)


def _wider(values: npt.NDArray[Any]) -> type:
    """An integer type that holds the differences of the values; a film of 80 million pixels is large in 64 bits."""
    return np.int32 if values.dtype.itemsize <= 2 else np.int64


def reduction(height: int, width: int) -> int:
    """The whole factor by which a film is reduced; 1 if it is not."""
    factor = 1
    while (height // factor) * (width // factor) > MAX_PIXELS or max(height, width) // factor > MAX_SIDE:
        factor += 1
    return factor


def _reduce(values: npt.NDArray[Any], factor: int) -> npt.NDArray[np.int64]:
    """Means of `factor` x `factor` pixels, rounded; incomplete blocks at the right and lower edges are left out."""
    height, width = (side // factor for side in values.shape)
    sums = np.zeros((height, width), np.int64)
    for row in range(factor):
        for column in range(factor):
            sums += values[row : height * factor : factor, column : width * factor : factor].astype(np.int64)
    return (2 * sums + factor**2) // (2 * factor**2)
