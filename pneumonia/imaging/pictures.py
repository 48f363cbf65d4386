"""PIL image -> `Radiograph`: first frame, EXIF orientation applied, greyscale, original bit depth."""

from __future__ import annotations

import numpy as np
from PIL import Image

from . import greyscale, image_files
from .decoding import check_pixel_count, translate_decoder_errors
from .intensity import full_scale, row_slices, to_uint16
from .radiograph import Pixels, Radiograph

_TIFF_PHOTOMETRIC = 262
_TIFF_TILE = (322, 323)
"""Tags for the width and height of a tile. libtiff allocates a whole tile even if the image is smaller."""

_ORIENTATION = 274
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> operation that makes the image upright (Exif 2.32, 4.6.4, tag Orientation)."""


def from_pil_image(picture: Image.Image, file_format: str) -> Radiograph:
    """Convert the first frame of an opened image; `file_format` becomes the `format` of the `Radiograph`.

    Raises `TooLarge` or `UnreadableImage`, and `MemoryError` if the image does not fit into memory.
    """
    check_pixel_count(*picture.size)
    warnings = []
    frames = image_files.count_frames(picture)
    if frames > 1:
        warnings.append(f"The file contains {frames} images; only the first was used.")
        with translate_decoder_errors("image"):
            picture.seek(0)
    check_pixel_count(*_tile_size(picture))
    is_white_zero = _is_white_zero(picture)
    pixels, colour_warnings = _grey_pixels(picture)
    if pixels.dtype == np.uint16 and is_white_zero:
        # Pillow inverts a TIFF with photometric interpretation 0 (WhiteIsZero) at 8 bits, but not at 16 bits.
        pixels = np.uint16(full_scale(pixels)) - pixels
    return Radiograph(pixels, file_format, (*warnings, *colour_warnings))


def _tile_size(picture: Image.Image) -> tuple[int, int]:
    """(width, height) of a tile of a TIFF; zeros for an image without tiles."""
    with translate_decoder_errors("image"):
        tags = getattr(picture, "tag_v2", {})
        width, height = (int(tags.get(tag, 0)) for tag in _TIFF_TILE)
    return width, height


def _is_white_zero(picture: Image.Image) -> bool:
    with translate_decoder_errors("image"):
        return bool(getattr(picture, "tag_v2", {}).get(_TIFF_PHOTOMETRIC) == 0)


def _grey_pixels(picture: Image.Image) -> tuple[Pixels, tuple[str, ...]]:
    """(grey pixels `[H, W]` at the original bit depth, warnings); the warning is about lost colour."""
    with translate_decoder_errors("image"):
        decoded = _grey_or_rgb(_apply_orientation(picture))
        samples = None if decoded.mode == "RGB" else np.asarray(decoded)
    if samples is None:
        return greyscale.to_grey(decoded)
    return (samples if decoded.mode == "L" else to_uint16(samples)), ()


def _grey_or_rgb(picture: Image.Image) -> Image.Image:
    """The image in mode "L", "I", "F" or one of the modes "I;16" if it is grey, else in mode "RGB"."""
    if picture.mode.startswith("I;16") or picture.mode in {"I", "F"}:
        return picture
    if picture.has_transparency_data:
        return _composite_on_black(picture)
    if picture.mode in {"1", "L"}:
        # An "L" image is used as it is: `convert` would copy it even though the mode does not change.
        return picture if picture.mode == "L" else picture.convert("L")
    return picture.convert("RGB")


def _apply_orientation(picture: Image.Image) -> Image.Image:
    """Apply the EXIF orientation. An upright image is returned without a copy, since a copy may be large.

    `PIL.ImageOps.exif_transpose` would also read and write the EXIF tags that are not needed, without a limit.
    """
    picture.load()
    method = _TRANSPOSE.get(image_files.read_exif(picture).get(_ORIENTATION, 1))
    return picture if method is None else picture.transpose(method)


def _composite_on_black(picture: Image.Image) -> Image.Image:
    """Composite on black, so that a transparent border does not become a white frame; returns RGB."""
    opaque = Image.new("RGB", picture.size)
    for rows in row_slices(picture.height, picture.width):
        strip = picture.crop((0, rows.start, picture.width, rows.stop)).convert("RGBA")
        opaque.paste(Image.alpha_composite(Image.new("RGBA", strip.size, "black"), strip), (0, rows.start))
    return opaque
