"""Border replacement: combines the chest of one film with the border of another.

The border of a film (collimation, arms, letters, abdomen, positioning of the child) separates the classes of this data
set nearly as well as the lungs do, but not those of other data sets. Augmentation therefore replaces borders at random.
Validation and the shortcut audit replace each border by that of a film of the other class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..imaging import INPUT_SIDE

Film = npt.NDArray[np.uint8]
Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """The part of a film that is retained: its edges as shares of the film's side.

    `blend_width` is the width of the transition at each edge, also as a share of the side.
    """

    left: float = 0.10
    right: float = 0.90
    top: float = 0.12
    bottom: float = 0.86
    blend_width: float = 0.04

    def weights(self) -> Weights:
        """Blending weights `[150, 150]`: 1 inside the frame, 0 outside."""
        columns = _ramp(self.left, self.right, self.blend_width)
        return np.outer(_ramp(self.top, self.bottom, self.blend_width), columns)


CHEST_FRAME = Frame()
"""Contains both lung boxes of `explain.py` and the mediastinum, with a small margin."""


def replace_border(film: Film, other: Film, frame: Frame = CHEST_FRAME) -> Film:
    """Return `[150, 150]`: `film` inside the frame, and `other` outside it.

    `other` is matched to the mean and the standard deviation of `film`.
    """
    return blend(film, other, frame.weights())


def blend(film: Film, other: Film, weights: Weights) -> Film:
    """Return `[150, 150]`: `film` where `weights` `[150, 150]` are 1, `other` where they are 0, a mixture between.

    `other` is matched to the mean and the standard deviation of `film`.
    """
    inner, outer = film.astype(np.float32), other.astype(np.float32)
    matched = (outer - outer.mean()) / (outer.std() + 1) * (inner.std() + 1) + inner.mean()
    blended = inner * weights + matched * (1 - weights)
    return np.asarray(np.clip(np.rint(blended), 0, 255), np.uint8)


def replace_border_across_classes(films: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Return `[N, 150, 150]`: each film with the border of a film of the other class, chosen with a fixed random seed.

    `labels` `[N]` must contain both classes.
    """
    random = np.random.default_rng(3)
    others = [random.choice(np.flatnonzero(labels != label)) for label in labels]
    return np.stack([replace_border(film, films[other]) for film, other in zip(films, others, strict=True)])


def _ramp(start: float, end: float, blend_width: float) -> Weights:
    """Weights `[150]`: 1 between `start` and `end`, 0 outside, and linear over `blend_width` around both."""
    position = np.arange(INPUT_SIDE, dtype=np.float32) / (INPUT_SIDE - 1)
    ramp = np.clip(np.minimum(position - start, end - position) / blend_width + 0.5, 0, 1)
    return np.asarray(ramp, np.float32)
