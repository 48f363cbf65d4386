"""Synthetic images that are not upright frontal films: patterns, and films in other orientations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
"""Side of a synthetic image in pixels: larger than the model input, so that no image is refused for its size."""

_SEED = 7
_ROWS, _COLUMNS = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1) - 0.5
"""Coordinates of the pixels: -0.5 (top, left) to 0.5 (bottom, right)."""


def blanks() -> Iterator[Grey]:
    """Uniform images, one for every 15th grey level."""
    return (np.full((SIDE, SIDE), level, np.uint8) for level in range(0, 256, 15))


def noise() -> Iterator[Grey]:
    """100 images of Gaussian noise, 20 for each Gaussian smoothing with a sigma of 0, 2, 6, 16 and 40 px."""
    random = np.random.default_rng(_SEED)
    for sigma in (0, 2, 6, 16, 40):
        for _ in range(20):
            yield _stretch(gaussian_filter(random.normal(size=(SIDE, SIDE)), sigma))


def gradients() -> Iterator[Grey]:
    """Linear ramps and smooth steps in 16 directions, bands in 8 directions, bright and dark spots in three sizes."""
    for angle in np.arange(8) * np.pi / 8:
        ramp = np.cos(angle) * _COLUMNS + np.sin(angle) * _ROWS
        step = np.tanh(6 * ramp)
        yield from (_stretch(shape) for shape in (ramp, -ramp, step, -step, -np.square(ramp)))
    squared_radius = np.square(_ROWS) + np.square(_COLUMNS)
    for width in (0.1, 0.25, 0.5):
        spot = np.exp(-squared_radius / width**2)
        yield from (_stretch(spot), _stretch(-spot))


def checkerboards() -> Iterator[Grey]:
    """Checkerboards with fields of 2 to 128 px, upright and rotated by 45 degrees."""
    edge = SIDE // 2
    for field in (2, 4, 8, 16, 32, 64, 128):
        board = (np.indices((2 * SIDE, 2 * SIDE)) // field).sum(axis=0) % 2 * 255
        image = Image.fromarray(board.astype(np.uint8))
        for angle in (0, 45):
            yield np.asarray(image.rotate(angle).crop((edge, edge, edge + SIDE, edge + SIDE)))


PATTERNS: dict[str, Callable[[], Iterator[Grey]]] = {
    "blank": blanks,
    "noise": noise,
    "gradients": gradients,
    "chessboards": checkerboards,
}
"""Kind of pattern, a name in `evaluation.json` -> generator of its images."""

ORIENTATIONS: dict[str, Callable[[Grey], Grey]] = {
    "films upside down": np.flipud,
    "films turned by 180 degrees": lambda film: np.rot90(film, 2),
    "films on their right side": lambda film: np.rot90(film, 3),
    "films on their left side": np.rot90,
    "films inverted (corrected, not refused)": lambda film: np.uint8(255) - film,
}
"""Orientations of a wrongly displayed film. The names are keys of `evaluation.json`."""


def reoriented(paths: Iterable[Path], reorient: Callable[[Grey], Grey]) -> Iterator[Grey]:
    """The films of the files in another orientation; unreadable files are skipped."""
    return (np.ascontiguousarray(reorient(film)) for film in readable_films(paths))


def readable_films(paths: Iterable[Path]) -> Iterator[Grey]:
    """The films of the files as they are displayed; unreadable files are skipped."""
    for path in paths:
        try:
            yield imaging.to_display(imaging.read(path))
        except FilmError:
            continue


def _stretch(image: npt.NDArray[np.floating]) -> Grey:
    """Scale an image to the full 8-bit range. It must not be uniform."""
    low, high = float(image.min()), float(image.max())
    levels: Grey = np.rint((image - low) * (255 / (high - low))).astype(np.uint8)
    return levels
