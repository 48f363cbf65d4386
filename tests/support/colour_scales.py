"""Colour scales of plotting programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Colours: TypeAlias = npt.NDArray[np.uint8]

STOPS = {
    "violet to yellow": [(68, 1, 84), (49, 104, 142), (53, 183, 121), (253, 231, 37)],
    "black to white over red": [(0, 0, 0), (200, 0, 0), (255, 160, 0), (255, 255, 255)],
    "blue to yellow": [(0, 34, 78), (124, 123, 120), (254, 232, 56)],
}
"""Colours at equal distances on the default scales of plotting programs."""


def scale(stops: Sequence[tuple[int, int, int]]) -> Colours:
    """256 colours `[256, 3]` from dark to bright."""
    positions = np.linspace(0, 255, len(stops))
    channels = [np.interp(np.arange(256), positions, channel) for channel in zip(*stops, strict=True)]
    colours: Colours = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    return colours
