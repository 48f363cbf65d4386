"""Recognition of false colours: a film in a colour scale, or below a heat map.

The luma of false colours does not follow the grey levels of the film: in a rainbow scale, the middle is the brightest.
A tint has one hue; false colours have many. A letter, an arrow or a mask in colour covers little of a film.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..messages import message
from .radiograph import Radiograph

FALSE_COLOUR_WARNING = message("The colours of the image are not those of a film, so its grey levels are not known.")

MIN_SPREAD = 40
"""Minimum difference between the channels of a pixel with a hue, in 8-bit levels."""

MIN_SHARE = 0.2
"""Minimum share of such pixels in an image in false colours."""

MAX_RESULTANT = 0.9
"""Maximum length of the mean of their hues as unit vectors: 1 for one hue, 0 for all hues alike. Tints and photographs
have 1.00, scales of few hues that become brighter all along .93 to .96 (hot, pink), all others at most .88."""


def are_false(pixels: npt.NDArray[Any]) -> bool:
    """True if most hues of `[H, W, 3]` pixels of 0 to 255 differ, and enough pixels have a hue."""
    pixels = pixels.astype(np.float64)
    has_hue = pixels.max(axis=2) - pixels.min(axis=2) > MIN_SPREAD
    if has_hue.mean() < MIN_SHARE:
        return False
    red, green, blue = (pixels[:, :, channel][has_hue] for channel in range(3))
    hues = (red - (green + blue) / 2) + 1j * np.sqrt(3) / 2 * (green - blue)
    return bool(abs(np.mean(hues / np.abs(hues))) < MAX_RESULTANT)


def has_false_colours(film: Radiograph) -> bool:
    """True if the film was an image in false colours."""
    return FALSE_COLOUR_WARNING in film.warnings
