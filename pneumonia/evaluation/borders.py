"""A film's lungs in the border of another film.

What lies outside of the chest (collimation, arms, letters, the belly, how the child was laid) tells the classes of this
data set apart nearly as well as the lungs do, and means nothing elsewhere. So training exchanges borders at random, and
validation and the audit give films the border of the other class.
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
    """The part of a film that is kept, from edge to edge as shares of its side; `soft` is the width of the seam."""

    left: float = 0.10
    correct: float = 0.90
    top: float = 0.12
    bottom: float = 0.86
    soft: float = 0.04

    def weights(self) -> Weights:
        """1 inside, 0 outside, `[150, 150]`."""
        across = _ramp(self.left, self.correct, self.soft)
        return np.outer(_ramp(self.top, self.bottom, self.soft), across)


CHEST_FRAME = Frame()
"""Both lung boxes of `explain.py` and the mediastinum, with a little room around them."""


def replace_border(film: Film, other: Film, frame: Frame = CHEST_FRAME) -> Film:
    """`[150, 150]` film inside the frame, `other` outside, brought to the film's brightness and contrast."""
    kept, around = film.astype(np.float32), other.astype(np.float32)
    matched = (around - around.mean()) / (around.std() + 1) * (kept.std() + 1) + kept.mean()
    inside = frame.weights()
    mixed = kept * inside + matched * (1 - inside)
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)


def replace_border_across_classes(films: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """`[N, 150, 150]`, each film in the border of one of the other class, drawn with a fixed seed."""
    random = np.random.default_rng(3)
    others = [random.choice(np.flatnonzero(labels != label)) for label in labels]
    return np.stack([replace_border(film, films[other]) for film, other in zip(films, others, strict=True)])


def _ramp(start: float, end: float, soft: float) -> Weights:
    place = np.arange(INPUT_SIDE, dtype=np.float32) / (INPUT_SIDE - 1)
    ramp: Weights = np.clip(np.minimum(place - start, end - place) / soft + 0.5, 0, 1).astype(np.float32)
    return ramp
