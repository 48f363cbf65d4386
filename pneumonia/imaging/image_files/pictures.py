"""PIL image -> `Radiograph`: first frame, EXIF orientation applied, greyscale, original bit depth."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ...errors import PneumoniaError, TooLarge
from ...messages import message
from .. import greyscale
from ..byte_order import correct_byte_order
from ..decode_limits import MAX_TIFF_FRAMES
from ..decoding import check_pixel_count, translate_decoder_errors
from ..intensity import full_scale, to_uint16
from ..radiograph import Pixels, Radiograph
from . import orientation
from .orientation import Orientation

_TIFF_PHOTOMETRIC = 262
_TIFF_TILE = (322, 323)
"""Tags for the width and height of a tile. libtiff allocates a whole tile even if the image is smaller."""


def from_pil_image(picture: Image.Image, file_format: str) -> Radiograph:
    """Convert the first frame of an opened image; `file_format` becomes the `format` of the `Radiograph`.

    Raises `TooLarge` or `UnreadableImage`, and `MemoryError` if the image does not fit into memory.
    """
    check_pixel_count(*picture.size)
    warnings = first_frame_warnings(_count_frames(picture))
    check_pixel_count(*_tile_size(picture))
    is_white_zero = _is_white_zero(picture)
    with translate_decoder_errors():
        if warnings:
            picture.seek(0)
        picture.load()
    pixels, colour_warnings = grey_pixels(picture)
    if pixels.dtype == np.uint16 and is_white_zero:
        # Pillow inverts a TIFF with photometric interpretation 0 (WhiteIsZero) at 8 bits, but not at 16 bits.
        pixels = np.uint16(full_scale(pixels)) - pixels
    film_orientation = _orientation(picture)
    return Radiograph(
        film_orientation.apply(pixels), file_format, (*warnings, *film_orientation.warnings, *colour_warnings)
    )


def first_frame_warnings(frames: int) -> tuple[str, ...]:
    """The warning for a file with several images."""
    return (message("The file contains {count} images; only the first was used.", count=frames),) if frames > 1 else ()


def grey_pixels(picture: Image.Image) -> tuple[Pixels, tuple[str, ...]]:
    """(grey pixels `[H, W]` at the original bit depth, warnings); the warning is about lost colour."""
    with translate_decoder_errors():
        decoded = _grey_or_rgb(picture)
        samples = None if decoded.mode == "RGB" else np.asarray(decoded)
    if samples is None:
        return greyscale.to_grey(decoded)
    return (samples if decoded.mode == "L" else to_uint16(correct_byte_order(samples))), ()


def _count_frames(picture: Image.Image) -> int:
    """Number of images in the file; raises `TooLarge` for a TIFF with more than `MAX_TIFF_FRAMES`.

    The images of a TIFF are not indexed, so they are counted one by one.
    """
    with translate_decoder_errors():
        if picture.format != "TIFF":
            return int(getattr(picture, "n_frames", 1))
        for index in range(1, MAX_TIFF_FRAMES + 1):
            try:
                picture.seek(index)
            except EOFError:
                return index
    raise TooLarge(
        message("The TIFF contains too many images. Allowed: {max_tiff_frames:,}.", max_tiff_frames=MAX_TIFF_FRAMES)
    )


def _tile_size(picture: Image.Image) -> tuple[int, int]:
    """(width, height) of a tile of a TIFF; zeros for an image without tiles."""
    with translate_decoder_errors():
        tags = getattr(picture, "tag_v2", {})
        width, height = (int(tags.get(tag, 0)) for tag in _TIFF_TILE)
    return width, height


def _is_white_zero(picture: Image.Image) -> bool:
    with translate_decoder_errors():
        return bool(getattr(picture, "tag_v2", {}).get(_TIFF_PHOTOMETRIC) == 0)


def _grey_or_rgb(picture: Image.Image) -> Image.Image:
    """The image in mode "L", "I", "F" or one of the modes "I;16" if it is grey, else in mode "RGB"."""
    if picture.mode.startswith("I;16") or picture.mode in {"I", "F"}:
        return picture
    if picture.mode == "La":  # premultiplied; Pillow converts it to "LA" only
        picture = picture.convert("LA")
    if picture.has_transparency_data:
        return greyscale.flatten(picture)
    if picture.mode in {"L", "RGB"}:
        return picture  # `convert` would copy it even though the mode does not change
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _orientation(picture: Image.Image) -> Orientation:
    """The rotation that the EXIF or XMP metadata of an image declare, or the tags of a TIFF."""
    exif = picture.info.get("exif")
    if isinstance(exif, bytes) and exif:
        xmp = picture.info.get("xmp")
        return orientation.from_metadata(exif, xmp if isinstance(xmp, bytes) else None)
    try:
        return orientation.from_value(int(picture.getexif().get(orientation.ORIENTATION_TAG, 1)))
    except (PneumoniaError, MemoryError):
        raise
    except Exception:  # Pillow raises many types for damaged tags
        return Orientation(1, (orientation.DAMAGED_WARNING,))
