"""Simulated frames: a film inside bars of one grey level, as in scans, screenshots and letterboxed exports."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Grey: TypeAlias = npt.NDArray[np.uint8]

COLOURS = {
    "white": (255, 255, 255, 255),
    "black": (0, 0, 0, 0),
    "grey": (128, 128, 128, 128),
    "dark grey": (64, 64, 64, 64),
    "light grey": (192, 192, 192, 192),
    "mixed": (255, 0, 128, 60),
}
"""Name -> grey levels of the bars at left, top, right and bottom."""

SHARES = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.20)
"""Depths of the bars, as shares of the film's side."""


def add_frame(film: Grey, share: float, colour: str) -> Grey:
    """The film `[H, W]` with bars around it; `share` of its width at left and right, of its height above and below."""
    rows, columns = (max(1, round(share * side)) for side in film.shape)
    left, top, right, bottom = COLOURS[colour]
    framed = np.pad(film, ((0, 0), (columns, columns)), constant_values=((0, 0), (left, right)))
    return np.pad(framed, ((rows, rows), (0, 0)), constant_values=((top, bottom), (0, 0)))
