"""Recognition of a photograph of a film or of a screen by what it shows around the film.

A photograph shows a lightbox, a bezel or a room around the film. This surface is even in a short distance but unevenly
lit, and edges of the film in it are tilted. The surroundings of a scan or of a digital shutter are of one level, also
if the film lies askew. The limits were chosen with `evaluation/photographs.py`, on training films and simulated
photographs of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from .greyscale import COLOUR_WARNING
from .model_input import as_image, display_levels, to_display, white_value
from .radiograph import Radiograph
from .straight_edges import REDUCED_SIDE, find_edges

Strip: TypeAlias = npt.NDArray[np.float32]
"""`[_STRIP, REDUCED_SIDE]`: one side of the reduced image in grey levels."""

_STRIP = 2
"""Depth in pixels of the reduced image of the strips at its sides: 1.25 % of it."""

_SAMPLES = 40
"""Number of samples along a strip."""

_CORE = slice(REDUCED_SIDE // 5, REDUCED_SIDE - REDUCED_SIDE // 5)
"""The middle 60 % of a strip, in whose halves its light is measured."""

MIN_LEVEL = 4.0
"""Grey level below which surroundings are the black of a digital shutter or of a page."""

MIN_NOISE = 0.05
"""Minimum mean difference of neighbouring pixels: a camera has noise, a bar that was drawn has none."""

MAX_SPREAD, MAX_RELATIVE_SPREAD = 25.0, 0.3
"""Maximum difference of the grey levels of one surface: a constant, and a share of its level for uneven light."""

MIN_SIDES = 3
"""Minimum number of sides at which the surroundings are visible."""

MIN_UNEVENNESS, MIN_UNEVENNESS_IN_COLOUR = 1.0, 1.5
"""Minimum difference of the levels of the surroundings. The lid of a scanner is lit evenly, and a bar is constant. The
second one suffices in a coloured image, whatever the edges."""

MIN_RELATIVE_UNEVENNESS = 0.025
"""The same as a share of their level, which counts where it is more: light differs in proportion."""

MIN_EDGES = 2
"""Minimum number of straight edges if the surroundings are not visible at all four sides."""

MIN_TILT, MIN_TILT_ALL_AROUND = 0.8, 0.4
"""Minimum tilt of an edge in degrees: a frame or a digital shutter has less. The second one is for surroundings that
are visible at all four sides, which few films have."""


def is_photograph(film: Radiograph) -> bool:
    """True for a film with the surroundings of a photograph, of which an edge is tilted or that is in colour.

    False for a photograph that shows nothing but the film: it is read as the film.
    """
    surroundings = _find_surroundings(_strips(film))
    if surroundings is None or not surroundings.is_uneven(MIN_UNEVENNESS):
        return False
    if COLOUR_WARNING in film.warnings and surroundings.is_uneven(MIN_UNEVENNESS_IN_COLOUR):
        return True
    image = as_image(to_display(film))
    reduced = image.resize((REDUCED_SIDE, REDUCED_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    edges = find_edges(np.asarray(reduced), surroundings.sides)
    tilts = [abs(edge.tilt) for edge in edges if edge is not None]
    if surroundings.sides.all():
        return max(tilts, default=0.0) > MIN_TILT_ALL_AROUND
    return len(tilts) >= MIN_EDGES and max(tilts) > MIN_TILT


@dataclass(frozen=True)
class _Surroundings:
    """The surface around a film. `sides` `[4]`: where it is visible (left, top, right, bottom).

    `level`: its usual grey level. `unevenness`: difference of the levels of its brightest and its darkest part.
    """

    sides: npt.NDArray[np.bool_]
    level: float
    unevenness: float

    def is_uneven(self, minimum: float) -> bool:
        return self.unevenness >= max(minimum, MIN_RELATIVE_UNEVENNESS * self.level)


def _strips(film: Radiograph) -> Iterator[Strip]:
    """The strips at left, top, right and bottom of the reduced image, each made when it is asked for.

    Only the pixels below a strip are read and converted to 8 bits.
    """
    height, width = film.pixels.shape
    across, down = width * _STRIP / REDUCED_SIDE, height * _STRIP / REDUCED_SIDE
    columns, rows = math.ceil(across), math.ceil(down)
    upright, level = (_STRIP, REDUCED_SIDE), (REDUCED_SIDE, _STRIP)
    white = white_value(film)
    for pixels, size, box in (
        (film.pixels[:, :columns], upright, (0.0, 0.0, across, height)),
        (film.pixels[:rows], level, (0.0, 0.0, width, down)),
        (film.pixels[:, width - columns :], upright, (columns - across, 0.0, columns, height)),
        (film.pixels[height - rows :], level, (0.0, rows - down, width, rows)),
    ):
        image = as_image(display_levels(pixels, white)).resize(size, Image.Resampling.BOX, box)
        strip = np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width).astype(np.float32)
        yield strip.T if size is upright else strip


def _find_surroundings(all_strips: Iterable[Strip]) -> _Surroundings | None:
    """The surface that most of the four strips show; None if they show the film, or a surface without light or noise.

    Most films are recognised by their first two strips; the others are then not asked for.
    """
    strips, levels = [], []
    for strip in all_strips:
        strips.append(strip)
        levels.append(_surface_level(strip))
        if levels.count(None) > 4 - MIN_SIDES:
            return None
    return _common_surface(np.stack(strips), np.array(levels, np.float32))


def _surface_level(strip: Strip) -> np.float32 | None:
    """The usual grey level of a strip that shows one surface with light; None for others."""
    samples = np.sort(strip.reshape(_STRIP, _SAMPLES, -1).mean(axis=(0, 2)))
    low, level, high = (samples[round(share * (_SAMPLES - 1))] for share in (0.1, 0.5, 0.9))
    return level if level > MIN_LEVEL and high - low < _max_spread(level) else None


def _common_surface(strips: npt.NDArray[np.float32], level: npt.NDArray[np.float32]) -> _Surroundings | None:
    """The surface of `strips` `[4, _STRIP, REDUCED_SIDE]` with their `level` `[4]`, NaN for a strip that shows none."""
    sides = np.isfinite(level)
    common = np.median(level[sides])
    sides &= np.abs(level - common) < _max_spread(common)
    noise = np.abs(np.diff(strips, axis=2)).mean(axis=(1, 2))[sides]
    if np.count_nonzero(sides) < MIN_SIDES or noise.mean() <= MIN_NOISE:
        return None
    # Medians, because a corner of a film that lies askew may reach into a strip.
    halves = np.median(strips.mean(axis=1)[:, _CORE].reshape(4, 2, -1), axis=2)[sides]
    return _Surroundings(sides, float(common), float(halves.max() - halves.min()))


def _max_spread(level: np.floating[Any]) -> np.floating[Any]:
    return MAX_SPREAD + MAX_RELATIVE_SPREAD * level
