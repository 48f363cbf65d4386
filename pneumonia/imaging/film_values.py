"""The `FilmValues` class: the values of a film before window and VOI LUT, as a viewer needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from .intensity import DEPTHS
from .radiograph import Radiograph
from .sides import turn_pixels

MAX_BITS = 16
MAX_LEVELS = 2**MAX_BITS - 1
"""Maximum range of values that are passed on as they are: 16 bits, less one code for pixels outside the film."""


class ValueKind(Enum):
    """What the values of `FilmValues` are."""

    STORED = "stored"
    """The values in the file."""
    GREY_OF_COLOUR = "grey of colour"
    """Grey levels to which a colour image was converted."""
    SCALED = "scaled"
    """Values of more than 16 bits or with fractions, scaled to 16 bits."""


@dataclass(frozen=True)
class FilmValues:
    """The values of a film, upright, before any window.

    `film` is the film as every other part of this package reads it. `values` is `[H, W]`, integers, in the same
    orientation; high values may be dark (MONOCHROME1). `bits` is the depth that the file declares, or that the values
    use. `padding` is true outside the film, None if the file has no padding. `rescale` is (slope, intercept) of the
    modality transform, None without one or if it is a table. `spacing` is the distance between two rows and two
    columns in mm at the detector, None if it is not known.
    """

    film: Radiograph
    values: npt.NDArray[Any]
    bits: int
    kind: ValueKind = ValueKind.STORED
    padding: npt.NDArray[np.bool_] | None = None
    rescale: tuple[float, float] | None = None
    spacing: tuple[float, float] | None = None

    def upright(self) -> FilmValues:
        """The values after the rotation that the header of the film declares; see `Radiograph.upright`."""
        if self.film.turn is None:
            return self
        quarters = self.film.turn.quarters
        is_sideways = quarters % 2 == 1
        return replace(
            self,
            film=self.film.upright(),
            values=turn_pixels(self.values, quarters),
            padding=None if self.padding is None else turn_pixels(self.padding, quarters),
            spacing=(self.spacing[1], self.spacing[0]) if self.spacing and is_sideways else self.spacing,
        )


def of_radiograph(film: Radiograph, kind: ValueKind = ValueKind.STORED) -> FilmValues:
    """The values of a film whose pixels are the values of its file, or the only ones that exist at 16 bits."""
    return FilmValues(film, film.pixels, _depth(int(film.pixels.max())) if film.pixels.dtype != np.uint8 else 8, kind)


def of_conversions(film: Radiograph, conversions: Sequence[tuple[npt.NDArray[Any], npt.NDArray[Any]]]) -> FilmValues:
    """The values of a film deeper than 8 bits, from the conversions of `to_uint16` that its pixels are a result of.

    They are those of the file if the pixels were not changed after the conversion, or not by the conversion.
    """
    if film.pixels.dtype == np.uint8 or not conversions:
        return of_radiograph(film)
    values, pixels = conversions[-1]
    if pixels is film.pixels and fits(values):
        return FilmValues(film, values, _depth(int(values.max())))
    is_unchanged = values.dtype.kind in "iu" and all(np.array_equal(*conversion) for conversion in conversions)
    return of_radiograph(film, ValueKind.STORED if is_unchanged else ValueKind.SCALED)


def _depth(largest: int) -> int:
    """Bits of the detector depth that holds the largest value."""
    return next((bits for bits in DEPTHS if largest < 2**bits), MAX_BITS)


def fits(values: npt.NDArray[Any]) -> bool:
    """True if `values` are integers whose range is at most `MAX_LEVELS`."""
    return values.dtype.kind in "iu" and int(values.max()) - int(values.min()) < MAX_LEVELS
