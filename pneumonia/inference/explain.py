"""The map of a film: overlay on the film, and share of the map in each lung zone.

What the map is depends on the served graph:

* With a lung field: the evidence that was added up. The network's score is computed from what lies inside the
  lung field, and the map has the contribution of each position to the logit (gradient times feature, positive part); it
  is 0 outside that field by construction. See `learning.lung_head`.
* Without one: Grad-CAM of the last convolution (Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
  Gradient-based Localization", ICCV 2017, https://arxiv.org/abs/1610.02391): the feature maps, weighted by the mean
  gradient of the logit with respect to each. It shows which image regions raised the score, and does not prove that the
  network used the lungs.

Neither localises disease: each position has a receptive field, and evidence may lie beside a lesion.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

from ..imaging import INPUT_SIDE, WHOLE, Area
from . import lung_zones
from .graph import Activation, LungField

RIGHT_LUNG, LEFT_LUNG = (0.12, 0.45), (0.55, 0.88)
"""Left and right limits of each lung box as fractions of the film's width, for graphs without a lung field. The
patient's right lung is on the left of the image. The boxes enclose the lung fields of the class average of the normal
training films."""

LUNG_HEIGHT = (0.15, 0.82)
"""Upper and lower limits of the lung boxes as fractions of the film's height, from the apices to the domes of the
diaphragm. Each zone is a third of this range."""

ZONES = ("right_upper", "right_middle", "right_lower", "left_upper", "left_middle", "left_lower")

MIN_LUNG_SHARE = 0.5
"""Minimum fraction of the activation inside both lungs together; below it no zone is named in words."""

OUTLINE_SHARE = 250
"""Short side of a film in widths of the lung outline's line."""

OUTLINE_COLOUR = (120, 200, 255)
"""Light blue, which does not occur in the colour map."""

_OUTLINE_INDEX, _OUTLINE_OPACITY = 1, 200
"""Palette entry of the outline in a map layer, in place of a strength that is invisible, and its opacity of 255."""

_COLOUR_MAP = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]], np.float32)
"""Five steps of the inferno colour map; its lightness rises evenly, which keeps it readable in greyscale and
for colour-blind readers."""


def zone_shares(activation: Activation, lung_field: LungField | None = None) -> dict[str, float]:
    """The fraction of the positive activation in each of the six lung zones, from a map `[h, w]`.

    With a lung field `[h, w]` the zones are those of the film's own lungs, see `lung_zones`; without one, or if it does
    not show two lungs, they are fixed boxes. Activation outside the zones is not counted, so the sum is at most 1. All
    values are 0 for an empty map. Sides are those of an image whose left is the patient's right; see `zone_names`.
    """
    positive = np.maximum(activation.ravel(), 0.0, dtype=np.float64)
    weights = None if lung_field is None else lung_zones.zone_weights(lung_field)
    if weights is None:
        weights = _zone_weights(*activation.shape)
    zone_sums, total = (weights @ positive).tolist(), float(positive.sum())
    return {zone: zone_sum / max(total, 1e-12) for zone, zone_sum in zip(ZONES, zone_sums, strict=True)}


def strongest_zone(shares: dict[str, float]) -> str | None:
    """The zone with the largest share, such as "right lower"; None if the sum is below `MIN_LUNG_SHARE`."""
    if sum(shares.values()) < MIN_LUNG_SHARE:
        return None
    return max(shares, key=lambda zone: shares[zone]).replace("_", " ")


def overlay(
    film: npt.NDArray[np.uint8],
    activation: Activation,
    opacity: float = 0.45,
    area: Area = WHOLE,
    lung_field: LungField | None = None,
) -> Image.Image:
    """Draw the map over the film `[H, W]` (uint8); returns an RGB image of the film's size.

    `area` is the part of the film from which the model input was made; the map covers it, and nothing else. The opacity
    of the map is proportional to its value: `opacity` at its maximum, 0 where it is 0. With a lung field, its edge is
    drawn as a thin line.
    """
    size = (film.shape[1], film.shape[0])
    strength = _relative_strength(activation, size, area)
    mask = strength.point([round(opacity * level) for level in range(256)])
    image = Image.composite(_colourise(strength).convert("RGB"), Image.fromarray(film).convert("RGB"), mask)
    if lung_field is not None:
        image.paste(
            OUTLINE_COLOUR, mask=lung_outline(lung_field, size, area).point([level // 2 for level in range(256)])
        )
    return image


def map_layer(
    activation: Activation, size: tuple[int, int], area: Area = WHOLE, lung_field: LungField | None = None
) -> Image.Image:
    """Draw the map alone, at the film's `size` (width, height): transparent where it is 0, opaque at its maximum.

    `area` is the part of the film from which the model input was made; the map covers it, and nothing else.

    Drawn over the film with some opacity it equals `overlay` with that opacity. The image has a palette of one byte per
    pixel, since colour and opacity are both functions of the strength. With a lung field, its edge is
    drawn as a thin line.
    """
    strength = _relative_strength(activation, size, area)
    if lung_field is not None:
        strength = strength.point([0 if level == _OUTLINE_INDEX else level for level in range(256)])
    image = _colourise(strength)
    opacities = bytearray(range(256))
    if lung_field is not None:
        palette = image.getpalette() or []
        palette[3 * _OUTLINE_INDEX : 3 * _OUTLINE_INDEX + 3] = OUTLINE_COLOUR
        image.putpalette(palette)
        opacities[_OUTLINE_INDEX] = _OUTLINE_OPACITY
        image.paste(_OUTLINE_INDEX, mask=lung_outline(lung_field, size, area))
    image.info["transparency"] = bytes(opacities)
    return image


def lung_outline(lung_field: LungField, size: tuple[int, int], area: Area = WHOLE) -> Image.Image:
    """The edge of the lung field `[h, w]` at the film's `size` (width, height): "L", 255 on the edge, 0 elsewhere.

    `area` is the part of the film from which the model input was made.
    """
    inside = enlarge(lung_field, size, area).point([255 * (level >= 255 * lung_zones.INSIDE) for level in range(256)])
    width = 2 * round(min(size) / OUTLINE_SHARE / 2) + 1
    return ImageChops.difference(inside, inside.filter(ImageFilter.MinFilter(max(width, 3))))


def _relative_strength(activation: Activation, size: tuple[int, int], area: Area) -> Image.Image:
    """The positive part of the map relative to its maximum, 8 bits, resized to `area` of `size` (width, height)."""
    maximum = float(activation.max())
    relative = (np.maximum(activation, 0) / max(maximum, 1e-30)).astype(np.float32)
    return enlarge(relative, size, area)


def enlarge(relative: npt.NDArray[np.float32], size: tuple[int, int], area: Area) -> Image.Image:
    """Values in 0..1 `[h, w]` as 8 bits, resized to `area` of `size` (width, height); 0 outside it."""
    left, top, right, bottom = area.box(*size)
    inner_size = max(1, right - left), max(1, bottom - top)
    values, box = _covering_the_input(relative.astype(np.float32))
    enlarged = Image.fromarray(values).resize(inner_size, Image.Resampling.BICUBIC, box=box)
    strength = Image.fromarray(np.rint(np.asarray(enlarged).clip(0, 1) * 255).astype(np.uint8))
    if area == WHOLE:
        return strength
    padded = Image.new("L", size)
    padded.paste(strength, (left, top))
    return padded


def _covering_the_input(
    values: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], tuple[float, float, float, float]]:
    """Values with one more row and column, equal to the last ones, and the box of them that covers the model input.

    A position of the map covers a whole number of pixels. The network drops the pixels of the last incomplete position:
    12 positions of 12 pixels cover 144 of 150. A map stretched over the whole film would be shifted by up to 4 %.
    """
    height, width = values.shape
    rows, columns = (INPUT_SIDE / (INPUT_SIDE // positions) for positions in (height, width))
    if rows > height + 1 or columns > width + 1:
        return values, (0, 0, width, height)
    return np.pad(values, ((0, 1), (0, 1)), mode="edge"), (0, 0, columns, rows)


def _colourise(strength: Image.Image) -> Image.Image:
    """The 8-bit strengths as a palette image with the interpolated colours of `_COLOUR_MAP`."""
    steps = np.linspace(0, 1, len(_COLOUR_MAP))
    colours = np.stack([np.interp(np.arange(256) / 255, steps, channel) for channel in _COLOUR_MAP.T], axis=-1)
    image = strength.copy()
    image.putpalette(np.rint(colours).astype(np.uint8).tobytes())
    return image


@lru_cache(maxsize=8)
def _zone_weights(height: int, width: int) -> npt.NDArray[np.float64]:
    """`[6, h * w]`: the fraction of each map cell that lies in each of the six zones."""
    top, bottom = LUNG_HEIGHT
    edges = np.linspace(top, bottom, 4)
    rows = [_overlap(height, low, high) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    columns = [_overlap(width, *lung) for lung in (RIGHT_LUNG, LEFT_LUNG)]
    zones = [np.outer(row, column).ravel() for column in columns for row in rows]
    return np.stack(zones)


def _overlap(cells: int, low: float, high: float) -> npt.NDArray[np.float64]:
    """`[cells]`: the fraction of each of `cells` equal intervals of 0..1 that lies in `low`..`high`."""
    edges = np.arange(cells + 1) / cells
    overlap: npt.NDArray[np.float64] = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.clip(overlap, 0, None) * cells
