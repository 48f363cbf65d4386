"""PIL image -> `Radiograph`: first frame, EXIF orientation applied, greyscale, original bit depth."""

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
"""Tags for the width and height of a tile. libtiff allocates a whole tile even if the image is smaller."""

_ORIENTATION = 274


def from_pil_image(picture: Image.Image, file_format: str) -> Radiograph:
    """Convert the first frame of an opened image; `file_format` becomes the `format` of the `Radiograph`.

    Raises `TooLarge`, `UnreadableImage`, or any exception that Pillow raises on damaged bytes.
    """
    check_pixel_count(*picture.size)
    warnings = []
    frames = decode_limits.count_frames(picture)
    if frames > 1:
        warnings.append(f"The file contains {frames} images; only the first was used.")
        picture.seek(0)
    tags: Mapping[int, Any] = getattr(picture, "tag_v2", {})
    check_pixel_count(*(tags.get(tag, 0) for tag in _TIFF_TILE))
    pixels, colour_warnings = _grey_pixels(_apply_orientation(picture))
    if pixels.dtype == np.uint16 and tags.get(_TIFF_PHOTOMETRIC) == 0:
        # Pillow inverts a TIFF with photometric interpretation 0 (WhiteIsZero) at 8 bits, but not at 16 bits.
        pixels = np.uint16(full_scale(pixels)) - pixels
    return Radiograph(pixels, file_format, (*warnings, *colour_warnings))


def _grey_pixels(picture: Image.Image) -> tuple[Pixels, tuple[str, ...]]:
    """(grey pixels `[H, W]` at the original bit depth, warnings); the warning is about lost colour."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16), ()
    if mode in {"I", "F"}:
        return to_uint16(np.asarray(picture)), ()
    if mode in {"1", "L"} and not picture.has_transparency_data:
        # An "L" image is used as it is: `convert` would copy it even though the mode does not change.
        return np.asarray(picture if mode == "L" else picture.convert("L")), ()
    return greyscale.to_grey(_composite_on_black(picture) if picture.has_transparency_data else picture.convert("RGB"))


def _apply_orientation(picture: Image.Image) -> Image.Image:
    """Apply the EXIF orientation. An upright image is returned without a copy, since a copy may be large."""
    picture.load()
    return ImageOps.exif_transpose(picture) if picture.getexif().get(_ORIENTATION, 1) != 1 else picture


def _composite_on_black(picture: Image.Image) -> Image.Image:
    """Composite on black, so that a transparent border does not become a white frame; returns RGB."""
    opaque = Image.new("RGB", picture.size)
    for rows in row_slices(picture.height, picture.width):
        strip = picture.crop((0, rows.start, picture.width, rows.stop)).convert("RGBA")
        opaque.paste(Image.alpha_composite(Image.new("RGBA", strip.size, "black"), strip), (0, rows.start))
    return opaque
