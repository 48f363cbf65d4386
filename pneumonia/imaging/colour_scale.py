"""Films in the colours of a colour scale: `matplotlib.pyplot.imsave` shows dark to bright as violet to yellow by
default.

The luma of such colours is another function of the grey level than the film: the middle of a scale is darker or
brighter than the middle of black and white. The colours lie on one curve, and their order along it is the grey level.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MIN_COLOURS, MAX_COLOURS = 64, 256
"""Number of different colours of a film in a colour scale; with fewer, their order does not give the grey levels."""

MAX_STEP = 16
"""Largest difference of two neighbouring colours of the scale in a channel. Those of matplotlib and OpenCV that become
brighter all along have at most 5 with 256 colours."""

_SAMPLE_PIXELS = 50_000
_LUMA = np.array([0.299, 0.587, 0.114])


def levels(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
    """Grey levels `[H, W]` of an image `[H, W, 3]` in a colour scale that becomes brighter all along; None for others.

    The darkest colour becomes 0, the brightest 255.
    """
    codes = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    step = max(1, codes.size // _SAMPLE_PIXELS)
    if len(np.unique(codes.ravel()[::step])) > MAX_COLOURS:
        return None
    colours, index = np.unique(codes, return_inverse=True)
    if not MIN_COLOURS <= len(colours) <= MAX_COLOURS:
        return None
    channels = np.stack([colours >> 16, colours >> 8 & 0xFF, colours & 0xFF], axis=1).astype(np.int32)
    order = np.argsort(channels @ _LUMA)
    if np.abs(np.diff(channels[order], axis=0)).max() > MAX_STEP:
        return None
    ranks = np.empty(len(colours), np.uint8)
    ranks[order] = np.rint(np.linspace(0, 255, len(colours)))
    return ranks[index].reshape(codes.shape)
