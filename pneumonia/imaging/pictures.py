"""A picture that Pillow opened -> `Radiograph`: the first frame, upright, grey, in its own depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from . import decode_limits, greyscale
from .decoding import check_pixel_count
from .intensity import row_slices, to_uint16
from .model_input import full_scale
from .radiograph import Pixels, Radiograph

_TIFF_PHOTOMETRIC = 262
_TIFF_TILE = (322, 323)
"""Width and height of a TIFF's tiles: libtiff makes room for a whole one, however small the picture."""

_ORIENTATION = 274


def from_picture(picture: Image.Image, file_format: str) -> Radiograph:
    """Convert the first frame of an opened image; `file_format` becomes the format of the `Radiograph`.

    Raises `TooLarge` and `UnreadableImage`, and whatever Pillow raises on damaged bytes.
    """
    check_pixel_count(*picture.size)
    warnings = []
    frames = decode_limits.count_frames(picture)
    if frames > 1:
        warnings.append(f"The file holds {frames} pictures; only the first was used.")
        picture.seek(0)
    tags: Mapping[int, Any] = getattr(picture, "tag_v2", {})
    check_pixel_count(*(tags.get(side, 0) for side in _TIFF_TILE))
    pixels, colour_warnings = _grey_pixels(_apply_orientation(picture))
    if pixels.dtype == np.uint16 and tags.get(_TIFF_PHOTOMETRIC) == 0:
        # Pillow turns a TIFF in which zero is white for 8 bits, but not for 16.
        pixels = np.uint16(full_scale(pixels)) - pixels
    return Radiograph(pixels, file_format, (*warnings, *colour_warnings))


def _grey_pixels(picture: Image.Image) -> tuple[Pixels, tuple[str, ...]]:
    """`[H, W]` grey pixels in the picture's own depth, and a note where colour was lost on the way."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16), ()
    if mode in {"I", "F"}:
        return to_uint16(np.asarray(picture)), ()
    if mode in {"1", "L"} and not picture.has_transparency_data:
        # Also `convert` to its own mode makes a copy.
        return np.asarray(picture if mode == "L" else picture.convert("L")), ()
    return greyscale.to_grey(_composite_on_black(picture) if picture.has_transparency_data else picture.convert("RGB"))


def _apply_orientation(picture: Image.Image) -> Image.Image:
    """The picture as its EXIF says that it is to be seen; itself where it lies so, since a copy may be large."""
    picture.load()
    return ImageOps.exif_transpose(picture) if picture.getexif().get(_ORIENTATION, 1) != 1 else picture


def _composite_on_black(picture: Image.Image) -> Image.Image:
    """RGB: a film lies on black; a transparent border must not become a white frame."""
    opaque = Image.new("RGB", picture.size)
    for rows in row_slices(picture.height, picture.width):
        part = picture.crop((0, rows.start, picture.width, rows.stop)).convert("RGBA")
        opaque.paste(Image.alpha_composite(Image.new("RGBA", part.size, "black"), part), (0, rows.start))
    return opaque
