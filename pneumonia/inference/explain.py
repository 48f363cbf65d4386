"""Where the network looked: the activation map over the film, and its share in each lung zone.

The map is Grad-CAM (Selvaraju et al. 2017) of the last convolution, computed inside the served graph. It shows what
moved the score, not where disease is: it is no proof that the network read the lungs.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from .graph import Activation

RIGHT_LUNG, LEFT_LUNG = (0.12, 0.45), (0.55, 0.88)
"""From left to right, as shares of the film's width: the patient's right lung lies at the image's left. The boxes hold
the lung fields of the class average of the normal training films."""

LUNG_HEIGHT = (0.15, 0.82)
"""From the apices to the domes of the diaphragm, as shares of the film's height; cut into thirds."""

ZONES = ("right_upper", "right_middle", "right_lower", "left_upper", "left_middle", "left_lower")

MIN_NAMED_SHARE = 0.5
"""Where less than this share of the activation lies inside both lungs, no zone is named in words."""

_COLOUR_MAP = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]], np.float32)
"""Five steps of the inferno map: even in lightness, so that it also reads in grey and for colour-blind users."""


def zone_shares(activation: Activation) -> dict[str, float]:
    """The share of the positive activation in each of the six lung zones; outside the boxes it is not counted.

    All shares are 0 where the map is empty.
    """
    positive = np.maximum(activation.ravel(), 0.0, dtype=np.float64)
    *zone_sums, total = (_zone_weights(*activation.shape) @ positive).tolist()
    return {zone: zone_sum / max(total, 1e-12) for zone, zone_sum in zip(ZONES, zone_sums, strict=True)}


def strongest_zone(shares: dict[str, float]) -> str | None:
    """The zone to name in words, such as "right lower"; None where too little of the map lies inside the lungs."""
    if sum(shares.values()) < MIN_NAMED_SHARE:
        return None
    return max(shares, key=lambda zone: shares[zone]).replace("_", " ")


def overlay(film: npt.NDArray[np.uint8], activation: Activation, opacity: float = 0.45) -> Image.Image:
    """The film `[H, W]` in grey with the map over it, `opacity` at its strongest place and clear where it is 0."""
    size = (film.shape[1], film.shape[0])
    strength = _relative_strength(activation, size)
    share = strength.point([round(opacity * level) for level in range(256)])
    return Image.composite(_colourise(strength).convert("RGB"), Image.fromarray(film).convert("RGB"), share)


def map_layer(activation: Activation, size: tuple[int, int]) -> Image.Image:
    """The map alone, to lie over a film of `size` (width, height): clear where it is 0, opaque where it is strongest.

    Shown at some opacity over the film it is `overlay` of that opacity. One byte a pixel, since colour and opacity both
    follow from the strength.
    """
    image = _colourise(_relative_strength(activation, size))
    image.info["transparency"] = bytes(range(256))
    return image


def _relative_strength(activation: Activation, size: tuple[int, int]) -> Image.Image:
    """The positive map as shares of its strongest place, in 8 bits, enlarged to `size` (width, height)."""
    strongest = float(activation.max())
    relative = np.maximum(activation, 0) / strongest if strongest > 0 else np.zeros_like(activation)
    enlarged = Image.fromarray(relative.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    return Image.fromarray(np.rint(np.asarray(enlarged).clip(0, 1) * 255).astype(np.uint8))


def _colourise(strength: Image.Image) -> Image.Image:
    """The 256 strengths in the colours of `_HEAT`, as a picture with a palette."""
    steps = np.linspace(0, 1, len(_COLOUR_MAP))
    colours = np.stack([np.interp(np.arange(256) / 255, steps, channel) for channel in _COLOUR_MAP.T], axis=-1)
    image = strength.copy()
    image.putpalette(np.rint(colours).astype(np.uint8).tobytes())
    return image


@lru_cache(maxsize=8)
def _zone_weights(height: int, width: int) -> npt.NDArray[np.float64]:
    """How much of each cell of a map lies in each zone, and in the film: `[7, h * w]`."""
    top, bottom = LUNG_HEIGHT
    edges = np.linspace(top, bottom, 4)
    rows = [_overlap(height, low, high) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    columns = [_overlap(width, *lung) for lung in (RIGHT_LUNG, LEFT_LUNG)]
    zones = [np.outer(row, column).ravel() for column in columns for row in rows]
    return np.stack([*zones, np.ones(height * width)])


def _overlap(cells: int, low: float, high: float) -> npt.NDArray[np.float64]:
    """The part of each of `cells` equal cells of 0..1 that lies in `low`..`high`."""
    edges = np.arange(cells + 1) / cells
    overlap: npt.NDArray[np.float64] = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.clip(overlap, 0, None) * cells
