"""The `Radiograph` class: one decoded film in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .area import WHOLE, Area
from .sides import (
    ROTATED_WARNING,
    SIDES_FROM_HEADER_WARNING,
    SIDES_UNKNOWN_WARNING,
    DeclaredTurn,
    Sides,
    turn_area,
    turn_pixels,
)

MAX_ASPECT = 3.5
"""Longest side of a film as a multiple of the shorter one. The widest of 4,724 films of children (lung_masks/masks.csv)
has 3.27; a sixth of a film's height has 6."""

Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Radiograph:
    """One film in greyscale, upright, with bone bright and air dark.

    `pixels` is `[H, W]`, uint8 or uint16, at the bit depth of the source. `format` is the file format (a name that
    `detect_format` returns), Pillow's format name for a PIL image ("image" if it has none), or "array". `warnings` are
    sentences for the user. `is_lateral` and `is_other_body_part` are true if the DICOM header declares a lateral view
    or a body part other than the chest. `area` is the part of `pixels` inside a uniform frame, found by
    `frame.find_area`: only this part becomes the model input. Before it is searched, None or the part without declared
    padding. `age_years` is the patient's
    age according to a DICOM header, None if it is not known; it only selects the model, and is not
    part of the representation. `sides` says which side of the patient the left of `pixels` shows. `turn` is the
    rotation that makes the film upright according to a DICOM header, None if it declares none. Nothing else of the
    source is stored: no name, no date and no other patient tag.
    """

    pixels: Pixels
    format: str
    warnings: tuple[str, ...] = ()
    is_lateral: bool = False
    is_other_body_part: bool = False
    area: Area | None = None
    age_years: float | None = field(default=None, repr=False)
    sides: Sides = Sides.ASSUMED
    turn: DeclaredTurn | None = None

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def is_strip(self) -> bool:
        """True if the film, without its frame, is longer than any whole film. The model input hides that."""
        return self.aspect > MAX_ASPECT

    @property
    def aspect(self) -> float:
        """Longer side of the film, without its frame, as a multiple of the shorter one."""
        left, top, right, bottom = (self.area or WHOLE).box(self.width, self.height)
        shorter, longer = sorted((right - left, bottom - top))
        return longer / max(1, shorter)

    def upright(self) -> Radiograph:
        """The film after the rotation that its header declares, with warnings; the film itself without one."""
        if self.turn is None:
            return self
        quarters, sides = self.turn.quarters, self.turn.sides
        mirrored = (SIDES_FROM_HEADER_WARNING,) if sides is Sides.MIRRORED else ()
        return replace(
            self,
            pixels=turn_pixels(self.pixels, quarters),
            area=None if self.area is None else turn_area(self.area, quarters),
            sides=sides,
            turn=None,
            warnings=(*self.warnings, ROTATED_WARNING, *mirrored),
        )

    def with_unknown_sides(self) -> Radiograph:
        """The film whose header is contradicted by its content: it is not rotated, and no side is named."""
        return replace(self, sides=Sides.UNKNOWN, turn=None, warnings=(*self.warnings, SIDES_UNKNOWN_WARNING))
