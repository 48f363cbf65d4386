"""The two views of a film that the gate measures: block brightness and edge strength, each standardised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..imaging import INPUT_SIDE

Films: TypeAlias = npt.NDArray[np.uint8]
Levels: TypeAlias = npt.NDArray[np.uint16]
"""Films with room for the sum of a block's 8-bit pixels."""
Floats: TypeAlias = npt.NDArray[np.float32]

THUMBNAIL_BLOCK = 5
"""Input pixels on a side of a thumbnail's pixel: 30 x 30 of them."""

EDGE_BLOCK = 3
"""Input pixels that are averaged before edges are taken, so that noise and sharpness count little: 50 x 50."""

EDGE_FLOOR = 0.02
"""Added to an edge's strength, in deviations of the film, before the logarithm: below it lies grain."""


@dataclass(frozen=True)
class View:
    """One way to look at films: as means of blocks of so many pixels on a side, of which `describe` makes features."""

    block: int
    describe: Callable[[Floats], Floats]
    """`[N, 150 / block, 150 / block]` with mean 0 and deviation 1 each -> `[N, d]`."""

    def __call__(self, films: Films) -> Floats:
        """The features `[N, d]` of `[N, 150, 150]` films."""
        return self.describe(self.standardise(films.astype(np.uint16))[0])

    def standardise(self, films: Levels) -> tuple[Floats, Floats]:
        """Block means of `[N, 150, 150]` films with mean 0 and deviation 1, and the deviation `[N]` that they had."""
        return _standardise(_block_sums(films, self.block).astype(np.float32) / np.float32(self.block * self.block))


def _flatten(blocks: Floats) -> Floats:
    """`[N, 30, 30]` -> `[N, 900]`."""
    return blocks.reshape(len(blocks), -1)


def _edge_strengths(blocks: Floats) -> Floats:
    """`[N, 50, 50]` -> `[N, 1152]`: log strength of edges across and along, each in 24 x 24 blocks."""
    side = 2 * (blocks.shape[1] // 2 - 1)
    inner = blocks[:, :side, :side]
    edges = np.abs(np.concatenate([blocks[:, :side, 1 : side + 1] - inner, blocks[:, 1 : side + 1, :side] - inner]))
    strength = _block_sums(edges, 2) / np.float32(4)
    # Across and along, a film's two maps one after the other.
    both_directions = strength.reshape(2, len(blocks), -1).transpose(1, 0, 2).reshape(len(blocks), -1)
    logarithms: Floats = np.log(both_directions + np.float32(EDGE_FLOOR))
    return logarithms


thumbnails = View(THUMBNAIL_BLOCK, _flatten)
"""`[N, 150, 150]` -> `[N, 900]`: the brightness of blocks, standardised."""

edge_maps = View(EDGE_BLOCK, _edge_strengths)
"""`[N, 150, 150]` -> `[N, 1152]`: the strength of edges, of whatever film as if it had the same contrast."""

VIEWS = {"brightness": thumbnails, "edges": edge_maps}


def flip_vertically(films: Films) -> Films:
    """`[N, 150, 150]` with top and bottom exchanged; left and right stay, since the gate tells them not apart."""
    return films[:, ::-1, :]


def flip_thumbnails(thumbnails: Floats) -> Floats:
    """`[N, 900]` thumbnails of the films upside down: the same blocks in another order, and no film averaged again."""
    side = INPUT_SIDE // THUMBNAIL_BLOCK
    return thumbnails.reshape(-1, side, side)[:, ::-1].reshape(len(thumbnails), -1)


def _row_sums(rows: Floats) -> Floats:
    """`[N, d]` -> the sum of each row, without what `mean` does around it."""
    sums: Floats = np.add.reduce(rows, axis=1)
    return sums


def sum_of_squares(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`[N, d]` -> the sum of the squares of each row."""
    sums: npt.NDArray[Any] = np.vecdot(rows, rows)
    return sums


def _block_sums(images: npt.NDArray[Any], block: int) -> npt.NDArray[Any]:
    """`[N, h, w]` -> `[N, h / block, w / block]`: whole slices are added, which takes a fifth of `sum`'s time."""
    films, height, width = images.shape
    rows = images.reshape(films, height // block, block, width)
    flat = reduce(np.add, (rows[:, :, offset] for offset in range(block)))
    columns = flat.reshape(films, height // block, width // block, block)
    return reduce(np.add, (columns[..., offset] for offset in range(block)))


def _standardise(images: Floats) -> tuple[Floats, Floats]:
    """`[N, h, w]` with mean 0 and deviation 1 each, and the deviations `[N]` that they had."""
    rows = images.reshape(len(images), -1)
    pixels = np.float32(rows.shape[1])
    centred: Floats = rows - _row_sums(rows)[:, None] / pixels
    deviation: npt.NDArray[Any] = np.sqrt(sum_of_squares(centred) / pixels)
    scaled: Floats = centred / np.maximum(deviation, np.float32(1e-6))[:, None]
    return scaled.reshape(images.shape), deviation
