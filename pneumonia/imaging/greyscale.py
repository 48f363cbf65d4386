"""Conversion of colour images to greyscale, for image files and DICOM: films are often saved as colour images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..messages import message
from . import colour_scale, false_colours
from .edge_runs import reached_from_edges
from .intensity import row_slices

COLOUR_TOLERANCE = 12
"""Maximum difference between the channels of a grey image, in 8-bit levels at the 99th percentile of the pixels. The
chroma error of a grey film saved as a colour JPEG stays below it."""

COLOUR_WARNING = message("The image is in colour; it was converted to greyscale.")

_LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601), as in Pillow."""


def to_grey(picture: Image.Image) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """(grey pixels `[H, W]` of an RGB image, warnings): `COLOUR_WARNING` if the image was in colour, and
    `FALSE_COLOUR_WARNING` if its colours are false ones.

    A film in the colours of a colour scale, as plotting programs save it, gets the grey levels before the scale.
    """
    warnings = _colour_warnings(picture)
    levels = colour_scale.levels(np.asarray(picture)) if warnings else None
    return (np.asarray(picture.convert("L")), warnings) if levels is None else (levels, (COLOUR_WARNING,))


def channels_to_grey(channels: Sequence[npt.NDArray[Any]]) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Red, green and blue `[H, W]` of any numeric type -> (grey of the same type, or float64; warnings).

    No bits are lost: a film with equal channels keeps its values. The warnings are those of `to_grey`, by the same
    rules after a scale of the brightest value to 255.
    """
    first = channels[0]
    is_integer = first.dtype.kind in "iu"
    grey = np.empty(first.shape, first.dtype if is_integer else np.float64)
    for rows in row_slices(*first.shape):
        luma = sum(weight * channel[rows].astype(np.float64) for weight, channel in zip(_LUMA, channels, strict=True))
        grey[rows] = np.rint(luma) if is_integer else luma
    return grey, _colour_warnings_of_channels(channels)


def apply_alpha(grey: npt.NDArray[Any], alpha: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Composite `[H, W]` on black, so that a transparent border does not become a white frame.

    An alpha channel with one value everywhere shows no part of the film more than another; it is ignored, since many
    writers leave it at 0. The largest value counts as opaque: a 12-bit film in 16 bits may have 4095.
    """
    low, high = alpha.min(), alpha.max()
    if not low < high:
        return grey
    result = np.empty_like(grey)
    for rows in row_slices(*grey.shape):
        block = grey[rows] * (alpha[rows].astype(np.float64) / float(high))
        result[rows] = np.rint(block) if grey.dtype.kind in "iu" else block
    return result


def flatten(picture: Image.Image) -> Image.Image:
    """Composite an image with alpha or a transparent colour on black, by the rule of `apply_alpha`; returns RGB.

    A transparent colour is black only between the film and an edge of the image: a film has pixels of any grey value.
    """
    has_alpha = picture.mode in {"RGBA", "LA", "PA"}
    picture = picture.convert("RGBA")
    if not has_alpha:
        picture.putalpha(_key_alpha(picture))
    low, high = picture.getchannel("A").getextrema()
    if low == high:
        return picture.convert("RGB")
    opaque = Image.new("RGB", picture.size)
    for rows in row_slices(picture.height, picture.width):
        strip = picture.crop((0, rows.start, picture.width, rows.stop))
        opaque.paste(Image.alpha_composite(Image.new("RGBA", strip.size, "black"), strip), (0, rows.start))
    return opaque


def _key_alpha(picture: Image.Image) -> Image.Image:
    """The alpha channel of an RGBA image whose transparent pixels all have one colour, opaque inside the film."""
    alpha = np.asarray(picture.getchannel("A"))
    is_inside = (alpha == 0) & ~reached_from_edges(alpha == 0)
    return Image.fromarray(np.where(is_inside, np.uint8(255), alpha))


def _colour_warnings_of_channels(channels: Sequence[npt.NDArray[Any]]) -> tuple[str, ...]:
    """`_colour_warnings` for channels of any depth, after a scale of the brightest value to 255."""
    brightest = max(float(channel.max()) for channel in channels)
    if not 0 < brightest < np.inf:
        return ()
    height, width = channels[0].shape
    picture = Image.new("RGB", (width, height))
    for rows in row_slices(height, width):
        block = [np.clip(channel[rows] * (255 / brightest), 0, 255).astype(np.uint8) for channel in channels]
        picture.paste(Image.fromarray(np.stack(block, axis=2)), (0, rows.start))
    return _colour_warnings(picture)


def _colour_warnings(picture: Image.Image) -> tuple[str, ...]:
    sample = np.asarray(picture.resize((64, 64), Image.Resampling.BOX, reducing_gap=2.0)).astype(np.int16)
    # By channel: numpy takes ten times as long along an axis of three. Most images are grey, without any spread.
    red, green, blue = np.moveaxis(sample, 2, 0)
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    if spread.max() <= COLOUR_TOLERANCE or np.percentile(spread, 99) <= COLOUR_TOLERANCE:
        return ()
    is_false = false_colours.are_false(sample)
    return (COLOUR_WARNING, false_colours.FALSE_COLOUR_WARNING) if is_false else (COLOUR_WARNING,)
