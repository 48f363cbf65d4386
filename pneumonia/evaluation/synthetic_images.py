"""Pictures that are no upright frontal film, made in code: patterns of nothing, and films in other positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter

from .. import imaging
from ..errors import FilmError

Grey: TypeAlias = npt.NDArray[np.uint8]

SIDE = 256
"""Pixels on a side of a made picture: above the model input's, so that none is refused for its size."""

_SEED = 7
_ROWS, _COLUMNS = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1) - 0.5
"""Places in a picture, -0.5 to 0.5 from above and from the left."""


def blanks() -> Iterator[Grey]:
    """Every 15th grey level."""
    return (np.full((SIDE, SIDE), level, np.uint8) for level in range(0, 256, 15))


def noise() -> Iterator[Grey]:
    """100 pictures, 20 each of grain that is 0, 2, 6, 16 or 40 pixels wide."""
    random = np.random.default_rng(_SEED)
    for width in (0, 2, 6, 16, 40):
        for _ in range(20):
            yield _stretched(gaussian_filter(random.normal(size=(SIDE, SIDE)), width))


def gradients() -> Iterator[Grey]:
    """An even rise and a soft step in 16 directions, a band in 8; a bright and a dark middle, each of three sizes."""
    for angle in np.arange(8) * np.pi / 8:
        along = np.cos(angle) * _COLUMNS + np.sin(angle) * _ROWS
        step = np.tanh(6 * along)
        yield from (_stretched(shape) for shape in (along, -along, step, -step, -np.square(along)))
    middle = np.square(_ROWS) + np.square(_COLUMNS)
    for width in (0.1, 0.25, 0.5):
        spot = np.exp(-middle / width**2)
        yield from (_stretched(spot), _stretched(-spot))


def checkerboards() -> Iterator[Grey]:
    """Fields of 2 to 128 pixels, upright and on a corner."""
    edge = SIDE // 2
    for field in (2, 4, 8, 16, 32, 64, 128):
        board = (np.indices((2 * SIDE, 2 * SIDE)) // field).sum(axis=0) % 2 * 255
        picture = Image.fromarray(board.astype(np.uint8))
        for angle in (0, 45):
            yield np.asarray(picture.rotate(angle).crop((edge, edge, edge + SIDE, edge + SIDE)))


PATTERNS: dict[str, Callable[[], Iterator[Grey]]] = {
    "blank": blanks,
    "noise": noise,
    "gradients": gradients,
    "chessboards": checkerboards,
}

ORIENTATIONS: dict[str, Callable[[Grey], Grey]] = {
    "films upside down": np.flipud,
    "films turned by 180 degrees": lambda film: np.rot90(film, 2),
    "films on their right side": lambda film: np.rot90(film, 3),
    "films on their left side": np.rot90,
    "films inverted (corrected, not refused)": lambda film: np.uint8(255) - film,
}
"""What a film looks like that was hung wrongly."""


def reoriented(paths: list[Path], position: Callable[[Grey], Grey]) -> Iterator[Grey]:
    """The films of the files in another position; what cannot be read is left out."""
    for path in paths:
        try:
            film = imaging.to_display(imaging.read(path))
        except FilmError:
            continue
        yield np.ascontiguousarray(position(film))


def _stretched(picture: npt.NDArray[np.floating]) -> Grey:
    """All of the 8 bits; a picture with one value only is no pattern."""
    low, high = float(picture.min()), float(picture.max())
    levels: Grey = np.rint((picture - low) * (255 / (high - low))).astype(np.uint8)
    return levels
