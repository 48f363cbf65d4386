"""The two feature vectors of a film that the gate measures: block brightness and edge strength.

Both are computed from block means that are standardised per film to mean 0 and standard deviation 1, which removes the
influence of exposure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..imaging import INPUT_SIDE

Films: TypeAlias = npt.NDArray[np.uint8]
Levels: TypeAlias = npt.NDArray[np.uint16]
"""Films as 16-bit integers, which can hold the sum of a block of 8-bit pixels."""

Floats: TypeAlias = npt.NDArray[np.float32]

THUMBNAIL_BLOCK = 5
"""Side in pixels of a block of the input image that becomes one thumbnail pixel; a thumbnail has 30 x 30 pixels."""

EDGE_BLOCK = 3
"""Side in pixels of a block of the input image that is averaged before edges are computed, which leaves 50 x 50 pixels.
Averaging reduces the influence of noise and sharpness."""

EDGE_FLOOR = 0.02
"""Added to an edge strength before the logarithm, in standard deviations of the film; weaker edges are film grain."""


@dataclass(frozen=True)
class View:
    """One feature extractor: means of blocks of `block` x `block` pixels, standardised, then passed to `describe`."""

    block: int
    describe: Callable[[Floats], Floats]
    """`[N, 150 / block, 150 / block]` standardised block means -> features `[N, d]`."""

    def __call__(self, films: Films) -> Floats:
        """Features `[N, d]` of `[N, 150, 150]` films."""
        return self.describe(self.standardise(films.astype(np.uint16))[0])

    def standardise(self, films: Levels) -> tuple[Floats, Floats]:
        """(standardised block means, standard deviations `[N]` of the block means) of `[N, 150, 150]` films."""
        return _standardise(_block_sums(films, self.block).astype(np.float32) / np.float32(self.block * self.block))


def _flatten(blocks: Floats) -> Floats:
    """`[N, 30, 30]` -> `[N, 900]`."""
    return blocks.reshape(len(blocks), -1)


def _edge_strengths(blocks: Floats) -> Floats:
    """`[N, 50, 50]` -> `[N, 1152]`: log of the mean absolute horizontal and vertical differences in 24 x 24 blocks."""
    side = 2 * (blocks.shape[1] // 2 - 1)
    inner = blocks[:, :side, :side]
    edges = np.abs(np.concatenate([blocks[:, :side, 1 : side + 1] - inner, blocks[:, 1 : side + 1, :side] - inner]))
    strength = _block_sums(edges, 2) / np.float32(4)
    # The features of a film are its map of horizontal differences, followed by that of vertical differences.
    both_directions = strength.reshape(2, len(blocks), -1).transpose(1, 0, 2).reshape(len(blocks), -1)
    logarithms: Floats = np.log(both_directions + np.float32(EDGE_FLOOR))
    return logarithms


thumbnails = View(THUMBNAIL_BLOCK, _flatten)
"""`[N, 150, 150]` -> `[N, 900]`: standardised block brightness."""

edge_maps = View(EDGE_BLOCK, _edge_strengths)
"""`[N, 150, 150]` -> `[N, 1152]`: log edge strength, independent of the contrast of the film."""

VIEWS = {"brightness": thumbnails, "edges": edge_maps}

MIN_CONTRAST = 4.0
"""Minimum standard deviation of an input image, in 8-bit grey levels. At 4, an image effectively has 4 of
its 8 bits; the training film with the lowest contrast has 19."""


@dataclass(frozen=True)
class Features:
    """What the gates measure of one film; computed once for the gates of all populations.

    `views` has the features `[1, d]` by the names of `VIEWS`. `has_contrast` is false for a film that is practically
    blank: its standardised features are noise.
    """

    views: Mapping[str, Floats]
    has_contrast: bool

    @cached_property
    def joined(self) -> Floats:
        """`[1, d]`: the features of all views in the order of `VIEWS`."""
        return np.concatenate([self.views[name] for name in VIEWS], axis=1)

    @classmethod
    def of(cls, input_image: Films) -> Features:
        """The features of an input image `[150, 150, 3]` uint8."""
        films = input_image[None, :, :, 0].astype(np.uint16)
        standardised = {name: view.standardise(films) for name, view in VIEWS.items()}
        # Block means vary less than pixels. If they vary enough, the slower pass over all pixels is not needed.
        has_contrast = (
            max(float(deviation[0]) for _, deviation in standardised.values()) >= MIN_CONTRAST
            or films.std() >= MIN_CONTRAST
        )
        views = {name: view.describe(standardised[name][0]) for name, view in VIEWS.items()}
        return cls(views, bool(has_contrast))


def join_views(films: Films) -> Floats:
    """`[N, d]`: the features of `[N, 150, 150]` films in all views, in the order of `VIEWS`."""
    return np.concatenate([view(films) for view in VIEWS.values()], axis=1)


def flip_vertically(films: Films) -> Films:
    """Flip `[N, 150, 150]` films top to bottom.

    Left and right are not exchanged, since the gate does not distinguish them.
    """
    return films[:, ::-1, :]


def flip_thumbnails(thumbnails: Floats) -> Floats:
    """Flip `[N, 900]` thumbnails top to bottom: reorders the blocks instead of averaging the films again."""
    side = INPUT_SIDE // THUMBNAIL_BLOCK
    return thumbnails.reshape(-1, side, side)[:, ::-1].reshape(len(thumbnails), -1)


def _row_sums(rows: Floats) -> Floats:
    """`[N, d]` -> `[N]`: sum of each row, without the overhead of `np.mean`."""
    sums: Floats = np.add.reduce(rows, axis=1)
    return sums


def sum_of_squares(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`[N, d]` -> `[N]`: sum of the squares of each row."""
    sums: npt.NDArray[Any] = np.vecdot(rows, rows)
    return sums


def _block_sums(images: npt.NDArray[Any], block: int) -> npt.NDArray[Any]:
    """`[N, h, w]` -> `[N, h / block, w / block]`; adding whole slices takes a fifth of the time of `np.sum`."""
    count, height, width = images.shape
    rows = images.reshape(count, height // block, block, width)
    row_sums = reduce(np.add, (rows[:, :, offset] for offset in range(block)))
    columns = row_sums.reshape(count, height // block, width // block, block)
    return reduce(np.add, (columns[..., offset] for offset in range(block)))


def _standardise(images: Floats) -> tuple[Floats, Floats]:
    """(images `[N, h, w]` scaled to mean 0 and standard deviation 1 each, their original standard deviations `[N]`)."""
    rows = images.reshape(len(images), -1)
    pixels = np.float32(rows.shape[1])
    centred: Floats = rows - _row_sums(rows)[:, None] / pixels
    deviation: npt.NDArray[Any] = np.sqrt(sum_of_squares(centred) / pixels)
    scaled: Floats = centred / np.maximum(deviation, np.float32(1e-6))[:, None]
    return scaled.reshape(images.shape), deviation
