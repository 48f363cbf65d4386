"""Draws the map of a film: over the film, or alone as a transparent layer of the film's size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

from ..imaging import INPUT_SIDE, WHOLE, Area
from . import lung_zones
from .graph import Activation, LungField

OUTLINE_WIDTHS_PER_SIDE = 250
"""Short side of a film, in widths of the line around the lungs."""

OUTLINE_COLOUR = (120, 200, 255)
"""Light blue, which does not occur in the colour map."""

_OUTLINE_INDEX, _OUTLINE_OPACITY = 1, 200
"""Palette entry of the outline in a map layer, in place of a strength that is invisible, and its opacity of 255."""

_COLOUR_MAP = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]], np.float32)
"""Five steps of the inferno colour map; its lightness rises evenly, which keeps it readable in greyscale and
for colour-blind readers."""


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
    pixel, since colour and opacity are both functions of the strength. With a lung field, its
    edge is drawn as a thin line.
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
    width = 2 * round(min(size) / OUTLINE_WIDTHS_PER_SIDE / 2) + 1
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
    values, box = _cover_input(relative.astype(np.float32))
    enlarged = Image.fromarray(values).resize(inner_size, Image.Resampling.BICUBIC, box=box)
    strength = Image.fromarray(np.rint(np.asarray(enlarged).clip(0, 1) * 255).astype(np.uint8))
    if area == WHOLE:
        return strength
    padded = Image.new("L", size)
    padded.paste(strength, (left, top))
    return padded


def _cover_input(
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
