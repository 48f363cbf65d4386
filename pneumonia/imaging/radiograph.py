"""A film in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Radiograph:
    """One film as it was stored, in grey, upright, bright where the body absorbs.

    `pixels` is `[H, W]` in the film's own depth, uint8 or uint16. `format`, `warnings` and whether the file calls the
    film lateral or one of another part of the body are all that is kept of the source: never a name, a date or any
    other tag of a patient.
    """

    pixels: Pixels
    format: str
    warnings: tuple[str, ...] = ()
    is_lateral: bool = False
    is_other_body_part: bool = False

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])
