"""Is this a film like those that the model has learnt from?

The gate sees what the network sees. It looks at the input twice, as a 30 x 30 thumbnail of its brightness and as a map
of where its edges run, each standardised so that exposure falls out. Of each view it asks two questions of the training
films' principal components: how much of it do they leave unexplained (`residual`), and how far from the middle of the
training films does the explained part lie (`distance`)? Of the brightness it asks a third: does the picture fit better
when it is turned upside down? The limits come from films on which nothing was fitted.

This is cheap (a tenth of the graph) and says nothing about disease. What it refuses, and how often it refuses the sick,
stands in `evaluation.json`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
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

MIN_CONTRAST = 4.0
"""Standard deviation of the input in 8-bit levels below which there is nothing to see: half of the films' 8 bits are
gone at 4, where the palest training film has 19."""


@dataclass(frozen=True)
class View:
    """One way to look at films: as means of blocks of so many pixels on a side, of which `describe` makes features."""

    block: int
    describe: Callable[[Floats], Floats]
    """`[N, 150 / block, 150 / block]` with mean 0 and deviation 1 each -> `[N, d]`."""

    def __call__(self, films: Films) -> Floats:
        """The features `[N, d]` of `[N, 150, 150]` films."""
        return self.describe(self.standardised(films.astype(np.uint16))[0])

    def standardised(self, films: Levels) -> tuple[Floats, Floats]:
        """Block means of `[N, 150, 150]` films with mean 0 and deviation 1, and the deviation `[N]` that they had."""
        return _standardised(_block_sums(films, self.block).astype(np.float32) / np.float32(self.block * self.block))


@dataclass(frozen=True)
class Limits:
    """Above `near` an image is unlike the training films, above `far` it is no frontal chest film at all."""

    near: float
    far: float

    def exceeded_limit(self, value: float) -> str | None:
        """`far`, `near` or None."""
        return "far" if value > self.far else "near" if value > self.near else None


@dataclass(frozen=True)
class Subspace:
    """Where the training films lie in one view.

    `mean` `[d]`, `components` `[k, d]` orthonormal rows, `variances` `[k]` of the training films along them.
    `upside_down` limits how much less a film may leave unexplained when it is turned upside down, and is asked of
    thumbnails only; None: not asked.
    """

    mean: Floats
    components: Floats
    variances: Floats
    residual: Limits
    distance: Limits
    upside_down: Limits | None = None

    @cached_property
    def deviations(self) -> Floats:
        """`[k]`: the square roots of the variances."""
        deviations: Floats = np.sqrt(self.variances)
        return deviations

    def measure(self, features: Floats) -> tuple[Floats, Floats]:
        """(mean square left unexplained, root mean square of the standardised coordinates) of `[N, d]` features."""
        centred = features - self.mean
        along = centred @ self.components.T
        residual = (_squares(centred) - _squares(along)) / centred.shape[1]
        distance = np.sqrt(_squares(along / self.deviations) / along.shape[1])
        return residual, distance

    def residual_drop_when_flipped(self, features: Floats, flipped: Floats) -> Floats:
        """How much less of films is left unexplained when they are turned upside down, from both features `[N, d]`."""
        gain: Floats = self.measure(features)[0] - self.measure(flipped)[0]
        return gain

    @property
    def limits(self) -> dict[str, Limits]:
        """The limits that are set, by the name of what they limit: as they stand in the bundle's config."""
        found = {"residual": self.residual, "distance": self.distance, "upside_down": self.upside_down}
        return {name: limit for name, limit in found.items() if limit is not None}

    def exceeded_limit(self, features: Floats) -> str | None:
        """`far`, `near` or None, for one film's features `[1, d]`."""
        if self.upside_down is not None:
            features = np.concatenate([features, flip_thumbnails(features)])
        residual, distance = self.measure(features)  # once: the components are read from memory, which takes longest
        found = {self.residual.exceeded_limit(float(residual[0])), self.distance.exceeded_limit(float(distance[0]))}
        if self.upside_down is not None:
            found.add(self.upside_down.exceeded_limit(float(residual[0] - residual[1])))
        return "far" if "far" in found else "near" if "near" in found else None


@dataclass(frozen=True)
class Gate:
    """One subspace a view; `VIEWS` names them."""

    subspaces: Mapping[str, Subspace]

    def check(self, film: Films) -> str | None:
        """The code of the reason to refuse a `[150, 150, 3]` input, or None."""
        films = film[None, :, :, 0].astype(np.uint16)
        seen = {name: view.standardised(films) for name, view in VIEWS.items()}
        # Means vary less than their pixels: where they vary enough, all pixels need not be gone through.
        if max(float(deviation[0]) for _, deviation in seen.values()) < MIN_CONTRAST and films.std() < MIN_CONTRAST:
            return "unreadable_contrast"
        found = {self.subspaces[name].exceeded_limit(view.describe(seen[name][0])) for name, view in VIEWS.items()}
        if "far" in found:
            return "not_a_chest_film"
        return "unlike_training_films" if "near" in found else None

    def to_bytes(self) -> bytes:
        """The arrays as an `.npz`; the limits stand in the bundle's config, where a person can read them."""
        arrays = {
            f"{name}_{part}": getattr(subspace, part) for name, subspace in self.subspaces.items() for part in _ARRAYS
        }
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, limits: Mapping[str, Mapping[str, Limits]]) -> Gate:
        """The gate from its arrays and, for each view, its limits by the names of `Subspace.limits`."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            spaces = {}
            for name in VIEWS:
                mean, components, variances = (arrays[f"{name}_{part}"] for part in _ARRAYS)
                spaces[name] = Subspace(mean, components, variances, **limits[name])
        return cls(spaces)


def _brightness(small: Floats) -> Floats:
    """`[N, 30, 30]` -> `[N, 900]`."""
    return small.reshape(len(small), -1)


def _edges(small: Floats) -> Floats:
    """`[N, 50, 50]` -> `[N, 1152]`: log strength of edges across and along, each in 24 x 24 blocks."""
    even = 2 * (small.shape[1] // 2 - 1)
    inner = small[:, :even, :even]
    edges = np.abs(np.concatenate([small[:, :even, 1 : even + 1] - inner, small[:, 1 : even + 1, :even] - inner]))
    strength = _block_sums(edges, 2) / np.float32(4)
    # Across and along, a film's two maps one after the other.
    ordered = strength.reshape(2, len(small), -1).transpose(1, 0, 2).reshape(len(small), -1)
    logarithms: Floats = np.log(ordered + np.float32(EDGE_FLOOR))
    return logarithms


thumbnails = View(THUMBNAIL_BLOCK, _brightness)
"""`[N, 150, 150]` -> `[N, 900]`: the brightness of blocks, standardised."""

edge_maps = View(EDGE_BLOCK, _edges)
"""`[N, 150, 150]` -> `[N, 1152]`: the strength of edges, of whatever film as if it had the same contrast."""

VIEWS = {"brightness": thumbnails, "edges": edge_maps}
_ARRAYS = ("mean", "components", "variances")


def flip_vertically(films: Films) -> Films:
    """`[N, 150, 150]` with top and bottom exchanged; left and right stay, since the gate tells them not apart."""
    return films[:, ::-1, :]


def flip_thumbnails(thumbnails: Floats) -> Floats:
    """`[N, 900]` thumbnails of the films upside down: the same blocks in another order, and no film averaged again."""
    side = INPUT_SIDE // THUMBNAIL_BLOCK
    return thumbnails.reshape(-1, side, side)[:, ::-1].reshape(len(thumbnails), -1)


def _sums(rows: Floats) -> Floats:
    """`[N, d]` -> the sum of each row, without what `mean` does around it."""
    sums: Floats = np.add.reduce(rows, axis=1)
    return sums


def _squares(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`[N, d]` -> the sum of the squares of each row."""
    sums: npt.NDArray[Any] = np.vecdot(rows, rows)
    return sums


def _block_sums(pictures: npt.NDArray[Any], block: int) -> npt.NDArray[Any]:
    """`[N, h, w]` -> `[N, h / block, w / block]`: whole slices are added, which takes a fifth of `sum`'s time."""
    films, height, width = pictures.shape
    rows = pictures.reshape(films, height // block, block, width)
    flat = reduce(np.add, (rows[:, :, place] for place in range(block)))
    columns = flat.reshape(films, height // block, width // block, block)
    return reduce(np.add, (columns[..., place] for place in range(block)))


def _standardised(pictures: Floats) -> tuple[Floats, Floats]:
    """`[N, h, w]` with mean 0 and deviation 1 each, and the deviations `[N]` that they had."""
    rows = pictures.reshape(len(pictures), -1)
    pixels = np.float32(rows.shape[1])
    centred: Floats = rows - _sums(rows)[:, None] / pixels
    deviation: npt.NDArray[Any] = np.sqrt(_squares(centred) / pixels)
    scaled: Floats = centred / np.maximum(deviation, np.float32(1e-6))[:, None]
    return scaled.reshape(pictures.shape), deviation
